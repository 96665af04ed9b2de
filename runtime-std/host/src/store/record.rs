//! What a store keeps, as versioned JSON: an entry for each body, and each peer whole.
//!
//! Keys are those of the database. A value is the same text in the database, in the export and, inside its change, in
//! the journal.

use std::collections::BTreeMap;

use bgplite_core::ids::PeerId;
use bgplite_core::server::{PeerChange, PeerRecord, Validators};
use serde::{Deserialize, Serialize};

use super::body;

/// A body in a file of its own, without the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Version of this format: 1.
    pub(super) version: u32,
    /// Name of the source or feed.
    pub(super) name: String,
    /// Version of the body.
    pub(super) serial: u64,
    /// When it was fetched, in seconds since the Unix epoch.
    pub(super) unix_secs: u64,
    /// Its length in bytes.
    pub(super) len: u64,
    /// Its hash, 16 hexadecimal digits: JSON's numbers are too small for it.
    pub(super) hash: String,
    /// By what a source's server knows it again.
    #[serde(default)]
    pub(super) validators: Validators,
}

impl Entry {
    /// The hash as a number; `None` when it is none.
    pub(super) fn hash(&self) -> Option<u64> {
        u64::from_str_radix(&self.hash, 16).ok()
    }
}

/// All that a store keeps, without the bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) sources: BTreeMap<String, Entry>,
    pub(super) feeds: BTreeMap<String, Entry>,
    pub(super) peers: BTreeMap<PeerId, PeerRecord>,
}

/// One change of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// A source has another body.
    Source(Entry),
    /// A feed has another body.
    Feed(Entry),
    /// A peer is as this.
    Peer(Box<PeerRecord>),
    /// A peer is no more.
    Forget(PeerId),
}

impl From<PeerChange> for Change {
    fn from(change: PeerChange) -> Self {
        match change {
            PeerChange::Put(record) => Self::Peer(record),
            PeerChange::Forget(id) => Self::Forget(id),
        }
    }
}

impl Change {
    /// Where it goes in the database.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Source(entry) => format!("{SOURCE_KEY}{}", entry.name),
            Self::Feed(entry) => format!("{FEED_KEY}{}", entry.name),
            Self::Peer(record) => peer_key(record.id),
            Self::Forget(id) => peer_key(*id),
        }
    }

    /// What goes there; `None` where nothing may stay.
    pub(super) fn value(&self) -> serde_json::Result<Option<Vec<u8>>> {
        match self {
            Self::Source(entry) | Self::Feed(entry) => serde_json::to_vec(entry).map(Some),
            Self::Peer(record) => peer_value(record).map(Some),
            Self::Forget(_) => Ok(None),
        }
    }
}

impl Content {
    /// What is kept after one more change.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Source(entry) => drop(self.sources.insert(entry.name.clone(), entry)),
            Change::Feed(entry) => drop(self.feeds.insert(entry.name.clone(), entry)),
            Change::Peer(record) => drop(self.peers.insert(record.id, *record)),
            Change::Forget(id) => drop(self.peers.remove(&id)),
        }
    }

    /// The changes that make it of nothing.
    pub(super) fn into_changes(self) -> impl Iterator<Item = Change> {
        let sources = self.sources.into_values().map(Change::Source);
        let feeds = self.feeds.into_values().map(Change::Feed);
        let peers = self.peers.into_values().map(|record| Change::Peer(Box::new(record)));
        feeds.chain(peers).chain(sources)
    }

    /// Takes in one pair of the database or one value of an export; `false` when it is damaged.
    pub(super) fn insert(&mut self, kind: Kind, value: &[u8]) -> bool {
        let change = match kind {
            Kind::Source => entry(value).map(Change::Source),
            Kind::Feed => entry(value).map(Change::Feed),
            Kind::Peer => peer(value).map(|record| Change::Peer(Box::new(record))),
        };
        change.map(|change| self.apply(change)).is_some()
    }

    /// The entry that this change replaces.
    pub(super) fn entry(&self, change: &Change) -> Option<&Entry> {
        match change {
            Change::Source(entry) => self.sources.get(&entry.name),
            Change::Feed(entry) => self.feeds.get(&entry.name),
            Change::Peer(_) | Change::Forget(_) => None,
        }
    }
}

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Feed,
    Peer,
    Source,
}

impl Kind {
    /// In the order of their keys.
    pub(super) const ALL: [Self; 3] = [Self::Feed, Self::Peer, Self::Source];

    /// What its keys in the database begin with.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Feed => FEED_KEY,
            Self::Peer => PEER_KEY,
            Self::Source => SOURCE_KEY,
        }
    }

    /// What an export calls its list.
    pub(super) const fn list(self) -> &'static str {
        match self {
            Self::Feed => "feeds",
            Self::Peer => "peers",
            Self::Source => "sources",
        }
    }
}

fn entry(value: &[u8]) -> Option<Entry> {
    let entry = serde_json::from_slice::<Entry>(value).ok()?;
    (entry.version == VERSION && body::is_file_name(&entry.name)).then_some(entry)
}

/// A record with a version before its own fields.
pub(super) fn peer_value(record: &PeerRecord) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_vec(record)?;
    let mut value = format!("{{\"version\":{VERSION},").into_bytes();
    value.extend_from_slice(json.strip_prefix(b"{").unwrap_or(&json));
    Ok(value)
}

fn peer(value: &[u8]) -> Option<PeerRecord> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let Versioned { version } = serde_json::from_slice(value).ok()?;
    (version == VERSION).then(|| serde_json::from_slice(value).ok())?
}

fn peer_key(id: PeerId) -> String {
    format!("{PEER_KEY}{:016x}", id.0)
}

/// The version of a record that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;
const FEED_KEY: &str = "feed/";
const PEER_KEY: &str = "peer/";
const SOURCE_KEY: &str = "source/";

#[cfg(test)]
mod tests {
    use bgplite_core::config::{AddressMatch, AsnMatch, PeerConfig};
    use bgplite_core::server::PeerState;

    use super::*;

    #[test]
    fn a_peer_is_its_record_with_a_version_and_no_other_version_is_read() {
        let record = PeerRecord {
            id: PeerId(0xBEEF),
            revision: 3,
            state: PeerState::Approved,
            created_unix_secs: 1_700_000_000,
            changed_unix_secs: 1_700_000_001,
            description: "a \"home\"".into(),
            peer: PeerConfig::new("home", AddressMatch::Any, AsnMatch::Any),
        };
        let change = Change::Peer(Box::new(record.clone()));
        assert_eq!(change.key(), "peer/000000000000beef");
        let value = change.value().unwrap().unwrap();
        assert!(value.starts_with(b"{\"version\":1,\"id\":48879,"), "{}", String::from_utf8_lossy(&value));
        let mut content = Content::default();
        assert!(content.insert(Kind::Peer, &value));
        assert_eq!(content.peers.into_values().collect::<Vec<_>>(), [record]);
        let other = String::from_utf8(value).unwrap().replacen("\"version\":1", "\"version\":2", 1);
        assert!(!Content::default().insert(Kind::Peer, other.as_bytes()));
    }
}
