//! The route server: every decision between a socket and a set of prefixes.

mod action;
mod batch;
mod input;
mod notice;

pub use action::{Action, FetchRequest, StoreWrite};
pub use batch::{Batch, Chunk};
pub use input::{Command, CommandError, FetchOutcome, Input, Reply, SourceRecord};
pub use notice::{Level, Notice};
