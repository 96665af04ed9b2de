//! The effects an adapter performs.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::feed::{FeedRecord, FetchRequest, SourceRecord};
use crate::ids::{ConnId, SourceId, Ticket};
use crate::server::{Notice, PeerChange, PeerRecord, Reply};

/// One effect. The adapter performs it and decides nothing.
#[derive(Clone, Debug)]
pub enum Action {
    /// There are bytes for this connection: call [`poll_transmit`](super::RouteServer::poll_transmit), write
    /// the batch, and repeat until it returns `false`. Not sent again while the adapter is at it.
    Transmit {
        /// The connection.
        conn: ConnId,
    },
    /// Close this connection, then report [`Input::Disconnected`](super::Input::Disconnected).
    Close {
        /// The connection.
        conn: ConnId,
        /// `true`: first write what `poll_transmit` still gives, shut down the sending side, and read until
        /// the peer closes, so that no reset overtakes the NOTIFICATION. `false`: at once, whatever is left.
        flush: bool,
    },
    /// Get a body and report [`Input::Fetched`](super::Input::Fetched).
    Fetch {
        /// The source.
        source: SourceId,
        /// What to get.
        request: FetchRequest,
    },
    /// Write to the store and report [`Input::Stored`](super::Input::Stored) when it is durable.
    Store {
        /// Names the write.
        ticket: Ticket,
        /// What to write.
        write: StoreWrite,
    },
    /// Listen at these endpoints besides those of the configuration, and at no other that this named before. One
    /// that cannot be listened at is for the operator to know; the others are not held up by it.
    Listen {
        /// Those of registered peers that have one of their own: ascending, each once.
        endpoints: Vec<SocketAddr>,
    },
    /// Answer the command with this ticket.
    Reply {
        /// Names the command.
        ticket: Ticket,
        /// The answer.
        reply: Reply,
    },
    /// Something people should know.
    Notice(Notice),
    /// The server cannot start as configured: say this sentence and end with exit code 2.
    Fail {
        /// One sentence that names the thing and the remedy.
        reason: String,
    },
}

/// What to write to the store. Each write is durable as a whole, or not at all.
#[derive(Clone, Debug)]
pub enum StoreWrite {
    /// Keep a source's body as its last good one.
    Source(SourceRecord),
    /// Keep a feed, its present version and the way back to earlier ones.
    Feed(FeedRecord),
    /// Change these peers.
    Peers(Vec<PeerChange>),
}

/// All that a store has kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Records {
    /// Sources, each once.
    pub sources: Vec<SourceRecord>,
    /// Feeds, each once.
    pub feeds: Vec<FeedRecord>,
    /// Registered peers, each id once.
    pub peers: Vec<PeerRecord>,
}

impl Records {
    /// What a store keeps after one more write.
    pub fn apply(&mut self, write: StoreWrite) {
        match write {
            StoreWrite::Source(record) => {
                replace(&mut self.sources, record, |one, other| one.name == other.name);
            }
            StoreWrite::Feed(record) => replace(&mut self.feeds, record, |one, other| one.name == other.name),
            StoreWrite::Peers(changes) => {
                for change in changes {
                    match change {
                        PeerChange::Put(record) => {
                            replace(&mut self.peers, *record, |one, other| one.id == other.id);
                        }
                        PeerChange::Forget(id) => self.peers.retain(|record| record.id != id),
                    }
                }
            }
        }
    }
}

fn replace<T>(records: &mut Vec<T>, record: T, is_same: impl Fn(&T, &T) -> bool) {
    match records.iter_mut().find(|known| is_same(known, &record)) {
        Some(known) => *known = record,
        None => records.push(record),
    }
}
