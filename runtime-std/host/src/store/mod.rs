//! What survives a restart: each source's last good body.

mod body;
mod error;
mod index;
mod memory;
mod sled;

use bgplite_core::server::{Records, StoreWrite};

pub use error::StoreError;
pub use memory::MemStore;
pub use sled::SledStore;

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
