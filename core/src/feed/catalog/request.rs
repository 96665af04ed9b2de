//! What to ask for, and how its answer is read.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::config::{AsnData, Format, Location, RipestatConfig, SourceConfig, shown_url};
use crate::feed::{FetchRequest, HttpRequest, Validators};
use crate::time::Duration;

/// The request for a source; `None` for one that comes from nowhere else.
pub(super) fn request(
    config: &SourceConfig,
    ripestat: &RipestatConfig,
    validators: Validators,
) -> Option<FetchRequest> {
    Some(match &config.location {
        Location::Inline { .. } => return None,
        Location::File { path } => FetchRequest::File { path: path.clone(), max_bytes: MAX_FILE_BYTES },
        Location::Http(location) => FetchRequest::Http(HttpRequest {
            url: location.url.clone(),
            headers: location.headers.clone(),
            timeout: location.timeout,
            max_bytes: location.max_body,
            redirects: location.redirects,
            is_foreign: location.is_foreign,
            validators,
        }),
        Location::Ripestat { .. } | Location::Country { .. } => FetchRequest::Http(HttpRequest {
            url: ripestat_url(&config.location, ripestat),
            headers: Vec::new(),
            timeout: ripestat.timeout,
            max_bytes: MAX_RIPESTAT_BYTES,
            redirects: 0,
            is_foreign: false,
            validators,
        }),
    })
}

/// RIPEstat's Data API: `ris-prefixes` with every prefix it is the origin of, without the noise that few peers of RIS
/// see; both families come by default.
fn ripestat_url(location: &Location, ripestat: &RipestatConfig) -> String {
    let query = match location {
        Location::Ripestat { asn } => match ripestat.asn_data {
            AsnData::RisPrefixes => {
                format!("ris-prefixes/data.json?resource=AS{asn}&list_prefixes=true&types=o&noise=filter")
            }
            AsnData::AnnouncedPrefixes => format!("announced-prefixes/data.json?resource=AS{asn}"),
        },
        Location::Country { country } => {
            format!("country-resource-list/data.json?resource={country}&v4_format=prefix")
        }
        Location::File { .. } | Location::Inline { .. } | Location::Http(_) => String::new(),
    };
    let mut url = format!("{}/data/{query}&sourceapp=", ripestat.url.trim_end_matches('/'));
    for octet in ripestat.source_app.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            url.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{octet:02X}");
        }
    }
    url
}

impl SourceConfig {
    /// How its bodies say their prefixes.
    pub(super) fn body_format(&self, ripestat: &RipestatConfig) -> Format {
        match &self.location {
            Location::Ripestat { .. } => match ripestat.asn_data {
                AsnData::RisPrefixes => Format::RisPrefixes,
                AsnData::AnnouncedPrefixes => Format::AnnouncedPrefixes,
            },
            Location::Country { .. } => Format::CountryResourceList,
            Location::File { .. } | Location::Inline { .. } | Location::Http(_) => self.format.clone(),
        }
    }

    /// How often it is asked when all goes well.
    pub(super) fn interval(&self, ripestat: &RipestatConfig) -> Option<Duration> {
        match &self.location {
            Location::Inline { .. } => None,
            Location::File { .. } | Location::Http(_) => self.every,
            Location::Ripestat { .. } | Location::Country { .. } => self.every.or(Some(ripestat.every)),
        }
    }
}

impl Location {
    /// The place, for messages.
    pub(super) fn origin(&self) -> String {
        match self {
            Self::File { path } => path.clone(),
            Self::Inline { .. } => "the configuration".into(),
            Self::Http(location) => shown_url(&location.url),
            Self::Ripestat { asn } => format!("AS{asn} at RIPEstat"),
            Self::Country { country } => format!("{country} at RIPEstat"),
        }
    }

    /// What kind of place, for people.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Inline { .. } => "inline",
            Self::Http(_) => "http",
            Self::Ripestat { .. } => "ripestat",
            Self::Country { .. } => "country",
        }
    }

    /// Whether asking for it counts against the requests to web servers.
    pub(super) const fn is_web(&self) -> bool {
        matches!(self, Self::Http(_) | Self::Ripestat { .. } | Self::Country { .. })
    }

    /// Whether it is asked at all.
    pub(super) const fn is_outside(&self) -> bool {
        !matches!(self, Self::Inline { .. })
    }
}

/// A list of a million prefixes has about 20 MB.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// The largest documents, of an AS with a hundred thousand prefixes or of the United States, have some 10 MB.
const MAX_RIPESTAT_BYTES: u64 = 64_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Asn;

    fn url(location: Location, ripestat: &RipestatConfig) -> String {
        let config = SourceConfig::new("x", location);
        match request(&config, ripestat, Validators::default()) {
            Some(FetchRequest::Http(request)) => request.url,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn ripestat_is_asked_for_originated_prefixes_of_both_families() {
        let ripestat = RipestatConfig { source_app: "my app/1".into(), ..RipestatConfig::default() };
        assert_eq!(
            url(Location::Ripestat { asn: Asn(13335) }, &ripestat),
            "https://stat.ripe.net/data/ris-prefixes/data.json?resource=AS13335&list_prefixes=true&types=o\
             &noise=filter&sourceapp=my%20app%2F1"
        );
        let mirror = RipestatConfig {
            url: "http://127.0.0.1:8080/".into(),
            asn_data: AsnData::AnnouncedPrefixes,
            ..RipestatConfig::default()
        };
        assert_eq!(
            url(Location::Ripestat { asn: Asn(1) }, &mirror),
            "http://127.0.0.1:8080/data/announced-prefixes/data.json?resource=AS1&sourceapp=bgplite"
        );
        assert_eq!(
            url(Location::Country { country: "de".parse().unwrap() }, &mirror),
            "http://127.0.0.1:8080/data/country-resource-list/data.json?resource=DE&v4_format=prefix\
             &sourceapp=bgplite"
        );
    }
}
