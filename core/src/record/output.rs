//! What a core answers, as lines of text that are equal when the answers are. Bodies and bytes are named by a
//! digest.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::server::{
    Action, Chunk, FeedRecord, FetchRequest, HttpRequest, PeerChange, PeerRecord, Reply, StoreWrite,
};

/// An action as a line.
pub fn action(action: &Action) -> String {
    match action {
        Action::Transmit { conn } => format!("transmit {conn}"),
        Action::Close { conn, flush: true } => format!("close {conn} flush"),
        Action::Close { conn, flush: false } => format!("close {conn} now"),
        Action::Fetch { source, request: FetchRequest::File { path, max_bytes } } => {
            format!("fetch {source} file={path:?} max_bytes={max_bytes}")
        }
        Action::Fetch { source, request: FetchRequest::Http(request) } => {
            let HttpRequest { url, timeout, max_bytes, redirects, is_foreign, validators, .. } = request;
            let (timeout, etag, date) = (timeout.as_millis(), &validators.etag, &validators.last_modified);
            format!(
                "fetch {source} url={url:?} timeout_ms={timeout} max_bytes={max_bytes} redirects={redirects} \
                 foreign={is_foreign} etag={etag:?} last_modified={date:?}"
            )
        }
        Action::Store { ticket, write } => format!("store {ticket} {}", self::write(write)),
        Action::Listen { endpoints } => {
            let endpoints: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
            format!("listen {}", endpoints.join(","))
        }
        Action::Reply { ticket, reply } => match reply {
            Reply::Reloaded { peers: [added, changed, removed], fetching } => {
                format!("reply {ticket} reloaded peers=+{added}~{changed}-{removed} fetching={fetching}")
            }
            Reply::ShutDown => format!("reply {ticket} shut_down"),
            Reply::Peer { id, revision, is_new } => {
                format!("reply {ticket} peer={id} revision={revision} new={is_new}")
            }
            Reply::Done => format!("reply {ticket} done"),
            Reply::Refused(error) => format!("reply {ticket} refused {error}"),
        },
        Action::Notice(notice) => format!("notice {} {notice}", notice.event()),
        Action::Fail { reason } => format!("fail {reason}"),
    }
}

fn write(write: &StoreWrite) -> String {
    match write {
        StoreWrite::Source(record) => {
            let mut digest = Digest::default();
            digest.write(&record.body);
            let (name, serial, unix_secs) = (&record.name, record.serial, record.unix_secs);
            let len = record.body.len();
            let digest = digest.finish();
            format!("source={name} serial={serial} unix_secs={unix_secs} {len} octets {digest:016x}")
        }
        StoreWrite::Feed(FeedRecord { name, table, versions, is_pinned }) => {
            let (serial, v4, v6) = (table.serial(), table.count_v4(), table.count_v6());
            let versions = versions.len();
            format!("feed={name} serial={serial} v4={v4} v6={v6} versions={versions} pinned={is_pinned}")
        }
        StoreWrite::Peers(changes) => {
            let mut line = String::from("peers");
            for change in changes {
                match change {
                    PeerChange::Put(record) => {
                        let PeerRecord { id, revision, state, .. } = &**record;
                        // Writing to a String cannot fail.
                        let _ = write!(line, " put={id} revision={revision} state={state:?}");
                    }
                    PeerChange::Forget(id) => {
                        let _ = write!(line, " forget={id}");
                    }
                }
            }
            line
        }
    }
}

/// What `poll_transmit` gave, as a line; `None` when it gave nothing. How the bytes are cut into chunks makes no
/// difference.
pub fn sent(chunks: &[Chunk]) -> Option<String> {
    let mut digest = Digest::default();
    for chunk in chunks {
        digest.write(chunk.as_bytes());
    }
    let len = digest.len;
    (len > 0).then(|| format!("{len} octets {:016x}", digest.finish()))
}

/// A 64-bit digest of octets, several times faster than FNV: it takes eight at a time. Tells apart what differs by
/// chance, not what somebody made alike.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    hash: u64,
    /// Octets that are no whole word yet, the first in the lowest place.
    word: u64,
    len: u64,
}

impl Digest {
    /// Takes more octets. Where one call ends and the next begins makes no difference.
    pub fn write(&mut self, octets: &[u8]) {
        let missing = (8 - self.len as usize % 8) % 8;
        let (head, rest) = octets.split_at(missing.min(octets.len()));
        for &octet in head {
            self.push(octet);
        }
        let (words, tail) = rest.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        self.len += words.len() as u64 * 8;
        for &octet in tail {
            self.push(octet);
        }
    }

    /// The digest of all octets.
    pub fn finish(mut self) -> u64 {
        self.mix(self.word);
        self.mix(self.len);
        self.hash
    }

    fn push(&mut self, octet: u8) {
        self.word |= u64::from(octet) << (self.len % 8 * 8);
        self.len += 1;
        if self.len.is_multiple_of(8) {
            self.mix(self.word);
            self.word = 0;
        }
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // A product's low bits know nothing of its factors' high ones.
        self.hash ^= self.hash >> 32;
    }
}
