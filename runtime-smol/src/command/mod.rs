//! The subcommands, one file each: `Arguments` and `run`.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod feed;
pub(crate) mod peer;
mod remote;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod source;
pub(crate) mod store;
