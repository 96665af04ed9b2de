//! The flight recorder's format: every call that a core got, and what it answered, as JSON Lines.
//!
//! A core's answers follow from its configuration, what its store kept, its seed, and the calls it gets. So a log is a
//! [`Head`] (one line: how the core began, or a [`Snapshot`](crate::server::Snapshot) of it) and [`Entry`]s (one line
//! each: a call, its time, and the answers). A [`Player`] gives the calls to a core and says where its answers differ.
//! Nothing here reads or writes a file.
//!
//! ```json
//! {"record":1,"version":"0.1.0","step":0,"t":1200,"unix_secs":1785499200,"from":{"start":{"seed":7,"config":{},"records":[],"out":[]}}}
//! {"t":5000,"in":"connected","conn":1,"local":"127.0.0.1:1790","remote":"127.0.0.1:40000"}
//! {"t":6000,"in":"received","conn":1,"hex":"ffff…","out":["transmit 1"]}
//! {"t":6100,"in":"transmit","conn":1,"out":["62 octets 9f3a…"]}
//! ```
//!
//! **No secrets.** A log is made to be sent to others. [`Config`](crate::config::Config) is all of the operator's that
//! gets into one, and it has no secret. A key that is one (a password, a token) must not be a plain field of it: give it
//! a type whose `Serialize` writes nothing. A test of this module names every key that a configuration writes.
//! Addresses of peers and the lists are in the log.
//!
//! **Other versions.** A core that decides otherwise differs from an older log: that is what logs are for. One that
//! reads otherwise, because a type here or in the configuration changed its form, must give the new field a default, or
//! raise [`FORMAT`].

mod entry;
mod head;
mod output;
mod player;

pub use entry::{Call, Entry};
pub use head::{FORMAT, Head, Origin};
pub use output::{Digest, action, sent};
pub use player::{Difference, PlayError, Player};

#[cfg(test)]
mod tests;
