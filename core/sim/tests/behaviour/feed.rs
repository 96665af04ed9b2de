//! A client holds exactly what its feed has: prefixes, tags, next hops; and sees a change as its difference.

use crate::support::{LOCAL, config, feed, file, last_notification, peer, prefixes, ru, world};
use bgplite_core::config::{Families, NextHop};
use bgplite_core::server::{Command, Notice};
use bgplite_core::wire::{AfiSafi, Community, LargeCommunity};
use bgplite_sim::{ClientConfig, Route};

#[test]
fn a_client_holds_exactly_the_list_with_tags_and_next_hops() {
    for asn in [65001, 4_200_000_001] {
        let list = ru();
        let mut world = world(config(), &[("ru.txt", &list)]);
        let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(asn));
        let client = world.client(conn);
        let (v4, v6) = prefixes(&list);
        assert_eq!((v4.len(), v6.len()), (12_424, 5_449));
        assert!(client.v4.keys().eq(&v4) && client.v6.keys().eq(&v6));
        let route = |next_hop: &str| Route {
            next_hop: Some(next_hop.parse().unwrap()),
            communities: vec![Community(0xFDF2_0064)],
            large_communities: vec![LargeCommunity { global: 65010, local1: 1, local2: 100 }],
        };
        assert!(client.v4.values().all(|held| *held == route("203.0.113.1")));
        assert!(client.v6.values().all(|held| *held == route("2001:db8::1")));
        assert_eq!(client.end_of_rib, [AfiSafi::IPV4_UNICAST, AfiSafi::IPV6_UNICAST]);
        assert_eq!(client.withdrawn, 0);
        assert!(world.is_in_sync());
    }
}

#[test]
fn one_changed_prefix_is_one_withdraw_and_one_announce_in_two_updates() {
    let list = ru();
    let mut config = config();
    config.sources.push(file("other"));
    config.feeds.push(feed("other", 200));
    config.peers.push(peer("bystander", "198.51.100.8", &["other"]));
    let mut world = world(config.clone(), &[("ru.txt", &list), ("other.txt", "192.0.2.0/24\n")]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    let bystander = world.connect(LOCAL, "198.51.100.8:40000", &ClientConfig::new(65002));
    let before = (world.client(conn).updates, world.client(conn).announced);
    let silent_since = world.wire(bystander).len();

    let edited = list.replacen("2.26.8.0/24\n", "192.0.2.0/24\n", 1);
    world.files.insert("ru.txt".into(), edited.clone().into_bytes());
    world.command(Command::Reload(Box::new(config)));

    let client = world.client(conn);
    assert!(client.v4.keys().eq(&prefixes(&edited).0));
    assert_eq!((client.announced - before.1, client.withdrawn), (1, 1));
    assert!(client.updates - before.0 <= 2, "{} UPDATEs", client.updates - before.0);
    assert_eq!(client.end_of_rib.len(), 2, "no second End-of-RIB");
    assert!(client.is_established());
    assert_eq!(world.wire(bystander).len(), silent_since, "who does not subscribe sees not a byte");
}

#[test]
fn a_thousand_peers_share_one_image() {
    let list = ru();
    let mut world = world(config(), &[("ru.txt", &list)]);
    let first = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    for port in 0..50 {
        let mut client = ClientConfig::new(65001);
        client.router_id = std::net::Ipv4Addr::from_bits(0x0A01_0000 + port);
        let conn = world.connect(LOCAL, &format!("198.51.100.7:{}", 41_000 + port), &client);
        assert_eq!(world.wire(conn).len(), world.wire(first).len());
    }
    let images = world.server.image_stats();
    assert!(images.encoded < 200_000, "{} octets were encoded for 51 peers", images.encoded);
    assert_eq!(images.hits, 50);
}

#[test]
fn a_prefix_in_two_feeds_goes_out_once_with_both_tags() {
    let mut config = config();
    config.sources.push(file("extra"));
    config.feeds.push(feed("extra", 200));
    config.peers.push(peer("both", "198.51.100.7", &["ru", "extra"]));
    let files = [("ru.txt", "10.0.0.0/8\n10.1.0.0/16\n"), ("extra.txt", "10.0.0.0/8\n10.2.0.0/16\n")];
    let mut world = world(config, &files);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    let client = world.client(conn);
    assert_eq!(client.announced, 3);
    let tags: Vec<(String, Vec<Community>)> =
        client.v4.iter().map(|(prefix, route)| (prefix.to_string(), route.communities.clone())).collect();
    let [ru, extra] = [Community(0xFDF2_0064), Community(0xFDF2_00C8)];
    let expected = [("10.0.0.0/8", vec![ru, extra]), ("10.1.0.0/16", vec![ru]), ("10.2.0.0/16", vec![extra])];
    assert_eq!(tags, expected.map(|(prefix, tags)| (prefix.to_string(), tags)));
}

#[test]
fn a_family_without_next_hop_is_not_sent_and_the_notice_says_so() {
    let mut config = config();
    config.next_hop_v6 = NextHop::SelfAddress;
    let mut world = world(config, &[("ru.txt", "10.0.0.0/8\n2001:db9::/32\n")]);
    let over_v4 = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!((world.client(over_v4).v4.len(), world.client(over_v4).v6.len()), (1, 0));
    let missing =
        Notice::NextHopMissing { peer: "198.51.100.7".into(), families: Families { v4: false, v6: true } };
    assert!(world.notices.contains(&missing));
    let over_v6 = world.connect("[2001:db8::1]:179", "[2001:db8::7]:40000", &ClientConfig::new(65002));
    assert_eq!((world.client(over_v6).v4.len(), world.client(over_v6).v6.len()), (0, 1));
    assert_eq!(last_notification(world.wire(over_v6)), None);
}

#[test]
fn an_address_is_never_dark_while_a_covering_prefix_replaces_a_covered_one() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/9\n10.128.0.0/9\n")]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    let start = world.wire(conn).len();
    world.files.insert("ru.txt".into(), b"10.0.0.0/8\n".to_vec());
    world.command(Command::Reload(Box::new(config())));
    // The announcement of 10.0.0.0/8 stands before the withdrawals on the wire.
    let wire = &world.wire(conn)[start..];
    let announce = wire.windows(2).rposition(|octets| octets == [8, 10]).unwrap();
    let withdraw = wire.windows(3).position(|octets| octets == [9, 10, 128]).unwrap();
    assert!(announce < withdraw);
    assert_eq!(world.client(conn).v4.len(), 1);
}
