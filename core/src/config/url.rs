//! Addresses of web documents: enough of a URL to check one, to show one without its secrets, and to follow a
//! redirect.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::Ipv6Addr;

/// An `http://` or `https://` URL in its parts. `Display` shows it without what may be secret: of its query only the
/// names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// Whether the scheme is `https`.
    pub is_https: bool,
    /// A name or an address; of IPv6 in brackets.
    pub host: &'a str,
    /// The port that stands there, or the scheme's own.
    pub port: u16,
    /// From the first `/` up to the query; empty when there is none.
    pub path: &'a str,
    /// What follows the `?`.
    pub query: Option<&'a str>,
}

/// Why a text is no URL that can be asked. `Display` is a sentence part that says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// More than [`MAX_URL_LEN`] octets.
    TooLong,
    /// It begins with neither `http://` nor `https://`.
    Scheme,
    /// A blank, a control character, or one that must be percent-encoded.
    Character,
    /// A user or a password.
    Credentials,
    /// A fragment, which no server ever sees.
    Fragment,
    /// No host, or one that is neither a name nor an address.
    Host,
    /// A port that is no number from 1 to 65535.
    Port,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "is longer than 2048 octets",
            Self::Scheme => "is no web address; write one like \"https://lists.example.net/extra.txt\"",
            Self::Character => {
                "has a character that no URL has; write it percent-encoded, like %20 for a blank"
            }
            Self::Credentials => {
                "has a user or a password in it, which logs would show; use headers, like \
                 { Authorization = \"env:NAME\" }"
            }
            Self::Fragment => "has a '#', after which no server sees anything; remove it",
            Self::Host => {
                "has no host that can be looked up; write a name or an address, of IPv6 in brackets"
            }
            Self::Port => "has a port that is no number from 1 to 65535",
        })
    }
}

impl core::error::Error for UrlError {}

impl<'a> Url<'a> {
    /// Takes it apart.
    pub fn parse(text: &'a str) -> Result<Self, UrlError> {
        if text.len() > MAX_URL_LEN {
            return Err(UrlError::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return Err(UrlError::Scheme);
        }
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        if !rest.bytes().all(|byte| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte)) {
            return Err(UrlError::Character);
        }
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UrlError::Credentials);
        }
        let (host, port) = host_and_port(authority)?;
        let port = match port {
            Some(port) => decimal(port).filter(|&port| port > 0).ok_or(UrlError::Port)?,
            None if is_https => 443,
            None => 80,
        };
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Ok(Self { is_https, host, port, path, query })
    }

    /// Whether both are of one server: what is meant for one may be told to the other.
    pub fn is_same_origin(&self, other: &Self) -> bool {
        self.is_https == other.is_https
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port == other.port
    }

    /// The URL that a `Location` header of this one's answer leads to (RFC 3986 section 5.2). It is not yet checked.
    pub fn join(&self, location: &str) -> String {
        let location = location.split('#').next().unwrap_or_default();
        let scheme = if self.is_https { "https" } else { "http" };
        let is_absolute = location
            .split_once(':')
            .is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains(['/', '?', '.']));
        if is_absolute {
            return location.to_string();
        }
        if location.starts_with("//") {
            return format!("{scheme}:{location}");
        }
        let origin = Origin(self);
        let directory = self.path.rfind('/').and_then(|at| self.path.get(..=at)).unwrap_or("/");
        let (path, query) = location.split_at(location.find('?').unwrap_or(location.len()));
        let path = match path {
            "" => self.path.to_string(),
            path if path.starts_with('/') => without_dots(path),
            path => without_dots(&format!("{directory}{path}")),
        };
        format!("{origin}{path}{query}")
    }
}

impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Origin(self), self.path)?;
        for (index, pair) in self.query.into_iter().flat_map(|query| query.split('&')).enumerate() {
            f.write_str(if index == 0 { "?" } else { "&" })?;
            match pair.split_once('=') {
                Some((name, value)) if !value.is_empty() => write!(f, "{name}=...")?,
                Some((name, _)) => write!(f, "{name}=")?,
                // Not a pair: the whole may be a token.
                None => f.write_str("...")?,
            }
        }
        Ok(())
    }
}

/// A URL as it may be shown: without credentials and without what its query says.
pub fn shown_url(text: &str) -> String {
    Url::parse(text).map_or_else(|_| String::from("a URL that is none"), |url| url.to_string())
}

/// Scheme, host, and the port where it is not the scheme's own.
struct Origin<'a>(&'a Url<'a>);

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Url { is_https, host, port, .. } = self.0;
        let (scheme, own_port) = if *is_https { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{host}")?;
        if *port == own_port { Ok(()) } else { write!(f, ":{port}") }
    }
}

fn host_and_port(authority: &str) -> Result<(&str, Option<&str>), UrlError> {
    if let Some(inner) = authority.strip_prefix('[') {
        let (address, rest) = inner.split_once(']').ok_or(UrlError::Host)?;
        if address.parse::<Ipv6Addr>().is_err() {
            return Err(UrlError::Host);
        }
        let host = authority.get(..address.len() + 2).ok_or(UrlError::Host)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(UrlError::Host),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.is_empty() || host.len() > MAX_HOST_LEN || !host.bytes().all(is_plain) {
        return Err(UrlError::Host);
    }
    Ok((host, port))
}

/// Decimal digits only: std also takes a leading `+`.
fn decimal(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// An absolute path without its `.` and `..` (RFC 3986 section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut is_open = false;
    for segment in path.split('/').skip(1) {
        is_open = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let end = if is_open && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

/// Longest URL that is asked, in octets.
pub const MAX_URL_LEN: usize = 2048;
/// Longest name of a host, in octets (RFC 1035 section 2.3.4).
const MAX_HOST_LEN: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = Url::parse("HTTPS://Lists.example.net:8443/a/b.txt?key=1&x").unwrap();
        assert_eq!(
            url,
            Url {
                is_https: true,
                host: "Lists.example.net",
                port: 8443,
                path: "/a/b.txt",
                query: Some("key=1&x")
            }
        );
        let bare = Url::parse("http://[2001:db8::1]").unwrap();
        assert_eq!((bare.host, bare.port, bare.path, bare.query), ("[2001:db8::1]", 80, "", None));
        assert_eq!(Url::parse("http://h?q").unwrap().query, Some("q"));
        assert_eq!(Url::parse("https://h").unwrap().port, 443);
    }

    #[test]
    fn what_cannot_be_asked_is_told_apart() {
        for (text, error) in [
            ("ftp://h/", UrlError::Scheme),
            ("lists.example.net/x", UrlError::Scheme),
            ("", UrlError::Scheme),
            ("http://", UrlError::Host),
            ("http:///x", UrlError::Host),
            ("http://user:pw@h/", UrlError::Credentials),
            ("http://h/x y", UrlError::Character),
            ("http://h/\u{fc}", UrlError::Character),
            ("http://h/\r\nX: y", UrlError::Character),
            ("http://h/x#y", UrlError::Fragment),
            ("http://h:0/", UrlError::Port),
            ("http://h:65536/", UrlError::Port),
            ("http://h:+80/", UrlError::Port),
            ("http://h:/", UrlError::Port),
            ("http://[::1/", UrlError::Host),
            ("http://[fe80::1%25eth0]/", UrlError::Host),
            ("http://[::1]80/", UrlError::Host),
            ("http://%6c/", UrlError::Host),
        ] {
            assert_eq!(Url::parse(text), Err(error), "{text}");
        }
        assert_eq!(Url::parse(&format!("http://h/{}", "x".repeat(2040))), Err(UrlError::TooLong));
        assert!(Url::parse(&format!("http://h/{}", "x".repeat(2039))).is_ok());
    }

    #[test]
    fn a_shown_url_has_no_value_of_its_query() {
        for (text, shown) in [
            ("https://h/x?token=hunter2&user=bob", "https://h/x?token=...&user=..."),
            ("https://h/x?hunter2", "https://h/x?..."),
            ("http://h:8080/x?a=", "http://h:8080/x?a="),
            ("https://h:443/x", "https://h/x"),
            ("https://bob:hunter2@h/x", "a URL that is none"),
        ] {
            assert_eq!(shown_url(text), shown);
        }
    }

    #[test]
    fn a_location_is_read_relative_to_where_it_came_from() {
        let base = Url::parse("http://h:81/a/b?q=1").unwrap();
        for (location, joined) in [
            ("https://other/x#y", "https://other/x"),
            ("//other/x", "http://other/x"),
            ("/x?y=/../z", "http://h:81/x?y=/../z"),
            ("c", "http://h:81/a/c"),
            ("../c/./d", "http://h:81/c/d"),
            ("../../../c/..", "http://h:81/"),
            ("c/.", "http://h:81/a/c/"),
            ("?z", "http://h:81/a/b?z"),
            ("", "http://h:81/a/b"),
            ("file:///etc/passwd", "file:///etc/passwd"),
        ] {
            assert_eq!(base.join(location), joined, "{location}");
        }
        assert_eq!(Url::parse("http://h").unwrap().join("x"), "http://h/x");
    }

    #[test]
    fn one_server_is_told_from_another() {
        let url = |text| Url::parse(text).unwrap();
        assert!(url("http://h/a").is_same_origin(&url("http://H:80/b")));
        for other in ["https://h/a", "http://h:81/a", "http://h2/a"] {
            assert!(!url("http://h/a").is_same_origin(&url(other)), "{other}");
        }
    }
}
