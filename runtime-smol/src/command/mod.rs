//! The subcommands, one file each: `Arguments` and `run`.

pub(crate) mod check;
pub(crate) mod serve;
