//! Where prefixes come from, in which form, how often, and what is too strange to be served.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Country;
use crate::ids::Asn;
use crate::rib::AnyPrefix;
use crate::time::Duration;
use crate::wire::{Community, LargeCommunity};

/// One source of prefixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceConfig {
    /// Its name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Where its bodies come from.
    pub location: Location,
    /// How a body says its prefixes. [`Location::Ripestat`] and [`Location::Country`] have their own form.
    #[serde(default)]
    pub format: Format,
    /// How often it is asked; `None` only at start, on a reload and on demand.
    #[serde(default)]
    pub every: Option<Duration>,
    /// What is held back for an operator to look at.
    #[serde(default)]
    pub guard: Guard,
    /// Whether a failure at start, with no last good data, stops the daemon.
    pub required: bool,
    /// Whether `0.0.0.0/0` and `::/0` are taken as prefixes. Otherwise they are bad lines.
    #[serde(default)]
    pub default_route: bool,
    /// Standard communities of every route that it gives, beside those of the feed.
    #[serde(default)]
    pub communities: Vec<Community>,
    /// Large communities of every route that it gives, beside those of the feed.
    #[serde(default)]
    pub large_communities: Vec<LargeCommunity>,
}

impl SourceConfig {
    /// A source with every default.
    pub fn new(name: impl Into<String>, location: Location) -> Self {
        Self {
            name: name.into(),
            location,
            format: Format::default(),
            every: None,
            guard: Guard::default(),
            required: false,
            default_route: false,
            communities: Vec::new(),
            large_communities: Vec::new(),
        }
    }

    /// A list in a file, one prefix a line.
    pub fn file(name: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new(name, Location::File { path: path.into() })
    }

    /// Prefixes of the configuration itself.
    pub fn inline(name: impl Into<String>, prefixes: Vec<AnyPrefix>) -> Self {
        Self::new(name, Location::Inline { prefixes })
    }
}

/// Where a source's bodies come from. The core never opens one; it asks the adapter to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    /// A file; read again on every reload.
    File {
        /// Its path, absolute or relative to the daemon's working directory.
        path: String,
    },
    /// The configuration itself.
    Inline {
        /// The prefixes.
        prefixes: Vec<AnyPrefix>,
    },
    /// A web server.
    Http(HttpLocation),
    /// What an AS originates, as RIPEstat sees it. [`Config::ripestat`](super::Config::ripestat) says where and how.
    Ripestat {
        /// The AS.
        asn: Asn,
    },
    /// What is registered to a country, by RIPEstat.
    Country {
        /// The country.
        country: Country,
    },
}

/// A body on a web server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpLocation {
    /// `http://` or `https://`.
    pub url: String,
    /// Headers of the request: name, and `env:NAME`, `file:PATH` or the value itself. The adapter resolves them, so
    /// that no secret is in a configuration.
    pub headers: Vec<(String, String)>,
    /// For the whole exchange, from the name's resolution to the last octet.
    pub timeout: Duration,
    /// A body of more octets, after decompression, is a failure.
    pub max_body: u64,
    /// How many redirects are followed; 0 refuses them.
    pub redirects: u8,
    /// Whether every address it leads to must be global unicast, and the ports 80 and 443: for URLs that peers bring.
    pub is_foreign: bool,
}

/// How a body says its prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A prefix or an address a line, `#` comments.
    #[default]
    Lines,
    /// `first-last`, a prefix or an address a line.
    Ranges,
    /// JSON: the strings at these paths.
    Json(JsonFormat),
    /// Comma-separated values.
    Csv {
        /// The column: its name in the first line, or its number from 1.
        column: String,
    },
    /// RIPEstat's `ris-prefixes`, `list_prefixes=true&types=o`.
    RisPrefixes,
    /// RIPEstat's `announced-prefixes`.
    AnnouncedPrefixes,
    /// RIPEstat's `country-resource-list`.
    CountryResourceList,
}

/// Where a JSON document has its prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonFormat {
    /// Paths to strings: `prefixes[].ip_prefix`, `result.ipv4_cidrs[]`. At least one. One that leads nowhere is no
    /// error as long as another leads somewhere.
    pub paths: Vec<String>,
    /// Only elements whose fields match count: name and pattern, in which `*` is any text. Of the innermost array's
    /// element on a path. Several patterns of one name are alternatives.
    pub filter: Vec<(String, String)>,
}

/// Bounds of what a source may say. A body outside of them is held: the old one stays served until an operator
/// approves or rejects the new one, or a body within the bounds comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Fewer prefixes than this are held.
    pub min: usize,
    /// By how many percent of the prefixes served it may shrink; `None` by all.
    pub max_shrink: Option<u32>,
    /// By how many percent of the prefixes served it may grow; `None` without bound. Up to
    /// [`GROWTH_FLOOR`](Self::GROWTH_FLOOR) prefixes any growth is fine.
    pub max_growth: Option<u32>,
    /// Prefixes whose every address it must cover.
    pub must_contain: Vec<AnyPrefix>,
    /// Prefixes of which it must not cover a single address.
    pub must_not_contain: Vec<AnyPrefix>,
}

impl Guard {
    /// Lists up to this size may grow as they like.
    pub const GROWTH_FLOOR: usize = 1000;
}

impl Default for Guard {
    /// Empty, less than half, or more than four times: held.
    fn default() -> Self {
        Self {
            min: 1,
            max_shrink: Some(50),
            max_growth: Some(300),
            must_contain: Vec::new(),
            must_not_contain: Vec::new(),
        }
    }
}

/// How RIPEstat is asked, for sources of an AS or a country, those of lists and of peers' subscriptions among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RipestatConfig {
    /// The address of the service or of a mirror, without a path.
    pub url: String,
    /// What we call ourselves there.
    pub source_app: String,
    /// How often each AS and country is asked.
    pub every: Duration,
    /// For a whole exchange.
    pub timeout: Duration,
    /// Requests at once, to this and all other web servers.
    pub parallel: usize,
    /// Which of its data says what an AS originates.
    pub asn_data: AsnData,
}

/// Which of RIPEstat's data says what an AS originates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsnData {
    /// `ris-prefixes`: what RIS peers see it originate now.
    #[default]
    RisPrefixes,
    /// `announced-prefixes`: what it was seen to announce in the last two weeks.
    AnnouncedPrefixes,
}

impl Default for RipestatConfig {
    fn default() -> Self {
        Self {
            url: "https://stat.ripe.net".into(),
            source_app: "bgplite".into(),
            every: Duration::from_secs(8 * 3600),
            timeout: Duration::from_secs(180),
            parallel: 8,
            asn_data: AsnData::default(),
        }
    }
}

/// A list that peers may subscribe to by name: ASNs, resolved by RIPEstat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsnListConfig {
    /// Its name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Its ASNs; at least one.
    pub asns: Vec<Asn>,
    /// For people.
    pub description: String,
    /// Standard communities of every route.
    pub communities: Vec<Community>,
    /// Large communities of every route.
    pub large_communities: Vec<LargeCommunity>,
}
