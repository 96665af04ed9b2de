//! The plain list: one prefix or address a line. Every line that is neither is counted and reported.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::set::push_span;
use super::{BadLine, PrefixSet};
use crate::rib::{AnyPrefix, Family, Prefix, Prefix4, PrefixError, V4, V6, is_v4_mapped};

/// What a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParsedList {
    /// Its IPv4 prefixes.
    pub v4: PrefixSet<V4>,
    /// Its IPv6 prefixes.
    pub v6: PrefixSet<V6>,
    /// How many lines are no prefix.
    #[serde(skip)]
    pub bad: usize,
    /// The first of these, at most [`MAX_BAD_LINES`].
    #[serde(skip)]
    pub first_bad: Vec<BadLine>,
    /// How many lines held anything besides blanks and comments, good and bad.
    #[serde(skip)]
    pub lines: usize,
}

/// How many bad lines are kept with their text.
pub const MAX_BAD_LINES: usize = 5;

/// Reads a list: a prefix or a bare address a line, host bits masked, `#` starts a comment, blanks around are
/// ignored, as are a byte order mark and the kind of line end. Total over all bodies: what is not understood
/// is a bad line, the default route among it.
pub fn parse_lines(body: &[u8]) -> ParsedList {
    let mut reader = Reader::new(false);
    reader.handle_lines(body, Reader::handle_entry);
    reader.into_list()
}

/// What some editors put before a text.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Characters of a bad line that are kept.
const MAX_BAD_TEXT: usize = 80;

/// Prefixes that the ranges of one body may become. A short line can be a range of 254.
pub(super) const MAX_SPLIT_PREFIXES: usize = 1 << 22;

/// What all formats give their entries to.
#[derive(Default)]
pub(super) struct Reader {
    v4: Vec<Prefix4>,
    v6: Vec<Prefix<V6>>,
    bad: usize,
    first_bad: Vec<BadLine>,
    lines: usize,
    /// Of the present line or entry, 1-based.
    pub(super) number: usize,
    default_route: bool,
    /// Prefixes that ranges became.
    split: usize,
}

impl Reader {
    pub(super) fn new(default_route: bool) -> Self {
        Self { default_route, ..Self::default() }
    }

    /// All lines of a body. `handle` is for those that are not plain.
    pub(super) fn handle_lines(&mut self, body: &[u8], handle: impl Fn(&mut Self, &[u8])) {
        let mut rest = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        while !rest.is_empty() {
            self.number += 1;
            rest = if let Some((prefix, after)) = plain_v4(rest) {
                self.lines += 1;
                self.v4.push(prefix);
                after
            } else {
                let end = rest.iter().position(|&byte| byte == b'\n');
                let (line, after) = match end.and_then(|end| rest.split_at_checked(end)) {
                    Some((line, after)) => (line, after.get(1..).unwrap_or_default()),
                    None => (rest, <&[u8]>::default()),
                };
                let content = line.split(|&byte| byte == b'#').next().unwrap_or_default();
                let content = content.trim_ascii();
                if !content.is_empty() {
                    handle(self, content);
                }
                after
            };
        }
    }

    /// A prefix or an address, and nothing else.
    pub(super) fn handle_entry(&mut self, content: &[u8]) {
        self.lines += 1;
        let text = core::str::from_utf8(content).map_err(|_| PrefixError::Address);
        match text.and_then(|text| AnyPrefix::parse(text, self.default_route)) {
            Ok(AnyPrefix::V4(prefix)) => self.v4.push(prefix),
            Ok(AnyPrefix::V6(prefix)) => self.v6.push(prefix),
            Err(error) => self.note_bad(content, error),
        }
    }

    /// `first-last`, a prefix or an address. Nothing more is taken when ranges became too many prefixes:
    /// see [`Self::is_overlong`].
    pub(super) fn handle_range(&mut self, content: &[u8]) {
        let text = core::str::from_utf8(content).ok().filter(|text| text.contains('-'));
        let Some(text) = text else { return self.handle_entry(content) };
        self.lines += 1;
        if self.is_overlong() {
            return;
        }
        if let Err(error) = self.push_range(text) {
            self.note_bad(content, error);
        }
    }

    fn push_range(&mut self, text: &str) -> Result<(), PrefixError> {
        let (first, last) = text.split_once('-').ok_or(PrefixError::Range)?;
        let address = |text: &str| text.trim_ascii().parse().map_err(|_| PrefixError::Address);
        match (address(first)?, address(last)?) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                let before = self.v4.len();
                push_span(first.to_bits(), last.to_bits(), &mut self.v4);
                self.split += check_range(&mut self.v4, before, self.default_route, |_| true)?;
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                let before = self.v6.len();
                push_span(first.to_bits(), last.to_bits(), &mut self.v6);
                let is_v6 = |prefix| !is_v4_mapped(prefix);
                self.split += check_range(&mut self.v6, before, self.default_route, is_v6)?;
            }
            _ => return Err(PrefixError::Range),
        }
        Ok(())
    }

    /// Whether ranges became more than [`MAX_SPLIT_PREFIXES`].
    pub(super) const fn is_overlong(&self) -> bool {
        self.split > MAX_SPLIT_PREFIXES
    }

    pub(super) fn note_bad(&mut self, content: &[u8], error: PrefixError) {
        self.bad += 1;
        if self.first_bad.len() < MAX_BAD_LINES {
            // A character takes at most four octets: no need to decode all of a line of megabytes.
            let start = content.get(..4 * MAX_BAD_TEXT).unwrap_or(content);
            let text = String::from_utf8_lossy(start);
            self.first_bad.push(BadLine {
                line: self.number,
                text: text.chars().take(MAX_BAD_TEXT).collect(),
                error,
            });
        }
    }

    /// An entry without anything to read in it.
    pub(super) fn handle_missing(&mut self, content: &[u8]) {
        self.lines += 1;
        self.note_bad(content, PrefixError::Address);
    }

    pub(super) fn into_list(self) -> ParsedList {
        ParsedList {
            v4: PrefixSet::from_prefixes(self.v4),
            v6: PrefixSet::from_prefixes(self.v6),
            bad: self.bad,
            first_bad: self.first_bad,
            lines: self.lines,
        }
    }
}

/// How many prefixes a range became, or why it is taken back.
fn check_range<F: Family>(
    list: &mut Vec<Prefix<F>>,
    before: usize,
    default_route: bool,
    is_fine: impl Fn(Prefix<F>) -> bool,
) -> Result<usize, PrefixError> {
    let new = list.get(before..).unwrap_or_default();
    let error = if new.is_empty() {
        PrefixError::Range
    } else if !default_route && new.iter().any(|prefix| prefix.len() == 0) {
        PrefixError::DefaultRoute
    } else if !new.iter().all(|&prefix| is_fine(prefix)) {
        PrefixError::V4Mapped
    } else {
        return Ok(new.len());
    };
    list.truncate(before);
    Err(error)
}

/// The line nearly every list consists of, several times faster than the shared parser: an IPv4 prefix or
/// address and the end of the line. Returns it and what follows the line. `None` is no verdict: anything
/// unusual is for the shared parser to judge.
fn plain_v4(text: &[u8]) -> Option<(Prefix4, &[u8])> {
    let (a, text) = number(text)?;
    let (b, text) = number(text.strip_prefix(b".")?)?;
    let (c, text) = number(text.strip_prefix(b".")?)?;
    let (d, text) = number(text.strip_prefix(b".")?)?;
    let (len, text) = match text {
        [b'/', text @ ..] => number(text)?,
        _ => (32, text),
    };
    let rest = match text {
        [] | [b'\n'] => &[],
        [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => rest,
        _ => return None,
    };
    let prefix = Prefix::new(u32::from_be_bytes([a, b, c, d]), len)?;
    (len > 0).then_some((prefix, rest))
}

/// One to three digits without a leading zero, up to 255, and what follows them.
fn number(text: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |byte: u8| byte.wrapping_sub(b'0');
    let (&first, mut rest) = text.split_first()?;
    let mut value = u16::from(digit(first));
    if value > 9 {
        return None;
    }
    for _ in 0..2 {
        let Some((&byte, after)) = rest.split_first() else {
            break;
        };
        if digit(byte) > 9 {
            break;
        }
        if value == 0 {
            return None;
        }
        value = value * 10 + u16::from(digit(byte));
        rest = after;
    }
    Some((u8::try_from(value).ok()?, rest))
}

#[cfg(test)]
mod tests;
