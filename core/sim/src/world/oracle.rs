//! What each client should hold, by the plainest means: sets, sorted, computed anew from the configuration and the
//! last usable bodies. It reads the configuration and shares nothing else with the core.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use bgplite_core::config::{
    AddressMatch, Aggregate, AsnMatch, Config, Families, FeedConfig, Location, NextHop, PeerConfig,
    UnknownPeers,
};
use bgplite_core::rib::AnyPrefix;
use bgplite_core::server::Records;

use super::net::{Net, fewest};
use super::table::{Route, Table, Tags};

/// Knows what is configured and what the sources last said.
#[derive(Debug)]
pub(crate) struct Oracle {
    pub(crate) config: Config,
    held: BTreeMap<String, Rc<Vec<Net>>>,
    /// The last bodies that counted, so that none is read twice.
    heard: BTreeMap<String, Arc<[u8]>>,
    feeds: BTreeMap<String, Feed>,
    tables: BTreeMap<Wish, Rc<Table>>,
}

#[derive(Debug)]
struct Feed {
    nets: Rc<Vec<Net>>,
    tags: Rc<Tags>,
    is_loaded: bool,
}

/// Everything that a client's table follows from, besides what the feeds hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wish {
    pub(crate) feeds: Vec<String>,
    pub(crate) next_hop_v4: Option<Ipv4Addr>,
    pub(crate) next_hop_v6: Option<std::net::Ipv6Addr>,
}

/// What tells two connections of one peer from those of two.
pub(crate) type Identity = (Option<String>, Option<(IpAddr, u32, Ipv4Addr)>);

/// Who is at the far end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FarEnd {
    pub(crate) local: SocketAddr,
    pub(crate) address: IpAddr,
    pub(crate) asn: u32,
    pub(crate) router_id: Ipv4Addr,
}

impl Oracle {
    /// After a start with what the store kept.
    pub(crate) fn new(config: Config, records: &Records) -> Self {
        let held = records.sources.iter();
        let held = held.map(|record| (record.name.clone(), Rc::new(parse(&record.body).0)));
        let mut oracle = Self {
            config: config.clone(),
            held: held.collect(),
            feeds: BTreeMap::new(),
            tables: BTreeMap::new(),
            heard: BTreeMap::new(),
        };
        oracle.reload(config);
        oracle
    }

    /// Another configuration is in force.
    pub(crate) fn reload(&mut self, config: Config) {
        self.config = config;
        let names: BTreeSet<&String> = self.config.sources.iter().map(|source| &source.name).collect();
        self.held.retain(|name, _| names.contains(name));
        self.heard.retain(|name, _| names.contains(name));
        for source in &self.config.sources {
            if let Location::Inline { prefixes } = &source.location {
                let nets = prefixes.iter().map(|prefix| match *prefix {
                    AnyPrefix::V4(prefix) => Net::from(prefix),
                    AnyPrefix::V6(prefix) => Net::from(prefix),
                });
                self.held.insert(source.name.clone(), Rc::new(nets.collect()));
            }
        }
        self.rebuild();
    }

    /// A source said this. Returns whether that may be news.
    pub(crate) fn hear(&mut self, source: &str, body: &Arc<[u8]>) -> bool {
        if self.heard.get(source).is_some_and(|heard| Arc::ptr_eq(heard, body)) {
            return false;
        }
        let (nets, bad) = parse(body);
        if nets.is_empty()
            || bad > nets.len()
            || !self.config.sources.iter().any(|known| known.name == source)
        {
            return false;
        }
        self.heard.insert(source.to_owned(), Arc::clone(body));
        if self.held.get(source).is_none_or(|held| **held != nets) {
            self.held.insert(source.to_owned(), Rc::new(nets));
            self.rebuild();
        }
        true
    }

    /// Whose connection it is; `None` for one that has to be refused.
    pub(crate) fn identify(&self, far: &FarEnd) -> Option<(Option<&PeerConfig>, Identity)> {
        let fits =
            |peer: &&PeerConfig| is_here(peer, far.local) && precision(peer.address, far.address).is_some();
        let member = Some((far.address, far.asn, far.router_id));
        if !self.config.peers.iter().any(|peer| fits(&peer)) {
            let is_refused = self.config.unknown_peers == UnknownPeers::Refuse;
            return (!is_refused).then_some((None, (None, member)));
        }
        let accepts = |peer: &&PeerConfig| match peer.asn {
            AsnMatch::Any => true,
            AsnMatch::Is(asn) => asn.0 == far.asn,
        };
        let rank = |peer: &&PeerConfig| {
            (peer.listen.is_some(), precision(peer.address, far.address), peer.asn != AsnMatch::Any)
        };
        let peer = self.config.peers.iter().filter(fits).filter(accepts).max_by_key(rank)?;
        let is_single = precision(peer.address, far.address)
            == Some(if far.address.is_ipv4() { 32 } else { 128 })
            && peer.asn != AsnMatch::Any;
        Some((Some(peer), (Some(peer.name.clone()), if is_single { None } else { member })))
    }

    /// What a client of `entry` should get over a session with these families.
    pub(crate) fn wish(&self, entry: Option<&PeerConfig>, local: IpAddr, families: Families) -> Wish {
        let allowed = entry.map_or(Families::BOTH, |entry| entry.families);
        let families = Families { v4: families.v4 && allowed.v4, v6: families.v6 && allowed.v6 };
        let v4 = match (entry.and_then(|entry| entry.next_hop).unwrap_or(self.config.next_hop), local) {
            (NextHop::Address(address), _) | (NextHop::SelfAddress, IpAddr::V4(address)) => Some(address),
            (NextHop::SelfAddress, IpAddr::V6(_)) => None,
        };
        let v6 = match (entry.and_then(|entry| entry.next_hop_v6).unwrap_or(self.config.next_hop_v6), local) {
            (NextHop::Address(address), _) | (NextHop::SelfAddress, IpAddr::V6(address)) => Some(address),
            (NextHop::SelfAddress, IpAddr::V4(_)) => None,
        };
        let mut feeds = match (entry, &self.config.unknown_peers) {
            (Some(entry), _) => entry.subscription.feeds.clone(),
            (None, UnknownPeers::Default { feed, .. }) => vec![feed.clone()],
            (None, UnknownPeers::Refuse) => Vec::new(),
        };
        feeds.sort();
        feeds.dedup();
        Wish { feeds, next_hop_v4: v4.filter(|_| families.v4), next_hop_v6: v6.filter(|_| families.v6) }
    }

    /// Whether every feed of it has loaded.
    pub(crate) fn is_loaded(&self, wish: &Wish) -> bool {
        wish.feeds.iter().filter_map(|name| self.feeds.get(name)).all(|feed| feed.is_loaded)
    }

    /// The table that a wish comes to now.
    pub(crate) fn table(&mut self, wish: &Wish) -> Rc<Table> {
        if let Some(table) = self.tables.get(wish) {
            return Rc::clone(table);
        }
        let mut tags: BTreeMap<Net, Rc<Tags>> = BTreeMap::new();
        let mut unions: BTreeMap<(Rc<Tags>, Rc<Tags>), Rc<Tags>> = BTreeMap::new();
        for feed in wish.feeds.iter().filter_map(|name| self.feeds.get(name)) {
            for &net in feed.nets.iter() {
                let slot = tags.entry(net).or_insert_with(|| Rc::clone(&feed.tags));
                if *slot != feed.tags {
                    let pair = (Rc::clone(slot), Rc::clone(&feed.tags));
                    *slot = Rc::clone(unions.entry(pair).or_insert_with(|| Rc::new(slot.union(&feed.tags))));
                }
            }
        }
        let routes = tags.into_iter().filter_map(|(net, tags)| {
            let v4 = wish.next_hop_v4.map(IpAddr::V4);
            let next_hop = if net.v6 { wish.next_hop_v6.map(IpAddr::V6) } else { v4 };
            Some((net, Route { next_hop: next_hop?, tags }))
        });
        let table = Rc::new(routes.collect());
        self.tables.insert(wish.clone(), Rc::clone(&table));
        table
    }

    fn rebuild(&mut self) {
        self.tables.clear();
        let feeds = self.config.feeds.iter().map(|feed| (feed.name.clone(), self.build(feed)));
        self.feeds = feeds.collect();
    }

    fn build(&self, feed: &FeedConfig) -> Feed {
        let parts: Vec<Option<&Rc<Vec<Net>>>> =
            feed.expr.sources().into_iter().map(|name| self.held.get(name)).collect();
        let is_loaded = parts.iter().all(Option::is_some);
        let mut nets: Vec<Net> = parts.into_iter().flatten().flat_map(|nets| nets.iter().copied()).collect();
        nets.sort_unstable();
        nets.dedup();
        if feed.aggregate == Aggregate::Exact {
            nets = fewest(&nets);
        }
        Feed { nets: Rc::new(nets), tags: Rc::new(Tags::of(feed)), is_loaded }
    }
}

impl Tags {
    fn of(feed: &FeedConfig) -> Self {
        let standard = feed.communities.iter().map(|community| community.0).collect();
        let large = feed.large_communities.iter().map(|c| [c.global, c.local1, c.local2]).collect();
        Self { standard, large }.union(&Self::default())
    }

    fn union(&self, other: &Self) -> Self {
        let standard: BTreeSet<u32> = self.standard.iter().chain(&other.standard).copied().collect();
        let large: BTreeSet<[u32; 3]> = self.large.iter().chain(&other.large).copied().collect();
        Self { standard: standard.into_iter().collect(), large: large.into_iter().collect() }
    }
}

/// The prefixes of a list, sorted, each once, and how many lines are none.
fn parse(body: &[u8]) -> (Vec<Net>, usize) {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let (mut nets, mut bad) = (Vec::new(), 0);
    for line in body.split(|&byte| byte == b'\n') {
        let content = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
        if content.is_empty() {
            continue;
        }
        match std::str::from_utf8(content).ok().and_then(Net::parse) {
            Some(net) => nets.push(net),
            None => bad += 1,
        }
    }
    nets.sort_unstable();
    nets.dedup();
    (nets, bad)
}

fn is_here(peer: &PeerConfig, local: SocketAddr) -> bool {
    let Some(listen) = peer.listen else { return true };
    let is_wildcard = listen.ip().is_unspecified() && listen.is_ipv4() == local.is_ipv4();
    listen.port() == local.port() && (is_wildcard || listen.ip() == local.ip())
}

fn precision(address: AddressMatch, of: IpAddr) -> Option<u8> {
    let AddressMatch::Prefix(prefix) = address else { return Some(0) };
    let net = match prefix {
        AnyPrefix::V4(prefix) => Net::from(prefix),
        AnyPrefix::V6(prefix) => Net::from(prefix),
    };
    let (v6, bits) = match of {
        IpAddr::V4(of) => (false, u128::from(of.to_bits()) << 96),
        IpAddr::V6(of) => (true, of.to_bits()),
    };
    (net == Net::new(v6, bits, net.len)).then_some(net.len)
}
