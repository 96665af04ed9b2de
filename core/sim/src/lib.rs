//! The core in virtual time: the real [`RouteServer`](bgplite_core::server::RouteServer), the real
//! [`Session`](bgplite_core::session::Session) in client role, and all that lies between.
//!
//! | module | is |
//! |---|---|
//! | `lab`, `client` | a server, clients and pipes that a behaviour test moves by hand |
//! | `world` | a server, clients, a network, files and a store that move by themselves, from a seed |
//!
//! Nothing here reads a clock: the same calls give the same bytes.
//!
//! # What was found
//!
//! 100,000 seeds (`simulate --seeds 0..100000 --until 150 --every 3 --clients 6`) come through. On the way there the seeds found
//! four bugs of the core, each kept as a scenario in `testdata/sim` that fails without its fix: two sessions of one peer after
//! a reload (`doubled-by-reload`), routes said again although only the other family's next hop changed
//! (`next-hop-of-the-other-family`, `next-hop-of-an-unserved-family`), and withdrawals of what was never told
//! (`withdrawn-and-never-told`). The [`model`] checker found a fifth: a router that rebooted before it had confirmed our
//! OPEN was locked out until our keepalive timer.
//!
//! # Coverage of decisions
//!
//! [`coverage::report`] says which decisions of the core this process has taken: messages, errors and timers by state,
//! faults by attribute, errors that end a session, admission, collisions, reloads, sources, feeds, what peers are told
//! and what became of its images. The list is made of the core's own enums and tables. `tests/coverage` reaches every
//! one by a directed scenario, except those in [`coverage::EXCUSES`], each with the reason why nothing can; it fails on
//! any other, and on an excuse that was refuted. `simulate` prints what its seeds did not reach.
//!
#![doc = include_str!("../mutants/README.md")]

mod client;
pub mod coverage;
mod lab;
pub mod model;
mod world;

pub use client::{Client, ClientConfig, Route};
pub use lab::Lab;
pub use world::{
    Delivery, Expect, Failure, Fault, Incident, Outcome, Params, Scenario, UnknownName, What, run,
    run_timeline, shrink, timeline,
};
