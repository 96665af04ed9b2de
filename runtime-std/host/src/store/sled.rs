//! The daemon's store: a sled database of what there is, and the bodies as files beside it.
//!
//! ```text
//! <dir>/store/                     the database: source/<name> and meta/generation, as JSON
//! <dir>/store.json                 the same, for the day on which the database opens empty
//! <dir>/source/<name>.<hash>.body  the bodies
//! ```
//! A body is durable before the database names it, and the old one is removed after: a crash between any two
//! steps leaves a record with its body.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bgplite_core::ids::Serial;
use bgplite_core::server::{Records, SourceRecord, StoreWrite, Validators};

use super::index::{Entry, Export, VERSION};
use super::{Loaded, Store, StoreError, body};

/// A sled database with bodies beside it. One process has it at a time.
#[derive(Debug)]
pub struct SledStore {
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` once closed.
    db: Option<sled::Db>,
    /// What the database says, without what is damaged.
    export: Export,
    /// What was found damaged when it was opened.
    damaged: Vec<String>,
}

impl SledStore {
    /// Opens the store in `dir`, which is made if there is none. Gives up after ten seconds.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let unwritable = |error| StoreError::Unwritable { dir: dir.to_owned(), error };
        let sources = dir.join(BODIES);
        fs::create_dir_all(&sources).map_err(unwritable)?;
        let probe = dir.join(".write-test");
        File::create(&probe).map_err(unwritable)?;
        fs::remove_file(&probe).map_err(unwritable)?;
        let db = open_watched(dir)?;
        body::sync_dir(&dir.join(DATABASE)).and_then(|()| body::sync_dir(dir)).map_err(unwritable)?;
        let (export, damaged) = read_index(dir, &db)?;
        let store = Self { dir: dir.to_owned(), state: Mutex::new(State { db: Some(db), export, damaged }) };
        store.restore_index()?;
        Ok(store)
    }

    /// Writes into the database what only the export had, and the marker that says that it is not empty.
    fn restore_index(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.export.version = VERSION;
        let entries: Vec<Entry> = state.export.sources.values().cloned().collect();
        let db = state.db.as_ref().ok_or(StoreError::Closed)?;
        for entry in &entries {
            self.put(db, &source_key(&entry.name), entry)?;
        }
        self.put(db, GENERATION, &state.export.generation)?;
        self.sync(db)?;
        self.write_export(&state.export)
    }

    fn write_source(&self, record: &SourceRecord) -> Result<(), StoreError> {
        if !body::is_file_name(&record.name) {
            return Err(StoreError::Name(record.name.clone()));
        }
        let mut state = self.lock();
        let db = state.db.clone().ok_or(StoreError::Closed)?;
        let hash = body::hash(&record.body);
        let path = body::path(&self.dir.join(BODIES), &record.name, hash);
        body::replace(&path, &record.body).map_err(|error| write_error(&path, &error))?;
        let entry = Entry {
            version: VERSION,
            name: record.name.clone(),
            serial: record.serial.0,
            unix_secs: record.unix_secs,
            len: record.body.len() as u64,
            hash: format!("{hash:016x}"),
        };
        let generation = state.export.generation + 1;
        self.put(&db, &source_key(&entry.name), &entry)?;
        self.put(&db, GENERATION, &generation)?;
        self.sync(&db)?;
        state.export.generation = generation;
        state.export.sources.insert(entry.name.clone(), entry);
        self.write_export(&state.export)?;
        self.remove_other_bodies(&record.name, &path);
        Ok(())
    }

    /// Removes the bodies of a source but `keep`. One that stays only takes space.
    fn remove_other_bodies(&self, name: &str, keep: &Path) {
        let Ok(files) = fs::read_dir(self.dir.join(BODIES)) else {
            return;
        };
        for file in files.flatten() {
            let path = file.path();
            let file_name = file.file_name();
            if file_name.to_str().is_some_and(|file_name| body::belongs_to(file_name, name)) && path != keep {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn put(&self, db: &sled::Db, key: &str, value: &impl serde::Serialize) -> Result<(), StoreError> {
        let failed = |reason: &dyn ToString| write_error(&self.database(), reason);
        let json = serde_json::to_vec(value).map_err(|error| failed(&error))?;
        db.insert(key, json).map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Makes the database durable: its `flush` hands the bytes to the kernel, and only once in a while waits
    /// for the disk.
    fn sync(&self, db: &sled::Db) -> Result<(), StoreError> {
        let failed = |reason: &dyn ToString| write_error(&self.database(), reason);
        db.flush().map_err(|error| failed(&error))?;
        File::open(self.database().join("db"))
            .and_then(|file| file.sync_data())
            .map_err(|error| failed(&error))
    }

    fn write_export(&self, export: &Export) -> Result<(), StoreError> {
        let path = self.dir.join(EXPORT);
        let json = serde_json::to_vec_pretty(export).map_err(|error| write_error(&path, &error))?;
        body::replace(&path, &json).map_err(|error| write_error(&path, &error))
    }

    fn database(&self) -> PathBuf {
        self.dir.join(DATABASE)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every step leaves a state that a later write repairs.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for SledStore {
    fn load(&self) -> Result<Loaded, StoreError> {
        let state = self.lock();
        let mut loaded = Loaded { records: Records::default(), damaged: state.damaged.clone() };
        for entry in state.export.sources.values() {
            match read_body(&self.dir.join(BODIES), entry) {
                Ok(record) => loaded.records.sources.push(record),
                Err(reason) => loaded.damaged.push(reason),
            }
        }
        Ok(loaded)
    }

    fn write(&self, write: &StoreWrite) -> Result<(), StoreError> {
        match write {
            StoreWrite::Source(record) => self.write_source(record),
            StoreWrite::Feed(_) | StoreWrite::Peers(_) => Ok(()),
        }
    }

    fn close(&self) -> Result<(), StoreError> {
        let db = self.lock().db.take();
        db.map_or(Ok(()), |db| self.sync(&db))
    }
}

/// Opens the database in a thread of its own: sled spins for ever on some damaged files.
fn open_watched(dir: &Path) -> Result<sled::Db, StoreError> {
    let path = dir.join(DATABASE);
    let (sender, receiver) = mpsc::channel();
    let damaged = |reason: String| StoreError::Damaged { dir: dir.join(DATABASE), reason };
    let config = sled::Config::new().path(&path).cache_capacity(CACHE_BYTES);
    thread::Builder::new()
        .name("store-open".to_owned())
        .spawn(move || {
            let started = Instant::now();
            let opened = loop {
                match config.open() {
                    // A process that has just ended may hold the lock for a moment longer.
                    Err(error) if is_locked(&error) && started.elapsed() < LOCK_PATIENCE => {
                        thread::sleep(Duration::from_millis(50));
                    }
                    opened => break opened,
                }
            };
            // Nobody listens any more if this took too long.
            let _ = sender.send(opened);
        })
        .map_err(|error| damaged(error.to_string()))?;
    match receiver.recv_timeout(OPEN_PATIENCE) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(error)) if is_locked(&error) => Err(StoreError::InUse { dir: dir.to_owned() }),
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(RecvTimeoutError::Timeout) => Err(StoreError::Stuck { dir: path }),
        Err(RecvTimeoutError::Disconnected) => Err(damaged("its library gave up".to_owned())),
    }
}

/// sled has no kind for it.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

/// The newer of database and export, and what was damaged.
fn read_index(dir: &Path, db: &sled::Db) -> Result<(Export, Vec<String>), StoreError> {
    let failed =
        |error: sled::Error| StoreError::Damaged { dir: dir.join(DATABASE), reason: error.to_string() };
    let mut damaged = Vec::new();
    let generation =
        db.get(GENERATION).map_err(failed)?.and_then(|json| serde_json::from_slice::<u64>(&json).ok());
    let mut sources = BTreeMap::new();
    for item in db.scan_prefix(SOURCE_KEY) {
        let (key, json) = item.map_err(failed)?;
        let name = String::from_utf8_lossy(key.get(SOURCE_KEY.len()..).unwrap_or_default()).into_owned();
        match serde_json::from_slice::<Entry>(&json) {
            Ok(entry) if entry.version == VERSION && entry.name == name && body::is_file_name(&name) => {
                sources.insert(name, entry);
            }
            _ => damaged.push(format!("the record of source {name:?} is damaged; it is fetched anew")),
        }
    }
    let export = fs::read(dir.join(EXPORT))
        .ok()
        .and_then(|json| serde_json::from_slice::<Export>(&json).ok())
        .filter(|export| export.version == VERSION);
    if let Some(export) = export
        && generation.is_none_or(|generation| generation < export.generation)
    {
        damaged.push(format!(
            "the store {} has lost its last writes; they are taken from {EXPORT}",
            dir.join(DATABASE).display()
        ));
        return Ok((export, damaged));
    }
    Ok((Export { version: VERSION, generation: generation.unwrap_or(0), sources }, damaged))
}

fn read_body(dir: &Path, entry: &Entry) -> Result<SourceRecord, String> {
    let damaged = |path: &Path, reason: &str| {
        format!(
            "the kept body of source \"{}\", {}, {reason}; it is fetched anew",
            entry.name,
            path.display()
        )
    };
    let hash = entry.hash().filter(|_| body::is_file_name(&entry.name));
    let Some(hash) = hash else {
        return Err(damaged(dir, "has a damaged record"));
    };
    let path = body::path(dir, &entry.name, hash);
    let bytes = fs::read(&path).map_err(|error| damaged(&path, &format!("cannot be read ({error})")))?;
    if bytes.len() as u64 != entry.len || body::hash(&bytes) != hash {
        return Err(damaged(&path, "is damaged"));
    }
    Ok(SourceRecord {
        name: entry.name.clone(),
        serial: Serial(entry.serial),
        unix_secs: entry.unix_secs,
        validators: Validators::default(),
        body: bytes.into(),
    })
}

fn write_error(path: &Path, reason: &(impl ToString + ?Sized)) -> StoreError {
    StoreError::Write { path: path.to_owned(), reason: reason.to_string() }
}

fn source_key(name: &str) -> String {
    format!("{SOURCE_KEY}{name}")
}

const DATABASE: &str = "store";
const BODIES: &str = "source";
const EXPORT: &str = "store.json";
const SOURCE_KEY: &str = "source/";
const GENERATION: &str = "meta/generation";
/// The index is a few kilobytes; sled's own default is a gigabyte.
const CACHE_BYTES: u64 = 1 << 20;
/// A good store of any size we write opens in milliseconds.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);
/// How long a lock may outlive its process.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
