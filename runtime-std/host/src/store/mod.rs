//! What survives a restart: registered peers, each source's last good body, each feed's versions.
//!
//! ```text
//! <dir>/lock                       held by the process that has the directory
//! <dir>/store/                     sled: feed/<name>, peer/<id>, source/<name> and meta/marker, as JSON
//! <dir>/store.json                 all of it as of some moment, rewritten in the background
//! <dir>/store.log                  every write since, durable before it is acknowledged
//! <dir>/source/<name>.<hash>.body  the bodies
//! <dir>/feed/<name>.<hash>.body
//! <dir>/store.damaged-<n>/         databases that could not be used, the last three
//! ```
//! A body is durable before a record names it, and the old one is removed after: a crash between any two steps leaves
//! a record with its body.

mod bodies;
mod body;
mod database;
mod error;
mod export;
mod file;
mod journal;
mod lock;
mod memory;
mod quiet;
mod record;
mod recover;
mod sled;
mod transfer;

use std::path::Path;
use std::sync::Arc;

use bgplite_core::server::{Records, StoreWrite};

pub use error::StoreError;
pub use file::FileStore;
pub use memory::MemStore;
pub use sled::SledStore;
pub use transfer::{Counts, Report, check, export, export_to, import};

/// Which store a state directory has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// A database: thousands of peers, each write costs its own size.
    #[default]
    Sled,
    /// One file, written anew each time: small routers.
    File,
}

/// Opens the store of a state directory, which is made if there is none. Blocks, for fifteen seconds at most.
pub fn open(kind: StoreKind, dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match kind {
        StoreKind::Sled => Arc::new(SledStore::open(dir)?),
        StoreKind::File => Arc::new(FileStore::open(dir)?),
    })
}

/// A place where records are kept. Every call blocks; calls may come from any thread, one after another.
pub trait Store: Send + Sync {
    /// Everything that can be read. What cannot is named, and left where it is.
    fn load(&self) -> Result<Loaded, StoreError>;

    /// Writes, and returns when a crash of the machine would not undo it. On an error the last good record is
    /// still there.
    fn write(&self, write: &StoreWrite) -> Result<(), StoreError>;

    /// Ends with everything written; later writes fail.
    fn close(&self) -> Result<(), StoreError>;
}

/// What [`Store::load`] found.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The good records.
    pub records: Records,
    /// A sentence for each thing that was skipped.
    pub damaged: Vec<String>,
}

fn write_error(path: &Path, reason: &(impl ToString + ?Sized)) -> StoreError {
    StoreError::Write { path: path.to_owned(), reason: reason.to_string() }
}
