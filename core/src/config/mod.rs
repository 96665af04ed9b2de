//! What the operator asked for, checked as a whole before anything uses it.

mod check;
mod country;
mod expr;
mod near;
mod source;
mod subscription;
mod subscription_check;
mod url;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use country::{Country, CountryError};
pub use expr::{Expr, ExprError};
pub use near::nearest;
use serde::{Deserialize, Serialize};
pub use source::{
    AsnData, AsnListConfig, Format, Guard, HttpLocation, JsonFormat, Location, RipestatConfig, SourceConfig,
};
pub use subscription::{OnLimit, OwnAddress, Subscription, Tag};
pub(crate) use subscription_check::{check_chosen_name, check_registration};
pub use url::{MAX_URL_LEN, Url, UrlError, shown_url};

use crate::ids::Asn;
use crate::rib::AnyPrefix;
use crate::server::BATCH_BYTES;
use crate::time::Duration;
use crate::wire::{AfiSafi, Community, LargeCommunity};

/// The route server's configuration. Build it, then [`Config::check`] it; the server takes no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How much is handed to a connection's writer at once, in octets, a message more or less: what a peer that
    /// stops reading can cost. Small ones let a simulation see what happens between two.
    #[serde(default = "default_batch_bytes")]
    pub batch_bytes: usize,
    /// Versions of each feed that are kept to be compared and gone back to.
    #[serde(default = "default_feed_versions")]
    pub feed_versions: usize,
    /// Whether peers may bring URLs of their own lists.
    #[serde(default)]
    pub own_urls: bool,
    /// How RIPEstat is asked.
    #[serde(default)]
    pub ripestat: RipestatConfig,
    /// Lists of ASNs that peers may subscribe to. Names are unique.
    #[serde(default)]
    pub asn_lists: Vec<AsnListConfig>,
    /// Where prefixes come from. Names are unique.
    pub sources: Vec<SourceConfig>,
    /// What peers subscribe to. Names are unique.
    pub feeds: Vec<FeedConfig>,
    /// The registered peers. Names are unique.
    pub peers: Vec<PeerConfig>,
}

const fn default_batch_bytes() -> usize {
    BATCH_BYTES
}

const fn default_feed_versions() -> usize {
    20
}

/// A next hop of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextHop<A> {
    /// The address at which the peer reached us, when it is of this family.
    SelfAddress,
    /// This address.
    Address(A),
}

/// What happens to a peer that no entry matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// One feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedConfig {
    /// Its name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// The sources that it is made of.
    pub expr: Expr,
    /// Standard communities of every route.
    pub communities: Vec<Community>,
    /// Large communities of every route.
    pub large_communities: Vec<LargeCommunity>,
    /// Whether the same addresses are said with the fewest prefixes.
    pub aggregate: Aggregate,
}

impl FeedConfig {
    /// A feed without tags, aggregated.
    pub fn new(name: impl Into<String>, expr: Expr) -> Self {
        Self {
            name: name.into(),
            expr,
            communities: Vec::new(),
            large_communities: Vec::new(),
            aggregate: Aggregate::default(),
        }
    }
}

/// Whether a feed is aggregated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Every prefix as its sources have it.
    Off,
    /// The fewest prefixes that cover exactly the same addresses.
    #[default]
    Exact,
}

/// One registered peer, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerConfig {
    /// Its name in logs and commands: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// From where it may connect.
    pub address: AddressMatch,
    /// The ASN its OPEN must show.
    pub asn: AsnMatch,
    /// The endpoint of ours that it must connect to; `None` is any.
    pub listen: Option<SocketAddr>,
    /// What it gets.
    pub subscription: Subscription,
    /// Next hop of its IPv4 routes; `None` takes the server's.
    pub next_hop: Option<NextHop<Ipv4Addr>>,
    /// Next hop of its IPv6 routes; `None` takes the server's.
    pub next_hop_v6: Option<NextHop<Ipv6Addr>>,
    /// The families it may have.
    pub families: Families,
}

impl PeerConfig {
    /// A peer that asks for nothing yet, with every default.
    pub fn new(name: impl Into<String>, address: AddressMatch, asn: AsnMatch) -> Self {
        Self {
            name: name.into(),
            address,
            asn,
            listen: None,
            subscription: Subscription::default(),
            next_hop: None,
            next_hop_v6: None,
            families: Families::BOTH,
        }
    }
}

/// From where a peer may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
        Self { v4: self.v4 && other.v4, v6: self.v6 && other.v6 }
    }

    /// Those in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self { v4: self.v4 || other.v4, v6: self.v6 || other.v6 }
    }

    /// Those in this set and not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self { v4: self.v4 && !other.v4, v6: self.v6 && !other.v6 }
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
            batch_bytes: default_batch_bytes(),
            feed_versions: default_feed_versions(),
            own_urls: false,
            ripestat: RipestatConfig::default(),
            asn_lists: Vec::new(),
            sources: Vec::new(),
            feeds: Vec::new(),
            peers: Vec::new(),
        }
    }
}
