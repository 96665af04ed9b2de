//! Gives a log's calls to a core and compares what it answers.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Call, Entry, FORMAT, Head, Origin, action, sent};
use crate::config::ConfigError;
use crate::server::{Batch, RouteServer, SnapshotError};
use crate::time::Instant;

/// A core that lives through a log again.
#[derive(Debug)]
pub struct Player {
    core: RouteServer,
    batch: Batch,
    step: u64,
    now: Instant,
}

/// A step whose answers are not those in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The step, counted from the start of the recording; 0 is the start itself.
    pub step: u64,
    /// What the log has.
    pub expected: Vec<String>,
    /// What the core answered.
    pub actual: Vec<String>,
}

/// Why a log cannot be played, or not on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayError {
    /// The log has another format.
    Format(u32),
    /// Its configuration is none that this core takes.
    Config(ConfigError),
    /// Its snapshot is no core's.
    Snapshot(SnapshotError),
    /// The core answers otherwise.
    Difference(Box<Difference>),
}

impl Player {
    /// The core that the log begins with, if it begins with the same actions.
    pub fn new(mut head: Head) -> Result<Self, PlayError> {
        let expected = match &mut head.from {
            Origin::Start { out, .. } => core::mem::take(out),
            Origin::Snapshot(_) => Vec::new(),
        };
        let (player, actual) = Self::begin(head)?;
        player.compare(&expected, actual)?;
        Ok(player)
    }

    /// The core that the log begins with, and the actions that it begins with now.
    pub fn begin(head: Head) -> Result<(Self, Vec<String>), PlayError> {
        if head.record != FORMAT {
            return Err(PlayError::Format(head.record));
        }
        let core = match head.from {
            Origin::Start { seed, config, records, .. } => {
                RouteServer::new(*config, &records, seed, head.t, head.unix_secs)
                    .map_err(PlayError::Config)?
            }
            Origin::Snapshot(snapshot) => RouteServer::restore(*snapshot).map_err(PlayError::Snapshot)?,
        };
        let mut player = Self { core, batch: Batch::new(), step: head.step, now: head.t };
        let actions = player.actions();
        Ok((player, actions))
    }

    /// Makes the core take one step, and says so when it answers otherwise than the log.
    pub fn play(&mut self, entry: &Entry) -> Result<(), PlayError> {
        let actual = self.answer(entry);
        self.compare(&entry.out, actual)
    }

    /// Makes the core take one step. Returns what it answers, whatever the log has.
    pub fn answer(&mut self, entry: &Entry) -> Vec<String> {
        self.step += 1;
        self.now = entry.t;
        if let Some(input) = entry.call.input() {
            self.core.handle(entry.t, input);
            return self.actions();
        }
        let Call::Transmit { conn } = entry.call else {
            return Vec::new();
        };
        self.core.poll_transmit(entry.t, conn, &mut self.batch);
        sent(self.batch.chunks()).into_iter().collect()
    }

    /// The core as it stands.
    pub const fn core(&self) -> &RouteServer {
        &self.core
    }

    /// The last step played, counted from the start of the recording.
    pub const fn step(&self) -> u64 {
        self.step
    }

    /// The time of that step.
    pub const fn now(&self) -> Instant {
        self.now
    }

    fn actions(&mut self) -> Vec<String> {
        core::iter::from_fn(|| self.core.poll_action()).map(|done| action(&done)).collect()
    }

    fn compare(&self, expected: &[String], actual: Vec<String>) -> Result<(), PlayError> {
        if expected == actual {
            return Ok(());
        }
        let difference = Difference { step: self.step, expected: expected.to_vec(), actual };
        Err(PlayError::Difference(Box::new(difference)))
    }
}

impl fmt::Display for PlayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(format) => {
                write!(f, "the log has format {format}, and this program knows format {FORMAT} only")
            }
            Self::Config(error) => write!(f, "the log's configuration is not acceptable: {error}"),
            Self::Snapshot(error) => error.fmt(f),
            Self::Difference(difference) => difference.fmt(f),
        }
    }
}

impl core::error::Error for PlayError {}

/// The answers one a line: `=` in both, `-` in the log only, `+` now only.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: the core answers otherwise (- as recorded, + now)", self.step)?;
        let same = self.expected.iter().zip(&self.actual).take_while(|(a, b)| a == b).count();
        for line in self.expected.iter().take(same) {
            write!(f, "\n  = {line}")?;
        }
        for line in self.expected.iter().skip(same) {
            write!(f, "\n  - {line}")?;
        }
        for line in self.actual.iter().skip(same) {
            write!(f, "\n  + {line}")?;
        }
        Ok(())
    }
}
