//! Who a connection belongs to: the registry of peers, found by (local endpoint, remote address, ASN).

mod snapshot;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{PeerChange, PeerRecord, PeerState};
use crate::config::{AddressMatch, AsnMatch, Families, PeerConfig};
use crate::ids::{Asn, PeerId};
use crate::rib::AnyPrefix;
use crate::rng::Rng;
use crate::session::Negotiated;

pub(super) use snapshot::RegistrySnapshot;

/// The peers of the configuration and the registered ones, indexed by address and endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry {
    entries: BTreeMap<PeerId, Entry>,
    /// The configuration's, by name.
    file_ids: BTreeMap<String, PeerId>,
    /// The configuration's, by what they match; of two equal ones the first.
    file_keys: BTreeMap<Key, PeerId>,
    /// Registered and not removed, by name; without those that are called after their ids.
    names: BTreeMap<String, PeerId>,
    /// Registered with an endpoint of their own.
    doors: BTreeSet<(SocketAddr, PeerId)>,
    /// Peers of exactly one address.
    by_address: BTreeSet<(IpAddr, PeerId)>,
    /// Peers of a range of addresses, or of any, by their endpoint.
    ranges: BTreeMap<Option<SocketAddr>, Vec<PeerId>>,
    /// Removed ones, the longest removed first.
    removed: BTreeSet<(u64, PeerId)>,
}

/// One peer.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) origin: Origin,
    /// When a session of it last began or ended, in seconds since the Unix epoch, since the server was made.
    pub(super) last_session: Option<u64>,
}

/// Who says what a peer is.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// The configuration.
    File {
        peer: Box<PeerConfig>,
        /// Its place there, from 0.
        place: usize,
    },
    /// Somebody who registered it.
    Registered(Box<PeerRecord>),
}

/// What a peer matches: that of no two registered ones is equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    listen: Option<SocketAddr>,
    /// `None` is any.
    address: Option<AnyPrefix>,
    asn: AsnMatch,
}

/// What a reload did to the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: usize,
    pub(super) changed: usize,
    pub(super) removed: usize,
    /// Names of registered peers in whose place a configured one stands from now on.
    pub(super) shadowed: Vec<String>,
}

/// Who the far end of a connection turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Peer {
    /// A registered one, or one of the configuration.
    Registered(PeerId),
    /// Nobody we know.
    Unknown,
}

/// What two connections share when they are the same peer's, so that only one of them may live. Ordered by peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) peer: Peer,
    /// Tells the members of a range apart, and unknown peers; `None` for a peer of one address and ASN.
    member: Option<(IpAddr, Asn, Ipv4Addr)>,
}

/// Whom an address may lead to, before an OPEN tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prospect {
    /// A peer that is let in; the families of all that may be meant.
    Known(Families),
    /// Only peers that are turned away: those that wait for approval, and removed ones. With another ASN it is
    /// nobody we know.
    Dormant,
    /// Nobody we know.
    Unknown,
}

/// Why no peer could be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPeer {
    /// No entry has this address and endpoint.
    Address,
    /// An entry has them, with another ASN.
    Asn,
    /// The entry that fits best waits for approval, or was removed.
    Dormant,
}

impl Entry {
    pub(super) const fn peer(&self) -> &PeerConfig {
        match &self.origin {
            Origin::File { peer, .. } => peer,
            Origin::Registered(record) => &record.peer,
        }
    }

    pub(super) fn state(&self) -> PeerState {
        match &self.origin {
            Origin::File { .. } => PeerState::Approved,
            Origin::Registered(record) => record.state,
        }
    }
}

impl Key {
    pub(super) const fn of(peer: &PeerConfig) -> Self {
        let address = match peer.address {
            AddressMatch::Prefix(prefix) => Some(prefix),
            AddressMatch::Any => None,
        };
        Self { listen: peer.listen, address, asn: peer.asn }
    }
}

impl Registry {
    /// Takes what the store has kept.
    pub(super) fn load(&mut self, records: &[PeerRecord]) {
        for record in records {
            self.insert(Box::new(record.clone()), None);
        }
    }

    /// Replaces all entries of the configuration. A peer keeps its id as long as it keeps its name.
    pub(super) fn replace(&mut self, peers: &[PeerConfig]) -> Changes {
        let mut changes = Changes::default();
        let mut old_ids = core::mem::take(&mut self.file_ids);
        let old_keys = core::mem::take(&mut self.file_keys);
        let reserved: BTreeSet<PeerId> = old_ids.values().copied().collect();
        let mut old = BTreeMap::new();
        for &id in &reserved {
            old.extend(self.lift(id).map(|entry| (id, entry)));
        }
        for (place, peer) in peers.iter().enumerate() {
            let id = if let Some(id) = old_ids.remove(&peer.name) {
                changes.changed += usize::from(old.get(&id).map(Entry::peer) != Some(peer));
                id
            } else {
                changes.added += 1;
                self.file_id(&peer.name, &reserved)
            };
            let last_session = old.get(&id).and_then(|entry| entry.last_session);
            self.file_ids.insert(peer.name.clone(), id);
            let key = Key::of(peer);
            if let Some(shadowed) = self.find_key(&key)
                && !old_keys.contains_key(&key)
                && let Some(entry) = self.entries.get(&shadowed)
            {
                changes.shadowed.push(entry.peer().name.clone());
            }
            self.file_keys.entry(key).or_insert(id);
            self.index(id, peer);
            self.entries.insert(
                id,
                Entry { origin: Origin::File { peer: Box::new(peer.clone()), place }, last_session },
            );
        }
        changes.removed = old_ids.len();
        changes
    }

    /// Takes changes of registered peers: all of them at once, so that two may swap their names.
    pub(super) fn apply(&mut self, changes: Vec<PeerChange>) {
        let mut records = Vec::new();
        for change in changes {
            match change {
                PeerChange::Put(record) => {
                    let last_session = self.lift(record.id).and_then(|entry| entry.last_session);
                    records.push((record, last_session));
                }
                PeerChange::Forget(id) => drop(self.lift(id)),
            }
        }
        for (record, last_session) in records {
            self.insert(record, last_session);
        }
    }

    pub(super) fn find(&self, id: PeerId) -> Option<&PeerConfig> {
        self.entries.get(&id).map(Entry::peer)
    }

    pub(super) fn entry(&self, id: PeerId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (PeerId, &Entry)> {
        self.entries.iter().map(|(&id, entry)| (id, entry))
    }

    /// A registered peer.
    pub(super) fn record(&self, id: PeerId) -> Option<&PeerRecord> {
        match &self.entries.get(&id)?.origin {
            Origin::Registered(record) => Some(record),
            Origin::File { .. } => None,
        }
    }

    /// The registered peer that matches exactly this.
    pub(super) fn find_key(&self, key: &Key) -> Option<PeerId> {
        let is_it = |id: &PeerId| self.record(*id).is_some_and(|record| Key::of(&record.peer) == *key);
        match key.address.map(AddressMatch::Prefix).and_then(single_address) {
            Some(address) => self.at(address).find(is_it),
            None => self.ranges.get(&key.listen)?.iter().copied().find(is_it),
        }
    }

    /// The configuration's peer that matches exactly this.
    pub(super) fn find_file_key(&self, key: &Key) -> Option<PeerId> {
        self.file_keys.get(key).copied()
    }

    /// The registered peer of this name, unless it was removed.
    pub(super) fn find_name(&self, name: &str) -> Option<PeerId> {
        let is_called = |id: &PeerId| {
            self.record(*id)
                .is_some_and(|record| record.state != PeerState::Removed && record.peer.name == name)
        };
        let by_id = || name.strip_prefix("peer-")?.parse().ok().map(PeerId).filter(is_called);
        self.names.get(name).copied().or_else(by_id)
    }

    /// Whether a peer of the configuration has this name.
    pub(super) fn has_file_name(&self, name: &str) -> bool {
        self.file_ids.contains_key(name)
    }

    /// Removed peers, the longest removed first.
    pub(super) fn removed(&self) -> impl ExactSizeIterator<Item = PeerId> {
        self.removed.iter().map(|&(_, id)| id)
    }

    /// An id that no peer has, for one that registers.
    pub(super) fn fresh_id(&self, rng: &mut Rng, is_taken: impl Fn(PeerId) -> bool) -> PeerId {
        let mut id = rng.below(FILE_BIT - 1) + 1;
        // Ends: there are far fewer peers than numbers.
        while self.entries.contains_key(&PeerId(id)) || is_taken(PeerId(id)) {
            id = id % (FILE_BIT - 1) + 1;
        }
        PeerId(id)
    }

    /// A session of this peer began or ended.
    pub(super) fn note_session(&mut self, id: PeerId, unix_secs: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.last_session = Some(unix_secs);
        }
    }

    /// Whom a connection may belong to.
    pub(super) fn prospect(&self, local: SocketAddr, remote: IpAddr) -> Prospect {
        let mut prospect = Prospect::Unknown;
        for (_, entry) in self.candidates(local, remote) {
            let families = entry.peer().families;
            prospect = match (prospect, entry.state()) {
                (Prospect::Known(others), PeerState::Approved) => Prospect::Known(families.union(others)),
                (_, PeerState::Approved) => Prospect::Known(families),
                (Prospect::Unknown, PeerState::Pending | PeerState::Removed) => Prospect::Dormant,
                (before, PeerState::Pending | PeerState::Removed) => before,
            };
        }
        prospect
    }

    /// The entry that fits best: its own endpoint before any, the longest prefix, its own ASN before any; then the
    /// configuration's first one.
    pub(super) fn identify(&self, local: SocketAddr, remote: IpAddr, asn: Asn) -> Result<PeerId, NoPeer> {
        let mut is_known = false;
        let fit = |&(id, entry): &(PeerId, &Entry)| {
            let peer = entry.peer();
            let precision = peer.address.precision(remote);
            let place = match entry.origin {
                Origin::File { place, .. } => place,
                Origin::Registered(_) => usize::MAX,
            };
            (peer.listen.is_some(), precision, peer.asn != AsnMatch::Any, Reverse((place, id)))
        };
        let best = self
            .candidates(local, remote)
            .inspect(|(_, entry)| is_known |= entry.state() == PeerState::Approved)
            .filter(|(_, entry)| entry.peer().asn.accepts(asn))
            .max_by_key(fit);
        match best {
            Some((id, entry)) if entry.state() == PeerState::Approved => Ok(id),
            Some(_) => Err(NoPeer::Dormant),
            None if is_known => Err(NoPeer::Asn),
            None => Err(NoPeer::Address),
        }
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

    /// Whether a peer of the configuration stands in the place of this one.
    pub(super) fn is_shadowed(&self, entry: &Entry) -> bool {
        matches!(&entry.origin, Origin::Registered(record) if self.file_keys.contains_key(&Key::of(&record.peer)))
    }

    fn candidates(&self, local: SocketAddr, remote: IpAddr) -> impl Iterator<Item = (PeerId, &Entry)> {
        let exact = self.at(remote);
        let doors = [None, Some(local), Some(wildcard(local))];
        let ranges = doors.into_iter().filter_map(|door| self.ranges.get(&door)).flatten().copied();
        exact.chain(ranges).filter_map(move |id| {
            let entry = self.entries.get(&id)?;
            let is_meant = matches(entry.peer(), local, remote) && !self.is_shadowed(entry);
            is_meant.then_some((id, entry))
        })
    }

    /// The peers of exactly this address.
    fn at(&self, address: IpAddr) -> impl Iterator<Item = PeerId> {
        self.by_address.range((address, PeerId(0))..=(address, PeerId(u64::MAX))).map(|(_, id)| *id)
    }

    /// An id that stays the same over restarts, for a peer of the configuration.
    fn file_id(&self, name: &str, reserved: &BTreeSet<PeerId>) -> PeerId {
        let mut hash = fnv(name.as_bytes());
        // Ends: there are far fewer peers than numbers.
        loop {
            let id = PeerId(FILE_BIT | hash & (FILE_BIT - 1));
            if !self.entries.contains_key(&id) && !reserved.contains(&id) {
                return id;
            }
            hash = hash.wrapping_add(1);
        }
    }

    /// The endpoints that registered peers which are let in have for themselves: ascending, each once.
    pub(super) fn endpoints(&self) -> Vec<SocketAddr> {
        let is_let_in =
            |id: PeerId| self.record(id).is_some_and(|record| record.state == PeerState::Approved);
        let own = self.doors.iter().filter(|(_, id)| is_let_in(*id));
        let mut endpoints: Vec<SocketAddr> = own.map(|(endpoint, _)| *endpoint).collect();
        endpoints.dedup();
        endpoints
    }

    fn insert(&mut self, record: Box<PeerRecord>, last_session: Option<u64>) {
        self.lift(record.id);
        self.index(record.id, &record.peer);
        self.doors.extend(record.peer.listen.map(|listen| (listen, record.id)));
        if record.state == PeerState::Removed {
            self.removed.insert((record.changed_unix_secs, record.id));
        } else if record.peer.name != alloc::format!("peer-{}", record.id) {
            // Thousands are called after their ids, by which they are found without an index.
            self.names.insert(record.peer.name.clone(), record.id);
        }
        self.entries.insert(record.id, Entry { origin: Origin::Registered(record), last_session });
    }

    /// Takes an entry out of every index but those of the configuration's names and keys.
    fn lift(&mut self, id: PeerId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        let peer = entry.peer();
        match single_address(peer.address) {
            Some(address) => drop(self.by_address.remove(&(address, id))),
            None => drop_from(&mut self.ranges, &peer.listen, id),
        }
        if let Origin::Registered(record) = &entry.origin {
            if let Some(listen) = peer.listen {
                self.doors.remove(&(listen, id));
            }
            if self.names.get(&peer.name) == Some(&id) {
                self.names.remove(&peer.name);
            }
            self.removed.remove(&(record.changed_unix_secs, id));
        }
        Some(entry)
    }

    fn index(&mut self, id: PeerId, peer: &PeerConfig) {
        match single_address(peer.address) {
            Some(address) => drop(self.by_address.insert((address, id))),
            None => self.ranges.entry(peer.listen).or_default().push(id),
        }
    }
}

impl Identity {
    /// Everything that is this peer's.
    pub(super) const fn all_of(peer: Peer) -> core::ops::RangeInclusive<Self> {
        let last = Ipv6Addr::new(0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF);
        let member = Some((IpAddr::V6(last), Asn(u32::MAX), Ipv4Addr::BROADCAST));
        Self { peer, member: None }..=Self { peer, member }
    }
}

/// Whether a connection from `remote` to `local` may be this peer's.
pub(super) fn matches(peer: &PeerConfig, local: SocketAddr, remote: IpAddr) -> bool {
    let is_here = peer.listen.is_none_or(|listen| listen == local || listen == wildcard(local));
    is_here && peer.address.precision(remote).is_some()
}

/// The endpoint of all our addresses of a family, with this one's port.
fn wildcard(local: SocketAddr) -> SocketAddr {
    let address = if local.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    SocketAddr::new(address, local.port())
}

pub(super) fn single_address(address: AddressMatch) -> Option<IpAddr> {
    match address {
        AddressMatch::Prefix(AnyPrefix::V4(prefix)) if prefix.len() == 32 => {
            Some(Ipv4Addr::from_bits(prefix.bits()).into())
        }
        AddressMatch::Prefix(AnyPrefix::V6(prefix)) if prefix.len() == 128 => {
            Some(Ipv6Addr::from_bits(prefix.bits()).into())
        }
        AddressMatch::Prefix(_) | AddressMatch::Any => None,
    }
}

fn drop_from<K: Ord>(index: &mut BTreeMap<K, Vec<PeerId>>, key: &K, id: PeerId) {
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|&other| other != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

/// FNV-1a of 64 bits.
fn fnv(octets: &[u8]) -> u64 {
    octets.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// Ids of the configuration's peers have this bit, those of registered ones are below it. All are numbers that JSON's
/// readers keep exactly.
const FILE_BIT: u64 = 1 << 52;
