//! What the runnable programs share: a daemon as a child process, the bytes of a client, and simulated scenarios as
//! files.

pub mod client;
pub mod crowd;
pub mod daemon;
pub mod scenario;
