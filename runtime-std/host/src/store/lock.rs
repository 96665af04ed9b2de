//! One process has a state directory at a time.

#![allow(unsafe_code, reason = "flock has no safe form in std of this version")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::StoreError;

/// The lock of a state directory, until it is dropped or its process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `dir`, which must be there.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let unwritable = |error| StoreError::Unwritable { dir: dir.to_owned(), error };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join(FILE))
            .map_err(unwritable)?;
        let started = Instant::now();
        loop {
            // SAFETY: the descriptor is open as long as `file` lives; flock touches no memory.
            if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
                return Ok(Self { _file: file });
            }
            let error = io::Error::last_os_error();
            match error.kind() {
                // A process that has just been told to end may hold it for a moment longer.
                io::ErrorKind::WouldBlock if started.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(20));
                }
                io::ErrorKind::WouldBlock => return Err(StoreError::InUse { dir: dir.to_owned() }),
                io::ErrorKind::Interrupted => {}
                _ => return Err(unwritable(error)),
            }
        }
    }
}

const FILE: &str = "lock";
/// How long a lock may outlive its process.
const PATIENCE: Duration = Duration::from_secs(1);
