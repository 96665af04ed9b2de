//! Sources, lists of ASNs, and how RIPEstat is asked.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

use super::{check_name, error};
use crate::config::{
    AsnListConfig, Config, ConfigError, Guard, HttpLocation, Location, RipestatConfig, SourceConfig, Url,
};
use crate::feed::check_format;
use crate::ids::Asn;
use crate::rib::AnyPrefix;
use crate::time::Duration;

type Result = core::result::Result<(), ConfigError>;

/// All of a configuration's sources and lists, and what concerns them as a whole.
pub(super) fn check(config: &Config) -> Result {
    if !(1..=MAX_FEED_VERSIONS).contains(&config.feed_versions) {
        let problem = format!("must be from 1 to {MAX_FEED_VERSIONS}");
        return Err(error("state.feed_versions", problem));
    }
    check_ripestat(&config.ripestat)?;
    config.sources.iter().try_for_each(check_source)?;
    let mut names = BTreeSet::new();
    for list in &config.asn_lists {
        check_list(list)?;
        if !names.insert(&list.name) {
            return Err(error(format!("asn_list.{}", list.name), "stands here twice"));
        }
    }
    Ok(())
}

fn check_ripestat(ripestat: &RipestatConfig) -> Result {
    let RipestatConfig { url, source_app, every, timeout, parallel, asn_data: _ } = ripestat;
    check_url("ripestat.url", url)?;
    if Url::parse(url).is_ok_and(|url| url.query.is_some()) {
        return Err(error("ripestat.url", "ends with a query; write the address of the service alone"));
    }
    let is_plain = source_app.bytes().all(|byte| byte.is_ascii_graphic());
    if source_app.is_empty() || source_app.len() > MAX_SOURCE_APP_LEN || !is_plain {
        let problem = "is no name for RIPEstat: use 1 to 64 letters, digits or signs, like \"bgplite\"";
        return Err(error("ripestat.source_app", problem));
    }
    check_every("ripestat.every", *every)?;
    check_timeout("ripestat.timeout", *timeout)?;
    if !(1..=MAX_PARALLEL).contains(parallel) {
        return Err(error("ripestat.parallel", format!("must be from 1 to {MAX_PARALLEL}")));
    }
    Ok(())
}

fn check_list(list: &AsnListConfig) -> Result {
    let path = format!("asn_list.{}", list.name);
    check_name(&path, &list.name)?;
    if list.asns.is_empty() || list.asns.len() > MAX_LIST_ASNS {
        let problem = format!("must name 1 to {MAX_LIST_ASNS} ASNs, like [13335, 209242]");
        return Err(error(format!("{path}.asns"), problem));
    }
    list.asns.iter().try_for_each(|&asn| check_asn(&format!("{path}.asns"), asn))
}

fn check_source(source: &SourceConfig) -> Result {
    let path = |key: &str| format!("source.{}.{key}", source.name);
    if let Some(every) = source.every {
        check_every(&path("every"), every)?;
    }
    match &source.location {
        Location::File { .. } | Location::Inline { .. } | Location::Country { .. } => {}
        Location::Ripestat { asn } => check_asn(&path("asn"), *asn)?,
        Location::Http(location) => check_http(&path, location)?,
    }
    check_format(&source.format).map_err(|problem| error(path("format"), format!("{problem}")))?;
    check_guard(&path, &source.guard)
}

fn check_http(path: &impl Fn(&str) -> String, location: &HttpLocation) -> Result {
    let HttpLocation { url, headers, timeout, max_body, redirects, is_foreign: _ } = location;
    check_url(&path("url"), url)?;
    check_timeout(&path("timeout"), *timeout)?;
    if !(1..=MAX_BODY).contains(max_body) {
        return Err(error(path("max_body"), "must be from 1 byte to 1GB"));
    }
    if *redirects > MAX_REDIRECTS {
        return Err(error(path("redirects"), format!("must be from 0 to {MAX_REDIRECTS}")));
    }
    if headers.len() > MAX_HEADERS {
        return Err(error(path("headers"), format!("are more than {MAX_HEADERS}")));
    }
    for (name, value) in headers {
        let key = || format!("{}.{name}", path("headers"));
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > MAX_HEADER_LEN || !name.bytes().all(is_token) {
            return Err(error(key(), "is no name of a header; write one like \"X-Api-Key\""));
        }
        if OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(error(key(), "is a header that belongs to the exchange itself; remove it"));
        }
        let is_text = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if value.len() > MAX_HEADER_LEN || !value.bytes().all(is_text) {
            return Err(error(key(), "is no value of a header: it may have printable ASCII only"));
        }
    }
    Ok(())
}

fn check_guard(path: &impl Fn(&str) -> String, guard: &Guard) -> Result {
    let Guard { min: _, max_shrink, max_growth, must_contain, must_not_contain } = guard;
    if max_shrink.is_some_and(|percent| percent > 100) {
        return Err(error(path("guard.max_shrink"), "must be from 0% to 100%, or \"none\""));
    }
    if max_growth.is_some_and(|percent| percent > MAX_GROWTH) {
        let problem = format!("must be from 0% to {MAX_GROWTH}%, or \"none\"");
        return Err(error(path("guard.max_growth"), problem));
    }
    if must_contain.len().max(must_not_contain.len()) > MAX_GUARDED {
        return Err(error(path("guard"), format!("names more than {MAX_GUARDED} prefixes of one kind")));
    }
    for wanted in must_contain {
        if let Some(refused) = must_not_contain.iter().find(|refused| overlap(**refused, *wanted)) {
            let problem = format!("{refused} overlaps {wanted} in must_contain; no list could have both");
            return Err(error(path("guard.must_not_contain"), problem));
        }
    }
    Ok(())
}

/// Whether they have an address in common.
fn overlap(a: AnyPrefix, b: AnyPrefix) -> bool {
    match (a, b) {
        (AnyPrefix::V4(a), AnyPrefix::V4(b)) => a.covers(b) || b.covers(a),
        (AnyPrefix::V6(a), AnyPrefix::V6(b)) => a.covers(b) || b.covers(a),
        _ => false,
    }
}

fn check_url(path: &str, url: &str) -> Result {
    Url::parse(url).map(drop).map_err(|problem| error(path, format!("{problem}")))
}

fn check_asn(path: &str, asn: Asn) -> Result {
    if asn.is_usable() { Ok(()) } else { Err(error(path, format!("{asn} is reserved; nobody announces it"))) }
}

fn check_every(path: &str, every: Duration) -> Result {
    if every < MIN_EVERY {
        return Err(error(path, "must be at least 10s; ask no server more often"));
    }
    Ok(())
}

fn check_timeout(path: &str, timeout: Duration) -> Result {
    if timeout.is_zero() || timeout > MAX_TIMEOUT {
        return Err(error(path, "must be longer than 0 and at most 1h"));
    }
    Ok(())
}

/// Versions of a feed that can be kept.
const MAX_FEED_VERSIONS: usize = 1000;
/// Web requests at once.
const MAX_PARALLEL: usize = 64;
/// ASNs of one list.
const MAX_LIST_ASNS: usize = 1000;
/// Octets of the name that we have at RIPEstat.
const MAX_SOURCE_APP_LEN: usize = 64;
/// More would be an attack on the server that is asked.
const MIN_EVERY: Duration = Duration::from_secs(10);
/// A request that takes longer holds a place that others wait for.
const MAX_TIMEOUT: Duration = Duration::from_secs(3600);
/// Octets of a body.
const MAX_BODY: u64 = 1_000_000_000;
/// Redirects that are followed.
const MAX_REDIRECTS: u8 = 10;
/// Headers of one source, beside our own.
const MAX_HEADERS: usize = 32;
/// Octets of a header's name, or of its value.
const MAX_HEADER_LEN: usize = 4096;
/// Percent of growth that still is a bound.
const MAX_GROWTH: u32 = 1_000_000;
/// Prefixes that a guard looks for.
const MAX_GUARDED: usize = 1000;
/// Headers that say how the exchange itself goes: another value would break it.
const OWN_HEADERS: [&str; 14] = [
    "Accept-Encoding",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Expect",
    "Host",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "Range",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];
