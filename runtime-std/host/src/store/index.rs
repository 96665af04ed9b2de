//! What the database and its export say about a body: versioned JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A source's body, without the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Version of this format: 1.
    pub(super) version: u32,
    /// Name of the source.
    pub(super) name: String,
    /// Version of the body.
    pub(super) serial: u64,
    /// When it was fetched, in seconds since the Unix epoch.
    pub(super) unix_secs: u64,
    /// Its length in bytes.
    pub(super) len: u64,
    /// Its hash, 16 hexadecimal digits: JSON's numbers are too small for it.
    pub(super) hash: String,
}

/// The database beside itself: what is left when its library opens a damaged one as empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Export {
    /// Version of this format: 1.
    pub(super) version: u32,
    /// Number of writes to this store so far.
    pub(super) generation: u64,
    /// Every entry by name.
    pub(super) sources: BTreeMap<String, Entry>,
}

/// The version that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;

impl Entry {
    /// The hash as a number; `None` when it is none.
    pub(super) fn hash(&self) -> Option<u64> {
        u64::from_str_radix(&self.hash, 16).ok()
    }
}
