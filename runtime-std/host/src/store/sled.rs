//! The daemon's store: a sled database, with an export and a journal beside it for the day on which its library
//! cannot read it any more.
//!
//! A write is acknowledged when the journal has it durably and the database was told to. Should the database fail, the
//! journal carries on, and the database is made again as soon as that works.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bgplite_core::server::StoreWrite;

use super::bodies::Bodies;
use super::database::{Database, Reader};
use super::journal::{self, Journal};
use super::lock::Lock;
use super::record::{Change, Content, Entry};
use super::recover::{self, EXPORT, Recovered};
use super::{Loaded, Store, StoreError, export, write_error};

/// A sled database with bodies beside it. One process has it at a time.
#[derive(Debug)]
pub struct SledStore {
    shared: Arc<Shared>,
    exporter: Mutex<Option<JoinHandle<()>>>,
    _lock: Lock,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    bodies: Bodies,
    state: Mutex<State>,
    /// Rings when there is something to export, and at the end.
    bell: Condvar,
}

#[derive(Debug)]
struct State {
    /// `None` once it has failed, or is closed.
    database: Option<Database>,
    journal: Journal,
    /// Number of writes so far.
    generation: u64,
    /// All that was read when it was opened, until somebody asks for it or writes.
    content: Option<Content>,
    /// What was found damaged when it was opened.
    damaged: Vec<String>,
    /// When a database that has failed is opened again.
    retry_at: Option<Instant>,
    has_news: bool,
    is_closed: bool,
}

impl SledStore {
    /// Opens the store in `dir`, which is made if there is none. What is damaged is restored from its copies. Ends
    /// within fifteen seconds.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        recover::prepare(dir)?;
        let lock = Lock::take(dir)?;
        let unwritable = |error| StoreError::Unwritable { dir: dir.to_owned(), error };
        let bodies = Bodies::open(dir).map_err(unwritable)?;
        let Recovered { database, content, damaged } = recover::recover(dir, &bodies)?;
        let generation = database.generation();
        let journal = recover::write_copies(dir, generation, &content)?;
        let state = State {
            database: Some(database),
            journal,
            generation,
            content: Some(content),
            damaged,
            retry_at: None,
            has_news: false,
            is_closed: false,
        };
        let shared =
            Arc::new(Shared { dir: dir.to_owned(), bodies, state: Mutex::new(state), bell: Condvar::new() });
        let exporting = Arc::clone(&shared);
        let exporter = thread::Builder::new()
            .name("store-export".to_owned())
            .spawn(move || exporting.export_all())
            .map_err(unwritable)?;
        Ok(Self { shared, exporter: Mutex::new(Some(exporter)), _lock: lock })
    }

    /// Ends the exporter, after what it is at.
    fn stop(&self) {
        self.shared.lock().is_closed = true;
        self.shared.bell.notify_all();
        let exporter = self.exporter.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(exporter) = exporter {
            // One that panicked has ended too.
            let _ = exporter.join();
        }
    }
}

impl Store for SledStore {
    fn load(&self) -> Result<Loaded, StoreError> {
        let mut state = self.shared.lock();
        let content = match state.content.take() {
            Some(content) => content,
            None => self.shared.read_content(&state)?,
        };
        let damaged = state.damaged.clone();
        drop(state);
        Ok(self.shared.bodies.load(content, damaged))
    }

    fn write(&self, write: &StoreWrite) -> Result<(), StoreError> {
        if self.shared.lock().is_closed {
            return Err(StoreError::Closed);
        }
        let changes = self.shared.bodies.prepare(write)?;
        self.shared.commit(&changes)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.stop();
        let mut state = self.shared.lock();
        let exported = if state.has_news { self.shared.export(&mut state) } else { Ok(()) };
        state.database = None;
        exported.map_err(|error| write_error(&self.shared.dir.join(EXPORT), &error))
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.content = None;
        let generation = state.generation + 1;
        let old = old_entries(&state, changes);
        state
            .journal
            .append(generation, changes)
            .map_err(|error| write_error(&self.dir.join(journal::CURRENT), &error))?;
        state.generation = generation;
        self.write_database(&mut state, changes);
        state.has_news = true;
        drop(state);
        self.bell.notify_all();
        for (old, new) in old {
            self.bodies.remove_old(&old, new);
        }
        Ok(())
    }

    /// The journal has these changes already.
    fn write_database(&self, state: &mut State, changes: &[Change]) {
        let generation = state.generation;
        if let Some(database) = state.database.take() {
            let reason = match database.write_watched(generation, changes.to_vec(), WRITE_PATIENCE) {
                Ok(database) => {
                    state.database = Some(database);
                    return;
                }
                Err(reason) => reason,
            };
            let dir = self.dir.display();
            log::error!(
                target: "bgplite",
                "event=store_degraded dir={dir} error={reason:?} remedy=\"nothing is lost: {} goes on\"",
                journal::CURRENT
            );
        } else if state.retry_at.is_none_or(|at| at <= Instant::now()) {
            match recover::recover(&self.dir, &self.bodies) {
                Ok(Recovered { database, damaged, .. }) => {
                    log::warn!(target: "bgplite", "event=store_repaired damaged={:?}", damaged.join(" "));
                    state.database = Some(database);
                    return;
                }
                Err(error) => {
                    log::error!(target: "bgplite", "event=store_degraded error={:?}", error.to_string());
                }
            }
        } else {
            return;
        }
        state.retry_at = Some(Instant::now() + RETRY_EVERY);
    }

    fn read_content(&self, state: &State) -> Result<Content, StoreError> {
        let lost = |reason| StoreError::Lost { dir: self.dir.clone(), reason };
        match &state.database {
            Some(database) => database.content().map_err(lost),
            None => recover::read_backup(&self.dir).map(|backup| backup.content).map_err(lost),
        }
    }

    /// Exports as long as the store is open: a moment after news, and for a tenth of the time at most.
    fn export_all(&self) {
        let mut pause = EXPORT_EVERY;
        loop {
            let mut state = self.lock();
            while !state.has_news && !state.is_closed {
                state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let not_before = Instant::now() + pause;
            while !state.is_closed {
                let Some(left) = not_before.checked_duration_since(Instant::now()) else { break };
                let waited = self.bell.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            if state.is_closed {
                return;
            }
            let begun = begin_export(&mut state);
            drop(state);
            let started = Instant::now();
            let exported = begun.and_then(|begun| {
                begun.map_or(Ok(()), |(number, reader)| self.write_export(number, &reader))
            });
            pause = EXPORT_EVERY.max(10 * started.elapsed());
            if let Err(error) = exported {
                let error = error.to_string();
                log::warn!(target: "bgplite", "event=store_export_failed error={error:?}");
                self.lock().has_news = true;
                pause = RETRY_EVERY;
            }
        }
    }

    /// Exports at once, while nobody writes.
    fn export(&self, state: &mut State) -> io::Result<()> {
        match begin_export(state)? {
            Some((generation, reader)) => self.write_export(generation, &reader),
            // The journal has it all.
            None => Ok(()),
        }
    }

    fn write_export(&self, generation: u64, reader: &Reader) -> io::Result<()> {
        // Changes that come meanwhile may be in it or not: the journal has them, and they are put on top of it.
        let write = || {
            export::replace(&self.dir.join(EXPORT), |writer| {
                export::write_to(writer, generation, |kind, write| reader.for_each(kind, write))
            })
        };
        let written = panic::catch_unwind(AssertUnwindSafe(write));
        written.unwrap_or_else(|_| Err(io::Error::other("the database's library gave up")))?;
        Journal::drop_older(&self.dir)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every step leaves a state that a later write repairs.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts the journal aside, and gives what an export of this moment is made of.
fn begin_export(state: &mut State) -> io::Result<Option<(u64, Reader)>> {
    let Some(reader) = state.database.as_ref().map(Database::reader) else {
        return Ok(None);
    };
    state.journal.rotate()?;
    state.has_news = false;
    Ok(Some((state.generation, reader)))
}

/// The entries that these changes replace.
fn old_entries<'a>(state: &State, changes: &'a [Change]) -> Vec<(Entry, &'a Change)> {
    let has_body = |change: &&Change| matches!(change, Change::Source(_) | Change::Feed(_));
    let old = |change: &'a Change| Some((state.database.as_ref()?.entry(&change.key())?, change));
    changes.iter().filter(has_body).filter_map(old).collect()
}

/// How often the export is written anew.
const EXPORT_EVERY: Duration = Duration::from_secs(1);
/// How long the database may take for a write that the journal has already.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a database or an export that has failed is left alone.
const RETRY_EVERY: Duration = Duration::from_secs(10);
