//! Who is there under a seed: the clients, the first configuration, and the first lists.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bgplite_core::config::{
    AddressMatch, Aggregate, AsnMatch, Config, Expr, Families, FeedConfig, Location, NextHop, PeerConfig,
    SourceConfig, Subscription, UnknownPeers,
};
use bgplite_core::ids::Asn;
use bgplite_core::rib::AnyPrefix;
use bgplite_core::rng::Rng;
use bgplite_core::time::Duration;
use bgplite_core::wire::{Community, LargeCommunity};

use super::incident::What;
use super::provide::{guard, provide};
use super::wish::{limit, wishes};

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

pub(crate) fn some_feeds(config: &Config, rng: &mut Rng) -> Vec<String> {
    let names: Vec<&String> = config.feeds.iter().map(|feed| &feed.name).collect();
    some(&names, 1 + rng.below(3), rng)
}

pub(crate) fn some(names: &[&String], count: u64, rng: &mut Rng) -> Vec<String> {
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
