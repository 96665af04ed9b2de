//! What the runnable programs share: a daemon as a child process, and the bytes of a client.

pub mod client;
pub mod daemon;
