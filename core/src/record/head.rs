//! How a log begins.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::server::{Records, RouteServer, Snapshot};
use crate::time::Instant;

/// The number of the format that this module writes and reads.
pub const FORMAT: u32 = 1;

/// The first line of a log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`].
    pub record: u32,
    /// The version of the core that wrote it, for people.
    pub version: String,
    /// How many steps were recorded before: 0 at the start.
    pub step: u64,
    /// When, by the core's clock.
    pub t: Instant,
    /// When, in seconds since the Unix epoch. For people.
    pub unix_secs: u64,
    /// What the first entry finds.
    pub from: Origin,
}

/// What the first entry of a log finds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A core that was made of this.
    Start {
        /// Seed of its random choices.
        seed: u64,
        /// Its configuration.
        config: Box<Config>,
        /// What its store had kept.
        records: Records,
        /// The actions it began with.
        out: Vec<String>,
    },
    /// A core as it stood.
    Snapshot(Box<Snapshot>),
}

impl Head {
    /// The head for a core that is made of these at `now`.
    pub fn start(config: Config, records: Records, seed: u64, now: Instant, unix_secs: u64) -> Self {
        let from = Origin::Start { seed, config: Box::new(config), records, out: Vec::new() };
        Self::new(0, now, unix_secs, from)
    }

    /// The head for a core that goes on after `step` steps. Its actions must have been polled.
    pub fn snapshot(core: &RouteServer, step: u64, now: Instant, unix_secs: u64) -> Self {
        Self::new(step, now, unix_secs, Origin::Snapshot(Box::new(core.snapshot())))
    }

    fn new(step: u64, t: Instant, unix_secs: u64, from: Origin) -> Self {
        Self { record: FORMAT, version: env!("CARGO_PKG_VERSION").into(), step, t, unix_secs, from }
    }
}
