//! Counters and a look at the sessions. Status is computed from what is, never written down beside it.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::conn::Conn;
use crate::ids::{Asn, ConnId};
use crate::rib::{Group, ImageStats};
use crate::server::{RouteServer, Timer};
use crate::session::State;
use crate::time::Instant;

/// Counts since the server was made, and how many things there are now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Connections accepted.
    pub connections: u64,
    /// Connections refused by a cap, a quota or a policy.
    pub refused: u64,
    /// Sessions Established now.
    pub established: usize,
    /// Sessions that became Established.
    pub sessions: u64,
    /// UPDATEs that peers sent us.
    pub updates_received: u64,
    /// Attribute faults in them (RFC 7606).
    pub attribute_faults: u64,
    /// Batches handed to writers.
    pub batches: u64,
    /// Bytes in them.
    pub bytes_sent: u64,
    /// Bytes that connections brought.
    pub bytes_received: u64,
    /// Inputs that named something gone.
    pub stale_inputs: u64,
}

/// One connection as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The connection.
    pub conn: ConnId,
    /// The peer's name, or its address where it has none.
    pub peer: String,
    /// The far end.
    pub remote: SocketAddr,
    /// Its ASN, once its OPEN has come.
    pub asn: Option<Asn>,
    /// Where its session stands.
    pub state: State,
    /// IPv4 and IPv6 prefixes that it has been told in full.
    pub told: (usize, usize),
    /// IPv4 and IPv6 prefixes that it should have.
    pub wanted: (usize, usize),
    /// Its addresses, and ours as it sees them, that are split out of these.
    pub split_out: Vec<IpAddr>,
    /// How many prefixes there are for it, if these are more than it takes.
    pub over_limit: Option<usize>,
    /// Whether it has been told all that it should have.
    pub is_in_sync: bool,
}

impl RouteServer {
    /// The counters.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// What the encoded UPDATEs cost.
    pub const fn image_stats(&self) -> ImageStats {
        self.images.stats()
    }

    /// Octets received on a connection that do not make a message yet.
    pub fn buffered(&self, conn: ConnId) -> usize {
        self.conns.get(&conn).map_or(0, |conn| conn.session.buffered())
    }

    /// Every timer that runs for a connection: a look, for whoever checks the server.
    pub fn timers(&self, conn: ConnId) -> impl Iterator<Item = (Instant, Timer)> {
        let conn = self.conns.get(&conn);
        let session = conn.into_iter().flat_map(|conn| conn.session.timers());
        let linger = conn.and_then(|conn| conn.linger).map(|at| (at, Timer::Linger));
        let expiry = conn.and_then(Conn::expires).map(|at| (at, Timer::Expiry));
        session.map(|(at, timer)| (at, Timer::Session(timer))).chain(linger).chain(expiry)
    }

    /// Every connection as it stands.
    pub fn peers(&self) -> impl Iterator<Item = PeerStatus> {
        self.conns.iter().map(|(&id, conn)| {
            let outbound = conn.outbound.as_ref();
            let group = outbound.and_then(|outbound| self.groups.find(outbound.group));
            PeerStatus {
                conn: id,
                peer: conn.label(),
                remote: conn.remote,
                asn: conn.session.negotiated().map(|negotiated| negotiated.asn),
                state: conn.session.state(),
                told: outbound
                    .map_or((0, 0), |outbound| (outbound.told().count_v4(), outbound.told().count_v6())),
                wanted: group
                    .map_or((0, 0), |group| (group.current().count_v4(), group.current().count_v6())),
                split_out: group.map_or_else(Vec::new, |group| group.key().shape.holes.clone()),
                over_limit: group.and_then(Group::over_limit),
                is_in_sync: outbound.zip(group).is_some_and(|(outbound, group)| outbound.is_in_sync(group)),
            }
        })
    }
}
