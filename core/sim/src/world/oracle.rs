//! What each client should hold, by the plainest means, computed anew from the configuration, the registered peers and
//! what the feeds come to. It reads the configuration and shares nothing else with the core.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use bgplite_core::config::{
    AddressMatch, AsnMatch, Config, Families, NextHop, OnLimit, OwnAddress, PeerConfig, Subscription, Tag,
    UnknownPeers,
};
use bgplite_core::server::{PeerRecord, PeerState, Records};

use super::net::{Gone, Net};
use super::page::Said;
use super::plan::{country_name, list_name, url_name};
use super::stock::{Rows, Stock, add};
use super::table::{Route, Table};

/// Knows what is configured, who is registered, and what the sources last said.
#[derive(Debug)]
pub(crate) struct Oracle {
    pub(crate) config: Config,
    /// What the store has.
    pub(crate) peers: Vec<PeerRecord>,
    pub(crate) stock: Stock,
    /// By what is wished for, without addresses: what all who wish the same share.
    bases: BTreeMap<Wish, Rc<Rows>>,
    dues: BTreeMap<Wish, Rc<Due>>,
    /// Everything that anybody should ever have had since the start.
    seen: Seen,
}

/// Everything that a client's table follows from, besides what the feeds hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wish {
    pub(crate) feeds: Vec<String>,
    prefixes: Vec<Net>,
    exclude: Vec<Net>,
    filter: Vec<Tag>,
    /// Addresses that no route may cover.
    holes: Vec<Net>,
    limit: Option<(u32, OnLimit)>,
    pub(crate) next_hop_v4: Option<Ipv4Addr>,
    pub(crate) next_hop_v6: Option<std::net::Ipv6Addr>,
}

/// What a wish comes to.
#[derive(Debug)]
pub(crate) struct Due {
    /// What the client should have, unless there is too much of it.
    pub(crate) table: Rc<Table>,
    pub(crate) is_loaded: bool,
    /// How many routes it may have at any time.
    pub(crate) limit: Option<u32>,
    /// There is too much: it keeps what it had, or what another had who wishes the same, or nothing.
    pub(crate) instead: Option<Seen>,
}

/// Routes that somebody should have had once, whatever their next hops.
pub(crate) type Seen = Rc<RefCell<Vec<Rc<Rows>>>>;

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
    /// After a start with what the store kept; `read` says what a body says.
    pub(crate) fn new(config: Config, records: &Records, read: impl Fn(&[u8]) -> Rc<Said>) -> Self {
        let peers = records.peers.clone();
        let stock = Stock::new(&config, subscriptions(&config, &peers), records, read);
        Self { config, peers, stock, bases: BTreeMap::new(), dues: BTreeMap::new(), seen: Seen::default() }
    }

    /// Another configuration is in force.
    pub(crate) fn reload(&mut self, config: Config) {
        self.config = config;
        self.plan();
    }

    /// Other peers are registered.
    pub(crate) fn register(&mut self, peers: &[PeerRecord]) {
        self.peers = peers.to_vec();
        self.plan();
    }

    fn plan(&mut self) {
        self.stock.plan(&self.config, subscriptions(&self.config, &self.peers));
        self.forget();
    }

    /// What the feeds come to has changed.
    pub(crate) fn forget(&mut self) {
        let changed = self.stock.take_changed();
        let is_same = |wish: &Wish| !wish.feeds.iter().any(|name| changed.contains(name));
        self.bases.retain(|wish, _| is_same(wish));
        self.dues.retain(|wish, due| is_same(wish) && due.instead.is_none());
    }

    /// Whose connection it is; `None` for one that has to be refused.
    pub(crate) fn identify(&self, far: &FarEnd) -> Option<(Option<&PeerConfig>, Identity)> {
        let fits =
            |peer: &PeerConfig| is_here(peer, far.local) && precision(peer.address, far.address).is_some();
        let member = Some((far.address, far.asn, far.router_id));
        let accepts = |peer: &PeerConfig| match peer.asn {
            AsnMatch::Any => true,
            AsnMatch::Is(asn) => asn.0 == far.asn,
        };
        let configured = self.config.peers.iter().map(|peer| (peer, true));
        let is_in = |record: &PeerRecord| record.state == PeerState::Approved;
        let registered = self.peers.iter().map(|record| (&record.peer, is_in(record)));
        let all: Vec<(&PeerConfig, bool)> =
            registered.chain(configured).filter(|(peer, _)| fits(peer)).collect();
        let rank = |(peer, _): &&(&PeerConfig, bool)| {
            (peer.listen.is_some(), precision(peer.address, far.address), peer.asn != AsnMatch::Any)
        };
        match all.iter().filter(|(peer, _)| accepts(peer)).max_by_key(rank) {
            Some((_, false)) => None,
            Some((peer, true)) => {
                let longest = if far.address.is_ipv4() { 32 } else { 128 };
                let is_single =
                    precision(peer.address, far.address) == Some(longest) && peer.asn != AsnMatch::Any;
                Some((Some(peer), (Some(peer.name.clone()), if is_single { None } else { member })))
            }
            None if all.iter().any(|(_, is_in)| *is_in) => None,
            // Where only peers are that may not come in, another ASN is a stranger's.
            None => (self.config.unknown_peers != UnknownPeers::Refuse).then_some((None, (None, member))),
        }
    }

    /// Whether there is an entry for whoever connects from there.
    pub(crate) fn may_know(&self, local: SocketAddr, address: IpAddr) -> bool {
        let registered = self.peers.iter().map(|record| &record.peer);
        let mut all = self.config.peers.iter().chain(registered);
        all.any(|peer| is_here(peer, local) && precision(peer.address, address).is_some())
    }

    /// What a client of `entry` should get over a session with these families.
    pub(crate) fn wish(&self, entry: Option<&PeerConfig>, far: &FarEnd, families: Families) -> Wish {
        let local = far.local.ip();
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
        let mut wish = match (entry, &self.config.unknown_peers) {
            (Some(entry), _) => wish_of(&entry.subscription, far),
            (None, UnknownPeers::Default { feed, .. }) => wish_of(&Subscription::feeds([feed]), far),
            (None, UnknownPeers::Refuse) => Wish::default(),
        };
        (wish.next_hop_v4, wish.next_hop_v6) = (v4.filter(|_| families.v4), v6.filter(|_| families.v6));
        wish
    }

    /// What a wish comes to now.
    pub(crate) fn due(&mut self, wish: &Wish) -> Rc<Due> {
        if let Some(due) = self.dues.get(wish) {
            return Rc::clone(due);
        }
        let base =
            Wish { holes: Vec::new(), limit: None, next_hop_v4: None, next_hop_v6: None, ..wish.clone() };
        let known = self.bases.get(&base).cloned();
        let rows = known.unwrap_or_else(|| Rc::new(self.base(&base)));
        self.bases.insert(base, Rc::clone(&rows));
        let holes: Vec<Net> = wish.holes.iter().copied().filter(|hole| is_covered(&rows, *hole)).collect();
        let plain = Wish { holes, ..wish.clone() };
        if plain != *wish {
            let due = self.due(&plain);
            self.dues.insert(wish.clone(), Rc::clone(&due));
            return due;
        }
        let rows = if wish.holes.is_empty() { rows } else { Rc::new(cut(&rows, &wish.holes)) };
        let due = Rc::new(self.judge(wish, &rows));
        self.dues.insert(wish.clone(), Rc::clone(&due));
        due
    }

    /// The limit. It counts what is sent, of families without a next hop nothing.
    fn judge(&mut self, wish: &Wish, rows: &Rc<Rows>) -> Due {
        let mut feeds = wish.feeds.iter().filter_map(|name| self.stock.feed(name));
        let is_loaded = feeds.all(|feed| feed.is_loaded);
        let mut due = Due { table: table(wish, rows), is_loaded, limit: None, instead: None };
        let Some((limit, on_limit)) = wish.limit else {
            self.see(rows);
            return due;
        };
        due.limit = Some(limit);
        if due.table.len() <= limit as usize {
            self.see(rows);
        } else if on_limit == OnLimit::Hold {
            due.instead = Some(Rc::clone(&self.seen));
        } else {
            let away: Vec<Net> = wish.exclude.iter().chain(&wish.holes).copied().collect();
            let away = Gone::new(&away);
            let own: Vec<Net> = wish.prefixes.iter().flat_map(|&net| away.rest(net)).collect();
            let mut nets: Vec<Net> = due.table.keys().copied().collect();
            nets.sort_by_key(|net| (!own.contains(net), net.len, net.v6, net.bits));
            nets.truncate(limit as usize);
            let kept = nets.iter().filter_map(|net| Some((*net, Rc::clone(rows.get(net)?)))).collect();
            let kept = Rc::new(kept);
            due.table = table(wish, &kept);
            self.see(&kept);
        }
        due
    }

    fn see(&self, rows: &Rc<Rows>) {
        let mut seen = self.seen.borrow_mut();
        if !seen.iter().rev().take(64).any(|other| Rc::ptr_eq(other, rows)) {
            seen.push(Rc::clone(rows));
        }
    }

    /// Everything that is asked for and passes the filter, without what is excluded.
    fn base(&self, wish: &Wish) -> Rows {
        let mut rows = Rows::new();
        for feed in wish.feeds.iter().filter_map(|name| self.stock.feed(name)) {
            for (&net, tags) in feed.rows.iter() {
                if wish.filter.is_empty() || tags.has_any(&wish.filter) {
                    add(&mut rows, net, tags);
                }
            }
        }
        wish.prefixes.iter().for_each(|&net| add(&mut rows, net, &Rc::default()));
        if wish.exclude.is_empty() { rows } else { cut(&rows, &wish.exclude) }
    }
}

fn subscriptions<'a>(config: &'a Config, peers: &'a [PeerRecord]) -> impl Iterator<Item = &'a Subscription> {
    let registered = peers.iter().filter(|record| record.state == PeerState::Approved);
    let registered = registered.map(|record| &record.peer.subscription);
    config.peers.iter().map(|peer| &peer.subscription).chain(registered)
}

fn wish_of(subscription: &Subscription, far: &FarEnd) -> Wish {
    let Subscription { feeds, lists, countries, prefixes, asns, urls, exclude, communities, .. } =
        subscription;
    let mut names = feeds.clone();
    names.extend(lists.iter().map(|list| list_name(list)));
    names.extend(countries.iter().map(|country| country_name(&country.to_string())));
    names.extend(asns.iter().map(|asn| format!("@as{asn}")));
    names.extend(urls.iter().map(|url| url_name(url)));
    let nets = |prefixes: &[_]| sorted(prefixes.iter().map(|&prefix| Net::from(prefix)).collect());
    let holes = match subscription.own_address {
        OwnAddress::Split => sorted(vec![Net::host(far.address), Net::host(far.local.ip())]),
        OwnAddress::Keep => Vec::new(),
    };
    Wish {
        feeds: sorted(names),
        prefixes: if communities.is_empty() { nets(prefixes) } else { Vec::new() },
        exclude: nets(exclude),
        filter: sorted(communities.clone()),
        holes,
        limit: subscription.max_prefixes.map(|limit| (limit, subscription.on_limit)),
        next_hop_v4: None,
        next_hop_v6: None,
    }
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items.dedup();
    items
}

/// The routes without these addresses.
fn cut(rows: &Rows, gone: &[Net]) -> Rows {
    let gone = Gone::new(gone);
    let mut out = Rows::new();
    for (&net, tags) in rows {
        gone.rest(net).into_iter().for_each(|net| add(&mut out, net, tags));
    }
    out
}

/// Whether a route covers this address.
fn is_covered(rows: &Rows, address: Net) -> bool {
    (0..=address.len).any(|len| rows.contains_key(&Net::new(address.v6, address.bits, len)))
}

fn table(wish: &Wish, rows: &Rows) -> Rc<Table> {
    let routes = rows.iter().filter_map(|(&net, tags)| {
        let v4 = wish.next_hop_v4.map(IpAddr::V4);
        let next_hop = if net.v6 { wish.next_hop_v6.map(IpAddr::V6) } else { v4 };
        Some((net, Route { next_hop: next_hop?, tags: Rc::clone(tags) }))
    });
    Rc::new(routes.collect())
}

fn is_here(peer: &PeerConfig, local: SocketAddr) -> bool {
    let Some(listen) = peer.listen else { return true };
    let is_wildcard = listen.ip().is_unspecified() && listen.is_ipv4() == local.is_ipv4();
    listen.port() == local.port() && (is_wildcard || listen.ip() == local.ip())
}

fn precision(address: AddressMatch, of: IpAddr) -> Option<u8> {
    let AddressMatch::Prefix(prefix) = address else { return Some(0) };
    let net = Net::from(prefix);
    net.holds(Net::host(of)).then_some(net.len)
}
