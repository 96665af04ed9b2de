//! Why a session ended.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::wire::Notification;

/// Why a session, or a connection on its way to one, ended. A peer's misbehaviour is data, not an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DownReason {
    /// We ended it and told the peer so.
    Sent(Notification),
    /// The peer ended it and told us so.
    Received(Notification),
    /// The peer took no byte for the whole send hold time (RFC 9687), so it could not be told anything.
    SendHoldExpired,
    /// The connection was lost without a word of BGP.
    Lost(Lost),
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent(notification) => write!(f, "we sent {notification}"),
            Self::Received(notification) => write!(f, "peer sent {notification}"),
            Self::SendHoldExpired => f.write_str("peer stopped reading: send hold timer expired"),
            Self::Lost(lost) => lost.fmt(f),
        }
    }
}

/// How a connection ended, from the adapter's side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// The peer closed its side.
    Eof,
    /// We closed it, as an action asked.
    Closed,
    /// The operating system reported this.
    Error(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eof => f.write_str("peer closed the connection"),
            Self::Closed => f.write_str("we closed the connection"),
            Self::Error(error) => write!(f, "connection lost: {error}"),
        }
    }
}
