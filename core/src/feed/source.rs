//! Bodies on their way in: what to fetch, what came of it, and what is kept.

use alloc::string::String;
use alloc::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::Serial;

/// What to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchRequest {
    /// Read a whole file.
    File {
        /// Its path.
        path: String,
        /// More than this many bytes is a failure.
        max_bytes: u64,
    },
}

/// What came of a fetch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchOutcome {
    /// A whole body.
    Body(#[serde(with = "crate::coding::body")] Arc<[u8]>),
    /// The source itself says that the last body still stands.
    Unchanged,
    /// No body: a sentence that names the place and the reason.
    Failed(String),
}

/// A source's last good body, as the store keeps it over restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The source's name.
    pub name: String,
    /// Version of the body; grows with every change.
    pub serial: Serial,
    /// When it was fetched, in seconds since the Unix epoch.
    pub unix_secs: u64,
    /// The body.
    #[serde(with = "crate::coding::body")]
    pub body: Arc<[u8]>,
}
