//! Why the store cannot be used.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A fault of the store. `Display` is one sentence that names the directory and the remedy.
#[derive(Debug)]
pub enum StoreError {
    /// The state directory cannot be made or written.
    Unwritable {
        /// `state.dir`.
        dir: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// Another process has the state directory.
    InUse {
        /// `state.dir`.
        dir: PathBuf,
    },
    /// Neither the database nor its copies can be read.
    Lost {
        /// `state.dir`.
        dir: PathBuf,
        /// What is wrong with each.
        reason: String,
    },
    /// An export that is to be taken in is none.
    Import {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// A write failed.
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system or the library said.
        reason: String,
    },
    /// The name cannot be that of a file.
    Name(String),
    /// The store is closed.
    Closed,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwritable { dir, error } => write!(
                f,
                "cannot write to the state directory {}: {error}; let this user write there, or change state.dir",
                dir.display()
            ),
            Self::InUse { dir } => write!(
                f,
                "another bgplite uses the state directory {}: stop it or change state.dir",
                dir.display()
            ),
            Self::Lost { dir, reason } => write!(
                f,
                "the store in {dir} cannot be read ({reason}): bring back what was exported with `bgplite store import \
                 FILE --dir {dir}`, or move {dir} away to begin with nothing",
                dir = dir.display()
            ),
            Self::Import { file, reason } => write!(f, "cannot import {}: {reason}", file.display()),
            Self::Write { path, reason } => write!(f, "cannot write {}: {reason}", path.display()),
            Self::Name(name) => write!(f, "cannot keep what is called {name:?}: this is no file name"),
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unwritable { error, .. } => Some(error),
            _ => None,
        }
    }
}
