//! Comma-separated values (RFC 4180): one column of them.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::{ParseError, cut};
use crate::feed::list::{BYTE_ORDER_MARK, Reader};
use crate::rib::AnyPrefix;

/// Reads a column: by its name in the first row, or by its number from 1. By number a first row without a prefix there
/// is taken for names. Rows that begin with `#` and empty ones are skipped; a row without the column is a bad line.
pub(super) fn read(column: &str, body: &[u8], reader: &mut Reader) -> Result<(), ParseError> {
    let mut rows = Rows { rest: body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body), line: 1 };
    let column = Column::parse(column)?;
    let mut index = match column {
        Column::Number(index) => Some(index),
        Column::Name(_) => None,
    };
    let mut is_first = true;
    while let Some((line, row)) = rows.next_row()? {
        reader.number = line;
        let is_names = mem::take(&mut is_first);
        let Some(index) = index else {
            index = Some(find(&column, &row)?);
            continue;
        };
        match row.get(index) {
            Some(field) if is_names && !is_prefix(field) => {}
            Some(field) => reader.handle_entry(field),
            None => reader.handle_missing(row.first().map(|field| &**field).unwrap_or_default()),
        }
    }
    match column {
        Column::Name(name) if index.is_none() => {
            Err(ParseError(format!("has no column {name:?}: it has no row at all")))
        }
        _ => Ok(()),
    }
}

/// Whether it can be a column.
pub(super) fn check(column: &str) -> Result<(), ParseError> {
    Column::parse(column).map(|_| ())
}

/// Columns of a row; more are an error.
const MAX_COLUMNS: usize = 1024;

enum Column<'a> {
    /// 0-based.
    Number(usize),
    Name(&'a str),
}

impl<'a> Column<'a> {
    fn parse(text: &'a str) -> Result<Self, ParseError> {
        let error = || ParseError(format!("{text:?} is no column: write its name, or its number from 1"));
        match text.parse::<usize>() {
            Ok(number @ 1..=MAX_COLUMNS) => Ok(Self::Number(number.saturating_sub(1))),
            Ok(_) => Err(error()),
            Err(_) if text.trim().is_empty() => Err(error()),
            Err(_) => Ok(Self::Name(text.trim())),
        }
    }
}

/// Names of a missing column's row that are shown.
const MAX_NAMES: usize = 8;

fn find(column: &Column<'_>, names: &[Cow<'_, [u8]>]) -> Result<usize, ParseError> {
    let name = match *column {
        Column::Number(index) => return Ok(index),
        Column::Name(name) => name,
    };
    names.iter().position(|field| **field == *name.as_bytes()).ok_or_else(|| {
        let shown = names.iter().take(MAX_NAMES).map(|field| cut(&String::from_utf8_lossy(field), 40));
        let shown: Vec<String> = shown.collect();
        ParseError(format!("has no column {name:?}; its first row is {:?}", shown.join(",")))
    })
}

fn is_prefix(field: &[u8]) -> bool {
    core::str::from_utf8(field).is_ok_and(|text| AnyPrefix::parse(text, true).is_ok())
}

/// The fields of a row.
type Row<'a> = Vec<Cow<'a, [u8]>>;

struct Rows<'a> {
    rest: &'a [u8],
    /// Of what is next, 1-based.
    line: usize,
}

impl<'a> Rows<'a> {
    /// The next row that holds anything, with the number of the line that it begins in. Fields are without their
    /// quotes and the blanks around them.
    fn next_row(&mut self) -> Result<Option<(usize, Row<'a>)>, ParseError> {
        while !self.rest.is_empty() {
            let line = self.line;
            let is_comment = self.rest.starts_with(b"#");
            if is_comment {
                let end = self.rest.iter().position(|&byte| byte == b'\n').unwrap_or(self.rest.len());
                self.rest = self.rest.get(end..).unwrap_or_default();
            }
            let mut row = Vec::new();
            loop {
                row.push(self.field()?);
                if row.len() > MAX_COLUMNS {
                    return Err(ParseError(format!("line {line} has more than {MAX_COLUMNS} columns")));
                }
                match self.rest.split_first() {
                    Some((b',', after)) => self.rest = after,
                    Some((_, after)) => {
                        self.line = self.line.saturating_add(1);
                        self.rest = after;
                        break;
                    }
                    None => break,
                }
            }
            if row.iter().any(|field| !field.is_empty()) {
                return Ok(Some((line, row)));
            }
        }
        Ok(None)
    }

    /// Up to the comma or line end behind the field, which stays.
    fn field(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        let blanks = self.rest.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(0);
        if let Some(quoted) = self.rest.get(blanks..).and_then(|rest| rest.strip_prefix(b"\"")) {
            return self.quoted(quoted);
        }
        let end = self.rest.iter().position(|byte| matches!(byte, b',' | b'\n')).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        Ok(Cow::Borrowed(field.trim_ascii()))
    }

    /// `rest` is behind the opening quote. What stands between the closing one and the comma is ignored.
    fn quoted(&mut self, mut rest: &'a [u8]) -> Result<Cow<'a, [u8]>, ParseError> {
        let begin = self.line;
        let mut field: Cow<'a, [u8]> = Cow::default();
        loop {
            let Some(end) = rest.iter().position(|&byte| byte == b'"') else {
                return Err(ParseError(format!("line {begin} opens a quote that nothing closes")));
            };
            let (piece, after) = rest.split_at_checked(end).unwrap_or_default();
            self.line = self.line.saturating_add(piece.split(|&byte| byte == b'\n').skip(1).count());
            if field.is_empty() {
                field = Cow::Borrowed(piece);
            } else {
                field.to_mut().extend_from_slice(piece);
            }
            rest = after.get(1..).unwrap_or_default();
            match rest.strip_prefix(b"\"") {
                Some(after) => {
                    field.to_mut().push(b'"');
                    rest = after;
                }
                None => break,
            }
        }
        let end = rest.iter().position(|byte| matches!(byte, b',' | b'\n')).unwrap_or(rest.len());
        self.rest = rest.get(end..).unwrap_or_default();
        Ok(match field {
            Cow::Borrowed(field) => Cow::Borrowed(field.trim_ascii()),
            Cow::Owned(field) => Cow::Owned(field.trim_ascii().to_vec()),
        })
    }
}
