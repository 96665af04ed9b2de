//! The facts an adapter reports.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::net::SocketAddr;

use crate::config::{Config, ConfigError};
use crate::feed::FetchOutcome;
use crate::ids::{ConnId, SourceId, Ticket};
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

/// What the operator can ask for.
#[derive(Debug)]
pub enum Command {
    /// Take this configuration, as a difference to the present one. Files are read again.
    Reload(Box<Config>),
    /// End every session with Cease 6/2 (RFC 4486), carrying this text (RFC 9003), flush, and stop.
    Shutdown {
        /// What peers read, at most 255 octets.
        text: String,
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
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::ShuttingDown => f.write_str("the server is shutting down"),
        }
    }
}

impl core::error::Error for CommandError {}
