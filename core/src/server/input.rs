//! The facts an adapter reports.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{PeerSpec, PeerState};
use crate::config::{Config, ConfigError, nearest};
use crate::feed::FetchOutcome;
use crate::ids::{ConnId, PeerId, Serial, SourceId, Ticket};
use crate::session::Lost;

/// One fact. Every input is legal in every state; one that names something gone is counted and ignored.
#[derive(Debug)]
pub enum Input<'a> {
    /// The deadline that [`poll_timeout`](super::RouteServer::poll_timeout) named may have passed.
    Timeout,
    /// A connection was accepted.
    Connected {
        /// A number never used before.
        conn: ConnId,
        /// Our end: the address the peer reached, and the listening port.
        local: SocketAddr,
        /// The peer's end.
        remote: SocketAddr,
    },
    /// Bytes arrived; as many or as few as the adapter read.
    Received {
        /// The connection.
        conn: ConnId,
        /// At least one byte.
        bytes: &'a [u8],
    },
    /// The socket took bytes of the batch that is out: progress, which restarts the send hold timer.
    Sent {
        /// The connection.
        conn: ConnId,
    },
    /// The connection is gone; the adapter has closed its socket and will name it no more.
    Disconnected {
        /// The connection.
        conn: ConnId,
        /// How it ended.
        lost: Lost,
    },
    /// Somebody asks for something; exactly one [`Action::Reply`](super::Action::Reply) with the ticket follows.
    Command {
        /// Chosen by the adapter.
        ticket: Ticket,
        /// Seconds since the Unix epoch, by the adapter's wall clock. Shown to people, never compared.
        unix_secs: u64,
        /// What is asked.
        command: Command,
    },
    /// The answer to one [`Action::Fetch`](super::Action::Fetch).
    Fetched {
        /// The source of the request.
        source: SourceId,
        /// Seconds since the Unix epoch, by the adapter's wall clock. Shown to people, never compared.
        unix_secs: u64,
        /// What came of it.
        outcome: FetchOutcome,
    },
    /// The answer to one [`Action::Store`](super::Action::Store).
    Stored {
        /// The ticket of the request.
        ticket: Ticket,
        /// Nothing, once durable; otherwise a sentence for the operator.
        result: Result<(), String>,
    },
}

/// What can be asked for. What changes peers is answered once the store has it, and not before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Take this configuration, as a difference to the present one. Files are read again.
    Reload(Box<Config>),
    /// End every session with Cease 6/2 (RFC 4486), carrying this text (RFC 9003), flush, and stop.
    Shutdown {
        /// What peers read, at most 255 octets.
        text: String,
    },
    /// Registers a peer, or replaces what the peer of the same endpoint, address and ASN has.
    PutPeer {
        /// The peer.
        spec: Box<PeerSpec>,
        /// Whether a new one is let in. One that is there keeps its state, unless it was removed.
        state: PeerState,
    },
    /// Replaces what a registered peer has.
    SetPeer {
        /// Which one.
        id: PeerId,
        /// The revision that the change was made from; another one is refused. `None` replaces any.
        revision: Option<u64>,
        /// The peer.
        spec: Box<PeerSpec>,
    },
    /// Ends a registered peer's session with Cease 6/3 and turns it away from now on.
    RemovePeer {
        /// Which one.
        id: PeerId,
    },
    /// Lets a peer in that waits for it.
    ApprovePeer {
        /// Which one.
        id: PeerId,
    },
    /// Sends a peer its whole view again.
    ResendPeer {
        /// Which one.
        id: PeerId,
    },
    /// Ends a peer's session with Cease 6/4; it may come back at once.
    ResetPeer {
        /// Which one.
        id: PeerId,
    },
    /// Asks a source now.
    RefreshSource {
        /// Its name.
        source: String,
    },
    /// Takes the body that the guard holds back.
    ApproveSource {
        /// Its name.
        source: String,
    },
    /// Drops the body that the guard holds back, and the same one when it comes again.
    RejectSource {
        /// Its name.
        source: String,
    },
    /// Goes back to an earlier version of a feed, as a new version. Changes of its sources wait until it is released.
    RollbackFeed {
        /// Its name.
        feed: String,
        /// The version.
        serial: Serial,
    },
    /// Lets a feed that was gone back follow its sources again.
    ReleaseFeed {
        /// Its name.
        feed: String,
    },
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The configuration is in force.
    Reloaded {
        /// Peers added, changed and removed.
        peers: [usize; 3],
        /// Sources asked for a new body.
        fetching: usize,
    },
    /// Every connection is closed and every write is answered: the adapter may end.
    ShutDown,
    /// The peer is as asked, and durably so.
    Peer {
        /// Its id.
        id: PeerId,
        /// Its revision now.
        revision: u64,
        /// Whether it was not there before.
        is_new: bool,
    },
    /// Done, or under way.
    Done,
    /// Nothing changed.
    Refused(CommandError),
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The configuration is not acceptable.
    Config(ConfigError),
    /// We are about to stop.
    ShuttingDown,
    /// A field is not acceptable.
    Field {
        /// Its path: `address`, `subscription.feeds[2]`.
        field: String,
        /// What is wrong with it and what would be right.
        problem: String,
    },
    /// There is no such thing.
    NotFound {
        /// What kind of thing: `peer`, `source`, `feed`, `version`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What was meant, perhaps.
        near: Option<String>,
    },
    /// It is not in the state for this, or another change came first. A sentence.
    Conflict(String),
    /// The store could not keep it. A sentence.
    Store(String),
    /// Too much is waiting already.
    Busy,
}

impl CommandError {
    /// There is no such thing, among these names.
    pub(super) fn not_found<'a>(
        kind: &'static str,
        name: impl Into<String>,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let name = name.into();
        let near = nearest(&name, known).map(Into::into);
        Self::NotFound { kind, name, near }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::ShuttingDown => f.write_str("the server is shutting down"),
            Self::Field { field, problem } => write!(f, "{field}: {problem}"),
            Self::NotFound { kind, name, near: None } => write!(f, "there is no {kind} {name:?}"),
            Self::NotFound { kind, name, near: Some(near) } => {
                write!(f, "there is no {kind} {name:?}; did you mean {near:?}?")
            }
            Self::Conflict(problem) => f.write_str(problem),
            Self::Store(error) => write!(f, "it could not be stored, and nothing has changed: {error}"),
            Self::Busy => f.write_str("too many changes are waiting already; try again in a moment"),
        }
    }
}

impl core::error::Error for CommandError {}
