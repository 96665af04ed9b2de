//! The sections that stand once: `[bgp]`, `[limits]`, `[state]`, `[api]`, `[log]`, `[ripestat]`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bgplite_core::config::{AsnData, Config, UnknownPeers};

use super::error::FileError;
use super::reader::{Keys, Table};
use super::value;
use super::{LogFormat, LogLevel};
use crate::store::StoreKind;

type Result<T> = std::result::Result<T, FileError>;

pub(super) const BGP: Keys = Keys {
    served: &[
        "asn",
        "router_id",
        "listen",
        "hold_time",
        "open_delay",
        "next_hop",
        "next_hop_v6",
        "unknown_peers",
        "default_feed",
        "max_unknown_peers",
        "max_unknown_per_address",
        "max_received_prefixes",
        "ttl",
    ],
    later: &["graceful_restart"],
};
pub(super) const LIMITS: Keys =
    Keys { served: &["connections", "send_hold"], later: &["accepts_per_address"] };
pub(super) const STATE: Keys = Keys { served: &["dir", "store", "feed_versions"], later: &[] };
pub(super) const API: Keys = Keys {
    served: &["own_urls"],
    later: &["listen", "admin_token", "reader_token", "registration", "trusted_proxies", "rate_limit"],
};
pub(super) const RIPESTAT: Keys =
    Keys { served: &["url", "source_app", "every", "timeout", "parallel", "asn_data"], later: &[] };
pub(super) const LOG: Keys = Keys { served: &["level", "format"], later: &[] };

/// What `[bgp]` says beyond the core's configuration.
pub(super) struct Bgp {
    pub(super) config: Config,
    pub(super) listen: Vec<SocketAddr>,
    pub(super) ttl: u8,
    /// Whether `default_feed` stands in the file.
    pub(super) names_default_feed: bool,
}

pub(super) fn bgp(table: &Table<'_>) -> Result<Bgp> {
    table.check_keys(&BGP)?;
    let asn = value::asn(&table.require("asn", "the ASN of this server, like asn = 65010")?)?;
    let what = "one of this machine's IPv4 addresses, like router_id = \"203.0.113.1\"";
    let router_id = value::ipv4(&table.require("router_id", what)?)?;
    let mut config = Config::new(asn, router_id);
    if let Some(value) = table.take("hold_time") {
        let hold = value::duration(&value)?;
        config.hold_secs = u16::try_from(hold.as_secs())
            .ok()
            .filter(|_| hold.subsec_nanos() == 0)
            .ok_or_else(|| value.error("must be whole seconds, at most 65535s"))?;
    }
    if let Some(value) = table.take("open_delay") {
        config.open_delay = value::duration(&value)?;
    }
    if let Some(value) = table.take("next_hop") {
        config.next_hop = value::next_hop_v4(&value)?;
    }
    if let Some(value) = table.take("next_hop_v6") {
        config.next_hop_v6 = value::next_hop_v6(&value)?;
    }
    if let Some(value) = table.take("max_received_prefixes") {
        config.max_received_prefixes = value.number(0..=u64::from(u32::MAX))? as u32;
    }
    config.unknown_peers = unknown_peers(table)?;
    let ttl = match table.take("ttl") {
        Some(value) => value.number(1..=255)? as u8,
        None => 255,
    };
    Ok(Bgp { config, listen: listen(table)?, ttl, names_default_feed: table.take("default_feed").is_some() })
}

fn unknown_peers(table: &Table<'_>) -> Result<UnknownPeers> {
    let is_served = match table.take("unknown_peers") {
        Some(value) => value::choice(&value, &[("default", true), ("refuse", false)], &[])?,
        None => true,
    };
    let feed = match table.take("default_feed") {
        Some(value) => value.string()?.to_owned(),
        None => "ru".to_owned(),
    };
    let count = |key, default| match table.take(key) {
        Some(value) => value.number(1..=MAX_COUNT).map(|number| number as usize),
        None => Ok(default),
    };
    let max = count("max_unknown_peers", 500)?;
    let max_per_address = count("max_unknown_per_address", 4)?;
    if is_served {
        Ok(UnknownPeers::Default { feed, max, max_per_address })
    } else {
        Ok(UnknownPeers::Refuse)
    }
}

fn listen(table: &Table<'_>) -> Result<Vec<SocketAddr>> {
    let Some(value) = table.take("listen") else {
        return Ok(vec![SocketAddr::from(([0, 0, 0, 0], 179)), SocketAddr::from(([0u16; 8], 179))]);
    };
    let mut listen: Vec<SocketAddr> = Vec::new();
    for item in value.items("an array, like [\"0.0.0.0:179\", \"[::]:179\"]")? {
        let endpoint = value::endpoint(&item)?;
        let overlap = listen.iter().find(|known| overlaps(**known, endpoint));
        if let Some(known) = overlap {
            return Err(item.error(format!("{endpoint} overlaps {known}; remove one")));
        }
        listen.push(endpoint);
    }
    if listen.is_empty() {
        return Err(value.error("is empty; no peer could connect"));
    }
    Ok(listen)
}

/// Whether the operating system refuses to listen on both. Port 0 asks for any free port.
pub(super) fn overlaps(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port()
        && a.port() != 0
        && (a.ip() == b.ip()
            || (a.is_ipv4() == b.is_ipv4() && (a.ip().is_unspecified() || b.ip().is_unspecified())))
}

pub(super) fn limits(table: &Table<'_>, config: &mut Config) -> Result<()> {
    table.check_keys(&LIMITS)?;
    if let Some(value) = table.take("connections") {
        config.max_connections = value.number(1..=MAX_COUNT)? as usize;
    }
    if let Some(value) = table.take("send_hold") {
        config.send_hold = value::duration(&value)?;
        if config.send_hold.is_zero() {
            return Err(value.error("must be longer than 0; no peer reads that fast"));
        }
    }
    Ok(())
}

pub(super) fn state(table: Option<&Table<'_>>, base: &Path, config: &mut Config) -> Result<PathBuf> {
    if let Some(table) = table {
        table.check_keys(&STATE)?;
        if let Some(value) = table.take("feed_versions") {
            config.feed_versions = value.number(1..=1000)? as usize;
        }
        if let Some(value) = table.take("dir") {
            let dir = value.string()?;
            if dir.is_empty() {
                return Err(value.error("is empty; name a directory, like \"/var/lib/bgplite\""));
            }
            return Ok(base.join(dir));
        }
    }
    Ok(PathBuf::from("/var/lib/bgplite"))
}

pub(super) fn api(table: &Table<'_>, config: &mut Config) -> Result<()> {
    table.check_keys(&API)?;
    if let Some(value) = table.take("own_urls") {
        config.own_urls = value::choice(&value, &[("off", false), ("on", true)], &[])?;
    }
    Ok(())
}

pub(super) fn ripestat(table: &Table<'_>, config: &mut Config) -> Result<()> {
    table.check_keys(&RIPESTAT)?;
    let ripestat = &mut config.ripestat;
    if let Some(value) = table.take("url") {
        // Its paths begin with the slash.
        value.secret().string()?.trim_end_matches('/').clone_into(&mut ripestat.url);
    }
    if let Some(value) = table.take("source_app") {
        value.string()?.clone_into(&mut ripestat.source_app);
    }
    if let Some(value) = table.take("every") {
        ripestat.every = value::duration(&value)?;
    }
    if let Some(value) = table.take("timeout") {
        ripestat.timeout = value::duration(&value)?;
    }
    if let Some(value) = table.take("parallel") {
        ripestat.parallel = value.number(1..=64)? as usize;
    }
    if let Some(value) = table.take("asn_data") {
        let choices =
            [("ris-prefixes", AsnData::RisPrefixes), ("announced-prefixes", AsnData::AnnouncedPrefixes)];
        ripestat.asn_data = value::choice(&value, &choices, &[])?;
    }
    Ok(())
}

pub(super) fn store(table: Option<&Table<'_>>) -> Result<StoreKind> {
    let words = [("sled", StoreKind::Sled), ("file", StoreKind::File)];
    match table.and_then(|table| table.take("store")) {
        Some(value) => value::choice(&value, &words, &[]),
        None => Ok(StoreKind::default()),
    }
}

pub(super) fn log(table: &Table<'_>) -> Result<(LogLevel, LogFormat)> {
    table.check_keys(&LOG)?;
    let level = match table.take("level") {
        Some(value) => value::choice(
            &value,
            &[
                ("error", LogLevel::Error),
                ("warn", LogLevel::Warn),
                ("info", LogLevel::Info),
                ("debug", LogLevel::Debug),
                ("trace", LogLevel::Trace),
            ],
            &[],
        )?,
        None => LogLevel::default(),
    };
    let format = match table.take("format") {
        Some(value) => value::choice(&value, &[("logfmt", LogFormat::Logfmt)], &["json"])?,
        None => LogFormat::default(),
    };
    Ok((level, format))
}

/// Largest count of peers or connections that makes sense on one machine.
const MAX_COUNT: u64 = 1_000_000;
