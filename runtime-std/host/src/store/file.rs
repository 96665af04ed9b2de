//! The store of small routers: one file, written anew for each change, and the bodies beside it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bgplite_core::server::StoreWrite;

use super::bodies::Bodies;
use super::journal::{self, Journal};
use super::lock::Lock;
use super::record::Content;
use super::recover::{self, Backup, EXPORT};
use super::{Loaded, Store, StoreError, export, write_error};

/// `store.json` and the bodies. Reads what a [`SledStore`](super::SledStore) left in the same directory, and leaves
/// what it can read.
#[derive(Debug)]
pub struct FileStore {
    dir: PathBuf,
    bodies: Bodies,
    state: Mutex<State>,
    _lock: Lock,
}

#[derive(Debug)]
struct State {
    content: Content,
    /// Number of writes so far.
    generation: u64,
    /// What was found damaged when it was opened.
    damaged: Vec<String>,
    is_closed: bool,
}

impl FileStore {
    /// Opens the store in `dir`, which is made if there is none.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        recover::prepare(dir)?;
        let lock = Lock::take(dir)?;
        let bodies =
            Bodies::open(dir).map_err(|error| StoreError::Unwritable { dir: dir.to_owned(), error })?;
        let backup = if recover::is_untouched(dir, &bodies) && !dir.join(recover::DATABASE).exists() {
            Backup { generation: 0, content: Content::default(), doubt: None }
        } else {
            recover::read_backup(dir).map_err(|reason| StoreError::Lost { dir: dir.to_owned(), reason })?
        };
        let Backup { generation, content, doubt } = backup;
        // A journal is there where a database was in use.
        let doubt = doubt.filter(|_| dir.join(recover::DATABASE).exists());
        if doubt.is_none() {
            bodies.sweep(&content);
        }
        write_file(dir, generation, &content)?;
        Journal::remove(dir).map_err(|error| write_error(&dir.join(journal::CURRENT), &error))?;
        let state = State { content, generation, damaged: doubt.into_iter().collect(), is_closed: false };
        Ok(Self { dir: dir.to_owned(), bodies, state: Mutex::new(state), _lock: lock })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What is in memory is what is on disk after every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for FileStore {
    fn load(&self) -> Result<Loaded, StoreError> {
        let state = self.lock();
        Ok(self.bodies.load(state.content.clone(), state.damaged.clone()))
    }

    fn write(&self, write: &StoreWrite) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(StoreError::Closed);
        }
        let changes = self.bodies.prepare(write)?;
        let mut content = state.content.clone();
        for change in &changes {
            content.apply(change.clone());
        }
        write_file(&self.dir, state.generation + 1, &content)?;
        state.generation += 1;
        let before = std::mem::replace(&mut state.content, content);
        drop(state);
        for change in &changes {
            if let Some(old) = before.entry(change) {
                self.bodies.remove_old(old, change);
            }
        }
        Ok(())
    }

    fn close(&self) -> Result<(), StoreError> {
        self.lock().is_closed = true;
        Ok(())
    }
}

fn write_file(dir: &Path, generation: u64, content: &Content) -> Result<(), StoreError> {
    let path = dir.join(EXPORT);
    export::replace(&path, |writer| export::write_content(writer, generation, content))
        .map_err(|error| write_error(&path, &error))
}
