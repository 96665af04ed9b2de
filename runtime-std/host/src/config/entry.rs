//! The entries that stand any number of times: `[asn_list.NAME]`, `[feed.NAME]`, `[[peer]]`. Sources have a file of
//! their own.

use bgplite_core::config::{
    Aggregate, AsnListConfig, Expr, ExprError, Families, FeedConfig, OnLimit, OwnAddress, PeerConfig,
    Subscription,
};
use bgplite_core::ids::Asn;

use super::error::FileError;
use super::reader::{Keys, Table, Value};
use super::{source, tag, value};

type Result<T> = std::result::Result<T, FileError>;

pub(super) const LIST: Keys =
    Keys { served: &["asns", "description", "community", "large_community"], later: &[] };
pub(super) const FEED: Keys =
    Keys { served: &["expr", "community", "large_community", "aggregate"], later: &[] };
pub(super) const PEER: Keys = Keys {
    served: &[
        "name",
        "address",
        "asn",
        "listen",
        "feeds",
        "lists",
        "countries",
        "prefixes",
        "asns",
        "urls",
        "exclude",
        "communities",
        "max_prefixes",
        "on_limit",
        "own_address",
        "next_hop",
        "next_hop_v6",
        "families",
    ],
    later: &["md5", "ttl_security"],
};

/// `own` is our ASN.
pub(super) fn list(name: &str, table: &Table<'_>, own: Asn) -> Result<AsnListConfig> {
    table.check_keys(&LIST)?;
    let asns = table.require("asns", "its ASNs, like asns = [13335, 209242]")?;
    let asns = asns.items("an array of ASNs, like [13335, 209242]")?;
    let (communities, large_communities) = tag::tags(table, own)?;
    Ok(AsnListConfig {
        name: name.to_owned(),
        asns: asns.iter().map(value::asn).collect::<Result<_>>()?,
        description: table.take("description").map_or(Ok(""), |value| value.string())?.to_owned(),
        communities,
        large_communities,
    })
}

/// `own` is our ASN.
pub(super) fn feed(name: &str, table: &Table<'_>, own: Asn) -> Result<FeedConfig> {
    table.check_keys(&FEED)?;
    let expr = table.require("expr", "the sources it is made of, like expr = \"ru + extra\"")?;
    let aggregate = match table.take("aggregate") {
        Some(value) => value::choice(&value, &[("off", Aggregate::Off), ("exact", Aggregate::Exact)], &[])?,
        None => Aggregate::Exact,
    };
    let (communities, large_communities) = tag::tags(table, own)?;
    Ok(FeedConfig {
        name: name.to_owned(),
        expr: expression(&expr)?,
        communities,
        large_communities,
        aggregate,
    })
}

/// What `expr` says.
fn expression(value: &Value<'_>) -> Result<Expr> {
    let text = value.string()?;
    text.parse().map_err(|error: ExprError| value.error_inside(error.offset, error.len, error.problem))
}

/// `own` is our ASN.
pub(super) fn peer(table: &Table<'_>, own: Asn) -> Result<PeerConfig> {
    table.check_keys(&PEER)?;
    let name = table.require("name", "a name for logs, like name = \"home\"")?.string()?;
    let address = table.require("address", "an address, a prefix, or \"any\"")?;
    let asn = table.require("asn", "the peer's ASN, or \"any\"")?;
    Ok(PeerConfig {
        name: name.to_owned(),
        address: value::address_match(&address)?,
        asn: value::asn_match(&asn)?,
        listen: table.take("listen").map(|value| value::endpoint(&value)).transpose()?,
        subscription: subscription(table, own)?,
        next_hop: table.take("next_hop").map(|value| value::next_hop_v4(&value)).transpose()?,
        next_hop_v6: table.take("next_hop_v6").map(|value| value::next_hop_v6(&value)).transpose()?,
        families: table.take("families").map_or(Ok(Families::BOTH), |value| families(&value))?,
    })
}

fn subscription(table: &Table<'_>, own: Asn) -> Result<Subscription> {
    if !["lists", "countries", "prefixes", "asns", "urls"].iter().any(|key| table.take(key).is_some()) {
        table.require("feeds", "the feeds it gets, like feeds = [\"ru\"]")?;
    }
    let name = |value: &Value<'_>| value.string().map(str::to_owned);
    let limit = table.take("max_prefixes").map(|value| value.number(1..=u64::from(u32::MAX))).transpose()?;
    let on_limit = table.take("on_limit").map_or(Ok(OnLimit::Hold), |value| {
        value::choice(&value, &[("hold", OnLimit::Hold), ("trim", OnLimit::Trim)], &[])
    })?;
    let own_address = table.take("own_address").map_or(Ok(OwnAddress::Split), |value| {
        value::choice(&value, &[("split", OwnAddress::Split), ("keep", OwnAddress::Keep)], &[])
    })?;
    Ok(Subscription {
        feeds: each(table, "feeds", "an array of names, like [\"ru\"]", name)?,
        lists: each(table, "lists", "an array of names, like [\"cloudflare\"]", name)?,
        countries: each(table, "countries", "an array of codes, like [\"DE\"]", source::country)?,
        prefixes: each(table, "prefixes", PREFIXES, value::prefix)?,
        asns: each(table, "asns", "an array of ASNs, like [13335]", value::asn)?,
        urls: each(table, URLS, "an array of URLs, like [\"https://example.net/list.txt\"]", name)?,
        exclude: each(table, "exclude", PREFIXES, value::prefix)?,
        communities: each(table, "communities", "an array, like [\"65010:100\"]", |value| {
            tag::tag(value, own)
        })?,
        max_prefixes: limit.map(|limit| limit as u32),
        on_limit,
        own_address,
    })
}

/// Every element of an array that may be missing.
fn each<T>(
    table: &Table<'_>,
    key: &str,
    expected: &str,
    read: impl Fn(&Value<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    match table.take(key) {
        Some(value) => {
            // What must not stand in a URL often does.
            let value = if key == URLS { value.secret() } else { value };
            value.items(expected)?.iter().map(read).collect()
        }
        None => Ok(Vec::new()),
    }
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

const URLS: &str = "urls";
const PREFIXES: &str = "an array of prefixes, like [\"192.0.2.0/24\"]";
