//! Who a connection belongs to: the registry of peers, found by (local endpoint, remote address, ASN).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::config::{AddressMatch, AsnMatch, Families, PeerConfig};
use crate::ids::{Asn, PeerId};
use crate::rib::AnyPrefix;
use crate::session::Negotiated;

/// The registered peers, indexed by address.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry {
    peers: BTreeMap<PeerId, PeerConfig>,
    ids: BTreeMap<String, PeerId>,
    /// Peers of exactly one address.
    by_address: BTreeMap<IpAddr, Vec<PeerId>>,
    /// Peers of a range of addresses, or of any.
    ranges: Vec<PeerId>,
    next: u64,
}

/// What a reload did to the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: usize,
    pub(super) changed: usize,
    pub(super) removed: usize,
}

/// Who the far end of a connection turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Peer {
    /// A registered one.
    Registered(PeerId),
    /// Nobody we know.
    Unknown,
}

/// What two connections share when they are the same peer's, so that only one of them may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Identity {
    peer: Peer,
    /// Tells the members of a range apart, and unknown peers; `None` for a peer of one address and ASN.
    member: Option<(IpAddr, Asn, Ipv4Addr)>,
}

/// Why no peer could be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPeer {
    /// No entry has this address and endpoint.
    Address,
    /// An entry has them, with another ASN.
    Asn,
}

impl Registry {
    /// Replaces all entries. A peer keeps its id as long as it keeps its name.
    pub(super) fn replace(&mut self, peers: &[PeerConfig]) -> Changes {
        let mut changes = Changes::default();
        let old = core::mem::take(&mut self.peers);
        let mut old_ids = core::mem::take(&mut self.ids);
        self.by_address.clear();
        self.ranges.clear();
        for peer in peers {
            let id = if let Some(id) = old_ids.remove(&peer.name) {
                changes.changed += usize::from(old.get(&id) != Some(peer));
                id
            } else {
                changes.added += 1;
                self.next += 1;
                PeerId(self.next)
            };
            match single_address(peer.address) {
                Some(address) => self.by_address.entry(address).or_default().push(id),
                None => self.ranges.push(id),
            }
            self.ids.insert(peer.name.clone(), id);
            self.peers.insert(id, peer.clone());
        }
        changes.removed = old_ids.len();
        changes
    }

    pub(super) fn find(&self, id: PeerId) -> Option<&PeerConfig> {
        self.peers.get(&id)
    }

    /// The families of all entries that may be meant, before the OPEN tells the ASN; `None` when none may.
    pub(super) fn families(&self, local: SocketAddr, remote: IpAddr) -> Option<Families> {
        self.candidates(local, remote).map(|(_, peer)| peer.families).reduce(Families::union)
    }

    /// The entry that fits best: its own endpoint before any, the longest prefix, its own ASN before any.
    pub(super) fn identify(&self, local: SocketAddr, remote: IpAddr, asn: Asn) -> Result<PeerId, NoPeer> {
        let mut candidates = self.candidates(local, remote).peekable();
        if candidates.peek().is_none() {
            return Err(NoPeer::Address);
        }
        candidates
            .filter(|(_, peer)| peer.asn.accepts(asn))
            .max_by_key(|(id, peer)| {
                let precision = peer.address.precision(remote);
                let is_own_asn = peer.asn != AsnMatch::Any;
                (peer.listen.is_some(), precision, is_own_asn, core::cmp::Reverse(*id))
            })
            .map(|(id, _)| id)
            .ok_or(NoPeer::Asn)
    }

    /// What `peer`'s connection from `remote` shares with its other ones.
    pub(super) fn identity(&self, peer: Peer, remote: IpAddr, negotiated: &Negotiated) -> Identity {
        let is_single = match peer {
            Peer::Registered(id) => self
                .find(id)
                .is_some_and(|peer| single_address(peer.address).is_some() && peer.asn != AsnMatch::Any),
            Peer::Unknown => false,
        };
        let member = (!is_single).then_some((remote, negotiated.asn, negotiated.router_id));
        Identity { peer, member }
    }

    fn candidates(&self, local: SocketAddr, remote: IpAddr) -> impl Iterator<Item = (PeerId, &PeerConfig)> {
        let exact = self.by_address.get(&remote).into_iter().flatten();
        exact.chain(&self.ranges).filter_map(move |&id| {
            let peer = self.peers.get(&id)?;
            let is_here = peer.listen.is_none_or(|listen| reaches(listen, local));
            (is_here && peer.address.precision(remote).is_some()).then_some((id, peer))
        })
    }
}

/// The registry as plain data. The entries are the configuration's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RegistrySnapshot {
    ids: BTreeMap<String, PeerId>,
    next: u64,
}

impl Registry {
    pub(super) fn snapshot(&self) -> RegistrySnapshot {
        RegistrySnapshot { ids: self.ids.clone(), next: self.next }
    }

    pub(super) fn restore(snapshot: RegistrySnapshot, peers: &[PeerConfig]) -> Self {
        let RegistrySnapshot { ids, next } = snapshot;
        let mut registry = Self { ids, next, ..Self::default() };
        registry.replace(peers);
        registry
    }
}

/// Whether a connection to `local` came in at the endpoint `listen`, which may be a wildcard of its family.
fn reaches(listen: SocketAddr, local: SocketAddr) -> bool {
    let is_same_address =
        listen.ip() == local.ip() || listen.ip().is_unspecified() && listen.is_ipv4() == local.is_ipv4();
    listen.port() == local.port() && is_same_address
}

fn single_address(address: AddressMatch) -> Option<IpAddr> {
    match address {
        AddressMatch::Prefix(AnyPrefix::V4(prefix)) if prefix.len() == 32 => {
            Some(Ipv4Addr::from_bits(prefix.bits()).into())
        }
        AddressMatch::Prefix(AnyPrefix::V6(prefix)) if prefix.len() == 128 => {
            Some(core::net::Ipv6Addr::from_bits(prefix.bits()).into())
        }
        AddressMatch::Prefix(_) | AddressMatch::Any => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str, address: &str, asn: AsnMatch, listen: Option<&str>) -> PeerConfig {
        let address = match address {
            "any" => AddressMatch::Any,
            prefix => AddressMatch::Prefix(prefix.parse().unwrap()),
        };
        let listen = listen.map(|listen| listen.parse().unwrap());
        PeerConfig { listen, ..PeerConfig::new(name, address, asn) }
    }

    fn found(registry: &Registry, local: &str, remote: &str, asn: u32) -> Result<String, NoPeer> {
        let local = local.parse().unwrap();
        let id = registry.identify(local, remote.parse().unwrap(), Asn(asn))?;
        Ok(registry.find(id).unwrap().name.clone())
    }

    #[test]
    fn the_most_exact_entry_wins() {
        let mut registry = Registry::default();
        registry.replace(&[
            peer("anyone", "any", AsnMatch::Any, None),
            peer("net", "192.0.2.0/24", AsnMatch::Any, None),
            peer("host", "192.0.2.7", AsnMatch::Any, None),
            peer("host-as", "192.0.2.7", AsnMatch::Is(Asn(65001)), None),
            peer("door", "any", AsnMatch::Any, Some("0.0.0.0:1801")),
        ]);
        let local = "203.0.113.1:179";
        assert_eq!(found(&registry, local, "198.51.100.1", 65001).as_deref(), Ok("anyone"));
        assert_eq!(found(&registry, local, "192.0.2.9", 65001).as_deref(), Ok("net"));
        assert_eq!(found(&registry, local, "192.0.2.7", 65002).as_deref(), Ok("host"));
        assert_eq!(found(&registry, local, "192.0.2.7", 65001).as_deref(), Ok("host-as"));
        assert_eq!(found(&registry, "203.0.113.1:1801", "192.0.2.7", 65001).as_deref(), Ok("door"));
        assert_eq!(found(&registry, "[2001:db8::1]:1801", "2001:db8::2", 65001).as_deref(), Ok("anyone"));
    }

    #[test]
    fn a_wrong_asn_is_told_apart_from_a_stranger() {
        let mut registry = Registry::default();
        registry.replace(&[peer("host", "192.0.2.7", AsnMatch::Is(Asn(65001)), None)]);
        let local = "203.0.113.1:179";
        assert_eq!(found(&registry, local, "192.0.2.7", 65002), Err(NoPeer::Asn));
        assert_eq!(found(&registry, local, "192.0.2.8", 65001), Err(NoPeer::Address));
    }

    #[test]
    fn a_peer_keeps_its_id_as_long_as_its_name() {
        let mut registry = Registry::default();
        let one = peer("one", "192.0.2.1", AsnMatch::Any, None);
        let two = peer("two", "192.0.2.2", AsnMatch::Any, None);
        assert_eq!(registry.replace(&[one.clone(), two]), Changes { added: 2, changed: 0, removed: 0 });
        let id = registry.ids["one"];
        let moved = PeerConfig { address: AddressMatch::Any, ..one };
        let changes = registry.replace(&[peer("three", "192.0.2.3", AsnMatch::Any, None), moved]);
        assert_eq!(changes, Changes { added: 1, changed: 1, removed: 1 });
        assert_eq!(registry.ids["one"], id);
    }
}
