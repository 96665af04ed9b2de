//! The core in virtual time: the real [`RouteServer`](bgplite_core::server::RouteServer), the real
//! [`Session`](bgplite_core::session::Session) in client role, and all that lies between.
//!
//! | module | is |
//! |---|---|
//! | `lab`, `client` | a server, clients and pipes that a behaviour test moves by hand |
//!
//! Nothing here reads a clock: the same calls give the same bytes.

mod client;
pub mod coverage;
mod lab;
pub mod model;

pub use client::{Client, ClientConfig, Route};
pub use lab::Lab;
