//! What is wrong with a configuration file, as one sentence with its place, and never a secret.

use std::fmt;
use std::path::{Path, PathBuf};

/// A fault of a configuration file.
///
/// `Display` is one sentence, `file:line:column: key: problem`; where the key is one whose value cannot be a
/// secret, the key and its value follow with a caret under the fault. Other parts of the line are never
/// shown: a secret may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    file: PathBuf,
    position: Option<Position>,
    path: String,
    problem: String,
    excerpt: Option<Excerpt>,
}

/// A place in a text, both numbers 1-based; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// The part of one line that may be shown, and the part of it that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// What stands before the fault.
    pub(super) before: String,
    /// The fault.
    pub(super) fault: String,
    /// What stands after it.
    pub(super) after: String,
}

impl FileError {
    /// A fault of the file as a whole.
    pub(super) fn whole(file: &Path, problem: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            file: file.to_owned(),
            position: None,
            path: String::new(),
            problem: problem.into(),
            excerpt: None,
        }))
    }

    /// A fault at a place.
    pub(super) fn at(
        file: &Path,
        position: Position,
        path: impl Into<String>,
        problem: impl Into<String>,
        excerpt: Option<Excerpt>,
    ) -> Self {
        Self(Box::new(Inner {
            file: file.to_owned(),
            position: Some(position),
            path: path.into(),
            problem: problem.into(),
            excerpt,
        }))
    }

    /// Where in the file; `None` when the fault is of the file as a whole.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// The key, as `bgp.asn` or `peer[0].feeds`; empty for a syntax error.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What is wrong and what would be right.
    pub fn problem(&self) -> &str {
        &self.0.problem
    }

    /// The sentence without the excerpt: one line, for logs.
    pub fn sentence(&self) -> impl fmt::Display + '_ {
        Sentence(&self.0)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)?;
        if let (Some(excerpt), Some(position)) = (&self.0.excerpt, self.0.position) {
            let number = position.line.to_string();
            let gutter = number.len();
            let Excerpt { before, fault, after } = excerpt;
            let indent: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let carets = "^".repeat(fault.chars().count().max(1));
            write!(f, "\n {number} | {before}{fault}{after}\n {:gutter$} | {indent}{carets}", "")?;
        }
        Ok(())
    }
}

impl std::error::Error for FileError {}

struct Sentence<'a>(&'a Inner);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { file, position, path, problem, .. } = self.0;
        write!(f, "{}", file.display())?;
        if let Some(Position { line, column }) = position {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": ")?;
        if !path.is_empty() {
            write!(f, "{}: ", crate::text::Printable(path))?;
        }
        crate::text::Printable(problem).fmt(f)
    }
}
