//! Communities, of either kind.

use bgplite_core::config::Tag;
use bgplite_core::ids::Asn;
use bgplite_core::wire::{Community, CommunityError, LargeCommunity};

use super::error::FileError;
use super::reader::{Table, Value};

type Result<T> = std::result::Result<T, FileError>;

/// What `community` and `large_community` of a table say, each a string or an array of them. `own` is our ASN.
pub(super) fn tags(table: &Table<'_>, own: Asn) -> Result<(Vec<Community>, Vec<LargeCommunity>)> {
    let (mut standard, mut large) = (Vec::new(), Vec::new());
    for item in strings(table.take("community"))? {
        match community(&item, own)? {
            Tag::Standard(community) => standard.push(community),
            Tag::Large(community) => large.push(community),
        }
    }
    for item in strings(table.take("large_community"))? {
        large.push(parse(&item, str::parse)?);
    }
    Ok((standard, large))
}

/// A tag of a peer's filter: two numbers or three.
pub(super) fn tag(value: &Value<'_>, own: Asn) -> Result<Tag> {
    match value.string()?.matches(':').count() {
        2 => parse(value, str::parse).map(Tag::Large),
        _ => community(value, own),
    }
}

/// Two numbers. Where the first is our own ASN and needs four bytes, no standard community can hold it: it becomes the
/// large one of three numbers with a 1 between.
fn community(value: &Value<'_>, own: Asn) -> Result<Tag> {
    let text = value.string()?;
    if own.0 > u32::from(u16::MAX)
        && let Some((asn, local)) = text.split_once(':')
        && asn == own.to_string()
        && let Ok(large) = format!("{asn}:1:{local}").parse()
    {
        return Ok(Tag::Large(large));
    }
    parse(value, str::parse).map(Tag::Standard)
}

fn parse<T>(value: &Value<'_>, parse: impl Fn(&str) -> std::result::Result<T, CommunityError>) -> Result<T> {
    let text = value.string()?;
    parse(text).map_err(|error| value.error(format!("{text:?}: {error}")))
}

/// One string, or an array of them.
fn strings(value: Option<Value<'_>>) -> Result<Vec<Value<'_>>> {
    match value {
        None => Ok(Vec::new()),
        Some(value) if value.is_string() => Ok(vec![value]),
        Some(value) => value.items("a string, or an array of strings"),
    }
}
