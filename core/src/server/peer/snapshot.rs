//! The registry as plain data.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Origin, Registry};
use crate::config::PeerConfig;
use crate::ids::PeerId;
use crate::server::PeerRecord;

/// The registry as plain data. The other entries are the configuration's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::server) struct RegistrySnapshot {
    /// Of the configuration's peers.
    ids: BTreeMap<String, PeerId>,
    #[serde(default)]
    registered: Vec<PeerRecord>,
    #[serde(default)]
    last_sessions: BTreeMap<PeerId, u64>,
}

impl Registry {
    pub(in crate::server) fn snapshot(&self) -> RegistrySnapshot {
        let registered = self.entries.values().filter_map(|entry| match &entry.origin {
            Origin::Registered(record) => Some(PeerRecord::clone(record)),
            Origin::File { .. } => None,
        });
        let last_sessions = self.entries.iter().filter_map(|(&id, entry)| Some((id, entry.last_session?)));
        RegistrySnapshot {
            ids: self.file_ids.clone(),
            registered: registered.collect(),
            last_sessions: last_sessions.collect(),
        }
    }

    pub(in crate::server) fn restore(snapshot: RegistrySnapshot, peers: &[PeerConfig]) -> Self {
        let RegistrySnapshot { ids, registered, last_sessions } = snapshot;
        let mut registry = Self { file_ids: ids, ..Self::default() };
        registry.load(&registered);
        registry.replace(peers);
        for (id, unix_secs) in last_sessions {
            registry.note_session(id, unix_secs);
        }
        registry
    }
}
