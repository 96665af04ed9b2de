//! Reads a segment back, line by line.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use bgplite_core::record::{Entry, Head};

/// The entries of one segment.
///
/// A daemon that was killed leaves a last line that is cut short: that one is left out, and
/// [`is_cut_short`](Self::is_cut_short) says so.
#[derive(Debug)]
pub struct Reader {
    lines: BufReader<File>,
    line: String,
    number: u64,
    is_cut_short: bool,
}

/// Why a segment cannot be read, or not on.
#[derive(Debug)]
pub enum ReadError {
    /// The operating system said no.
    Io(io::Error),
    /// This line (1-based) is not what it should be.
    Line(u64, serde_json::Error),
    /// The first line is not whole: nothing can be replayed.
    NoHead,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Line(1, error) => write!(f, "line 1 is no head of a recording: {error}"),
            Self::Line(number, error) => write!(f, "line {number} is no entry of a recording: {error}"),
            Self::NoHead => f.write_str(
                "the first line is missing or cut short, and without it nothing can be replayed; try the segment before",
            ),
        }
    }
}

impl std::error::Error for ReadError {}

impl Reader {
    /// Opens a segment and reads its head.
    pub fn open(path: &Path) -> Result<(Head, Self), ReadError> {
        let lines = BufReader::new(File::open(path).map_err(ReadError::Io)?);
        let mut reader = Self { lines, line: String::new(), number: 0, is_cut_short: false };
        let head = reader.read_line()?.ok_or(ReadError::NoHead)?;
        Ok((head, reader))
    }

    /// The next entry; `None` at the end.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        self.read_line()
    }

    /// The line of the entry read last, 1-based.
    pub const fn line_number(&self) -> u64 {
        self.number
    }

    /// The text of that line.
    pub fn line(&self) -> &str {
        self.line.trim_end()
    }

    /// Whether the last line was cut short, and left out.
    pub const fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    fn read_line<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, ReadError> {
        self.line.clear();
        let mut bytes = std::mem::take(&mut self.line).into_bytes();
        self.lines.read_until(b'\n', &mut bytes).map_err(ReadError::Io)?;
        let is_whole = bytes.last() == Some(&b'\n');
        if !is_whole {
            // A line that ends with the file was not written to its end, whatever it looks like.
            self.is_cut_short |= !bytes.is_empty();
            return Ok(None);
        }
        self.number += 1;
        let value = serde_json::from_slice(&bytes).map_err(|error| ReadError::Line(self.number, error))?;
        self.line = String::from_utf8(bytes).unwrap_or_default();
        Ok(Some(value))
    }
}
