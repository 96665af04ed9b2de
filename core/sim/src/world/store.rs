//! The store: slow, failing, and never forgetting what it acknowledged. That the server serves what it kept is
//! for the oracle to see, which starts from the same records.

use std::collections::{BTreeMap, VecDeque};

use bgplite_core::ids::Ticket;
use bgplite_core::rng::Rng;
use bgplite_core::server::{SourceRecord, StoreWrite};

/// Survives every crash of the server.
#[derive(Debug, Default)]
pub(crate) struct Store {
    durable: BTreeMap<String, SourceRecord>,
    /// Writes under way, oldest first.
    pending: VecDeque<(Ticket, SourceRecord)>,
}

impl Store {
    pub(crate) fn write(&mut self, ticket: Ticket, write: StoreWrite) {
        let StoreWrite::Source(record) = write;
        self.pending.push_back((ticket, record));
    }

    /// The oldest write is done, or fails.
    pub(crate) fn finish(&mut self, fails: bool) -> Option<(Ticket, Result<(), String>)> {
        let (ticket, record) = self.pending.pop_front()?;
        if fails {
            return Some((ticket, Err("no space left on device".into())));
        }
        self.durable.insert(record.name.clone(), record);
        Some((ticket, Ok(())))
    }

    /// What is not flushed may or may not be there afterwards.
    pub(crate) fn crash(&mut self, rng: &mut Rng) {
        let written = rng.below(self.pending.len() as u64 + 1) as usize;
        let lost: Vec<_> = self.pending.drain(..).take(written).collect();
        self.durable.extend(lost.into_iter().map(|(_, record)| (record.name.clone(), record)));
    }

    pub(crate) const fn records(&self) -> &BTreeMap<String, SourceRecord> {
        &self.durable
    }
}
