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
    /// Opening does not end: the database is damaged in a way that its library does not notice.
    Stuck {
        /// The database's directory.
        dir: PathBuf,
    },
    /// The database cannot be opened or read.
    Damaged {
        /// The database's directory.
        dir: PathBuf,
        /// What its library said.
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
            Self::Stuck { dir } => write!(
                f,
                "opening the store {} does not end, so it is damaged: move it away; what it kept is fetched again",
                dir.display()
            ),
            Self::Damaged { dir, reason } => write!(
                f,
                "the store {} cannot be read ({reason}): move it away; what it kept is fetched again",
                dir.display()
            ),
            Self::Write { path, reason } => write!(f, "cannot write {}: {reason}", path.display()),
            Self::Name(name) => write!(f, "cannot keep a source called {name:?}: this is no file name"),
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
