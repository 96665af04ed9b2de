//! From bodies to feeds: parsers, set operations, and the immutable tables that peers share.

use alloc::string::String;
use core::fmt;

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
