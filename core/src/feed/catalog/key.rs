//! By what sources and feeds are known: the names of the configuration, and what peers ask for.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::config::{Country, HttpLocation, Location, SourceConfig};
use crate::ids::Asn;
use crate::time::Duration;

/// Which source. Its `Display` is the name that the store and people know it by: a name of the configuration, or
/// `@as13335`, `@de`, `@url-` and 16 hexadecimal digits. No name of the configuration has an `@`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKey {
    /// One of the configuration.
    Named(String),
    /// What an AS originates.
    Asn(Asn),
    /// What is registered to a country.
    Country(Country),
    /// A list that a peer brought.
    Url(String),
}

/// Which feed. Its `Display` is its name, as that of a [`SourceKey`]; `@list-` and its name for an AS list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKey {
    /// One of the configuration.
    Named(String),
    /// An AS list of the configuration.
    List(String),
    /// The source of an AS.
    Asn(Asn),
    /// The source of a country.
    Country(Country),
    /// The source of a URL.
    Url(String),
}

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Asn(asn) => write_asn(f, *asn),
            Self::Country(country) => write_country(f, *country),
            Self::Url(url) => write_url(f, url),
        }
    }
}

impl fmt::Display for FeedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::List(name) => write!(f, "@list-{name}"),
            Self::Asn(asn) => write_asn(f, *asn),
            Self::Country(country) => write_country(f, *country),
            Self::Url(url) => write_url(f, url),
        }
    }
}

fn write_asn(f: &mut fmt::Formatter<'_>, asn: Asn) -> fmt::Result {
    write!(f, "@as{asn}")
}

fn write_country(f: &mut fmt::Formatter<'_>, country: Country) -> fmt::Result {
    let mut code = alloc::format!("@{country}");
    code.make_ascii_lowercase();
    f.write_str(&code)
}

fn write_url(f: &mut fmt::Formatter<'_>, url: &str) -> fmt::Result {
    write!(f, "@url-{:016x}", fnv1a(url.as_bytes()))
}

/// FNV-1a, 64 bits.
fn fnv1a(octets: &[u8]) -> u64 {
    let step = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01B3);
    octets.iter().fold(0xCBF2_9CE4_8422_2325, step)
}

impl FeedKey {
    /// The one source of a feed that is there because somebody asked for it.
    pub(super) fn source(&self) -> Option<SourceKey> {
        Some(match self {
            Self::Named(_) | Self::List(_) => return None,
            Self::Asn(asn) => SourceKey::Asn(*asn),
            Self::Country(country) => SourceKey::Country(*country),
            Self::Url(url) => SourceKey::Url(url.clone()),
        })
    }

    /// What kind of feed, for people.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Named(_) => "feed",
            Self::List(_) => "list",
            Self::Asn(_) => "asn",
            Self::Country(_) => "country",
            Self::Url(_) => "url",
        }
    }
}

impl SourceKey {
    /// What the configuration would say of a source that is there because somebody asked for it; `None` for one that
    /// it names.
    pub(super) fn on_demand(&self) -> Option<SourceConfig> {
        let location = match self {
            Self::Named(_) => return None,
            Self::Asn(asn) => Location::Ripestat { asn: *asn },
            Self::Country(country) => Location::Country { country: *country },
            Self::Url(url) => Location::Http(HttpLocation {
                url: url.clone(),
                headers: alloc::vec::Vec::new(),
                timeout: URL_TIMEOUT,
                max_body: MAX_URL_BYTES,
                redirects: MAX_URL_REDIRECTS,
                is_foreign: true,
            }),
        };
        let every = matches!(self, Self::Url(_)).then_some(URL_EVERY);
        let mut config = SourceConfig { every, ..SourceConfig::new(alloc::format!("{self}"), location) };
        if !matches!(self, Self::Url(_)) {
            // An AS may originate nothing, and that is the answer; to lose all that it had is another matter.
            config.guard.min = 0;
        }
        Some(config)
    }
}

/// For a whole exchange with a server that a peer named.
const URL_TIMEOUT: Duration = Duration::from_secs(30);
/// Octets in a body that a peer named.
const MAX_URL_BYTES: u64 = 10_000_000;
/// Redirects that are followed from an address that a peer named.
const MAX_URL_REDIRECTS: u8 = 3;
/// How often a URL of a peer is asked.
const URL_EVERY: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn what_has_no_name_is_called_after_what_it_is() {
        assert_eq!(SourceKey::Named("ru".into()).to_string(), "ru");
        assert_eq!(SourceKey::Asn(Asn(13335)).to_string(), "@as13335");
        assert_eq!(FeedKey::Country("DE".parse().unwrap()).to_string(), "@de");
        assert_eq!(FeedKey::List("cdn".into()).to_string(), "@list-cdn");
        // The digest of "foobar" as published with FNV-1a.
        assert_eq!(SourceKey::Url("foobar".into()).to_string(), "@url-85944171f73967e8");
    }
}
