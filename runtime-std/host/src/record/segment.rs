//! The files of a recording: their names, the next one, and which have to go.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The segments of a directory.
#[derive(Debug)]
pub(super) struct Segments {
    dir: PathBuf,
    /// The number of the last one.
    last: u64,
}

impl Segments {
    /// Those of `dir`, which is made if it is not there. Numbers go on from what is.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let last = found(dir)?.into_iter().map(|(number, ..)| number).max().unwrap_or(0);
        Ok(Self { dir: dir.to_owned(), last })
    }

    /// A new one. The oldest are removed until the others take `keep_bytes` at most.
    pub(super) fn create(&mut self, keep_bytes: u64) -> io::Result<File> {
        let mut segments = found(&self.dir)?;
        segments.sort_unstable();
        let mut total: u64 = segments.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in segments {
            if total <= keep_bytes {
                break;
            }
            fs::remove_file(path)?;
            total -= bytes;
        }
        self.last += 1;
        OpenOptions::new().write(true).create_new(true).open(self.path())
    }

    /// Where the last one is.
    pub(super) fn path(&self) -> PathBuf {
        self.dir.join(format!("{PREFIX}{:08}{SUFFIX}", self.last))
    }
}

/// Number, size and path of each segment in `dir`, in no order.
fn found(dir: &Path) -> io::Result<Vec<(u64, u64, PathBuf)>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            segments.push((number, entry.metadata()?.len(), entry.path()));
        }
    }
    Ok(segments)
}

const PREFIX: &str = "bgplite-";
const SUFFIX: &str = ".jsonl";

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn numbers_go_on_and_the_oldest_go_first() {
        let dir = std::env::temp_dir().join(format!("bgplite-segments-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let names = |dir: &Path| {
            let mut names: Vec<_> = found(dir).unwrap().into_iter().map(|(number, ..)| number).collect();
            names.sort_unstable();
            names
        };
        let mut segments = Segments::open(&dir).unwrap();
        for _ in 0..3 {
            segments.create(1000).unwrap().write_all(&[b' '; 100]).unwrap();
        }
        fs::write(dir.join("notes.txt"), [b' '; 5000]).unwrap();
        let mut segments = Segments::open(&dir).unwrap();
        segments.create(200).unwrap().write_all(b" ").unwrap();
        assert_eq!(names(&dir), [2, 3, 4]);
        assert!(segments.path().ends_with("bgplite-00000004.jsonl"));
        segments.create(0).unwrap();
        assert_eq!(names(&dir), [5]);
        assert!(dir.join("notes.txt").exists(), "what is no segment is not ours to remove");
        fs::remove_dir_all(&dir).unwrap();
    }
}
