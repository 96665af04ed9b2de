//! Bodies become prefixes: one entry for every format.

use alloc::string::String;
use core::fmt;

use super::{ParsedList, parse_lines};
use crate::config::Format;

/// A body that is not of its format at all. `Display` is a sentence part that says what it is instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(pub String);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for ParseError {}

/// The prefixes of a body. Total over all bodies: what is no prefix is counted as a bad line, and a body that is not
/// of the format at all is an error. `default_route` takes `0.0.0.0/0` and `::/0` for prefixes.
pub fn parse(format: &Format, body: &[u8], default_route: bool) -> Result<ParsedList, ParseError> {
    let _ = default_route;
    match format {
        Format::Lines => Ok(parse_lines(body)),
        other => Err(ParseError(alloc::format!("{other:?} is not read yet"))),
    }
}
