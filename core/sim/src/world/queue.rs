//! What is to happen, in the order of virtual time; at equal times in the order in which it was decided.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use bgplite_core::ids::{ConnId, SourceId};
use bgplite_core::time::Instant;

/// One thing to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The incident of this index.
    Incident(usize),
    /// The server's deadline may have come.
    ServerTimer,
    /// A client's deadline on this connection may have come.
    ClientTimer(ConnId),
    /// Bytes arrive.
    Deliver(ConnId, Direction),
    /// A client is told that its connection is lost.
    ClientLost(ConnId),
    /// The server is told that a connection is lost.
    ServerLost(ConnId),
    /// A client connects.
    Dial(usize),
    /// The answer to a fetch of the server's life `epoch`.
    Fetched { epoch: u64, source: SourceId, place: String, etag: Option<String>, is_in_time: bool },
    /// The oldest write to the store of this life is done.
    Stored { epoch: u64 },
    /// A stranger says its next piece.
    Strange(ConnId),
    /// The server is started again.
    Start,
    /// The server wakes up.
    Wake,
    /// A look at everything.
    Audit,
    /// Faults stop.
    Heal,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

/// All that is to happen.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    order: BinaryHeap<Reverse<(Instant, u64)>>,
    events: BTreeMap<u64, Event>,
    next: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Instant, event: Event) {
        self.next += 1;
        self.order.push(Reverse((at, self.next)));
        self.events.insert(self.next, event);
    }

    pub(crate) fn pop(&mut self) -> Option<(Instant, Event)> {
        let Reverse((at, number)) = self.order.pop()?;
        Some((at, self.events.remove(&number)?))
    }
}
