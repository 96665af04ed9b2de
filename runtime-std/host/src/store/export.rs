//! A store as one JSON document with a hash: `store.json` beside the database, and what `bgplite store export` writes.
//!
//! ```text
//! {"version":2,"generation":7,"content":{"feeds":[…],"peers":[…],"sources":[…]},"hash":"9f86d081884c7d65"}
//! ```
//! The hash is over the generation, a blank and the text of the content as it stands there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::body::{self, Hash};
use super::record::{Content, Kind};

/// A document, read and found whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Export {
    /// Number of writes to the store so far.
    pub(super) generation: u64,
    pub(super) content: Content,
}

/// Why a text is no document of ours. Each says what is wrong, as the end of a sentence.
#[derive(Debug)]
pub(super) enum ExportError {
    /// There is no file.
    Missing,
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is not what it should be.
    Damaged(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    version: u32,
    generation: u64,
    #[serde(borrow)]
    content: &'a RawValue,
    #[serde(default)]
    hash: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists<'a> {
    #[serde(borrow, default)]
    feeds: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    peers: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    sources: Vec<&'a RawValue>,
}

/// Whether a document without a hash is taken: one that somebody edited has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unhashed {
    Refused,
    Taken,
}

pub(super) fn read(path: &Path, unhashed: Unhashed) -> Result<Export, ExportError> {
    let text = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ExportError::Missing,
        _ => ExportError::Unreadable(error),
    })?;
    parse(&text, unhashed).map_err(ExportError::Damaged)
}

/// Reads a document; otherwise what is wrong with it.
pub(super) fn parse(text: &[u8], unhashed: Unhashed) -> Result<Export, String> {
    let document: Document<'_> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if document.version != VERSION {
        return Err(format!("its version is {}, and this program reads {VERSION}", document.version));
    }
    let content = document.content.get();
    match document.hash {
        Some(hash) if hash != hash_of(document.generation, content) => {
            return Err("its content does not have the hash that it names".to_owned());
        }
        None if unhashed == Unhashed::Refused => return Err("it has no hash".to_owned()),
        _ => {}
    }
    let lists: Lists<'_> = serde_json::from_str(content).map_err(|error| format!("content: {error}"))?;
    let mut content = Content::default();
    for (kind, list) in
        [(Kind::Feed, &lists.feeds), (Kind::Peer, &lists.peers), (Kind::Source, &lists.sources)]
    {
        for (index, value) in list.iter().enumerate() {
            if !content.insert(kind, value.get().as_bytes()) {
                return Err(format!("content.{}[{index}] is no record of this version", kind.list()));
            }
        }
    }
    if content.peers.len() != lists.peers.len() {
        return Err("content.peers has an id twice".to_owned());
    }
    Ok(Export { generation: document.generation, content })
}

fn hash_of(generation: u64, content: &str) -> String {
    let mut hash = Hash::default();
    hash.update(format!("{generation} ").as_bytes());
    hash.update(content.as_bytes());
    format!("{:016x}", hash.0)
}

/// Writes a document; `values` gives each record of a kind, in order.
pub(super) fn write_to<W: Write>(
    writer: W,
    generation: u64,
    mut values: impl FnMut(Kind, &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
) -> io::Result<W> {
    let mut writer = Hashing { writer, hash: Hash::default() };
    writer
        .writer
        .write_all(format!("{{\"version\":{VERSION},\"generation\":{generation},\"content\":").as_bytes())?;
    writer.hash.update(format!("{generation} ").as_bytes());
    for (index, kind) in Kind::ALL.into_iter().enumerate() {
        let opening = if index == 0 { "{" } else { "]," };
        writer.write(format!("{opening}\n\"{}\":[", kind.list()).as_bytes())?;
        let mut separator: &[u8] = b"\n";
        values(kind, &mut |value| {
            writer.write(separator)?;
            separator = b",\n";
            writer.write(value)
        })?;
    }
    writer.write(b"]}")?;
    let Hashing { mut writer, hash } = writer;
    writer.write_all(format!(",\n\"hash\":\"{:016x}\"}}\n", hash.0).as_bytes())?;
    Ok(writer)
}

/// Writes a document of content in memory.
pub(super) fn write_content<W: Write>(writer: W, generation: u64, content: &Content) -> io::Result<W> {
    write_to(writer, generation, |kind, write| {
        let mut put = |value: serde_json::Result<Vec<u8>>| write(&value?);
        match kind {
            Kind::Feed => content.feeds.values().try_for_each(|entry| put(serde_json::to_vec(entry))),
            Kind::Peer => {
                content.peers.values().try_for_each(|record| put(super::record::peer_value(record)))
            }
            Kind::Source => content.sources.values().try_for_each(|entry| put(serde_json::to_vec(entry))),
        }
    })
}

/// Replaces the file at `path` by what `write` writes: after a crash it is the old one or the new one.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(BufWriter<File>) -> io::Result<BufWriter<File>>,
) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let writer = write(BufWriter::new(File::create(&temporary)?))?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), body::sync_dir)
}

struct Hashing<W> {
    writer: W,
    hash: Hash,
}

impl<W: Write> Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.writer.write_all(bytes)
    }
}

/// The version that is written, and the only one that is read.
const VERSION: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::record::{Entry, VERSION as RECORD};

    fn export() -> Export {
        let entry = |name: &str| Entry {
            version: RECORD,
            name: name.into(),
            serial: 1,
            unix_secs: 2,
            len: 3,
            hash: "00000000000000ff".into(),
            validators: bgplite_core::server::Validators::default(),
        };
        let mut export = Export { generation: 7, content: Content::default() };
        export.content.sources.insert("ru".into(), entry("ru"));
        export.content.feeds.insert("ru".into(), entry("ru"));
        export
    }

    #[test]
    fn what_is_written_is_read_and_every_flipped_bit_is_seen() {
        let export = export();
        let text = write_content(Vec::new(), 7, &export.content).unwrap();
        assert_eq!(parse(&text, Unhashed::Refused).unwrap(), export);
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut damaged = text.clone();
                damaged[at] ^= 1 << bit;
                if let Ok(read) = parse(&damaged, Unhashed::Refused) {
                    // White space outside of what is hashed.
                    assert_eq!(read, export, "octet {at}, bit {bit}");
                }
            }
        }
    }

    #[test]
    fn an_edited_document_is_taken_once_its_hash_is_removed() {
        let text = String::from_utf8(write_content(Vec::new(), 7, &export().content).unwrap()).unwrap();
        let edited = text.replace("\"serial\":1", "\"serial\":2");
        let said = parse(edited.as_bytes(), Unhashed::Taken).unwrap_err();
        assert_eq!(said, "its content does not have the hash that it names");
        let at = edited.find(",\n\"hash\"").unwrap();
        let unhashed = format!("{}}}", &edited[..at]);
        assert_eq!(parse(unhashed.as_bytes(), Unhashed::Taken).unwrap().content.feeds["ru"].serial, 2);
        assert_eq!(parse(unhashed.as_bytes(), Unhashed::Refused).unwrap_err(), "it has no hash");
    }
}
