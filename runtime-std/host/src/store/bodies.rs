//! Bodies of sources and feeds in files of their own: written before an entry names them, removed after none does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bgplite_core::ids::Serial;
use bgplite_core::server::{FeedRecord, Records, SourceRecord, Validators};

use super::record::{Change, Content, Entry, VERSION};
use super::{Loaded, StoreError, StoreWrite, body, write_error};

/// The directories of bodies inside a state directory.
#[derive(Debug)]
pub(super) struct Bodies {
    sources: PathBuf,
    feeds: PathBuf,
}

impl Bodies {
    /// Makes the directories where they are missing.
    pub(super) fn open(dir: &Path) -> std::io::Result<Self> {
        let bodies = Self { sources: dir.join(SOURCES), feeds: dir.join(FEEDS) };
        fs::create_dir_all(&bodies.sources)?;
        fs::create_dir_all(&bodies.feeds)?;
        Ok(bodies)
    }

    /// Writes the bodies of `write`, and returns the changes that it makes to the records.
    pub(super) fn prepare(&self, write: &StoreWrite) -> Result<Vec<Change>, StoreError> {
        match write {
            StoreWrite::Source(record) => {
                let SourceRecord { name, serial, unix_secs, validators, body } = record;
                let mut entry = write_body(&self.sources, name, *serial, *unix_secs, body)?;
                entry.validators = validators.clone();
                Ok(vec![Change::Source(entry)])
            }
            StoreWrite::Feed(record) => {
                let json = serde_json::to_vec(record).map_err(|error| write_error(&self.feeds, &error))?;
                let unix_secs = record.versions.first().map_or(0, |version| version.unix_secs);
                let entry = write_body(&self.feeds, &record.name, record.table.serial(), unix_secs, &json)?;
                Ok(vec![Change::Feed(entry)])
            }
            StoreWrite::Peers(changes) => Ok(changes.iter().cloned().map(Change::from).collect()),
        }
    }

    /// Removes the body that `old` named, now that `new` stands in its place. One that stays only takes space.
    pub(super) fn remove_old(&self, old: &Entry, new: &Change) {
        let (dir, new) = match new {
            Change::Source(new) => (&self.sources, new),
            Change::Feed(new) => (&self.feeds, new),
            Change::Peer(_) | Change::Forget(_) => return,
        };
        if old.hash != new.hash
            && body::is_file_name(&old.name)
            && let Some(hash) = old.hash()
        {
            let _ = fs::remove_file(body::path(dir, &old.name, hash));
        }
    }

    /// Removes every body that `content` does not name, left behind by a crash.
    pub(super) fn sweep(&self, content: &Content) {
        for (dir, entries) in [(&self.sources, &content.sources), (&self.feeds, &content.feeds)] {
            let path = |entry: &Entry| Some(body::path(dir, &entry.name, entry.hash()?));
            let named: BTreeSet<PathBuf> = entries.values().filter_map(path).collect();
            let Ok(files) = fs::read_dir(dir) else { continue };
            for path in files.flatten().map(|file| file.path()).filter(|path| !named.contains(path)) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Takes out of `content` what names a body that cannot be read.
    pub(super) fn retain_readable(&self, content: &mut Content) {
        content.sources.retain(|_, entry| read_body(&self.sources, "source", entry).is_ok());
        content.feeds.retain(|_, entry| read_body(&self.feeds, "feed", entry).is_ok());
    }

    /// Whether there is any body at all.
    pub(super) fn is_any(&self) -> bool {
        let has_files = |dir| fs::read_dir(dir).is_ok_and(|mut files| files.next().is_some());
        has_files(&self.sources) || has_files(&self.feeds)
    }

    /// Everything that `content` names and that can be read; what cannot is named among the damaged.
    pub(super) fn load(&self, content: Content, mut damaged: Vec<String>) -> Loaded {
        let mut records = Records::default();
        for entry in content.sources.values() {
            match read_body(&self.sources, "source", entry) {
                Ok(body) => records.sources.push(SourceRecord {
                    name: entry.name.clone(),
                    serial: Serial(entry.serial),
                    unix_secs: entry.unix_secs,
                    validators: entry.validators.clone(),
                    body: body.into(),
                }),
                Err(sentence) => damaged.push(format!("{sentence}; it is fetched anew")),
            }
        }
        for entry in content.feeds.values() {
            let record = read_body(&self.feeds, "feed", entry).and_then(|body| {
                serde_json::from_slice::<FeedRecord>(&body).map_err(|error| {
                    format!("the kept versions of feed \"{}\" cannot be read: {error}", entry.name)
                })
            });
            match record {
                Ok(record) => records.feeds.push(record),
                Err(sentence) => {
                    damaged.push(format!("{sentence}; it is built anew, without earlier versions"));
                }
            }
        }
        records.peers = content.peers.into_values().collect();
        Loaded { records, damaged }
    }
}

fn write_body(
    dir: &Path,
    name: &str,
    serial: Serial,
    unix_secs: u64,
    bytes: &[u8],
) -> Result<Entry, StoreError> {
    if !body::is_file_name(name) {
        return Err(StoreError::Name(name.to_owned()));
    }
    let hash = body::hash(bytes);
    let path = body::path(dir, name, hash);
    body::replace(&path, bytes).map_err(|error| write_error(&path, &error))?;
    Ok(Entry {
        version: VERSION,
        name: name.to_owned(),
        serial: serial.0,
        unix_secs,
        len: bytes.len() as u64,
        hash: format!("{hash:016x}"),
        validators: Validators::default(),
    })
}

fn read_body(dir: &Path, kind: &str, entry: &Entry) -> Result<Vec<u8>, String> {
    let damaged = |path: &Path, reason: &str| {
        format!("the kept body of {kind} \"{}\", {}, {reason}", entry.name, path.display())
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
    Ok(bytes)
}

const SOURCES: &str = "source";
const FEEDS: &str = "feed";
