//! What the operator asked for, checked as a whole before anything uses it.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::ids::Asn;
use crate::rib::AnyPrefix;
use crate::time::Duration;
use crate::wire::{AfiSafi, Community, LargeCommunity};

/// The route server's configuration. Build it, then [`Config::check`] it; the server takes no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Our ASN: first in every AS_PATH.
    pub asn: Asn,
    /// Our BGP identifier (RFC 6286: any number but 0).
    pub router_id: Ipv4Addr,
    /// Hold time we offer, in seconds: 0 or at least 3.
    pub hold_secs: u16,
    /// How long we wait for a peer's OPEN before we send ours, to mirror its capabilities.
    pub open_delay: Duration,
    /// A peer that takes no byte for this long is given up (RFC 9687).
    pub send_hold: Duration,
    /// Next hop of IPv4 routes, where a peer names none.
    pub next_hop: NextHop<Ipv4Addr>,
    /// Next hop of IPv6 routes, where a peer names none.
    pub next_hop_v6: NextHop<Ipv6Addr>,
    /// What happens to a peer that no `peers` entry matches.
    pub unknown_peers: UnknownPeers,
    /// Prefixes a peer may send us; one more ends its session with Cease 6/1.
    pub max_received_prefixes: u32,
    /// Connections at once, established or not; one more is refused with Cease 6/8.
    pub max_connections: usize,
    /// Where prefixes come from. Names are unique.
    pub sources: Vec<SourceConfig>,
    /// What peers subscribe to. Names are unique.
    pub feeds: Vec<FeedConfig>,
    /// The registered peers. Names are unique.
    pub peers: Vec<PeerConfig>,
}

/// A next hop of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NextHop<A> {
    /// The address at which the peer reached us, when it is of this family.
    SelfAddress,
    /// This address.
    Address(A),
}

/// What happens to a peer that no entry matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownPeers {
    /// Cease 6/5 (RFC 4486 "Connection Rejected").
    Refuse,
    /// It is served one feed.
    Default {
        /// Name of the feed.
        feed: String,
        /// Unknown peers connected at once, in all.
        max: usize,
        /// Unknown peers connected at once from one address.
        max_per_address: usize,
    },
}

/// One source of prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceConfig {
    /// Its name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Where its bodies come from.
    pub location: Location,
    /// Whether a failure at start, with no last good data, stops the daemon.
    pub required: bool,
}

/// Where a source's bodies come from. The core never opens one; it asks the adapter to.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// One feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedConfig {
    /// Its name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Names of the sources whose union it is; at least one.
    pub sources: Vec<String>,
    /// Standard communities of every route.
    pub communities: Vec<Community>,
    /// Large communities of every route.
    pub large_communities: Vec<LargeCommunity>,
    /// Whether the same addresses are said with the fewest prefixes.
    pub aggregate: Aggregate,
}

/// Whether a feed is aggregated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregate {
    /// Every prefix as its sources have it.
    Off,
    /// The fewest prefixes that cover exactly the same addresses.
    #[default]
    Exact,
}

/// One registered peer, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// Its name in logs and commands: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// From where it may connect.
    pub address: AddressMatch,
    /// The ASN its OPEN must show.
    pub asn: AsnMatch,
    /// The endpoint of ours that it must connect to; `None` is any.
    pub listen: Option<SocketAddr>,
    /// Names of the feeds it gets.
    pub feeds: Vec<String>,
    /// Next hop of its IPv4 routes; `None` takes the server's.
    pub next_hop: Option<NextHop<Ipv4Addr>>,
    /// Next hop of its IPv6 routes; `None` takes the server's.
    pub next_hop_v6: Option<NextHop<Ipv6Addr>>,
    /// The families it may have.
    pub families: Families,
}

/// From where a peer may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressMatch {
    /// Anywhere.
    Any,
    /// An address inside this prefix; one address is a prefix of full length.
    Prefix(AnyPrefix),
}

impl AddressMatch {
    /// How exactly it matches `address`: `None` not at all, otherwise more is more exact.
    pub fn precision(self, address: IpAddr) -> Option<u8> {
        match self {
            Self::Any => Some(0),
            Self::Prefix(prefix) => prefix.contains(address).then(|| prefix.len()),
        }
    }
}

/// Which ASN a peer's OPEN must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AsnMatch {
    /// Any usable one.
    Any,
    /// This one.
    Is(Asn),
}

impl AsnMatch {
    /// Whether `asn` is accepted.
    pub fn accepts(self, asn: Asn) -> bool {
        match self {
            Self::Any => true,
            Self::Is(expected) => expected == asn,
        }
    }
}

/// A set of the two families we serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Families {
    /// IPv4 unicast.
    pub v4: bool,
    /// IPv6 unicast.
    pub v6: bool,
}

impl Families {
    /// Both.
    pub const BOTH: Self = Self { v4: true, v6: true };
    /// Neither.
    pub const NONE: Self = Self { v4: false, v6: false };

    /// Those in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self {
            v4: self.v4 && other.v4,
            v6: self.v6 && other.v6,
        }
    }

    /// Those in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            v4: self.v4 || other.v4,
            v6: self.v6 || other.v6,
        }
    }

    /// Each of them as the wire names it, IPv4 first.
    pub fn iter(self) -> impl Iterator<Item = AfiSafi> {
        let v4 = self.v4.then_some(AfiSafi::IPV4_UNICAST);
        let v6 = self.v6.then_some(AfiSafi::IPV6_UNICAST);
        v4.into_iter().chain(v6)
    }

    /// Whether it is neither.
    pub const fn is_empty(self) -> bool {
        !self.v4 && !self.v6
    }
}

impl fmt::Display for Families {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.v4, self.v6) {
            (true, true) => "ipv4,ipv6",
            (true, false) => "ipv4",
            (false, true) => "ipv6",
            (false, false) => "none",
        })
    }
}

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Path of the key, as in the file: `bgp.hold_time`, `feed.ru.expr`, `peer[2].asn` (0-based).
    pub path: String,
    /// A sentence part that says what is wrong and what would be right.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

impl core::error::Error for ConfigError {}

impl Config {
    /// A configuration with every default, no source, no feed and no peer.
    pub fn new(asn: Asn, router_id: Ipv4Addr) -> Self {
        Self {
            asn,
            router_id,
            hold_secs: 240,
            open_delay: Duration::from_secs(1),
            send_hold: Duration::from_secs(480),
            next_hop: NextHop::SelfAddress,
            next_hop_v6: NextHop::SelfAddress,
            unknown_peers: UnknownPeers::Refuse,
            max_received_prefixes: 10_000,
            max_connections: 12_000,
            sources: Vec::new(),
            feeds: Vec::new(),
            peers: Vec::new(),
        }
    }

    /// Checks what no single value shows: ranges, references, doubles.
    pub fn check(&self) -> Result<(), ConfigError> {
        check_server(self)?;
        check_names("source", self.sources.iter().map(|source| &source.name))?;
        check_names("feed", self.feeds.iter().map(|feed| &feed.name))?;
        for feed in &self.feeds {
            let path = format!("feed.{}.expr", feed.name);
            if feed.sources.is_empty() {
                return Err(error(path, "names no source"));
            }
            for source in &feed.sources {
                let known = self.sources.iter().map(|known| known.name.as_str());
                check_reference(&path, "source", source, known)?;
            }
        }
        let mut names = BTreeSet::new();
        for (index, peer) in self.peers.iter().enumerate() {
            check_peer(self, index, peer)?;
            if !names.insert(peer.name.as_str()) {
                let problem = format!("there are two peers called \"{}\"", peer.name);
                return Err(error(format!("peer[{index}].name"), problem));
            }
        }
        Ok(())
    }
}

fn check_server(config: &Config) -> Result<(), ConfigError> {
    if !config.asn.is_usable() {
        return Err(error(
            "bgp.asn",
            format!("{} is reserved; a router cannot have it", config.asn),
        ));
    }
    if config.router_id == Ipv4Addr::UNSPECIFIED {
        return Err(error(
            "bgp.router_id",
            "0.0.0.0 identifies nobody; use one of this machine's addresses",
        ));
    }
    if matches!(config.hold_secs, 1 | 2) {
        return Err(error("bgp.hold_time", "must be 0 or at least 3 seconds"));
    }
    check_next_hops("bgp", Some(config.next_hop), Some(config.next_hop_v6))?;
    if let UnknownPeers::Default { feed, .. } = &config.unknown_peers {
        let known = config.feeds.iter().map(|known| known.name.as_str());
        check_reference("bgp.default_feed", "feed", feed, known)?;
    }
    Ok(())
}

fn check_peer(config: &Config, index: usize, peer: &PeerConfig) -> Result<(), ConfigError> {
    let path = |key: &str| format!("peer[{index}].{key}");
    check_name(&path("name"), &peer.name)?;
    if let AsnMatch::Is(asn) = peer.asn
        && !asn.is_usable()
    {
        return Err(error(
            path("asn"),
            format!("{asn} is reserved; a router cannot have it"),
        ));
    }
    if peer.families.is_empty() {
        return Err(error(
            path("families"),
            "is empty; name \"ipv4\", \"ipv6\" or both",
        ));
    }
    for feed in &peer.feeds {
        let known = config.feeds.iter().map(|known| known.name.as_str());
        check_reference(&path("feeds"), "feed", feed, known)?;
    }
    check_next_hops(&format!("peer[{index}]"), peer.next_hop, peer.next_hop_v6)
}

fn check_next_hops(
    section: &str,
    v4: Option<NextHop<Ipv4Addr>>,
    v6: Option<NextHop<Ipv6Addr>>,
) -> Result<(), ConfigError> {
    let problem = "is no address that a router can send packets to";
    if let Some(NextHop::Address(address)) = v4
        && (address.is_unspecified() || address.is_multicast() || address.is_broadcast())
    {
        return Err(error(format!("{section}.next_hop"), problem));
    }
    if let Some(NextHop::Address(address)) = v6
        && (address.is_unspecified() || address.is_multicast())
    {
        return Err(error(format!("{section}.next_hop_v6"), problem));
    }
    Ok(())
}

fn check_names<'a>(kind: &str, names: impl Iterator<Item = &'a String>) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    for name in names {
        let path = format!("{kind}.{name}");
        check_name(&path, name)?;
        if !seen.insert(name) {
            return Err(error(path, "stands here twice"));
        }
    }
    Ok(())
}

fn check_name(path: &str, name: &str) -> Result<(), ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > MAX_NAME_LEN || !name.bytes().all(plain) || name.starts_with('.') {
        let problem = "is no name: use 1 to 64 letters, digits, '-', '_' or '.', not '.' first";
        return Err(error(path, problem));
    }
    Ok(())
}

fn check_reference<'a>(
    path: &str,
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), ConfigError> {
    if known.clone().any(|known| known == name) {
        return Ok(());
    }
    let mut problem = format!("no {kind} is called \"{name}\"");
    if let Some(near) = nearest(name, known) {
        problem = format!("{problem}; did you mean \"{near}\"?");
    }
    Err(error(path, problem))
}

fn error(path: impl Into<String>, problem: impl Into<String>) -> ConfigError {
    ConfigError {
        path: path.into(),
        problem: problem.into(),
    }
}

/// The candidate with the fewest edits (insert, remove, replace) from `word`, if they are few enough to be a
/// slip: at most a third of the word, and at least one.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bound = (word.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (edits(word, candidate), candidate))
        .min()
        .filter(|&(edits, _)| edits <= bound)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, one row at a time.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, &right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

const MAX_NAME_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn config() -> Config {
        let mut config = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
        config.sources.push(SourceConfig {
            name: "list".into(),
            location: Location::Inline { prefixes: Vec::new() },
            required: false,
        });
        config.feeds.push(FeedConfig {
            name: "ru".into(),
            sources: vec!["list".into()],
            communities: Vec::new(),
            large_communities: Vec::new(),
            aggregate: Aggregate::Exact,
        });
        config.peers.push(PeerConfig {
            name: "home".into(),
            address: AddressMatch::Any,
            asn: AsnMatch::Any,
            listen: None,
            feeds: vec!["ru".into()],
            next_hop: None,
            next_hop_v6: None,
            families: Families::BOTH,
        });
        config
    }

    #[test]
    fn each_fault_names_its_key() {
        type Break = fn(&mut Config);
        let faults: [(Break, &str); 10] = [
            (|c| c.asn = Asn(0), "bgp.asn"),
            (|c| c.router_id = Ipv4Addr::UNSPECIFIED, "bgp.router_id"),
            (|c| c.hold_secs = 2, "bgp.hold_time"),
            (
                |c| c.next_hop = NextHop::Address(Ipv4Addr::BROADCAST),
                "bgp.next_hop",
            ),
            (|c| c.feeds[0].sources[0] = "lisp".into(), "feed.ru.expr"),
            (|c| c.sources.push(c.sources[0].clone()), "source.list"),
            (|c| c.peers[0].asn = AsnMatch::Is(Asn(23456)), "peer[0].asn"),
            (|c| c.peers[0].families = Families::NONE, "peer[0].families"),
            (|c| c.peers[0].feeds[0] = "rub".into(), "peer[0].feeds"),
            (|c| c.peers.push(c.peers[0].clone()), "peer[1].name"),
        ];
        assert_eq!(config().check(), Ok(()));
        for (fault, path) in faults {
            let mut broken = config();
            fault(&mut broken);
            assert_eq!(broken.check().map_err(|error| error.path), Err(path.into()));
        }
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_name() {
        assert_eq!(
            nearest("hold_tiem", ["asn", "hold_time"].into_iter()),
            Some("hold_time")
        );
        assert_eq!(nearest("zebra", ["asn", "hold_time"].into_iter()), None);
        let mut broken = config();
        broken.feeds[0].sources[0] = "lisp".into();
        let problem = broken.check().map_err(|error| error.problem);
        assert_eq!(
            problem,
            Err("no source is called \"lisp\"; did you mean \"list\"?".into())
        );
    }
}
