//! Walks a parsed TOML tree by key: each value knows its path and its place, so that every fault can say both.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use bgplite_core::config::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Excerpt, FileError, Position};

type Result<T> = std::result::Result<T, FileError>;

/// The keys of one kind of table.
pub(super) struct Keys {
    /// Those this version serves.
    pub(super) served: &'static [&'static str],
    /// Those the contract has and this version does not serve yet.
    pub(super) later: &'static [&'static str],
}

/// The file under way: its text, and where every key seen so far stands.
pub(super) struct Document<'a> {
    file: &'a Path,
    text: &'a str,
    places: RefCell<BTreeMap<String, Place>>,
}

/// Where a key and its value stand, in bytes.
#[derive(Clone, Debug)]
struct Place {
    key: Range<usize>,
    value: Range<usize>,
    /// Whether the value holds no table, and so nothing but what the key is known to hold.
    is_plain: bool,
}

/// One value, its path and its place.
pub(super) struct Value<'a> {
    document: &'a Document<'a>,
    path: String,
    place: Place,
    /// The value itself: `place.value`, or an element inside it.
    span: Range<usize>,
    item: &'a DeValue<'a>,
}

/// One table whose keys are taken by name.
pub(super) struct Table<'a> {
    document: &'a Document<'a>,
    path: String,
    span: Range<usize>,
    entries: &'a DeTable<'a>,
}

impl<'a> Document<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text, places: RefCell::default() }
    }

    /// The table that is the whole file.
    pub(super) fn root(&'a self, entries: &'a DeTable<'a>) -> Table<'a> {
        Table { document: self, path: String::new(), span: 0..0, entries }
    }

    /// What the TOML parser found wrong. Its own `Display` prints the line, which may hold a secret.
    pub(super) fn syntax_error(&self, error: &toml::de::Error) -> FileError {
        let span = error.span().unwrap_or_default();
        let position = self.position(span.start);
        let key = self.text.get(span).unwrap_or_default();
        if error.message() == "duplicate key" {
            return FileError::at(self.file, position, key, "stands here twice; remove one", None);
        }
        FileError::at(self.file, position, "", format!("this is no TOML: {}", error.message()), None)
    }

    /// A fault at the key `path`, or at the nearest table above it that the file has.
    pub(super) fn error_at_path(&self, path: &str, problem: &str) -> FileError {
        let places = self.places.borrow();
        let mut known = path;
        loop {
            if let Some(place) = places.get(known) {
                let span = if place.is_plain { &place.value } else { &place.key };
                return self.error(path, place, span, problem);
            }
            match known.rfind(['.', '[']) {
                Some(at) => known = &known[..at],
                None => return FileError::at(self.file, self.position(0), path, problem, None),
            }
        }
    }

    fn error(&self, path: &str, place: &Place, span: &Range<usize>, problem: impl Into<String>) -> FileError {
        let excerpt = if place.is_plain { self.excerpt(place, span) } else { None };
        FileError::at(self.file, self.position(span.start), path, problem, excerpt)
    }

    /// The part of the line of `span` that belongs to `place`: its key, if it stands on that line, and its
    /// value up to the line's end. What else the line has is left out.
    fn excerpt(&self, place: &Place, span: &Range<usize>) -> Option<Excerpt> {
        let line_start = self.text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
        let rest = self.text.get(span.start..)?;
        let line = rest.split('\n').next().unwrap_or_default();
        // A value that goes on in the next line may have a comment in this one.
        let goes_on = place.value.end > span.start + line.len();
        let shown = if goes_on { line.split('#').next().unwrap_or_default() } else { line };
        let line_end = span.start + shown.len();
        let mut start = if place.key.start >= line_start && place.key.end <= span.start {
            place.key.start
        } else {
            place.value.start.max(line_start)
        };
        let fault_end = span.end.min(line_end).min(span.start + MAX_EXCERPT);
        let mut end = place.value.end.min(line_end).max(fault_end);
        if end - start > MAX_EXCERPT {
            (start, end) = (span.start, fault_end);
        }
        Some(Excerpt {
            before: self.text.get(start..span.start)?.trim_start().to_owned(),
            fault: self.text.get(span.start..fault_end)?.trim_end().to_owned(),
            after: self.text.get(fault_end..end)?.trim_end().to_owned(),
        })
    }

    fn position(&self, byte: usize) -> Position {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl<'a> Value<'a> {
    /// The same, and never to be shown: whoever wrote it may have written a secret.
    pub(super) fn secret(mut self) -> Self {
        self.place.is_plain = false;
        self.document.places.borrow_mut().insert(self.path.clone(), self.place.clone());
        self
    }

    /// A fault of this value.
    pub(super) fn error(&self, problem: impl Into<String>) -> FileError {
        self.document.error(&self.path, &self.place, &self.span, problem)
    }

    /// A fault inside this string, from byte `offset` on, `len` bytes long.
    pub(super) fn error_inside(&self, offset: usize, len: usize, problem: impl Into<String>) -> FileError {
        let start = self.span.start + 1 + offset;
        let inside = start..start + len;
        // A text with escapes or triple quotes does not stand in the file byte by byte.
        let is_literal = match (self.item.as_str(), self.document.text.get(inside.clone())) {
            (Some(text), Some(found)) => text.get(offset..offset + len) == Some(found),
            _ => false,
        };
        let span = if is_literal { &inside } else { &self.span };
        self.document.error(&self.path, &self.place, span, problem)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn is_string(&self) -> bool {
        self.item.is_str()
    }

    pub(super) fn string(&self) -> Result<&'a str> {
        self.item.as_str().ok_or_else(|| self.wrong_type("a string in quotes"))
    }

    pub(super) fn boolean(&self) -> Result<bool> {
        self.item.as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    pub(super) fn number(&self, range: RangeInclusive<u64>) -> Result<u64> {
        let (least, most) = (range.start(), range.end());
        let expected = format!("a number from {least} to {most}");
        let Some(integer) = self.item.as_integer() else {
            return Err(self.wrong_type(&expected));
        };
        u64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.error(format!("{integer} is out of range; write {expected}")))
    }

    /// The elements of an array; each has the path of the array and a place of its own.
    pub(super) fn items(&self, expected: &str) -> Result<Vec<Value<'a>>> {
        let Some(array) = self.item.as_array() else {
            return Err(self.wrong_type(expected));
        };
        Ok(array
            .iter()
            .map(|element| Value {
                document: self.document,
                path: self.path.clone(),
                place: self.place.clone(),
                span: element.span(),
                item: element.get_ref(),
            })
            .collect())
    }

    /// The tables of an array of tables; the path of each has its index.
    pub(super) fn tables(&self, expected: &str) -> Result<Vec<Table<'a>>> {
        let elements = self.items(expected)?;
        let table = |(index, mut element): (usize, Value<'a>)| {
            element.path = format!("{}[{index}]", element.path);
            element.place = Place { key: element.span.clone(), value: element.span.clone(), is_plain: false };
            let place = element.place.clone();
            self.document.places.borrow_mut().insert(element.path.clone(), place);
            element.table(expected)
        };
        elements.into_iter().enumerate().map(table).collect()
    }

    pub(super) fn table(&self, expected: &str) -> Result<Table<'a>> {
        let Some(entries) = self.item.as_table() else {
            return Err(self.wrong_type(expected));
        };
        Ok(Table { document: self.document, path: self.path.clone(), span: self.span.clone(), entries })
    }

    pub(super) fn wrong_type(&self, expected: &str) -> FileError {
        let article = match self.item {
            DeValue::Integer(_) | DeValue::Array(_) => "an",
            _ => "a",
        };
        self.error(format!("is {article} {}; write {expected}", self.item.type_str()))
    }
}

impl<'a> Table<'a> {
    /// Refuses the first key, in the order of the file, that is not among the served ones.
    pub(super) fn check_keys(&self, keys: &Keys) -> Result<()> {
        let foreign = self
            .entries
            .iter()
            .filter(|(key, _)| !keys.served.contains(&key.get_ref().as_ref()))
            .min_by_key(|(key, _)| key.span().start);
        let Some((key, value)) = foreign else {
            return Ok(());
        };
        let name = key.get_ref().as_ref();
        let problem = if keys.later.contains(&name) {
            "is not supported by this version yet; remove it".to_owned()
        } else if let Some(near) = nearest(name, keys.served.iter().chain(keys.later).copied()) {
            format!("unknown key; did you mean \"{near}\"?")
        } else {
            format!("unknown key; known here are {}", keys.served.join(", "))
        };
        // Nobody knows what an unknown key holds: its value is never shown.
        let place = Place { key: key.span(), value: value.span(), is_plain: false };
        Err(self.document.error(&self.path_of(name), &place, &place.key, problem))
    }

    /// The value of `key`, if the table has it.
    pub(super) fn take(&self, key: &str) -> Option<Value<'a>> {
        let (name, value) = self.entries.get_key_value(key)?;
        Some(self.value(name.span(), key, value))
    }

    /// The value of `key`; without it, a fault that says what to write.
    pub(super) fn require(&self, key: &str, what: &str) -> Result<Value<'a>> {
        self.take(key).ok_or_else(|| {
            let place = Place { key: self.span.clone(), value: self.span.clone(), is_plain: false };
            let problem = format!("is missing; write {what}");
            self.document.error(&self.path_of(key), &place, &self.span, problem)
        })
    }

    /// Every key and value, in the order of the file.
    pub(super) fn entries(&self) -> Vec<(&'a str, Value<'a>)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
            .into_iter()
            .map(|(key, value)| {
                let name = key.get_ref().as_ref();
                (name, self.value(key.span(), name, value))
            })
            .collect()
    }

    fn value(&self, key: Range<usize>, name: &str, value: &'a Spanned<DeValue<'a>>) -> Value<'a> {
        let place = Place { key, value: value.span(), is_plain: is_plain(value.get_ref()) };
        let path = self.path_of(name);
        self.document.places.borrow_mut().insert(path.clone(), place.clone());
        Value { document: self.document, path, place, span: value.span(), item: value.get_ref() }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn is_plain(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => false,
        DeValue::Array(array) => array.iter().all(|element| is_plain(element.get_ref())),
        _ => true,
    }
}

/// Longest part of a line that is shown, in bytes.
const MAX_EXCERPT: usize = 120;
