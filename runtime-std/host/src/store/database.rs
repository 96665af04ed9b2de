//! The sled database: opened and read under a watchdog, because its library spins, panics or comes up empty on some
//! damaged files; every write is one batch with a marker that tells whether all of it is there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::body::Hash;
use super::quiet;
use super::record::{Change, Content, Entry, Kind};

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    dir: PathBuf,
    db: sled::Db,
    marker: Marker,
}

/// What the database says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    /// Number of writes to the store so far.
    generation: u64,
    /// The sum of the hashes of all pairs but this one.
    #[serde(default)]
    sum: Option<u64>,
}

/// A database that was opened, and all that it holds.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) content: Content,
}

/// Why a database cannot be used, as the end of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is none, or one that never held anything.
    Empty,
    /// It is locked by another process.
    Locked,
    /// It is damaged.
    Damaged(String),
}

impl Database {
    /// Opens the database in `dir` and reads all of it, in a thread that is given up after `patience`.
    pub(super) fn open(dir: &Path, patience: Duration) -> Result<Opened, Fault> {
        quiet::hush();
        if !dir.join("db").exists() && !dir.exists() {
            return Err(Fault::Empty);
        }
        watched(dir, patience, |dir| {
            let db = open_unlocked(dir)?;
            let (marker, content) = read(&db)?;
            Ok(Opened { database: Self { dir: dir.to_owned(), db, marker }, content })
        })
    }

    /// Makes a new database of `changes` in `dir`, where there is none.
    pub(super) fn create(
        dir: &Path,
        generation: u64,
        content: &Content,
        patience: Duration,
    ) -> Result<Self, Fault> {
        quiet::hush();
        let content = content.clone();
        watched(dir, patience, move |dir| {
            let db = open_unlocked(dir)?;
            let mut database = Self { dir: dir.to_owned(), db, marker: Marker::default() };
            let mut changes = content.into_changes().peekable();
            while changes.peek().is_some() {
                let batch: Vec<Change> = changes.by_ref().take(BATCH).collect();
                database.put(generation, &batch).map_err(Fault::Damaged)?;
            }
            database.put(generation, &[]).map_err(Fault::Damaged)?;
            database.sync().map_err(Fault::Damaged)?;
            Ok(database)
        })
    }

    /// Number of writes to the store so far.
    pub(super) fn generation(&self) -> u64 {
        self.marker.generation
    }

    /// Writes these changes as a whole, durably, in a thread of its own: after a full disk the library waits for ever.
    /// What it says instead of the database is why that cannot be used any more.
    pub(super) fn write_watched(
        mut self,
        generation: u64,
        changes: Vec<Change>,
        patience: Duration,
    ) -> Result<Self, String> {
        let dir = self.dir.clone();
        let write = move |_: &Path| match self.write(generation, &changes) {
            Ok(()) => Ok(self),
            Err(reason) => {
                // It waits for what cannot be written even when it is dropped.
                std::mem::forget(self);
                Err(Fault::Damaged(reason))
            }
        };
        watched(&dir, patience, write).map_err(|fault| match fault {
            Fault::Damaged(reason) => reason,
            Fault::Empty | Fault::Locked => "it is gone".to_owned(),
        })
    }

    /// Writes these changes as a whole, durably.
    pub(super) fn write(&mut self, generation: u64, changes: &[Change]) -> Result<(), String> {
        caught(|| self.put(generation, changes).and_then(|()| self.sync()))
    }

    /// The entry of a body that stands for `key`, if any can be read.
    pub(super) fn entry(&self, key: &str) -> Option<Entry> {
        caught(|| self.db.get(key).map_err(|error| error.to_string()))
            .ok()
            .flatten()
            .and_then(|value| serde_json::from_slice(&value).ok())
    }

    /// All that it holds.
    pub(super) fn content(&self) -> Result<Content, String> {
        caught(|| match read(&self.db) {
            Ok((_, content)) => Ok(content),
            Err(Fault::Damaged(reason)) => Err(reason),
            Err(_) => Err("it is empty".to_owned()),
        })
    }

    /// A handle that reads while others write.
    pub(super) fn reader(&self) -> Reader {
        Reader(self.db.clone())
    }

    fn put(&mut self, generation: u64, changes: &[Change]) -> Result<(), String> {
        let failed = |error: &dyn ToString| error.to_string();
        // The last of several changes of the same thing stands.
        let mut pairs: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
        for change in changes {
            pairs.insert(change.key(), change.value().map_err(|error| failed(&error))?);
        }
        let mut sum = self.marker.sum.unwrap_or_default();
        let mut batch = sled::Batch::default();
        for (key, value) in pairs {
            if let Some(old) = self.db.get(&key).map_err(|error| failed(&error))? {
                sum = sum.wrapping_sub(pair_hash(key.as_bytes(), &old));
            }
            match value {
                Some(value) => {
                    sum = sum.wrapping_add(pair_hash(key.as_bytes(), &value));
                    batch.insert(key.as_str(), value);
                }
                None => batch.remove(key.as_str()),
            }
        }
        let marker = Marker { generation, sum: Some(sum) };
        batch.insert(MARKER, serde_json::to_vec(&marker).map_err(|error| failed(&error))?);
        self.db.apply_batch(batch).map_err(|error| failed(&error))?;
        self.marker = marker;
        Ok(())
    }

    /// The database's `flush` hands the bytes to the kernel, and only once in a while waits for the disk.
    fn sync(&self) -> Result<(), String> {
        self.db.flush().map_err(|error| error.to_string())?;
        File::open(self.dir.join("db")).and_then(|file| file.sync_data()).map_err(|error| error.to_string())
    }
}

/// Reads a database that others write to.
#[derive(Debug)]
pub(super) struct Reader(sled::Db);

impl Reader {
    /// Gives every record of a kind, in the order of their keys.
    pub(super) fn for_each(
        &self,
        kind: Kind,
        write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        for pair in self.0.scan_prefix(kind.prefix()) {
            let (_, value) = pair.map_err(io::Error::other)?;
            write(&value)?;
        }
        Ok(())
    }
}

/// Runs `work` in a thread of its own, which is left behind when it takes longer than `patience`.
fn watched<T: Send + 'static>(
    dir: &Path,
    patience: Duration,
    work: impl FnOnce(&Path) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let (sender, receiver) = mpsc::channel();
    let (id_sender, id) = mpsc::channel();
    let path = dir.to_owned();
    thread::Builder::new()
        .name(quiet::OPENER.to_owned())
        .spawn(move || {
            let _ = id_sender.send(quiet::thread_id());
            // Nobody listens any more if this took too long.
            let _ = sender.send(work(&path));
        })
        .map_err(|error| Fault::Damaged(error.to_string()))?;
    match receiver.recv_timeout(patience) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            // It cannot be ended. It must not take the processor from those who work.
            if let Ok(id) = id.try_recv() {
                quiet::lower(id);
            }
            Err(Fault::Damaged(format!("it did not come to an end within {} s", patience.as_secs())))
        }
        Err(RecvTimeoutError::Disconnected) => Err(Fault::Damaged("its library gave up".to_owned())),
    }
}

/// What `work` gives; a panic of the library is an error like others.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("its library gave up".to_owned()))
}

fn open_unlocked(dir: &Path) -> Result<sled::Db, Fault> {
    let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES);
    let started = Instant::now();
    loop {
        match config.open() {
            Ok(db) => return Ok(db),
            // A process that has just ended may hold the lock for a moment longer.
            Err(error) if is_locked(&error) => {
                if started.elapsed() >= LOCK_PATIENCE {
                    return Err(Fault::Locked);
                }
                thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(Fault::Damaged(error.to_string())),
        }
    }
}

/// sled has no kind for it.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

fn read(db: &sled::Db) -> Result<(Marker, Content), Fault> {
    let mut content = Content::default();
    let mut marker = None;
    let mut sum = 0_u64;
    let mut is_empty = true;
    for pair in db.iter() {
        let (key, value) = pair.map_err(|error| Fault::Damaged(error.to_string()))?;
        is_empty = false;
        if &*key == MARKER.as_bytes() {
            marker = serde_json::from_slice::<Marker>(&value).ok();
            continue;
        }
        // As the first version of this store had it.
        if &*key == GENERATION.as_bytes() {
            let generation = serde_json::from_slice::<u64>(&value).ok();
            marker = marker.or(generation.map(|generation| Marker { generation, sum: None }));
        }
        sum = sum.wrapping_add(pair_hash(&key, &value));
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| key.starts_with(kind.prefix().as_bytes()))
            && !content.insert(kind, &value)
        {
            let key = String::from_utf8_lossy(&key);
            return Err(Fault::Damaged(format!("its record {key:?} cannot be read")));
        }
    }
    match marker {
        None if is_empty => Err(Fault::Empty),
        None => Err(Fault::Damaged("its marker is missing".to_owned())),
        Some(Marker { sum: Some(wanted), .. }) if wanted != sum => {
            Err(Fault::Damaged("it is not what was written to it last".to_owned()))
        }
        Some(marker) => Ok((Marker { sum: Some(sum), ..marker }, content)),
    }
}

fn pair_hash(key: &[u8], value: &[u8]) -> u64 {
    let mut hash = Hash::default();
    hash.update(key);
    hash.update(&[0]);
    hash.update(value);
    hash.0
}

const MARKER: &str = "meta/marker";
const GENERATION: &str = "meta/generation";
/// The records are a few megabytes; sled's own default is a gigabyte.
const CACHE_BYTES: u64 = 1 << 20;
/// How long a lock may outlive its process.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// Changes in one batch of a new database.
const BATCH: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_that_does_not_end_is_given_up_and_one_that_panics_is_an_error() {
        quiet::hush();
        let dir = Path::new("/nonexistent");
        let (hold, held) = mpsc::channel::<()>();
        let stuck = watched(dir, Duration::from_millis(50), move |_| {
            let _ = held.recv();
            Ok(())
        });
        assert_eq!(stuck, Err(Fault::Damaged("it did not come to an end within 0 s".to_owned())));
        drop(hold);
        let panics =
            watched(dir, Duration::from_secs(5), |_| -> Result<(), Fault> { panic!("as sled does") });
        assert_eq!(panics, Err(Fault::Damaged("its library gave up".to_owned())));
    }
}
