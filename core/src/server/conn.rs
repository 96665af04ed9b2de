//! One connection, from accept to gone.

use alloc::string::{String, ToString};
use core::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::outbound::Outbound;
use super::peer::{Identity, Peer};
use crate::session::{self, Session, State};
use crate::time::Instant;

/// What the server knows of a connection.
#[derive(Clone, Debug)]
pub(super) struct Conn {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) session: Session,
    /// Counted against the quotas of unknown peers.
    pub(super) is_unknown: bool,
    /// Who it is: from the OPEN on, and only while it is not closed.
    pub(super) owner: Option<Owner>,
    /// From Established on, and only while it is.
    pub(super) outbound: Option<Outbound>,
    /// The adapter was told that there are bytes, and has not yet come back empty-handed.
    pub(super) is_signalled: bool,
    /// When to stop waiting for the last bytes to be taken.
    pub(super) linger: Option<Instant>,
    /// Whether it ever was Established.
    pub(super) was_established: bool,
    /// When it must be Established, as long as nobody we know is at its address.
    pub(super) expiry: Option<Instant>,
}

/// Whose connection it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) peer: Peer,
    pub(super) identity: Identity,
    /// Its name, or its address where it has none.
    pub(super) label: String,
}

/// What a deadline of the server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A session's own.
    Session(session::Timer),
    /// A closing connection has not taken its last bytes.
    Linger,
    /// An unknown peer has not got as far as Established.
    Expiry,
    /// A source is to be asked.
    Source,
}

impl Conn {
    pub(super) fn new(local: SocketAddr, remote: SocketAddr, session: Session) -> Self {
        Self {
            local,
            remote,
            session,
            is_unknown: false,
            owner: None,
            outbound: None,
            is_signalled: false,
            linger: None,
            was_established: false,
            expiry: None,
        }
    }

    /// The address it comes from; an IPv4 one also where a dual-stack socket reports it as IPv6.
    pub(super) fn address(&self) -> IpAddr {
        self.remote.ip().to_canonical()
    }

    /// What to call it in notices.
    pub(super) fn label(&self) -> String {
        self.owner.as_ref().map_or_else(|| self.address().to_string(), |owner| owner.label.clone())
    }

    pub(super) fn next_timer(&self) -> Option<(Instant, Timer)> {
        let session = self.session.poll_timeout().map(|(at, timer)| (at, Timer::Session(timer)));
        let linger = self.linger.map(|at| (at, Timer::Linger));
        let expiry = self.expires().map(|at| (at, Timer::Expiry));
        session.into_iter().chain(linger).chain(expiry).min()
    }

    /// When it has been unknown and not Established for too long.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.expiry.filter(|_| !matches!(self.session.state(), State::Established | State::Closed))
    }
}
