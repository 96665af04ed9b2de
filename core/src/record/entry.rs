//! One call of a core, owned, with what the core answered.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::ids::{ConnId, SourceId, Ticket};
use crate::server::{Command, FetchOutcome, Input};
use crate::session::Lost;
use crate::time::Instant;

/// One step of a core.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The time it was called with: nanoseconds since the adapter's origin.
    pub t: Instant,
    /// The call.
    #[serde(flatten)]
    pub call: Call,
    /// What followed: an [`action`](super::action) a line, or the bytes [`sent`](super::sent).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub out: Vec<String>,
}

/// What a core was called with: an [`Input`], or
/// [`poll_transmit`](crate::server::RouteServer::poll_transmit), which changes it as well.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of Input")]
pub enum Call {
    /// [`Input::Timeout`].
    Timeout,
    /// [`Input::Connected`].
    Connected { conn: ConnId, local: SocketAddr, remote: SocketAddr },
    /// [`Input::Received`].
    Received {
        conn: ConnId,
        #[serde(rename = "hex", with = "crate::coding::hex")]
        bytes: Vec<u8>,
    },
    /// [`Input::Sent`].
    Sent { conn: ConnId },
    /// [`Input::Disconnected`].
    Disconnected { conn: ConnId, lost: Lost },
    /// [`Command::Reload`].
    Reload {
        ticket: Ticket,
        #[serde(default)]
        unix_secs: u64,
        config: Box<Config>,
    },
    /// [`Command::Shutdown`].
    Shutdown {
        ticket: Ticket,
        #[serde(default)]
        unix_secs: u64,
        text: String,
    },
    /// [`Input::Command`] with any other command.
    Command { ticket: Ticket, unix_secs: u64, command: Box<Command> },
    /// [`Input::Fetched`].
    Fetched { source: SourceId, unix_secs: u64, outcome: FetchOutcome },
    /// [`Input::Stored`].
    Stored {
        ticket: Ticket,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// [`RouteServer::poll_transmit`](crate::server::RouteServer::poll_transmit).
    Transmit { conn: ConnId },
}

impl Call {
    /// The input as a [`RouteServer`](crate::server::RouteServer) takes it; `None` for [`Call::Transmit`], which is
    /// none.
    pub fn input(&self) -> Option<Input<'_>> {
        Some(match self {
            Self::Timeout => Input::Timeout,
            &Self::Connected { conn, local, remote } => Input::Connected { conn, local, remote },
            Self::Received { conn, bytes } => Input::Received { conn: *conn, bytes },
            &Self::Sent { conn } => Input::Sent { conn },
            Self::Disconnected { conn, lost } => Input::Disconnected { conn: *conn, lost: lost.clone() },
            Self::Reload { ticket, unix_secs, config } => {
                let command = Command::Reload(config.clone());
                Input::Command { ticket: *ticket, unix_secs: *unix_secs, command }
            }
            Self::Shutdown { ticket, unix_secs, text } => {
                let command = Command::Shutdown { text: text.clone() };
                Input::Command { ticket: *ticket, unix_secs: *unix_secs, command }
            }
            Self::Command { ticket, unix_secs, command } => {
                let command = Command::clone(command);
                Input::Command { ticket: *ticket, unix_secs: *unix_secs, command }
            }
            Self::Fetched { source, unix_secs, outcome } => {
                Input::Fetched { source: *source, unix_secs: *unix_secs, outcome: outcome.clone() }
            }
            Self::Stored { ticket, error } => {
                Input::Stored { ticket: *ticket, result: error.clone().map_or(Ok(()), Err) }
            }
            Self::Transmit { .. } => return None,
        })
    }

    /// The connection that it is about.
    pub const fn conn(&self) -> Option<ConnId> {
        match self {
            Self::Connected { conn, .. }
            | Self::Received { conn, .. }
            | Self::Sent { conn }
            | Self::Disconnected { conn, .. }
            | Self::Transmit { conn } => Some(*conn),
            Self::Timeout
            | Self::Reload { .. }
            | Self::Shutdown { .. }
            | Self::Command { .. }
            | Self::Fetched { .. }
            | Self::Stored { .. } => None,
        }
    }
}

impl From<&Input<'_>> for Call {
    /// A copy; bodies are shared.
    fn from(input: &Input<'_>) -> Self {
        match input {
            Input::Timeout => Self::Timeout,
            &Input::Connected { conn, local, remote } => Self::Connected { conn, local, remote },
            Input::Received { conn, bytes } => Self::Received { conn: *conn, bytes: bytes.to_vec() },
            &Input::Sent { conn } => Self::Sent { conn },
            Input::Disconnected { conn, lost } => Self::Disconnected { conn: *conn, lost: lost.clone() },
            Input::Command { ticket, unix_secs, command } => {
                let (ticket, unix_secs) = (*ticket, *unix_secs);
                match command {
                    Command::Reload(config) => Self::Reload { ticket, unix_secs, config: config.clone() },
                    Command::Shutdown { text } => Self::Shutdown { ticket, unix_secs, text: text.clone() },
                    command => Self::Command { ticket, unix_secs, command: Box::new(command.clone()) },
                }
            }
            Input::Fetched { source, unix_secs, outcome } => {
                Self::Fetched { source: *source, unix_secs: *unix_secs, outcome: outcome.clone() }
            }
            Input::Stored { ticket, result } => Self::Stored { ticket: *ticket, error: result.clone().err() },
        }
    }
}
