//! Bodies on their way in: what to fetch, what came of it, and what is kept.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::FeedTable;
use crate::ids::Serial;
use crate::time::Duration;

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
    /// Ask a web server.
    Http(HttpRequest),
}

/// A GET that ends with a whole body, with "not modified", or with a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `http://` or `https://`.
    pub url: String,
    /// Headers besides the client's own: name, and `env:NAME`, `file:PATH` or the value itself.
    pub headers: Vec<(String, String)>,
    /// For the whole exchange.
    pub timeout: Duration,
    /// A body of more octets, after decompression, is a failure.
    pub max_bytes: u64,
    /// How many redirects are followed; one more is a failure.
    pub redirects: u8,
    /// Whether only global unicast addresses and the ports 80 and 443 may be connected to, at each redirect too.
    pub is_foreign: bool,
    /// Of the body that is held; sent back so that the server may say "not modified".
    pub validators: Validators,
}

/// By what a server knows again the body that it gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified`, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// What came of a fetch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchOutcome {
    /// A whole body.
    Body(#[serde(with = "crate::coding::body")] Arc<[u8]>),
    /// A whole body, and by what its server knows it again.
    Validated {
        /// The body.
        #[serde(with = "crate::coding::body")]
        body: Arc<[u8]>,
        /// What the server said about it.
        validators: Validators,
    },
    /// The source itself says that the last body still stands.
    Unchanged,
    /// No body: a sentence that names the place and the reason.
    Failed(String),
    /// No body, and the server says when to come again.
    Busy {
        /// A sentence that names the place and the reason.
        error: String,
        /// Seconds from now, from `Retry-After`.
        retry_secs: u64,
    },
}

/// A source's last good body, as the store keeps it over restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The source's name, or what stands for one where it has none: `@as13335`, `@de`.
    pub name: String,
    /// Version of the body; grows with every change.
    pub serial: Serial,
    /// When it was fetched, in seconds since the Unix epoch.
    pub unix_secs: u64,
    /// By what its server knows it again.
    #[serde(default)]
    pub validators: Validators,
    /// The body.
    #[serde(with = "crate::coding::body")]
    pub body: Arc<[u8]>,
}

/// A feed as the store keeps it over restarts: its present version, and the way back to earlier ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FeedRecord {
    /// The feed's name.
    pub name: String,
    /// The version that is served. Its id means nothing in another process.
    #[serde(with = "crate::coding::shared_one")]
    pub table: Arc<FeedTable>,
    /// The present version and earlier ones, the newest first; as many as
    /// [`Config::feed_versions`](crate::config::Config::feed_versions) says.
    pub versions: Vec<FeedVersion>,
    /// Gone back to by hand: changes of its sources wait until it is released.
    pub is_pinned: bool,
}

/// One version of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedVersion {
    /// Its number.
    pub serial: Serial,
    /// When it came to be, in seconds since the Unix epoch.
    pub unix_secs: u64,
    /// IPv4 prefixes in it.
    pub v4: usize,
    /// IPv6 prefixes in it.
    pub v6: usize,
    /// What leads from this version to the one before it; `None` at the oldest that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<FeedDelta>,
}

/// What leads from one version of a feed to another: text, one route a line, `- 192.0.2.0/24` for one that goes and
/// `+ 192.0.2.0/24 65010:100 65010:1:100` for one that comes or changes its tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeedDelta {
    /// The lines.
    pub text: String,
}
