//! The smol adapter: sockets, timer, store and sources around the core.
//!
//! Everything runs on one thread, in one executor that the caller owns. Files and the store are waited for on
//! other threads. Nothing here decides anything about BGP: facts go into the core, its actions are performed.

mod bell;
mod conn;
mod control;
mod daemon;
mod deadline;
mod listener;
mod server;
mod shell;

pub use daemon::{Stopped, serve};
pub use server::{Options, ReloadError, Server};
