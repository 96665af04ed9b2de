//! RIPEstat's documents: a list in an envelope that says whether it is one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::json::Walk;
use super::path::Path;
use super::{ParseError, cut};
use crate::feed::list::Reader;

/// One of its documents.
pub(super) struct Document {
    /// Where its prefixes are: first of IPv4, then of IPv6, or both in one.
    lists: &'static [&'static str],
    /// Where it says how many there are, for each list.
    counts: &'static [&'static str],
    /// Whether a list may be missing as long as another is there and the count does not say otherwise.
    is_partial_fine: bool,
    /// How an entry is read.
    handle: fn(&mut Reader, &[u8]),
}

/// `ris-prefixes` with `list_prefixes=true&types=o`. A family that was not asked for is missing.
pub(super) const RIS_PREFIXES: Document = Document {
    lists: &["data.prefixes.v4.originating[]", "data.prefixes.v6.originating[]"],
    counts: &["data.counts.v4.originating", "data.counts.v6.originating"],
    is_partial_fine: true,
    handle: Reader::handle_entry,
};

/// `announced-prefixes`.
pub(super) const ANNOUNCED_PREFIXES: Document = Document {
    lists: &["data.prefixes[].prefix"],
    counts: &[],
    is_partial_fine: false,
    handle: Reader::handle_entry,
};

/// `country-resource-list`. Without `v4_format=prefix` an IPv4 entry may be a range.
pub(super) const COUNTRY_RESOURCES: Document = Document {
    lists: &["data.resources.ipv4[]", "data.resources.ipv6[]"],
    counts: &[],
    is_partial_fine: false,
    handle: Reader::handle_range,
};

/// What stands around every answer.
const ENVELOPE: [&str; 3] = ["status", "status_code", "messages[][]"];

/// Texts of messages that are kept, a kind and a message each, and their characters.
const MAX_MESSAGES: usize = 16;
const MAX_MESSAGE: usize = 200;

/// What an answer says about itself.
#[derive(Default)]
struct Envelope {
    status: Option<String>,
    code: Option<String>,
    /// Kind, message, kind, message.
    messages: Vec<String>,
    /// For each list, whether it says that there is something in it.
    is_counted: [bool; 2],
}

pub(super) fn read(document: &Document, body: &[u8], reader: &mut Reader) -> Result<(), ParseError> {
    let texts = ENVELOPE.iter().chain(document.lists).chain(document.counts);
    let paths: Vec<Path> = texts.map(|text| Path::parse(text)).collect::<Result<_, _>>()?;
    let first_count = document.lists.len();
    let mut envelope = Envelope::default();
    let mut walk = Walk::new(&paths, &[], |path: usize, text: &str| match path.checked_sub(ENVELOPE.len()) {
        Some(list) if list < first_count => {
            reader.number += 1;
            (document.handle)(reader, text.trim_ascii().as_bytes());
        }
        Some(count) => {
            if let Some(is_counted) = envelope.is_counted.get_mut(count.saturating_sub(first_count)) {
                *is_counted = text != "0";
            }
        }
        None => envelope.handle(path, text),
    });
    walk.run(body)?;
    let is_there: Vec<bool> = walk.led().iter().skip(ENVELOPE.len()).take(first_count).copied().collect();
    envelope.check()?;
    for (list, path) in document.lists.iter().enumerate() {
        let is_empty = envelope.is_counted.get(list) != Some(&true);
        let is_fine = document.is_partial_fine && is_empty && is_there.contains(&true);
        if is_there.get(list) != Some(&true) && !is_fine {
            return Err(ParseError(format!("has no {path}")));
        }
    }
    Ok(())
}

impl Envelope {
    fn handle(&mut self, path: usize, text: &str) {
        match path {
            0 => self.status = Some(cut(text, MAX_MESSAGE)),
            1 => self.code = Some(cut(text, MAX_MESSAGE)),
            _ if self.messages.len() < MAX_MESSAGES => self.messages.push(cut(text, MAX_MESSAGE)),
            _ => {}
        }
    }

    /// An answer that says it is none arrives as HTTP 200 all the same.
    fn check(&self) -> Result<(), ParseError> {
        let status = self.status.as_deref().unwrap_or("ok");
        let code = self.code.as_deref().unwrap_or("200");
        if status == "ok" && code == "200" {
            return Ok(());
        }
        let is_error = |pair: &&[String]| pair.first().is_some_and(|kind| kind == "error");
        let mut pairs = self.messages.chunks_exact(2);
        let pair = pairs.clone().find(is_error).or_else(|| pairs.next());
        let message = match pair.and_then(|pair| pair.get(1)) {
            Some(message) => format!(": {message:?}"),
            None => String::new(),
        };
        Err(ParseError(format!("is an answer with status {status:?}, code {code}{message}")))
    }
}
