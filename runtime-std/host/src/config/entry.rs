//! The entries that stand any number of times: `[source.NAME]`, `[feed.NAME]`, `[[peer]]`.

use std::path::Path;
use std::str::FromStr;

use bgplite_core::config::{
    Aggregate, Expr, ExprError, Families, FeedConfig, Location, PeerConfig, SourceConfig, Subscription,
};

use super::error::FileError;
use super::reader::{Keys, Table, Value};
use super::value;

type Result<T> = std::result::Result<T, FileError>;

pub(super) const SOURCE: Keys = Keys {
    served: &["kind", "path", "required", "prefixes"],
    later: &[
        "guard", "preset", "where", "every", "url", "format", "headers", "timeout", "max_body", "country",
    ],
};
pub(super) const FEED: Keys =
    Keys { served: &["expr", "community", "large_community", "aggregate"], later: &[] };
pub(super) const PEER: Keys = Keys {
    served: &["name", "address", "asn", "listen", "feeds", "next_hop", "next_hop_v6", "families"],
    later: &[
        "lists",
        "countries",
        "prefixes",
        "exclude",
        "communities",
        "max_prefixes",
        "on_limit",
        "md5",
        "ttl_security",
    ],
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Inline,
}

pub(super) fn source(name: &str, table: &Table<'_>, base: &Path) -> Result<SourceConfig> {
    let kind = table.require("kind", "kind = \"file\" or kind = \"inline\"")?;
    let later = ["http", "ripestat", "country", "preset"];
    let kind = value::choice(&kind, &[("file", Kind::File), ("inline", Kind::Inline)], &later)?;
    table.check_keys(&SOURCE)?;
    let foreign: &[&str] = match kind {
        Kind::File => &["prefixes"],
        Kind::Inline => &["path", "required"],
    };
    if let Some(value) = foreign.iter().find_map(|key| table.take(key)) {
        return Err(value.error(match kind {
            Kind::File => "belongs to kind = \"inline\"; a file source has a path",
            Kind::Inline => "belongs to kind = \"file\"; an inline source has prefixes",
        }));
    }
    let location = match kind {
        Kind::File => file(&table.require("path", "the list's path, like path = \"ru.txt\"")?, base)?,
        Kind::Inline => {
            let what = "the prefixes, like prefixes = [\"192.0.2.0/24\"]";
            let prefixes = table.require("prefixes", what)?;
            let items = prefixes.items("an array of prefixes, like [\"192.0.2.0/24\"]")?;
            Location::Inline { prefixes: items.iter().map(value::prefix).collect::<Result<_>>()? }
        }
    };
    let required = table.take("required").map_or(Ok(false), |value| value.boolean())?;
    Ok(SourceConfig { required, ..SourceConfig::new(name, location) })
}

fn file(value: &Value<'_>, base: &Path) -> Result<Location> {
    let path = value.string()?;
    if path.is_empty() {
        return Err(value.error("is empty; name a file, like \"ru.txt\""));
    }
    match base.join(path).into_os_string().into_string() {
        Ok(path) => Ok(Location::File { path }),
        Err(_) => {
            Err(value.error("the directory of this file has a name that is no UTF-8; write an absolute path"))
        }
    }
}

pub(super) fn feed(name: &str, table: &Table<'_>) -> Result<FeedConfig> {
    table.check_keys(&FEED)?;
    let expr = table.require("expr", "the sources it is made of, like expr = \"ru + extra\"")?;
    let aggregate = match table.take("aggregate") {
        Some(value) => value::choice(&value, &[("off", Aggregate::Off), ("exact", Aggregate::Exact)], &[])?,
        None => Aggregate::Exact,
    };
    Ok(FeedConfig {
        name: name.to_owned(),
        expr: expression(&expr)?,
        communities: tags(table.take("community"))?,
        large_communities: tags(table.take("large_community"))?,
        aggregate,
    })
}

/// What `expr` says.
fn expression(value: &Value<'_>) -> Result<Expr> {
    let text = value.string()?;
    text.parse().map_err(|error: ExprError| value.error_inside(error.offset, error.len, error.problem))
}

/// One community, or an array of them.
fn tags<T: FromStr<Err: ToString>>(value: Option<Value<'_>>) -> Result<Vec<T>> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let items =
        if value.is_string() { vec![value] } else { value.items("a string, or an array of strings")? };
    items
        .iter()
        .map(|item| {
            let text = item.string()?;
            text.parse().map_err(|error: T::Err| item.error(format!("{text:?}: {}", error.to_string())))
        })
        .collect()
}

pub(super) fn peer(table: &Table<'_>) -> Result<PeerConfig> {
    table.check_keys(&PEER)?;
    let name = table.require("name", "a name for logs, like name = \"home\"")?.string()?;
    let address = table.require("address", "an address, a prefix, or \"any\"")?;
    let asn = table.require("asn", "the peer's ASN, or \"any\"")?;
    let feeds = table.require("feeds", "the feeds it gets, like feeds = [\"ru\"]")?;
    let names = feeds.items("an array of names, like [\"ru\"]")?;
    Ok(PeerConfig {
        name: name.to_owned(),
        address: value::address_match(&address)?,
        asn: value::asn_match(&asn)?,
        listen: table.take("listen").map(|value| value::endpoint(&value)).transpose()?,
        subscription: Subscription {
            feeds: names.iter().map(|name| name.string().map(str::to_owned)).collect::<Result<_>>()?,
            ..Subscription::default()
        },
        next_hop: table.take("next_hop").map(|value| value::next_hop_v4(&value)).transpose()?,
        next_hop_v6: table.take("next_hop_v6").map(|value| value::next_hop_v6(&value)).transpose()?,
        families: table.take("families").map_or(Ok(Families::BOTH), |value| families(&value))?,
    })
}

fn families(value: &Value<'_>) -> Result<Families> {
    let mut families = Families::NONE;
    for item in value.items("an array, like [\"ipv4\", \"ipv6\"]")? {
        if value::choice(&item, &[("ipv4", true), ("ipv6", false)], &[])? {
            families.v4 = true;
        } else {
            families.v6 = true;
        }
    }
    Ok(families)
}
