//! The flight recorder: what the core was called with and what it answered, on disk, in the form that
//! [`bgplite_core::record`] gives it.
//!
//! The log is cut into segments, `bgplite-00000001.jsonl` and on; each can be replayed by itself. A segment that is
//! full makes room for the next, which begins with a snapshot of the core; together they take no more than a bound, and
//! the oldest go. The recorder never holds the server up: a thread writes, and if it cannot follow or the disk does not
//! take it, recording stops with one warning.

mod reader;
mod recorder;
mod segment;
mod writer;

use std::path::{Path, PathBuf};
use std::{fmt, io};

pub use reader::{ReadError, Reader};
pub use recorder::Recorder;

/// Where and how much to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The directory; made if it is not there.
    pub dir: PathBuf,
    /// A segment is cut when it has this many bytes, or twice those of its snapshot if that is more.
    pub segment_bytes: u64,
    /// All segments in the directory together, those of earlier runs included; the one being written counts with
    /// `segment_bytes`.
    pub total_bytes: u64,
}

/// [`Options::segment_bytes`], where nothing else is asked for: 16 MB.
pub const SEGMENT_BYTES: u64 = 16 << 20;

/// [`Options::total_bytes`], where nothing else is asked for: 256 MB.
pub const TOTAL_BYTES: u64 = 256 << 20;

impl Options {
    /// The default bounds.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, segment_bytes: SEGMENT_BYTES, total_bytes: TOTAL_BYTES }
    }
}

/// Why nothing can be recorded.
#[derive(Debug)]
pub struct RecordError {
    path: PathBuf,
    error: io::Error,
}

impl RecordError {
    fn new(path: &Path, error: io::Error) -> Self {
        Self { path: path.to_owned(), error }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, error } = self;
        write!(
            f,
            "cannot record to {}: {error}: name a directory that this user may write to",
            path.display()
        )
    }
}

impl std::error::Error for RecordError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
