//! One connection's BGP (RFC 4271 section 8), from TCP up to closed.
//!
//! A [`Session`] takes the bytes of one TCP connection and the passing of time, and says what happened
//! ([`Event`]) and what to send ([`Session::poll_control`]). It serves both ends: the route server's peers and,
//! in tests and demonstrations, their clients. It knows nothing of peers, feeds or other connections: who may
//! connect, collisions (RFC 4271 6.8) and routes are its owner's business.

mod config;
mod control;
mod fsm;
mod inbound;
mod negotiate;
mod reason;

pub use config::SessionConfig;
pub use fsm::{Event, Sending, Session, State, Timer};
pub use negotiate::Negotiated;
pub use reason::{DownReason, Lost};

#[cfg(test)]
mod tests;
