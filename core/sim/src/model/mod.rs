//! Bounded model checking of the real core: every order in which the first N events can happen.
//!
//! A simulation with a seed takes one path; this takes all of them, up to a depth. The subject is not a model of
//! the code but the code: two [`Session`](bgplite_core::session::Session)s facing each other ([`Pair`]), or one
//! [`RouteServer`](bgplite_core::server::RouteServer) with several connections of one peer ([`Collision`], RFC
//! 4271 6.8). At each state the explorer clones it once per event that can happen next, applies the event, holds
//! the [invariants](Violation), and asks whether things would come right from there if nothing more went wrong.
//!
//! | module | decides |
//! |---|---|
//! | `explore` | which state is next, what has been seen, and the shortest way to a violation |
//! | `canon` | which states are the same |
//! | `pipe` | one direction of a connection, and what may be said on it in which order |
//! | `endpoint` | a session with its socket |
//! | `pair` | two sessions |
//! | `collision` | a server and several connections of one peer |
//! | `violation` | what must hold |
//!
//! **Time** is one virtual clock. A timer's firing moves it to that deadline, or leaves it where it is when the
//! deadline has passed: any timer may be the next to fire, however late that makes the others. So a starved
//! adapter is explored too; what it leads to (a hold timer that expires) counts as a fault.
//!
//! **Budgets**: faults (a connection breaks, an end vanishes or closes, the operator stops the server or removes the
//! peer), timers and route refreshes are events like any other, but no more of them happen on one path than a
//! [`Budget`] says. For these multiply the states, and most of what can go wrong needs one or two of them at most.
//!
//! Explored to the end, without a violation, by `cargo run --release -p bgplite-examples --bin explore`:
//!
//! | options | states |
//! |---|---|
//! | `--mode sessions --depth 100 --timers 2` | 8,330, all there are |
//! | `--mode sessions --depth 100 --timers 2 --half` | 19,156, all there are |
//! | `--depth 100 --timers 0 --faults 0` | 9,961 and 4,317 (server's identifier lower, higher), all there are |
//! | `--depth 100 --timers 0 --faults 1` | 158,070 and 77,043, all there are |

mod canon;
mod collision;
mod endpoint;
mod explore;
mod pair;
mod pipe;
mod violation;

pub use collision::{Collision, CollisionEvent, LinkEvent, Rank};
pub use explore::{Budget, Found, Limits, Model, Outcome, Report, explore};
pub use pair::{End, Pair, PairEvent};
pub use pipe::Delivery;
pub use violation::Violation;
