//! A client of the control socket that waits for each answer.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::{Ask, Refusal, Request};

/// A connection to a running daemon.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    stream: BufReader<UnixStream>,
    last: u64,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum ControlError {
    /// No daemon listens there.
    NotRunning {
        /// The socket.
        path: PathBuf,
    },
    /// This user may not connect.
    Denied {
        /// The socket.
        path: PathBuf,
    },
    /// The connection failed.
    Lost {
        /// The socket.
        path: PathBuf,
        /// How.
        error: io::Error,
    },
    /// The daemon said no.
    Refused(Refusal),
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning { path } => {
                let dir = path.parent().unwrap_or(path).display();
                write!(
                    f,
                    "no bgplite runs with the state directory {dir}: start it with `bgplite serve --config FILE`, or \
                     name the right one with --config or --socket"
                )
            }
            Self::Denied { path } => write!(
                f,
                "this user may not speak to the bgplite of {}: be the user whose it is, or root",
                path.display()
            ),
            Self::Lost { path, error } => {
                write!(f, "the bgplite of {} does not answer: {error}", path.display())
            }
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for ControlError {}

impl Client {
    /// Connects to the socket at `path`.
    pub fn connect(path: &Path) -> Result<Self, ControlError> {
        let path = path.to_owned();
        let lost = |error| ControlError::Lost { path: path.clone(), error };
        let stream = UnixStream::connect(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
                ControlError::NotRunning { path: path.clone() }
            }
            io::ErrorKind::PermissionDenied => ControlError::Denied { path: path.clone() },
            _ => lost(error),
        })?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(lost)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(lost)?;
        Ok(Self { path, stream: BufReader::new(stream), last: 0 })
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, ask: Ask) -> Result<Value, ControlError> {
        let id = self.send(ask)?;
        match self.receive()? {
            (answered, outcome) if answered == id || answered == 0 => outcome.map_err(ControlError::Refused),
            (answered, _) => Err(self.lost(io::Error::other(format!("it answers {answered} to {id}")))),
        }
    }

    /// Asks without waiting, and gives the number of the question.
    pub fn send(&mut self, ask: Ask) -> Result<u64, ControlError> {
        self.last += 1;
        let line = Request { id: self.last, ask }.to_line().map_err(|error| self.lost(error.into()))?;
        self.stream.get_mut().write_all(&line).map_err(|error| self.lost(error))?;
        Ok(self.last)
    }

    /// The next answer, and the number of its question.
    pub fn receive(&mut self) -> Result<(u64, super::Outcome), ControlError> {
        let mut line = Vec::new();
        let len = self.stream.read_until(b'\n', &mut line).map_err(|error| self.lost(error))?;
        if len == 0 {
            return Err(self.lost(io::ErrorKind::UnexpectedEof.into()));
        }
        super::parse_answer(&line).map_err(|error| self.lost(error.into()))
    }

    fn lost(&self, error: io::Error) -> ControlError {
        ControlError::Lost { path: self.path.clone(), error }
    }
}

/// How long an answer may take: a store on a slow disk, and a queue before it.
const PATIENCE: Duration = Duration::from_secs(30);
