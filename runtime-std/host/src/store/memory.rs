//! A store that forgets, for tests and for machines without a disk.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bgplite_core::server::{SourceRecord, StoreWrite};

use super::{Loaded, Store, StoreError};

/// Keeps records as long as it lives.
#[derive(Debug, Default)]
pub struct MemStore {
    records: Mutex<BTreeMap<String, SourceRecord>>,
}

impl Store for MemStore {
    fn load(&self) -> Result<Loaded, StoreError> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Loaded { records: records.values().cloned().collect(), damaged: Vec::new() })
    }

    fn write(&self, write: &StoreWrite) -> Result<(), StoreError> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let StoreWrite::Source(record) = write;
        records.insert(record.name.clone(), record.clone());
        Ok(())
    }

    fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
