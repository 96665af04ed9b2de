//! `[source.NAME]`: where prefixes come from, one kind at a time.

use std::path::Path;
use std::time::Duration;

use bgplite_core::config::{Country, CountryError, Format, HttpLocation, Location, SourceConfig};
use bgplite_core::ids::Asn;
use bgplite_core::rib::AnyPrefix;

use super::error::FileError;
use super::reader::{Keys, Table, Value};
use super::{format, guard, tag, value};

type Result<T> = std::result::Result<T, FileError>;

pub(super) const SOURCE: Keys = Keys {
    served: &[
        "kind",
        "path",
        "url",
        "asn",
        "country",
        "preset",
        "prefixes",
        "format",
        "where",
        "headers",
        "timeout",
        "every",
        "max_body",
        "redirects",
        "required",
        "guard",
        "default_route",
        "community",
        "large_community",
    ],
    later: &[],
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Http,
    Ripestat,
    Country,
    Preset,
    Inline,
}

/// Each kind: its word, what it has that others have not, and the keys that not every kind has.
const KINDS: [(Kind, &str, &str, &[&str]); 6] = [
    (
        Kind::File,
        "file",
        "a file source has a path",
        &["path", "format", "where", "every", "required", "guard", "default_route"],
    ),
    (
        Kind::Http,
        "http",
        "an http source has a url",
        &[
            "url",
            "format",
            "where",
            "headers",
            "timeout",
            "every",
            "max_body",
            "redirects",
            "required",
            "guard",
            "default_route",
        ],
    ),
    (
        Kind::Ripestat,
        "ripestat",
        "a ripestat source has an asn",
        &["asn", "every", "required", "guard", "default_route"],
    ),
    (
        Kind::Country,
        "country",
        "a country source has a country",
        &["country", "every", "required", "guard", "default_route"],
    ),
    (
        Kind::Preset,
        "preset",
        "a preset source has a preset",
        &[
            "preset",
            "url",
            "where",
            "headers",
            "timeout",
            "every",
            "max_body",
            "redirects",
            "required",
            "guard",
            "default_route",
        ],
    ),
    (Kind::Inline, "inline", "an inline source has prefixes", &["prefixes"]),
];
/// Keys of every kind.
const COMMON: [&str; 3] = ["kind", "community", "large_community"];

/// `base` is the directory that relative paths are relative to, `own` our ASN.
pub(super) fn source(name: &str, table: &Table<'_>, base: &Path, own: Asn) -> Result<SourceConfig> {
    let kind = table
        .require("kind", "kind = \"file\", \"http\", \"ripestat\", \"country\", \"preset\" or \"inline\"")?;
    let kind = value::choice(&kind, &KINDS.map(|(kind, word, ..)| (word, kind)), &[])?;
    table.check_keys(&SOURCE)?;
    check_foreign(table, kind)?;
    let (location, format) = match kind {
        Kind::File => {
            let path = table.require("path", "the list's path, like path = \"ru.txt\"")?;
            (Location::File { path: file_path(&path, base)? }, format::format(table)?)
        }
        Kind::Http => {
            let url =
                table.require("url", "the list's URL, like url = \"https://lists.example.net/extra.txt\"")?;
            (Location::Http(http(table, url.secret().string()?.to_owned(), base)?), format::format(table)?)
        }
        Kind::Ripestat => {
            let asn =
                value::asn(&table.require("asn", "the AS whose prefixes are meant, like asn = 13335")?)?;
            (Location::Ripestat { asn }, Format::Lines)
        }
        Kind::Country => {
            let code = table.require("country", "its code of two letters, like country = \"DE\"")?;
            (Location::Country { country: country(&code)? }, Format::Lines)
        }
        Kind::Preset => {
            let (url, format) = format::preset(table)?;
            (Location::Http(http(table, url, base)?), format)
        }
        Kind::Inline => (Location::Inline { prefixes: inline(table)? }, Format::Lines),
    };
    let every = match (table.take("every"), kind) {
        (Some(value), _) => Some(value::duration(&value)?),
        (None, Kind::Http) => Some(EVERY),
        (None, Kind::Preset) => Some(EVERY_PRESET),
        (None, _) => None,
    };
    let (communities, large_communities) = tag::tags(table, own)?;
    Ok(SourceConfig {
        format,
        every,
        guard: guard::guard(table)?,
        required: flag(table, "required")?,
        default_route: flag(table, "default_route")?,
        communities,
        large_communities,
        ..SourceConfig::new(name, location)
    })
}

/// Refuses the first key that another kind has.
fn check_foreign(table: &Table<'_>, kind: Kind) -> Result<()> {
    let Some((.., has, own)) = KINDS.iter().find(|(known, ..)| *known == kind) else { return Ok(()) };
    let foreign = |(name, _): &(&str, Value<'_>)| !own.contains(name) && !COMMON.contains(name);
    let Some((name, value)) = table.entries().into_iter().find(foreign) else { return Ok(()) };
    let others: Vec<String> = KINDS
        .iter()
        .filter(|(.., keys)| keys.contains(&name))
        .map(|(_, word, ..)| format!("\"{word}\""))
        .collect();
    Err(value.secret().error(format!("belongs to kind = {}; {has}", or(&others))))
}

pub(super) fn or(words: &[String]) -> String {
    match words {
        [words @ .., last] if !words.is_empty() => format!("{} or {last}", words.join(", ")),
        _ => words.concat(),
    }
}

fn flag(table: &Table<'_>, key: &str) -> Result<bool> {
    table.take(key).map_or(Ok(false), |value| value.boolean())
}

fn file_path(value: &Value<'_>, base: &Path) -> Result<String> {
    let path = value.string()?;
    if path.is_empty() {
        return Err(value.error("is empty; name a file, like \"ru.txt\""));
    }
    base.join(path).into_os_string().into_string().map_err(|_| {
        value.error("the directory of this file has a name that is no UTF-8; write an absolute path")
    })
}

fn inline(table: &Table<'_>) -> Result<Vec<AnyPrefix>> {
    let what = "the prefixes, like prefixes = [\"192.0.2.0/24\"]";
    let prefixes = table.require("prefixes", what)?;
    let items = prefixes.items("an array of prefixes, like [\"192.0.2.0/24\"]")?;
    items.iter().map(value::prefix).collect()
}

/// What `kind = "http"` and `kind = "preset"` have besides the URL.
fn http(table: &Table<'_>, url: String, base: &Path) -> Result<HttpLocation> {
    let timeout = table.take("timeout").map_or(Ok(TIMEOUT), |value| value::duration(&value))?;
    let max_body = table.take("max_body").map_or(Ok(MAX_BODY), |value| value::size(&value))?;
    let redirects = table.take("redirects").map_or(Ok(0), |value| value.number(0..=10))? as u8;
    Ok(HttpLocation { url, headers: headers(table, base)?, timeout, max_body, redirects, is_foreign: false })
}

fn headers(table: &Table<'_>, base: &Path) -> Result<Vec<(String, String)>> {
    let Some(value) = table.take("headers") else { return Ok(Vec::new()) };
    let headers = value.secret().table("a table, like { \"X-Api-Key\" = \"env:EXTRA_KEY\" }")?;
    headers
        .entries()
        .into_iter()
        .map(|(name, value)| {
            let value = value.secret();
            Ok((name.to_owned(), header(name, &value, base)?))
        })
        .collect()
}

/// The value of a header as the configuration keeps it: where a secret is, and not what it is.
fn header(name: &str, value: &Value<'_>, base: &Path) -> Result<String> {
    let text = value.string()?;
    if let Some(variable) = text.strip_prefix("env:") {
        if variable.is_empty() || variable.contains(['=', '\0']) {
            return Err(value.error("names no environment variable; write one like \"env:EXTRA_KEY\""));
        }
        return Ok(text.to_owned());
    }
    if let Some(path) = text.strip_prefix("file:") {
        if path.is_empty() {
            return Err(value.error("names no file; write one like \"file:/run/secrets/extra\""));
        }
        let path = base.join(path).into_os_string().into_string();
        return path.map(|path| format!("file:{path}")).map_err(|_| {
            value.error("the directory of this file has a name that is no UTF-8; write an absolute path")
        });
    }
    let lower = name.to_ascii_lowercase();
    if SECRET_WORDS.iter().any(|word| lower.contains(word)) {
        return Err(value.error(
            "is a secret by its name, and must not stand in this file; write \"env:NAME\" or \"file:PATH\"",
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn country(value: &Value<'_>) -> Result<Country> {
    let text = value.string()?;
    text.parse().map_err(|error: CountryError| value.error(format!("{text:?} {error}")))
}

/// Names of headers that have one of these in them hold secrets.
const SECRET_WORDS: [&str; 9] =
    ["auth", "cookie", "key", "token", "secret", "password", "passwd", "credential", "session"];
/// How often web servers are asked, and for how long, where a source does not say.
const EVERY: Duration = Duration::from_secs(600);
const EVERY_PRESET: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_secs(30);
/// Octets of a body, where a source does not say.
const MAX_BODY: u64 = 10_000_000;
