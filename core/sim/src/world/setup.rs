//! Who is there under a seed: the clients, the first configuration, and the first lists.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bgplite_core::config::{
    AddressMatch, Aggregate, AsnData, AsnListConfig, AsnMatch, Config, Country, Expr, Families, FeedConfig,
    Guard, HttpLocation, Location, NextHop, OnLimit, OwnAddress, PeerConfig, SourceConfig, Subscription, Tag,
    UnknownPeers,
};
use bgplite_core::ids::Asn;
use bgplite_core::rib::AnyPrefix;
use bgplite_core::rng::Rng;
use bgplite_core::server::PeerSpec;
use bgplite_core::time::Duration;
use bgplite_core::wire::{Community, LargeCommunity};

use super::incident::What;
use super::page::Form;
use super::register::endpoint;
use super::web::Web;

/// One client, as it was born.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) address: IpAddr,
    /// The server's endpoint that it connects to.
    pub(crate) local: SocketAddr,
    pub(crate) asn: Asn,
    pub(crate) router_id: Ipv4Addr,
    pub(crate) families: Families,
    pub(crate) hold_secs: u16,
    /// Capability codes that it does not offer, nor understands.
    pub(crate) lacks: Vec<u8>,
}

/// RFC 6793, RFC 8654, RFC 7313, RFC 2918.
const FOUR_OCTET_ASN: u8 = 65;
const EXTENDED_MESSAGE: u8 = 6;
const ENHANCED_REFRESH: u8 = 70;

const SERVER_ASN: u32 = 65010;
const SOURCES: u32 = 4;
const FEEDS: u32 = 5;
const LISTS: u32 = 3;
/// Of the pages that sources of the configuration read.
const FORMS: [Form; 4] = [Form::Json, Form::Csv, Form::Ranges, Form::Lines];

pub(crate) fn person(index: u32, rng: &mut Rng) -> Person {
    // Every eighth shares its address with the one before it.
    let home = if index % 8 == 7 { index - 1 } else { index };
    let is_v6 = home % 4 == 3;
    let address = if is_v6 {
        IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8_00aa_u128 << 80 | u128::from(home)))
    } else {
        IpAddr::V4(Ipv4Addr::from_bits(0xC633_0000 + 256 + home))
    };
    let port = if rng.below(10) == 0 { 1801 } else { 179 };
    let local = if is_v6 {
        SocketAddr::new(Ipv6Addr::from_bits(0x2001_0db8_u128 << 96 | 1).into(), port)
    } else {
        SocketAddr::new(Ipv4Addr::new(203, 0, 113, 1).into(), port)
    };
    let lacks_as4 = rng.below(5) == 0;
    let asn = match rng.below(12) {
        0 => SERVER_ASN,
        1..=3 if !lacks_as4 => 4_200_000_000 + index,
        // Neighbours behind one address share an ASN now and then.
        4..=6 => 64900 + home,
        _ => 64600 + index,
    };
    let mut lacks = Vec::new();
    lacks.extend(lacks_as4.then_some(FOUR_OCTET_ASN));
    lacks.extend((rng.below(3) != 0).then_some(EXTENDED_MESSAGE));
    lacks.extend((rng.below(2) == 0).then_some(ENHANCED_REFRESH));
    let families = match rng.below(6) {
        0 => Families { v4: true, v6: false },
        1 => Families { v4: false, v6: true },
        _ => Families::BOTH,
    };
    let hold_secs = match rng.below(20) {
        0 => 0,
        1 => 3,
        2 => 9,
        3..=6 => 90,
        7..=9 => 180,
        _ => 240,
    };
    // Identifiers on both sides of the server's 203.0.113.1.
    let high = if rng.below(4) == 0 { 0xDF00_0000 } else { 0x0A00_0000 };
    Person {
        address,
        local,
        asn: Asn(asn),
        router_id: Ipv4Addr::from_bits(high + 1 + index),
        families,
        hold_secs,
        lacks,
    }
}

/// The configuration that the server starts with.
pub(crate) fn config(people: &[Person], rng: &mut Rng) -> Config {
    let asn = if rng.below(4) == 0 { 4_200_065_010 } else { SERVER_ASN };
    let mut config = Config::new(Asn(asn), Ipv4Addr::new(203, 0, 113, 1));
    config.hold_secs = if rng.below(6) == 0 { 60 } else { 240 };
    config.open_delay = Duration::from_millis(if rng.below(4) == 0 { 0 } else { 1000 });
    config.batch_bytes = [64, 512, 4096, 256 << 10][rng.below(4) as usize];
    config.send_hold = Duration::from_secs(if rng.below(2) == 0 { 60 } else { 480 });
    next_hops(&mut config, rng);
    config.sources = (0..SOURCES).map(source).collect();
    config.sources.push(SourceConfig::inline("inline", inline(rng)));
    provide(&mut config, rng);
    config.feeds = (0..FEEDS).map(|index| feed(index, &config, rng)).collect();
    unknown(&mut config, people.len(), rng);
    for (index, person) in people.iter().enumerate() {
        if rng.below(4) != 0 {
            add(&mut config, index as u32, person, rng);
        }
    }
    config
}

/// What web servers have for the server.
fn provide(config: &mut Config, rng: &mut Rng) {
    config.ripestat.parallel = 1 + rng.below(4) as usize;
    config.ripestat.every = Duration::from_secs(60 + rng.below(120));
    config.ripestat.timeout = Duration::from_secs(20);
    if rng.below(2) == 0 {
        config.ripestat.asn_data = AsnData::AnnouncedPrefixes;
    }
    config.feed_versions = 1 + rng.below(6) as usize;
    config.own_urls = true;
    for (index, form) in FORMS.into_iter().enumerate() {
        let location = HttpLocation {
            url: page_url(index),
            headers: Vec::new(),
            timeout: Duration::from_secs(10 + rng.below(30)),
            max_body: 1 << 20,
            redirects: 0,
            is_foreign: false,
        };
        let mut source = SourceConfig::new(format!("h{index}"), Location::Http(location));
        source.format = form.format();
        config.sources.push(source);
    }
    config.sources.push(SourceConfig::new("r0", Location::Ripestat { asn: Asn(65100) }));
    if let Ok(country) = "DE".parse() {
        config.sources.push(SourceConfig::new("c0", Location::Country { country }));
    }
    for (index, source) in config.sources.iter_mut().enumerate() {
        if matches!(source.location, Location::Http(_)) || rng.below(4) == 0 {
            source.every = Some(Duration::from_secs(10 + rng.below(110)));
        }
        if rng.below(8) == 0 {
            source.communities.push(Community((65010 << 16) | (500 + index as u32)));
        }
        if rng.below(6) == 0 {
            guard(&mut source.guard, rng);
        }
    }
    config.asn_lists = (0..LISTS)
        .map(|index| AsnListConfig {
            name: format!("l{index}"),
            asns: (0..=rng.below(2)).map(|n| Asn(65200 + index + n as u32)).collect(),
            description: String::new(),
            communities: vec![Community((65010 << 16) | (700 + index))],
            large_communities: Vec::new(),
        })
        .collect();
}

/// Bounds that a list breaks now and then.
fn guard(guard: &mut Guard, rng: &mut Rng) {
    *guard = Guard::default();
    match rng.below(6) {
        0 => guard.max_shrink = None,
        1 => guard.max_shrink = Some(rng.below(30) as u32),
        2 => guard.min = 1 + rng.below(80) as usize,
        3 => guard.must_contain.extend("10.0.0.0/26".parse::<AnyPrefix>()),
        4 => guard.must_not_contain.extend("10.0.255.0/26".parse::<AnyPrefix>()),
        _ => {}
    }
}

fn page_url(index: usize) -> String {
    format!("https://lists.example/h{index}")
}

/// The files and the pages of the configuration; others come to be when they are asked for.
pub(crate) fn web(config: &Config, size: u64, rng: &mut Rng) -> Web {
    let mut web = Web::new(rng.next_u64(), (size / 8).max(2));
    for source in &config.sources {
        match &source.location {
            Location::File { path } => web.put(path, Form::Lines, size, rng),
            Location::Http(location) => {
                let form = FORMS.into_iter().find(|form| form.format() == source.format);
                web.put(&location.url, form.unwrap_or(Form::Lines), size / 2 + 1, rng);
            }
            _ => {}
        }
    }
    web
}

/// Changes a configuration as an operator would. `false` when there is nothing to change.
pub(crate) fn change(config: &mut Config, what: What, who: u32, people: &[Person], rng: &mut Rng) -> bool {
    let feeds = config.feeds.len().max(1);
    let feed_index = who as usize % feeds;
    match what {
        What::PeerAdd => {
            let index = who as usize % people.len().max(1);
            let Some(person) = people.get(index) else { return false };
            add(config, index as u32, person, rng)
        }
        What::PeerRemove
        | What::PeerFeeds
        | What::PeerNextHop
        | What::PeerFamilies
        | What::PeerWishes
        | What::PeerLimit => {
            let peers = config.peers.len();
            let Some(index) = (who as usize).checked_rem(peers) else { return false };
            if what == What::PeerRemove {
                config.peers.remove(index);
                return true;
            }
            let names = some_feeds(config, rng);
            let wishes = wishes(config, names.clone(), rng);
            let Some(peer) = config.peers.get_mut(index) else { return false };
            match what {
                What::PeerFeeds => peer.subscription.feeds = names,
                What::PeerWishes => peer.subscription = wishes,
                What::PeerLimit => limit(&mut peer.subscription, rng),
                What::PeerNextHop => (peer.next_hop, peer.next_hop_v6) = peer_next_hops(rng),
                _ => peer.families = some_families(rng),
            }
            true
        }
        What::FeedSources => {
            let sources = some_sources(config, rng);
            config.feeds.get_mut(feed_index).map(|feed| feed.expr = sources).is_some()
        }
        What::FeedTags => {
            let tag = 100 + rng.below(20) as u16;
            config.feeds.get_mut(feed_index).map(|feed| tags(feed, tag, rng)).is_some()
        }
        What::FeedAggregate => config.feeds.get_mut(feed_index).map(flip).is_some(),
        What::SourceRename => {
            let index = who as usize % config.sources.len().max(1);
            rename_source(config, index)
        }
        What::Guard => {
            let index = who as usize % config.sources.len().max(1);
            config.sources.get_mut(index).map(|source| guard(&mut source.guard, rng)).is_some()
        }
        What::NextHop => {
            next_hops(config, rng);
            true
        }
        What::Unknown => {
            unknown(config, people.len(), rng);
            true
        }
        What::BadConfig => {
            match rng.below(3) {
                0 => config.hold_secs = 2,
                1 => config.feeds.iter_mut().for_each(|feed| feed.expr = Expr::source("nowhere")),
                _ => config
                    .peers
                    .extend(config.peers.first().cloned().into_iter().chain(config.peers.first().cloned())),
            }
            config.check().is_err()
        }
        _ => true,
    }
}

fn flip(feed: &mut FeedConfig) {
    feed.aggregate = match feed.aggregate {
        Aggregate::Off => Aggregate::Exact,
        Aggregate::Exact => Aggregate::Off,
    };
}

fn source(index: u32) -> SourceConfig {
    let name = format!("s{index}");
    let path = format!("{name}.txt");
    SourceConfig::file(name, path)
}

/// The same file under another name: what it held does not come along.
fn rename_source(config: &mut Config, index: usize) -> bool {
    let Some(source) = config.sources.get_mut(index) else { return false };
    if !matches!(source.location, Location::File { .. }) {
        return false;
    }
    let old = source.name.clone();
    let new = if let Some(base) = old.strip_suffix("-b") { base.to_owned() } else { format!("{old}-b") };
    source.name.clone_from(&new);
    for feed in &mut config.feeds {
        feed.expr.rename(&old, &new);
    }
    true
}

fn inline(rng: &mut Rng) -> Vec<AnyPrefix> {
    let texts = ["192.0.2.0/24", "192.0.2.128/25", "198.18.0.0/15", "2001:db8:f::/48", "10.0.0.0/9"];
    texts.iter().filter(|_| rng.below(2) == 0).filter_map(|text| text.parse().ok()).collect()
}

fn feed(index: u32, config: &Config, rng: &mut Rng) -> FeedConfig {
    let mut feed = FeedConfig::new(format!("f{index}"), some_sources(config, rng));
    feed.aggregate = if rng.below(2) == 0 { Aggregate::Off } else { Aggregate::Exact };
    tags(&mut feed, 100 + index as u16, rng);
    feed
}

fn tags(feed: &mut FeedConfig, tag: u16, rng: &mut Rng) {
    feed.communities =
        (0..rng.below(3)).map(|n| Community((65010 << 16) | (u32::from(tag) + n as u32))).collect();
    let large = |n: u64| LargeCommunity { global: 65010, local1: n as u32, local2: tag.into() };
    feed.large_communities = (0..rng.below(3)).map(large).collect();
}

fn some_sources(config: &Config, rng: &mut Rng) -> Expr {
    let names: Vec<&String> = config.sources.iter().map(|source| &source.name).collect();
    let picked = some(&names, 1 + rng.below(3), rng);
    let plain = Expr::union_of(&picked).unwrap_or_else(|| Expr::source("inline"));
    let other = names.get(rng.below(names.len() as u64) as usize).map(|name| Expr::source(*name));
    match (rng.below(6), other) {
        (0, Some(other)) => Expr::Minus(Box::new(plain), Box::new(other)),
        (1, Some(other)) => Expr::Intersect(Box::new(plain), Box::new(other)),
        (2, Some(other)) => Expr::Minus(Box::new(other), Box::new(plain)),
        _ => plain,
    }
}

fn some_feeds(config: &Config, rng: &mut Rng) -> Vec<String> {
    let names: Vec<&String> = config.feeds.iter().map(|feed| &feed.name).collect();
    some(&names, 1 + rng.below(3), rng)
}

/// What a peer may wish for besides feeds, each now and then.
fn wishes(config: &Config, feeds: Vec<String>, rng: &mut Rng) -> Subscription {
    let mut wishes = Subscription::feeds(feeds);
    let lists: Vec<&String> = config.asn_lists.iter().map(|list| &list.name).collect();
    let now_and_then = |rng: &mut Rng| rng.below(4) == 0;
    if now_and_then(rng) {
        wishes.lists = some(&lists, 2, rng);
    }
    if now_and_then(rng) {
        wishes.asns.push(Asn(65300 + rng.below(4) as u32));
    }
    if now_and_then(rng) {
        wishes.countries.extend(["PL", "SE", "JP"][rng.below(3) as usize].parse::<Country>());
    }
    if now_and_then(rng) {
        wishes.urls.push(format!("https://own.example/u{}", rng.below(3)));
    }
    let prefixes = |texts: &[&str], rng: &mut Rng| -> Vec<AnyPrefix> {
        texts.iter().filter(|_| rng.below(3) == 0).filter_map(|text| text.parse().ok()).collect()
    };
    if now_and_then(rng) {
        let own = ["10.0.0.0/20", "192.0.2.7/32", "10.16.1.0/24", "2001:db8:7::/48", "198.51.0.0/16"];
        wishes.prefixes = prefixes(&own, rng);
    }
    if now_and_then(rng) {
        let not = [
            "10.0.0.0/18",
            "10.16.7.64/26",
            "10.33.1.1/32",
            "2001:db8:3::/50",
            "192.0.2.0/25",
            "2001:db8::/36",
        ];
        wishes.exclude = prefixes(&not, rng);
    }
    if rng.below(8) == 0 {
        let tag = 100 + rng.below(8) as u32;
        wishes.communities.push(Tag::Standard(Community((65010 << 16) | tag)));
        wishes.communities.push(Tag::Large(LargeCommunity { global: 65010, local1: 0, local2: 102 }));
        wishes.communities.push(Tag::Standard(Community((65010 << 16) | (700 + tag % 3))));
    }
    if rng.below(4) == 0 {
        wishes.own_address = OwnAddress::Keep;
    }
    if rng.below(6) == 0 {
        limit(&mut wishes, rng);
    }
    wishes
}

fn limit(subscription: &mut Subscription, rng: &mut Rng) {
    subscription.max_prefixes = (rng.below(3) > 0).then(|| 1 + rng.below(120) as u32);
    subscription.on_limit = if rng.below(2) == 0 { OnLimit::Hold } else { OnLimit::Trim };
}

/// What somebody registers with.
pub(crate) fn subscription(config: &Config, rng: &mut Rng) -> Subscription {
    let feeds = some_feeds(config, rng);
    if rng.below(2) == 0 { Subscription::feeds(feeds) } else { wishes(config, feeds, rng) }
}

/// A registration that fits `person`, who is client `index`.
pub(crate) fn spec(config: &Config, index: usize, person: &Person, rng: &mut Rng) -> PeerSpec {
    let asn = if rng.below(4) == 0 { AsnMatch::Any } else { AsnMatch::Is(person.asn) };
    let mut spec = PeerSpec::new(AddressMatch::Prefix(person.address.into()), asn);
    spec.name = (rng.below(2) == 0).then(|| format!("r{index}"));
    spec.listen = endpoint(person.local);
    if spec.listen.is_some() && rng.below(3) == 0 {
        spec.address = AddressMatch::Any;
    }
    spec.subscription = subscription(config, rng);
    (spec.next_hop, spec.next_hop_v6) = peer_next_hops(rng);
    if rng.below(4) == 0 {
        spec.families = some_families(rng);
    }
    spec
}

fn some(names: &[&String], count: u64, rng: &mut Rng) -> Vec<String> {
    let mut picked: Vec<String> = Vec::new();
    for _ in 0..count {
        if let Some(&name) = names.get(rng.below(names.len() as u64) as usize)
            && !picked.contains(name)
        {
            picked.push(name.clone());
        }
    }
    picked
}

pub(crate) fn some_families(rng: &mut Rng) -> Families {
    match rng.below(5) {
        0 => Families { v4: true, v6: false },
        1 => Families { v4: false, v6: true },
        _ => Families::BOTH,
    }
}

fn next_hops(config: &mut Config, rng: &mut Rng) {
    let last = rng.below(4) as u8;
    config.next_hop = match rng.below(3) {
        0 => NextHop::Address(Ipv4Addr::new(192, 0, 2, 250 + last)),
        _ => NextHop::SelfAddress,
    };
    config.next_hop_v6 = match rng.below(3) {
        0 => NextHop::SelfAddress,
        _ => NextHop::Address(Ipv6Addr::from_bits(0x2001_0db8_u128 << 96 | u128::from(last + 1))),
    };
}

pub(crate) fn peer_next_hops(rng: &mut Rng) -> (Option<NextHop<Ipv4Addr>>, Option<NextHop<Ipv6Addr>>) {
    let last = rng.below(4) as u8;
    let v4 = match rng.below(4) {
        0 => Some(NextHop::Address(Ipv4Addr::new(192, 0, 2, 200 + last))),
        1 => Some(NextHop::SelfAddress),
        _ => None,
    };
    let v6 = (rng.below(3) == 0)
        .then(|| NextHop::Address(Ipv6Addr::from_bits(0x2001_0db8_u128 << 96 | u128::from(last) << 16 | 1)));
    (v4, v6)
}

fn unknown(config: &mut Config, clients: usize, rng: &mut Rng) {
    let feed = format!("f{}", rng.below(u64::from(FEEDS)));
    config.unknown_peers = if rng.below(4) == 0 {
        UnknownPeers::Refuse
    } else {
        // Few enough to be reached when one is not given back, and many enough for all that come.
        UnknownPeers::Default { feed, max: clients.max(12), max_per_address: 6 }
    };
}

/// An entry that fits `person`. `false` when there is one of that name.
fn add(config: &mut Config, index: u32, person: &Person, rng: &mut Rng) -> bool {
    let name = format!("p{index}");
    if config.peers.iter().any(|peer| peer.name == name) {
        return false;
    }
    let asn = if rng.below(3) == 0 { AsnMatch::Any } else { AsnMatch::Is(person.asn) };
    let address = AddressMatch::Prefix(person.address.into());
    let listen = (person.local.port() != 179).then_some(person.local);
    let rank = |peer: &PeerConfig| (peer.address, peer.listen, peer.asn);
    if config.peers.iter().any(|peer| rank(peer) == (address, listen, asn)) {
        return false;
    }
    let (next_hop, next_hop_v6) = peer_next_hops(rng);
    let feeds = some_feeds(config, rng);
    let families = if rng.below(3) == 0 { some_families(rng) } else { Families::BOTH };
    let subscription =
        if rng.below(2) == 0 { Subscription::feeds(feeds) } else { wishes(config, feeds, rng) };
    config.peers.push(PeerConfig {
        name,
        address,
        asn,
        listen,
        subscription,
        next_hop,
        next_hop_v6,
        families,
    });
    true
}
