//! Peers as people register them, and as the store keeps them.

use alloc::boxed::Box;
use alloc::string::String;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::config::{AddressMatch, AsnMatch, Families, NextHop, PeerConfig, Subscription};
use crate::ids::PeerId;

/// What somebody asks for who registers a peer. Everything that a [`PeerConfig`] has; what is not said has its
/// default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerSpec {
    /// Its name in logs; without one it is called after its id.
    #[serde(default)]
    pub name: Option<String>,
    /// For people, at most 256 octets.
    #[serde(default)]
    pub description: String,
    /// From where it may connect.
    pub address: AddressMatch,
    /// The ASN its OPEN must show.
    pub asn: AsnMatch,
    /// The endpoint of ours that it must connect to; `None` is any.
    #[serde(default)]
    pub listen: Option<SocketAddr>,
    /// What it gets.
    #[serde(default)]
    pub subscription: Subscription,
    /// Next hop of its IPv4 routes; `None` takes the server's.
    #[serde(default)]
    pub next_hop: Option<NextHop<Ipv4Addr>>,
    /// Next hop of its IPv6 routes; `None` takes the server's.
    #[serde(default)]
    pub next_hop_v6: Option<NextHop<Ipv6Addr>>,
    /// The families it may have.
    #[serde(default = "both")]
    pub families: Families,
}

const fn both() -> Families {
    Families::BOTH
}

impl PeerSpec {
    /// A peer that asks for nothing yet.
    pub fn new(address: AddressMatch, asn: AsnMatch) -> Self {
        Self {
            name: None,
            description: String::new(),
            address,
            asn,
            listen: None,
            subscription: Subscription::default(),
            next_hop: None,
            next_hop_v6: None,
            families: Families::BOTH,
        }
    }
}

/// Whether a registered peer is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerState {
    /// It is.
    Approved,
    /// Not before an operator approves it.
    Pending,
    /// It was removed, and is turned away until it is registered again: it must not come back as an unknown peer.
    Removed,
}

/// A registered peer, as the store keeps it over restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerRecord {
    /// Its id, for ever.
    pub id: PeerId,
    /// Counts its changes, from 1.
    pub revision: u64,
    /// Whether it is let in.
    pub state: PeerState,
    /// When it was registered, in seconds since the Unix epoch.
    pub created_unix_secs: u64,
    /// When it was last changed.
    pub changed_unix_secs: u64,
    /// For people.
    pub description: String,
    /// The rest.
    pub peer: PeerConfig,
}

/// One change of the peers in a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerChange {
    /// Keep this, in the place of what has the same id.
    Put(Box<PeerRecord>),
    /// Forget it.
    Forget(PeerId),
}
