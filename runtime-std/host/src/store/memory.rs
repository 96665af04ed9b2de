//! A store that forgets, for tests and for machines without a disk.

use std::sync::{Mutex, PoisonError};

use bgplite_core::server::{Records, StoreWrite};

use super::{Loaded, Store, StoreError};

/// Keeps records as long as it lives.
#[derive(Debug, Default)]
pub struct MemStore {
    records: Mutex<Records>,
}

impl Store for MemStore {
    fn load(&self) -> Result<Loaded, StoreError> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // In the order in which the stores on disk give them.
        records.sources.sort_by(|one, other| one.name.cmp(&other.name));
        records.feeds.sort_by(|one, other| one.name.cmp(&other.name));
        records.peers.sort_by_key(|record| record.id);
        Ok(Loaded { records, damaged: Vec::new() })
    }

    fn write(&self, write: &StoreWrite) -> Result<(), StoreError> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).apply(write.clone());
        Ok(())
    }

    fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
