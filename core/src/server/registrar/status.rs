//! A look at the peers: what is registered, and how their sessions stand.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Serialize;

use super::RouteServer;
use crate::config::{AddressMatch, AsnMatch, Families, NextHop, Subscription};
use crate::ids::{Asn, ConnId, PeerId};
use crate::rib::Group;
use crate::server::PeerState;
use crate::server::outbound::Outbound;
use crate::server::peer::{Entry, Origin};
use crate::session::State;

/// One peer as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerInfo {
    /// Its id.
    pub id: PeerId,
    /// Its name.
    pub name: String,
    /// Who says what it is.
    pub origin: PeerOrigin,
    /// Whether it is let in.
    pub state: PeerState,
    /// Whether a peer of the configuration with the same endpoint, address and ASN stands in its place.
    pub is_shadowed: bool,
    /// Counts its changes, from 1; 0 for one of the configuration.
    pub revision: u64,
    /// When it was registered, in seconds since the Unix epoch; `None` for one of the configuration.
    pub created_unix_secs: Option<u64>,
    /// When it was last changed.
    pub changed_unix_secs: Option<u64>,
    /// When a session of it last began or ended; `None` when there was none since we started.
    pub last_session_unix_secs: Option<u64>,
    /// From where it may connect.
    pub address: AddressMatch,
    /// The ASN its OPEN must show.
    pub asn: AsnMatch,
    /// The endpoint of ours that it must connect to.
    pub listen: Option<SocketAddr>,
    /// For people.
    pub description: String,
    /// What it asked for.
    pub subscription: Subscription,
    /// Next hop of its IPv4 routes; `None` takes the server's.
    pub next_hop: Option<NextHop<Ipv4Addr>>,
    /// Next hop of its IPv6 routes; `None` takes the server's.
    pub next_hop_v6: Option<NextHop<Ipv6Addr>>,
    /// The families it may have.
    pub families: Families,
    /// Its connections from their OPEN on, as they stand now.
    pub sessions: Vec<SessionInfo>,
}

/// Who says what a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerOrigin {
    /// The configuration file.
    File,
    /// Somebody who registered it.
    Registered,
}

/// One connection of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    /// The connection.
    pub conn: ConnId,
    /// The far end.
    pub remote: SocketAddr,
    /// Its ASN.
    pub asn: Option<Asn>,
    /// Where its session stands.
    pub state: State,
    /// IPv4 prefixes that it has been told in full.
    pub told_v4: usize,
    /// IPv6 prefixes that it has been told in full.
    pub told_v6: usize,
    /// IPv4 prefixes that it should have.
    pub desired_v4: usize,
    /// IPv6 prefixes that it should have.
    pub desired_v6: usize,
    /// Whether it has been told all that it should have.
    pub in_sync: bool,
}

impl RouteServer {
    /// Every peer of the configuration and every registered one, removed ones too, by id.
    pub fn registered(&self) -> impl Iterator<Item = PeerInfo> {
        self.registry.entries().map(|(id, entry)| self.peer_info(id, entry))
    }

    /// One of them.
    pub fn find_peer(&self, id: PeerId) -> Option<PeerInfo> {
        self.registry.entry(id).map(|entry| self.peer_info(id, entry))
    }

    fn peer_info(&self, id: PeerId, entry: &Entry) -> PeerInfo {
        let peer = entry.peer().clone();
        let record = match &entry.origin {
            Origin::Registered(record) => Some(record),
            Origin::File { .. } => None,
        };
        PeerInfo {
            id,
            name: peer.name,
            origin: if record.is_some() { PeerOrigin::Registered } else { PeerOrigin::File },
            state: entry.state(),
            is_shadowed: self.registry.is_shadowed(entry),
            revision: record.map_or(0, |record| record.revision),
            created_unix_secs: record.map(|record| record.created_unix_secs),
            changed_unix_secs: record.map(|record| record.changed_unix_secs),
            last_session_unix_secs: entry.last_session,
            address: peer.address,
            asn: peer.asn,
            listen: peer.listen,
            description: record.map(|record| record.description.clone()).unwrap_or_default(),
            subscription: peer.subscription,
            next_hop: peer.next_hop,
            next_hop_v6: peer.next_hop_v6,
            families: peer.families,
            sessions: self.conns_of(id).into_iter().filter_map(|conn| self.session_info(conn)).collect(),
        }
    }

    fn session_info(&self, id: ConnId) -> Option<SessionInfo> {
        let conn = self.conns.get(&id)?;
        let outbound = conn.outbound.as_ref();
        let group = outbound.and_then(|outbound| self.groups.find(outbound.group));
        let told = outbound.map(Outbound::told);
        let desired = group.map(Group::current);
        Some(SessionInfo {
            conn: id,
            remote: conn.remote,
            asn: conn.session.negotiated().map(|negotiated| negotiated.asn),
            state: conn.session.state(),
            told_v4: told.map_or(0, |view| view.count_v4()),
            told_v6: told.map_or(0, |view| view.count_v6()),
            desired_v4: desired.map_or(0, |view| view.count_v4()),
            desired_v6: desired.map_or(0, |view| view.count_v6()),
            in_sync: outbound.zip(group).is_some_and(|(outbound, group)| outbound.is_in_sync(group)),
        })
    }
}
