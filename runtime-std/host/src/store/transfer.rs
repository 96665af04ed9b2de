//! What an operator does to a store while no server has it: look whether it is whole, take it out, put it back.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::bodies::Bodies;
use super::database::{Database, Fault};
use super::export::{self, Unhashed};
use super::journal;
use super::lock::Lock;
use super::record::Content;
use super::recover::{self, DATABASE, EXPORT, OPEN_PATIENCE};
use super::{StoreError, StoreKind, write_error};

/// How many records there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Registered peers.
    pub peers: usize,
    /// Sources with a last good body.
    pub sources: usize,
    /// Feeds with their versions.
    pub feeds: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peers, sources, feeds } = self;
        write!(f, "{peers} peers, {sources} sources, {feeds} feeds")
    }
}

impl From<&Content> for Counts {
    fn from(content: &Content) -> Self {
        Self { peers: content.peers.len(), sources: content.sources.len(), feeds: content.feeds.len() }
    }
}

/// What [`check`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A line for each part of the store.
    pub lines: Vec<String>,
    /// Whether any of it is damaged. A server would start all the same, if `is_lost` is not set.
    pub is_damaged: bool,
    /// Whether no server would start on it.
    pub is_lost: bool,
}

impl Report {
    fn good(&mut self, part: &str, what: &dyn fmt::Display) {
        self.lines.push(format!("{part}: {what}"));
    }

    fn damaged(&mut self, part: &str, what: &dyn fmt::Display) {
        self.lines.push(format!("{part}: damaged: {what}"));
        self.is_damaged = true;
    }
}

/// Looks at every part of the store in `dir`, and changes none.
pub fn check(dir: &Path) -> Result<Report, StoreError> {
    let _lock = lock(dir)?;
    let mut report = Report::default();
    let database = match Database::open(&dir.join(DATABASE), OPEN_PATIENCE) {
        Ok(opened) => {
            let generation = opened.database.generation();
            let counts = Counts::from(&opened.content);
            report.good(DATABASE, &format!("{counts}, after {generation} writes"));
            Some(opened.content)
        }
        Err(Fault::Locked) => return Err(StoreError::InUse { dir: dir.to_owned() }),
        Err(Fault::Empty) => {
            report.good(DATABASE, &"no database");
            None
        }
        Err(Fault::Damaged(reason)) => {
            report.damaged(DATABASE, &reason);
            None
        }
    };
    match export::read(&dir.join(EXPORT), Unhashed::Refused) {
        Ok(export) => {
            let counts = Counts::from(&export.content);
            report.good(EXPORT, &format!("{counts}, after {} writes", export.generation));
        }
        Err(error) => report.damaged(EXPORT, &error),
    }
    let lines = journal::read(dir, 0);
    if lines.damaged > 0 {
        report.damaged(journal::CURRENT, &format!("{} lines cannot be read", lines.damaged));
    } else {
        report.good(journal::CURRENT, &format!("{} writes", lines.writes.len()));
    }
    let content = match database {
        Some(content) => content,
        None => match recover::read_backup(dir) {
            Ok(backup) => backup.content,
            Err(reason) => {
                report.is_lost = true;
                report.damaged("all of it", &reason);
                Content::default()
            }
        },
    };
    let bodies = bodies(dir)?;
    for damage in bodies.load(content, Vec::new()).damaged {
        report.damaged("bodies", &damage);
    }
    Ok(report)
}

/// Writes all records of the store in `dir`, without the bodies, as one JSON document; returns what it was, and a
/// sentence for each thing that is missing in it.
pub fn export<W: Write>(dir: &Path, writer: W) -> Result<(Counts, Vec<String>), StoreError> {
    let _lock = lock(dir)?;
    let (generation, content, doubts) = read(dir)?;
    export::write_content(writer, generation, &content)
        .and_then(|mut writer| writer.flush())
        .map_err(|error| write_error(Path::new("the export"), &error))?;
    Ok((Counts::from(&content), doubts))
}

/// Writes such a document to a file, which is there as a whole or not at all.
pub fn export_to(dir: &Path, file: &Path) -> Result<(Counts, Vec<String>), StoreError> {
    let _lock = lock(dir)?;
    let (generation, content, doubts) = read(dir)?;
    export::replace(file, |writer| export::write_content(writer, generation, &content))
        .map_err(|error| write_error(file, &error))?;
    Ok((Counts::from(&content), doubts))
}

/// Puts the records of an export in the place of all that is in the store in `dir`. What it names of bodies that are
/// not there is left out. The file is checked as a whole before anything changes; a database that was there is set
/// aside.
pub fn import(kind: StoreKind, dir: &Path, file: &Path) -> Result<(Counts, Vec<String>), StoreError> {
    let failed = |reason: String| StoreError::Import { file: file.to_owned(), reason };
    let text = fs::read(file).map_err(|error| failed(error.to_string()))?;
    let export::Export { generation, mut content } =
        export::parse(&text, Unhashed::Taken).map_err(|reason| failed(with_remedy(reason)))?;
    drop(text);
    recover::prepare(dir)?;
    let _lock = Lock::take(dir)?;
    let bodies = Bodies::open(dir).map_err(|error| StoreError::Unwritable { dir: dir.to_owned(), error })?;
    let damaged = bodies.load(content.clone(), Vec::new()).damaged;
    bodies.retain_readable(&mut content);
    // Above all that is there, so that no copy of it counts as newer.
    let present = read(dir).map_or(0, |(generation, ..)| generation);
    let peeked = recover::peek_generation(dir).filter(|&generation| generation < u64::MAX).unwrap_or(0);
    let generation = generation.max(present).max(peeked).saturating_add(1);
    let journal = recover::write_copies(dir, generation, &content)?;
    drop(journal);
    recover::set_aside(dir)?;
    match kind {
        StoreKind::Sled => drop(recover::create(dir, generation, &content)?),
        StoreKind::File => {
            journal::Journal::remove(dir)
                .map_err(|error| write_error(&dir.join(journal::CURRENT), &error))?;
        }
    }
    Ok((Counts::from(&content), damaged))
}

fn with_remedy(reason: String) -> String {
    if reason.contains("hash") {
        format!("{reason}; if it was edited by hand, remove its \"hash\"")
    } else {
        reason
    }
}

/// What the server would start with.
fn read(dir: &Path) -> Result<(u64, Content, Vec<String>), StoreError> {
    let reason = match Database::open(&dir.join(DATABASE), OPEN_PATIENCE) {
        Ok(opened) => {
            let mut generation = opened.database.generation();
            let mut content = opened.content;
            let backup = recover::read_backup(dir).ok().filter(|backup| backup.generation > generation);
            if let Some(backup) = backup {
                generation = backup.generation;
                content = backup.content;
            }
            return Ok((generation, content, Vec::new()));
        }
        Err(Fault::Locked) => return Err(StoreError::InUse { dir: dir.to_owned() }),
        Err(Fault::Empty) => None,
        Err(Fault::Damaged(reason)) => Some(reason),
    };
    match recover::read_backup(dir) {
        Ok(backup) => {
            let damaged =
                reason.map(|reason| format!("{DATABASE} is damaged ({reason}); {EXPORT} was taken"));
            let doubt = backup.doubt.filter(|_| damaged.is_some());
            Ok((backup.generation, backup.content, damaged.into_iter().chain(doubt).collect()))
        }
        Err(copies) => {
            let reason = reason.map_or(copies.clone(), |reason| format!("{reason}; {copies}"));
            Err(StoreError::Lost { dir: dir.to_owned(), reason })
        }
    }
}

fn lock(dir: &Path) -> Result<Lock, StoreError> {
    if !dir.is_dir() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        return Err(StoreError::Unwritable { dir: dir.to_owned(), error });
    }
    Lock::take(dir)
}

fn bodies(dir: &Path) -> Result<Bodies, StoreError> {
    Bodies::open(dir).map_err(|error| StoreError::Unwritable { dir: dir.to_owned(), error })
}
