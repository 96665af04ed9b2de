//! What the behaviours share: a server with one file feed, and lists.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use bgplite_core::config::{
    AddressMatch, Aggregate, AsnMatch, Config, Expr, FeedConfig, NextHop, PeerConfig, SourceConfig,
    Subscription, UnknownPeers,
};
use bgplite_core::ids::Asn;
use bgplite_core::rib::{AnyPrefix, Prefix4, Prefix6};
use bgplite_core::server::Records;
use bgplite_core::wire::LargeCommunity;
use bgplite_sim::Lab;

/// Where clients of these tests connect to.
pub(crate) const LOCAL: &str = "203.0.113.1:179";

/// AS 65010, one feed `ru` of the file `ru.txt` with a community and a large one, served to unknown peers.
pub(crate) fn config() -> Config {
    let mut config = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
    config.next_hop_v6 = NextHop::Address("2001:db8::1".parse().unwrap());
    config.sources.push(file("ru"));
    config.feeds.push(feed("ru", 100));
    config.unknown_peers = UnknownPeers::Default { feed: "ru".into(), max: 5000, max_per_address: 5000 };
    config
}

pub(crate) fn file(name: &str) -> SourceConfig {
    SourceConfig::file(name, format!("{name}.txt"))
}

/// A feed of the source of the same name, tagged 65010:`tag` and 65010:1:`tag`.
pub(crate) fn feed(name: &str, tag: u16) -> FeedConfig {
    FeedConfig {
        communities: vec![format!("65010:{tag}").parse().unwrap()],
        large_communities: vec![LargeCommunity { global: 65010, local1: 1, local2: tag.into() }],
        aggregate: Aggregate::Off,
        ..FeedConfig::new(name, Expr::source(name))
    }
}

pub(crate) fn peer(name: &str, address: &str, feeds: &[&str]) -> PeerConfig {
    let address = AddressMatch::Prefix(address.parse().unwrap());
    let subscription = Subscription::feeds(feeds.iter().copied());
    PeerConfig { subscription, ..PeerConfig::new(name, address, AsnMatch::Any) }
}

/// A world that has read its files.
pub(crate) fn world(config: Config, files: &[(&str, &str)]) -> Lab {
    let files: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(path, body)| ((*path).into(), body.as_bytes().to_vec())).collect();
    let mut world = Lab::restarted(config, 1, files, &Records::default());
    world.run();
    world
}

/// The Russian list: 12,424 IPv4 and 5,449 IPv6 prefixes.
pub(crate) fn ru() -> String {
    let v4 = include_str!("../../../../testdata/lists/ru.v4.txt");
    let v6 = include_str!("../../../../testdata/lists/ru.v6.txt");
    format!("{v4}{v6}")
}

/// The prefixes of a list, by the plainest means.
pub(crate) fn prefixes(list: &str) -> (Vec<Prefix4>, Vec<Prefix6>) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for line in list.lines() {
        match line.parse().unwrap() {
            AnyPrefix::V4(prefix) => v4.push(prefix),
            AnyPrefix::V6(prefix) => v6.push(prefix),
        }
    }
    v4.sort();
    v6.sort();
    (v4, v6)
}

/// The last NOTIFICATION on a connection's wire, from its code on.
pub(crate) fn last_notification(wire: &[u8]) -> Option<Vec<u8>> {
    let mut rest = wire;
    let mut last = None;
    while rest.len() >= 19 {
        let len = usize::from(u16::from_be_bytes([rest[16], rest[17]]));
        assert!(last.is_none(), "something follows a NOTIFICATION");
        if rest[18] == 3 {
            last = Some(rest[19..len].to_vec());
        }
        rest = &rest[len..];
    }
    assert!(rest.is_empty(), "the stream ends inside of a message");
    last
}
