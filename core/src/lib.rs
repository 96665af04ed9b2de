//! The pure core of BGPLite, a BGP-4 feed server.
//!
//! Facts go in through `handle_*`, effects come out through `poll_*`, and nothing here performs IO, reads
//! a clock or starts a thread: the crate is `no_std`, so any of these would not compile. An adapter owns the
//! sockets, the one timer, the store and the sources, and feeds the core.
//!
//! | module | decides |
//! |---|---|
//! | [`wire`] | what bytes mean, and which NOTIFICATION a malformed message earns |
//! | [`session`] | one connection's BGP: states, timers, negotiation, what to say and when to hang up |
//! | [`feed`] | how bodies become sorted prefix sets and versioned feeds |
//! | [`rib`] | what a peer should have, what it was told, and the shared bytes that bring one to the other |
//! | [`record`] | what a log of all inputs looks like, and whether a core still answers them the same |
//! | [`server`] | who a connection belongs to, which feeds it gets, and every action an adapter performs |
//! | [`coverage`] | nothing: it notes which of these decisions a run took, where a feature asks for that |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod coding;
pub mod config;
pub mod coverage;
pub mod feed;
pub mod ids;
pub mod record;
pub mod rib;
pub mod rng;
pub mod server;
pub mod session;
pub mod time;
mod timers;
pub mod wire;
