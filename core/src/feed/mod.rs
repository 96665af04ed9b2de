//! From bodies to feeds: parsers, set operations, and the immutable tables that peers share.

pub mod aggregate;
pub mod algebra;
pub mod catalog;
pub mod list;
pub mod parse;
pub mod preset;
pub mod set;
pub mod source;
pub mod table;

use alloc::string::String;
use core::fmt;

pub use aggregate::aggregate;
pub use algebra::{Evaluated, Part, evaluate};
pub use catalog::{Catalog, FeedChange, FeedStatus, Restored, SourceOutcome, SourceState, SourceStatus};
pub use list::{ParsedList, parse_lines};
pub use parse::{ParseError, check_format, parse};
pub use preset::Preset;
pub use set::PrefixSet;
pub use source::{
    FeedDelta, FeedRecord, FeedVersion, FetchOutcome, FetchRequest, HttpRequest, SourceRecord, Validators,
};
pub use table::{FeedPart, FeedTable, RouteTable, Routed};

/// A line of a list that is no prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, 1-based.
    pub line: usize,
    /// Its text, cut to a bound.
    pub text: String,
    /// What is wrong with it.
    pub error: crate::rib::PrefixError,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.text, self.error)
    }
}
