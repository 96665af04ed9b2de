//! Bodies become prefixes: one entry for every format.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::list::{MAX_SPLIT_PREFIXES, Reader};
use super::{ParsedList, parse_lines};
use crate::config::Format;

mod csv;
mod json;
mod path;
mod ripestat;

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
///
/// [`BadLine::line`](super::BadLine::line) is the number of the line in a text, and of the value in a JSON document.
pub fn parse(format: &Format, body: &[u8], default_route: bool) -> Result<ParsedList, ParseError> {
    if matches!(format, Format::Lines) && !default_route {
        return Ok(parse_lines(body));
    }
    let mut reader = Reader::new(default_route);
    match format {
        Format::Lines => reader.handle_lines(body, Reader::handle_entry),
        Format::Ranges => reader.handle_lines(body, Reader::handle_range),
        Format::Json(format) => json::read(format, body, &mut reader)?,
        Format::Csv { column } => csv::read(column, body, &mut reader)?,
        Format::RisPrefixes => ripestat::read(&ripestat::RIS_PREFIXES, body, &mut reader)?,
        Format::AnnouncedPrefixes => ripestat::read(&ripestat::ANNOUNCED_PREFIXES, body, &mut reader)?,
        Format::CountryResourceList => ripestat::read(&ripestat::COUNTRY_RESOURCES, body, &mut reader)?,
    }
    if reader.is_overlong() {
        return Err(ParseError(format!("its ranges are more than {MAX_SPLIT_PREFIXES} prefixes")));
    }
    Ok(reader.into_list())
}

/// Whether bodies can be read by this format at all: an error says which path or column is none, and what would be
/// right.
pub fn check_format(format: &Format) -> Result<(), ParseError> {
    match format {
        Format::Json(format) => path::parse_all(&format.paths).map(|_| ()),
        Format::Csv { column } => csv::check(column),
        _ => Ok(()),
    }
}

/// A text that came from outside, short enough to be shown.
fn cut(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars).and_then(|(end, _)| text.get(..end)) {
        Some(start) => format!("{start}…"),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests;
