//! Why a daemon cannot start or go on, as one sentence for the operator.

use std::fmt;

use bgplite_core::config::ConfigError;

use crate::config::FileError;
use crate::record::RecordError;
use crate::socket::BindError;
use crate::store::StoreError;

/// A fault that ends the daemon. `Display` is one sentence that names the thing and, where there is one, the
/// remedy; its exit code is 2.
#[derive(Debug)]
pub enum HostError {
    /// The configuration file.
    File(FileError),
    /// A configuration that was not read from a file.
    Config(ConfigError),
    /// A listening endpoint.
    Bind(BindError),
    /// The store.
    Store(StoreError),
    /// The recording.
    Record(RecordError),
    /// The core refused to start, in its own words.
    Core(String),
    /// Something of the operating system: what was tried, and how it failed.
    Os(&'static str, std::io::Error),
}

impl HostError {
    /// What the process tells its parent.
    pub const EXIT_CODE: u8 = 2;
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::Bind(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Record(error) => error.fmt(f),
            Self::Core(reason) => f.write_str(reason),
            Self::Os(what, error) => write!(f, "cannot {what}: {error}"),
        }
    }
}

impl std::error::Error for HostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(error) => Some(error),
            Self::Config(error) => Some(error),
            Self::Bind(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Record(error) => Some(error),
            Self::Core(_) => None,
            Self::Os(_, error) => Some(error),
        }
    }
}

macro_rules! from {
    ($($source:ty => $variant:ident),*) => {
        $(impl From<$source> for HostError {
            fn from(error: $source) -> Self {
                Self::$variant(error)
            }
        })*
    };
}
from!(FileError => File, ConfigError => Config, BindError => Bind, StoreError => Store,
    RecordError => Record
);
