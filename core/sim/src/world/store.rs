//! The store: slow, failing, and never forgetting what it acknowledged. That the server serves what it kept is
//! for the oracle to see, which starts from the same records.

use std::collections::VecDeque;

use bgplite_core::ids::Ticket;
use bgplite_core::rng::Rng;
use bgplite_core::server::{Records, StoreWrite};

/// Survives every crash of the server.
#[derive(Debug, Default)]
pub(crate) struct Store {
    durable: Records,
    /// Writes under way, oldest first.
    pending: VecDeque<(Ticket, StoreWrite)>,
}

impl Store {
    pub(crate) fn write(&mut self, ticket: Ticket, write: StoreWrite) {
        self.pending.push_back((ticket, write));
    }

    /// The oldest write is done, or fails.
    pub(crate) fn finish(&mut self, fails: bool) -> Option<(Ticket, Result<(), String>)> {
        let (ticket, write) = self.pending.pop_front()?;
        if fails {
            return Some((ticket, Err("no space left on device".into())));
        }
        self.durable.apply(write);
        Some((ticket, Ok(())))
    }

    /// What is not flushed may or may not be there afterwards.
    pub(crate) fn crash(&mut self, rng: &mut Rng) {
        let written = rng.below(self.pending.len() as u64 + 1) as usize;
        let lost: Vec<_> = self.pending.drain(..).take(written).collect();
        for (_, write) in lost {
            self.durable.apply(write);
        }
    }

    pub(crate) const fn records(&self) -> &Records {
        &self.durable
    }
}
