//! Brings a store's database and its copies together, whatever became of either.
//!
//! The database wins while it is whole. Otherwise it is set aside, and made again of the export and the journal.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::bodies::Bodies;
use super::database::{Database, Fault, Opened};
use super::export::{self, Export, ExportError, Unhashed};
use super::journal::{self, Journal};
use super::record::Content;
use super::{StoreError, body, write_error};

/// A store, brought together.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) database: Database,
    pub(super) content: Content,
    /// A sentence for each thing that was found damaged.
    pub(super) damaged: Vec<String>,
}

/// What stands beside the database.
#[derive(Debug)]
pub(super) struct Backup {
    pub(super) generation: u64,
    pub(super) content: Content,
    /// What may be missing in it, as the end of a sentence.
    pub(super) doubt: Option<String>,
}

/// Makes the state directory and sees that it can be written to, with some room.
pub(super) fn prepare(dir: &Path) -> Result<(), StoreError> {
    let unwritable = |error| StoreError::Unwritable { dir: dir.to_owned(), error };
    // Below it: a file in its place is then said to be no directory.
    fs::create_dir_all(dir.join("source")).map_err(unwritable)?;
    let probe = dir.join(".write-test");
    let written = File::create(&probe).and_then(|mut file| file.write_all(&vec![0; ROOM]));
    let removed = fs::remove_file(&probe);
    written.and(removed).map_err(unwritable)
}

/// Opens what is in `dir`, whose lock the caller has.
pub(super) fn recover(dir: &Path, bodies: &Bodies) -> Result<Recovered, StoreError> {
    match Database::open(&dir.join(DATABASE), OPEN_PATIENCE) {
        Ok(opened) => roll_forward(dir, bodies, opened),
        Err(Fault::Locked) => Err(StoreError::InUse { dir: dir.to_owned() }),
        Err(Fault::Empty) if is_untouched(dir, bodies) => begin(dir),
        Err(Fault::Empty) => restore(dir, "it is empty"),
        Err(Fault::Damaged(reason)) => restore(dir, &reason),
    }
}

/// Whether nothing was ever kept here.
pub(super) fn is_untouched(dir: &Path, bodies: &Bodies) -> bool {
    let is_there = |name: &str| dir.join(name).exists();
    let has_copies = is_there(EXPORT) || is_there(journal::CURRENT) || is_there(journal::OLDER);
    !has_copies && !bodies.is_any() && set_aside_numbers(dir).is_empty()
}

/// The copies come first: from then on, a database that is cut short on its way into being is restored.
fn begin(dir: &Path) -> Result<Recovered, StoreError> {
    write_copies(dir, 0, &Content::default())?;
    let database = create(dir, 0, &Content::default())?;
    Ok(Recovered { database, content: Content::default(), damaged: Vec::new() })
}

/// Writes an export, and begins a journal after it.
pub(super) fn write_copies(dir: &Path, generation: u64, content: &Content) -> Result<Journal, StoreError> {
    let path = dir.join(EXPORT);
    export::replace(&path, |writer| export::write_content(writer, generation, content))
        .map_err(|error| write_error(&path, &error))?;
    let path = dir.join(journal::CURRENT);
    Journal::create(dir).map_err(|error| write_error(&path, &error))
}

/// A database that is whole gets what only its copies have: the last write, after a crash.
fn roll_forward(dir: &Path, bodies: &Bodies, opened: Opened) -> Result<Recovered, StoreError> {
    let Opened { mut database, mut content } = opened;
    let mut damaged = Vec::new();
    if peek_generation(dir).is_some_and(|generation| generation > database.generation()) {
        match export::read(&dir.join(EXPORT), Unhashed::Refused) {
            Ok(export) if export.generation > database.generation() => {
                let behind = export.generation - database.generation();
                drop(database);
                return restore(dir, &format!("it lacks {behind} writes"));
            }
            Ok(_) => {}
            Err(error) => damaged.push(format!("{EXPORT} {error}; it is written anew")),
        }
    }
    let lines = journal::read(dir, database.generation());
    if lines.writes.len() > 1 {
        damaged.push(format!(
            "the store {} lacked its last {} writes; they are taken from {}",
            dir.join(DATABASE).display(),
            lines.writes.len(),
            journal::CURRENT
        ));
    }
    if lines.damaged > 0 || lines.is_torn && lines.writes.len() > 1 {
        damaged.push(format!("{} is damaged, and some of the last changes may be lost", journal::CURRENT));
    }
    for (generation, changes) in lines.writes {
        if let Err(reason) = database.write(generation, &changes) {
            drop(database);
            return restore(dir, &reason);
        }
        for change in changes {
            content.apply(change);
        }
    }
    if damaged.is_empty() {
        bodies.sweep(&content);
    }
    Ok(Recovered { database, content, damaged })
}

/// The generation of the export by its first few octets: the whole is read only when that matters.
pub(super) fn peek_generation(dir: &Path) -> Option<u64> {
    let mut head = [0; 64];
    let len = File::open(dir.join(EXPORT)).ok()?.read(&mut head).ok()?;
    let head = String::from_utf8_lossy(head.get(..len)?).into_owned();
    let (_, rest) = head.split_once("\"generation\":")?;
    // One that cannot be read is looked at closely.
    Some(rest.split(',').next().and_then(|digits| digits.trim().parse().ok()).unwrap_or(u64::MAX))
}

/// Sets the database aside and makes it again of its copies.
fn restore(dir: &Path, reason: &str) -> Result<Recovered, StoreError> {
    let Backup { generation, content, doubt } = read_backup(dir)
        .map_err(|copies| StoreError::Lost { dir: dir.to_owned(), reason: format!("{reason}; {copies}") })?;
    let aside = set_aside(dir)?;
    let database = match create(dir, generation, &content) {
        Ok(database) => database,
        Err(error) => {
            // As it was, for another attempt.
            if let Some(aside) = aside {
                let _ = fs::remove_dir_all(dir.join(DATABASE));
                let _ = fs::rename(aside, dir.join(DATABASE));
            }
            return Err(error);
        }
    };
    let aside = aside.map_or(String::new(), |aside| format!(" It stays in {}.", aside.display()));
    let doubt = doubt.map_or(String::new(), |doubt| format!(" But {doubt}."));
    let damaged = format!(
        "the store {} could not be used: {reason}. {} peers, {} sources and {} feeds were restored from {EXPORT} and \
         {}.{doubt}{aside}",
        dir.join(DATABASE).display(),
        content.peers.len(),
        content.sources.len(),
        content.feeds.len(),
        journal::CURRENT
    );
    Ok(Recovered { database, content, damaged: vec![damaged] })
}

/// Export and journal together; otherwise what is wrong with them.
pub(super) fn read_backup(dir: &Path) -> Result<Backup, String> {
    let (export, fault) = match export::read(&dir.join(EXPORT), Unhashed::Refused) {
        Ok(export) => (export, None),
        Err(error) => (Export::default(), Some(error)),
    };
    let lines = journal::read(dir, export.generation);
    let is_complete = |first: u64| {
        let numbers = lines.writes.iter().map(|(generation, _)| *generation);
        numbers.zip(first..).all(|(number, expected)| number == expected)
    };
    if let Some(error) = fault
        && (lines.writes.is_empty() || lines.damaged > 0 || !is_complete(1))
    {
        return Err(format!("{EXPORT} {error}"));
    }
    let doubt = if lines.damaged > 0 || !is_complete(export.generation + 1) {
        Some(format!("{} is damaged, and some of the last changes may be lost", journal::CURRENT))
    } else if lines.is_torn {
        Some(format!("{} is cut short, and some of the last changes may be lost", journal::CURRENT))
    } else if !lines.is_there {
        Some(format!("{} is missing, and the last changes with it", journal::CURRENT))
    } else {
        None
    };
    let Export { mut generation, mut content } = export;
    for (number, changes) in lines.writes {
        generation = number;
        for change in changes {
            content.apply(change);
        }
    }
    Ok(Backup { generation, content, doubt })
}

impl std::fmt::Display for ExportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::Damaged(reason) => write!(f, "is damaged: {reason}"),
        }
    }
}

pub(super) fn create(dir: &Path, generation: u64, content: &Content) -> Result<Database, StoreError> {
    let path = dir.join(DATABASE);
    let database =
        Database::create(&path, generation, content, CREATE_PATIENCE).map_err(|fault| match fault {
            Fault::Locked => StoreError::InUse { dir: dir.to_owned() },
            Fault::Empty => write_error(&path, "it stays empty"),
            Fault::Damaged(reason) => write_error(&path, &reason),
        })?;
    body::sync_dir(&path).and_then(|()| body::sync_dir(dir)).map_err(|error| write_error(&path, &error))?;
    Ok(database)
}

/// Moves the database out of the way, if there is one, and removes the oldest of those that were.
pub(super) fn set_aside(dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    let database = dir.join(DATABASE);
    let mut numbers = set_aside_numbers(dir);
    let number = numbers.last().map_or(1, |last| last + 1);
    let aside = dir.join(format!("{ASIDE}{number}"));
    match fs::rename(&database, &aside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(write_error(&database, &error)),
    }
    numbers.push(number);
    for old in numbers.iter().rev().skip(KEPT_ASIDE) {
        // One that stays only takes space.
        let _ = fs::remove_dir_all(dir.join(format!("{ASIDE}{old}")));
    }
    Ok(Some(aside))
}

/// The numbers of the databases that were set aside, ascending.
fn set_aside_numbers(dir: &Path) -> Vec<u64> {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let number = |file: fs::DirEntry| file.file_name().to_str()?.strip_prefix(ASIDE)?.parse().ok();
    let mut numbers: Vec<u64> = files.filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

pub(super) const DATABASE: &str = "store";
pub(super) const EXPORT: &str = "store.json";
const ASIDE: &str = "store.damaged-";
/// Databases that are kept for somebody to look at.
const KEPT_ASIDE: usize = 3;
/// A good store of ten thousand peers opens in a tenth of a second.
pub(super) const OPEN_PATIENCE: Duration = Duration::from_secs(8);
const CREATE_PATIENCE: Duration = Duration::from_secs(5);
/// Octets that must still fit on the disk: the library makes files of half a megabyte.
const ROOM: usize = 1 << 20;
