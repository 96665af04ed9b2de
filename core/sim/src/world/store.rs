//! The store: slow, failing, and never forgetting what it acknowledged. That the server serves what it kept is
//! for the oracle to see, which starts from the same records.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use bgplite_core::ids::Ticket;
use bgplite_core::rng::Rng;
use bgplite_core::server::{Records, StoreWrite};
use bgplite_core::time::Instant;

use super::stock::Rows;

/// Versions of a feed, the newest first.
pub(crate) type Versions = Vec<(u64, Rc<Rows>)>;

/// Survives every crash of the server.
#[derive(Debug, Default)]
pub(crate) struct Store {
    durable: Records,
    /// Writes under way, oldest first.
    pending: VecDeque<(Ticket, StoreWrite, Versions)>,
    /// By feed, as the model knows them.
    versions: BTreeMap<String, Versions>,
    failed_at: Option<Instant>,
}

impl Store {
    pub(crate) fn write(&mut self, ticket: Ticket, write: StoreWrite, versions: Versions) {
        self.pending.push_back((ticket, write, versions));
    }

    /// The oldest write is done, or fails.
    pub(crate) fn finish(&mut self, now: Instant, fails: bool) -> Option<(Ticket, Result<(), String>)> {
        let (ticket, write, versions) = self.pending.pop_front()?;
        if fails {
            self.failed_at = Some(now);
            return Some((ticket, Err("no space left on device".into())));
        }
        self.keep(write, versions);
        Some((ticket, Ok(())))
    }

    /// What is not flushed may or may not be there afterwards.
    pub(crate) fn crash(&mut self, rng: &mut Rng) {
        let written = rng.below(self.pending.len() as u64 + 1) as usize;
        let lost: Vec<_> = self.pending.drain(..).take(written).collect();
        for (_, write, versions) in lost {
            self.keep(write, versions);
        }
    }

    fn keep(&mut self, write: StoreWrite, versions: Versions) {
        if let StoreWrite::Feed(record) = &write {
            self.versions.insert(record.name.clone(), versions);
        }
        self.durable.apply(write);
    }

    pub(crate) const fn versions(&self) -> &BTreeMap<String, Versions> {
        &self.versions
    }

    /// When a write last failed.
    pub(crate) const fn failed_at(&self) -> Option<Instant> {
        self.failed_at
    }

    pub(crate) const fn records(&self) -> &Records {
        &self.durable
    }
}
