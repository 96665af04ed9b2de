//! The subcommands, one file each: `Arguments` and `run`.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod serve;
