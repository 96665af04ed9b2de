//! What was written since the last export, one line of JSON each, durable before a write is acknowledged.
//!
//! ```text
//! {"generation":8,"changes":[…],"hash":"9f86d081884c7d65"}
//! ```
//! While an export is made, lines that it will hold stand in `store.log.1`, and new ones go to `store.log`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::body::{self, Hash};
use super::record::Change;

/// The journal of an open store.
#[derive(Debug)]
pub(super) struct Journal {
    dir: PathBuf,
    file: File,
    /// Octets of whole lines.
    len: u64,
    /// Whether there may be more in the file, from a line that could not be written.
    is_torn: bool,
}

/// What a journal holds.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The changes of each generation, ascending.
    pub(super) writes: Vec<(u64, Vec<Change>)>,
    /// Lines among them that cannot be read, but for a torn last one: it may never have been acknowledged.
    pub(super) damaged: usize,
    /// Whether a last line is torn.
    pub(super) is_torn: bool,
    /// Whether there is a journal at all.
    pub(super) is_there: bool,
}

#[derive(Deserialize)]
struct Line<'a> {
    generation: u64,
    #[serde(borrow)]
    changes: &'a RawValue,
    hash: String,
}

impl Journal {
    /// Begins an empty journal; what an earlier one held must be in an export.
    pub(super) fn create(dir: &Path) -> io::Result<Self> {
        let file = File::create(dir.join(CURRENT))?;
        file.sync_all()?;
        remove(&dir.join(OLDER))?;
        body::sync_dir(dir)?;
        Ok(Self { dir: dir.to_owned(), file, len: 0, is_torn: false })
    }

    /// Adds a line that survives a crash of the machine, or nothing.
    pub(super) fn append(&mut self, generation: u64, changes: &[Change]) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.len)?;
            self.is_torn = false;
        }
        let changes = serde_json::to_string(changes)?;
        let hash = hash_of(generation, &changes);
        let line = format!("{{\"generation\":{generation},\"changes\":{changes},\"hash\":\"{hash}\"}}\n");
        let written = write_at_end(&mut self.file, self.len, line.as_bytes());
        if written.is_err() {
            self.is_torn = self.file.set_len(self.len).and_then(|()| self.file.sync_data()).is_err();
        } else {
            self.len += line.len() as u64;
        }
        written
    }

    /// Puts what was written so far aside, to be dropped once an export has it.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        let older = self.dir.join(OLDER);
        // An export failed: its lines are still waiting there, and ours stay where they are.
        if older.exists() {
            return Ok(());
        }
        fs::rename(self.dir.join(CURRENT), &older)?;
        match File::create(self.dir.join(CURRENT)).and_then(|file| file.sync_all().map(|()| file)) {
            Ok(file) => {
                self.file = file;
                self.len = 0;
                self.is_torn = false;
                body::sync_dir(&self.dir)
            }
            Err(error) => {
                // The open file goes on; it only needs its name back.
                fs::rename(&older, self.dir.join(CURRENT))?;
                Err(error)
            }
        }
    }

    /// Removes every journal in `dir`.
    pub(super) fn remove(dir: &Path) -> io::Result<()> {
        remove(&dir.join(OLDER))?;
        remove(&dir.join(CURRENT))
    }

    /// Forgets what was put aside: an export has it.
    pub(super) fn drop_older(dir: &Path) -> io::Result<()> {
        remove(&dir.join(OLDER))
    }
}

/// Everything that the journal in `dir` holds after `generation`. A file that cannot be read is damage.
pub(super) fn read(dir: &Path, after: u64) -> Lines {
    let mut lines = Lines::default();
    let mut all = Vec::new();
    for name in [OLDER, CURRENT] {
        match fs::read(dir.join(name)) {
            Ok(text) => {
                lines.is_there |= name == CURRENT;
                lines.is_torn |= read_lines(&text, &mut all);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => lines.damaged += 1,
        }
    }
    // A damaged line is taken for the one after the line before it.
    let first = all.iter().position(Option::is_some).unwrap_or(0) as u64;
    let mut last = all.iter().flatten().next().map_or(after, |(number, _)| number.saturating_sub(first + 1));
    for line in all {
        last = line.as_ref().map_or(last.saturating_add(1), |(number, _)| *number);
        match line {
            _ if last <= after => {}
            Some(write) => lines.writes.push(write),
            None => lines.damaged += 1,
        }
    }
    lines.writes.sort_by_key(|(generation, _)| *generation);
    lines
}

/// Adds each line, `None` for one that cannot be read; whether there is a torn one after them.
fn read_lines(text: &[u8], lines: &mut Vec<Option<(u64, Vec<Change>)>>) -> bool {
    let mut rest = text;
    while let Some(end) = rest.iter().position(|&octet| octet == b'\n') {
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        lines.push(parse(line));
    }
    !rest.is_empty()
}

fn parse(line: &[u8]) -> Option<(u64, Vec<Change>)> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let changes = line.changes.get();
    if line.hash != hash_of(line.generation, changes) {
        return None;
    }
    Some((line.generation, serde_json::from_str(changes).ok()?))
}

fn write_at_end(file: &mut File, len: u64, bytes: &[u8]) -> io::Result<()> {
    use std::io::Seek as _;
    file.seek(io::SeekFrom::Start(len))?;
    file.write_all(bytes)?;
    file.sync_data()
}

fn hash_of(generation: u64, changes: &str) -> String {
    let mut hash = Hash::default();
    hash.update(format!("{generation} ").as_bytes());
    hash.update(changes.as_bytes());
    format!("{:016x}", hash.0)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where lines are added.
pub(super) const CURRENT: &str = "store.log";
/// Where those are that an export is being made of.
pub(super) const OLDER: &str = "store.log.1";

#[cfg(test)]
mod tests {
    use bgplite_core::ids::PeerId;

    use super::*;

    #[test]
    fn a_damaged_line_counts_where_what_it_held_is_missing() {
        let dir = std::env::temp_dir().join(format!("bgplite-journal-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let mut journal = Journal::create(&dir).unwrap();
        for generation in 8..=11 {
            journal.append(generation, &[Change::Forget(PeerId(generation))]).unwrap();
        }
        let path = dir.join("store.log");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("{\"generation\":8,\"changes\":[{\"forget\":8}],\"hash\":\""), "{text}");
        let numbers = |lines: &Lines| lines.writes.iter().map(|(number, _)| *number).collect::<Vec<_>>();
        let whole = read(&dir, 9);
        assert_eq!((numbers(&whole), whole.damaged, whole.is_torn), (vec![10, 11], 0, false));
        fs::write(&path, text.replace("\"forget\":10", "\"forget\":12")).unwrap();
        for (after, good, damaged) in [(7, vec![8, 9, 11], 1), (9, vec![11], 1), (10, vec![11], 0)] {
            let lines = read(&dir, after);
            assert_eq!((numbers(&lines), lines.damaged), (good, damaged), "after {after}");
        }
        fs::write(&path, &text.as_bytes()[..text.len() - 3]).unwrap();
        let torn = read(&dir, 7);
        assert_eq!((numbers(&torn), torn.damaged, torn.is_torn), (vec![8, 9, 10], 0, true));
        // The first one.
        fs::write(&path, text.replace("{\"generation\":8", "[\"generation\":8")).unwrap();
        assert_eq!(read(&dir, 7).damaged, 1);
        assert_eq!(read(&dir, 8).damaged, 0);
        fs::remove_dir_all(dir).unwrap();
    }
}
