//! The deterministic world around the core: one route server, its clients, a virtual clock, and pipes between
//! them that a test can hold shut.
//!
//! The server is the real [`RouteServer`](bgplite_core::server::RouteServer), the clients are the real
//! [`Session`](bgplite_core::session::Session) with a naive table. Nothing here reads a clock: the same calls give
//! the same bytes.

mod client;
mod world;

pub use client::{Client, ClientConfig, Route};
pub use world::World;
