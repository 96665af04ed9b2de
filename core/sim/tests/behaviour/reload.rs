//! A reload is its difference: sessions stay up, and only what changed is said.

use std::net::Ipv4Addr;

use crate::support::{LOCAL, config, feed, file, last_notification, peer, world};
use bgplite_core::config::{AsnMatch, Config, NextHop};
use bgplite_core::ids::{Asn, ConnId};
use bgplite_core::server::{Command, CommandError, Notice, Reply};
use bgplite_sim::{ClientConfig, Lab};

fn reload(world: &mut Lab, config: Config) -> Reply {
    world.command(Command::Reload(Box::new(config)));
    world.replies.last().map(|(_, reply)| reply.clone()).unwrap()
}

fn two_feeds() -> Config {
    let mut config = config();
    config.sources.push(file("extra"));
    config.feeds.push(feed("extra", 200));
    config.peers.push(peer("home", "198.51.100.7", &["ru"]));
    config
}

const FILES: [(&str, &str); 2] = [("ru.txt", "10.0.0.0/8\n2001:db8::/32\n"), ("extra.txt", "192.0.2.0/24\n")];

fn home(config: Config) -> (Lab, ConnId) {
    let mut world = world(config, &FILES);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!(world.client(conn).announced, 2);
    (world, conn)
}

#[test]
fn the_same_configuration_says_nothing() {
    let (mut world, conn) = home(two_feeds());
    let said = world.wire(conn).len();
    assert_eq!(reload(&mut world, two_feeds()), Reply::Reloaded { peers: [0, 0, 0], fetching: 2 });
    assert_eq!(world.wire(conn).len(), said);
}

#[test]
fn a_changed_subscription_is_its_difference() {
    let (mut world, conn) = home(two_feeds());
    let mut changed = two_feeds();
    changed.peers[0].subscription.feeds = vec!["ru".into(), "extra".into()];
    assert_eq!(reload(&mut world, changed.clone()), Reply::Reloaded { peers: [0, 1, 0], fetching: 2 });
    assert_eq!((world.client(conn).announced, world.client(conn).withdrawn), (3, 0));
    changed.peers[0].subscription.feeds = vec!["extra".into()];
    reload(&mut world, changed);
    assert_eq!((world.client(conn).announced, world.client(conn).withdrawn), (3, 2));
    assert!(world.client(conn).is_established());
}

#[test]
fn a_changed_next_hop_is_said_for_every_route_without_a_withdrawal() {
    let (mut world, conn) = home(two_feeds());
    let mut changed = two_feeds();
    changed.peers[0].next_hop = Some(NextHop::Address(Ipv4Addr::new(192, 0, 2, 254)));
    reload(&mut world, changed);
    let client = world.client(conn);
    assert!(client.v4.values().all(|route| route.next_hop == Some(Ipv4Addr::new(192, 0, 2, 254).into())));
    assert_eq!(client.withdrawn, 0);
}

#[test]
fn a_changed_tag_is_said_for_every_route_of_its_feed() {
    let (mut world, conn) = home(two_feeds());
    let mut changed = two_feeds();
    changed.feeds[0].communities = vec!["65010:101".parse().unwrap()];
    reload(&mut world, changed);
    let tags = |route: &bgplite_sim::Route| route.communities == ["65010:101".parse().unwrap()];
    assert!(world.client(conn).v4.values().all(tags) && world.client(conn).v6.values().all(tags));
    assert_eq!(world.client(conn).withdrawn, 0);
}

#[test]
fn a_removed_peer_is_told_peer_deconfigured_and_a_changed_asn_resets_everybody() {
    let mut closed = two_feeds();
    closed.unknown_peers = bgplite_core::config::UnknownPeers::Refuse;
    let (mut world, conn) = home(closed.clone());
    let mut removed = closed;
    removed.peers.clear();
    assert_eq!(reload(&mut world, removed), Reply::Reloaded { peers: [0, 0, 1], fetching: 2 });
    assert_eq!(last_notification(world.wire(conn)), Some(vec![6, 3]));

    let (mut world, conn) = home(two_feeds());
    let mut renumbered = two_feeds();
    renumbered.asn = Asn(65011);
    reload(&mut world, renumbered);
    assert_eq!(last_notification(world.wire(conn)), Some(vec![6, 6]));
    let again = world.connect(LOCAL, "198.51.100.7:40001", &ClientConfig::new(65001));
    assert_eq!(world.client(again).session.negotiated().map(|n| n.asn), Some(Asn(65011)));
}

#[test]
fn a_peer_whose_asn_no_longer_fits_is_told_so_and_others_stay() {
    let (mut world, conn) = home(two_feeds());
    let other = world.connect(LOCAL, "198.51.100.8:40000", &ClientConfig::new(65001));
    let mut changed = two_feeds();
    changed.peers[0].asn = AsnMatch::Is(Asn(65099));
    reload(&mut world, changed);
    assert_eq!(last_notification(world.wire(conn)), Some(vec![6, 3]));
    assert!(world.client(other).is_established());
}

#[test]
fn a_bad_configuration_changes_nothing() {
    let (mut world, conn) = home(two_feeds());
    let said = world.wire(conn).len();
    let mut bad = two_feeds();
    bad.peers[0].subscription.feeds = vec!["rub".into()];
    bad.peers[0].next_hop = Some(NextHop::Address(Ipv4Addr::new(192, 0, 2, 254)));
    let Reply::Refused(CommandError::Config(error)) = reload(&mut world, bad) else {
        panic!("it was taken");
    };
    assert_eq!(error.to_string(), "peer[0].feeds[0]: no feed is called \"rub\"; did you mean \"ru\"?");
    assert_eq!(world.wire(conn).len(), said);
}

#[test]
fn a_list_that_is_gone_empty_or_garbled_takes_no_route_away() {
    let bodies: [Option<&[u8]>; 5] =
        [None, Some(b""), Some(b"# nothing\n"), Some(b"<html>\n<body>\nerror 10\n"), Some(&[0xFF, 0, 1, 2])];
    for body in bodies {
        let (mut world, conn) = home(two_feeds());
        let said = world.wire(conn).len();
        match body {
            Some(body) => drop(world.files.insert("ru.txt".into(), body.to_vec())),
            None => drop(world.files.remove("ru.txt")),
        }
        reload(&mut world, two_feeds());
        assert_eq!(world.wire(conn).len(), said, "{body:?}");
        let told = world.notices.iter().any(|notice| match notice {
            Notice::SourceFailed { source, kept, error } => {
                source == "ru" && *kept == 2 && error.contains("ru.txt")
            }
            // An empty list may be meant: an operator decides.
            Notice::SourceHeld { source, served, held, .. } => {
                source == "ru" && (*served, *held) == ((1, 1), (0, 0))
            }
            _ => false,
        });
        assert!(told, "{:?}", world.notices);
    }
}

#[test]
fn bad_lines_are_named_and_the_good_ones_used() {
    let list = "10.0.0.0/8\n10.0.0.0/33\n192.0.2.0/24 # lab\n\nnonsense\n198.18.0.0/24\n";
    let mut world = world(config(), &[("ru.txt", list)]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!(world.client(conn).v4.len(), 3);
    let lines = world.notices.iter().find_map(|notice| match notice {
        Notice::SourceBadLines { count, first, .. } => {
            Some((*count, first.iter().map(|bad| bad.line).collect()))
        }
        _ => None,
    });
    assert_eq!(lines, Some((2, vec![2, 5])));
}

#[test]
fn new_bad_lines_are_named_once_also_where_the_good_ones_are_as_before() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let count =
        |world: &Lab| world.notices.iter().filter(|notice| notice.event() == "source_bad_lines").count();
    for (body, told) in
        [("10.0.0.0/8\nx\n", 1), ("10.0.0.0/8\nx\n", 1), ("10.0.0.0/8\ny\n", 2), ("10.0.0.0/8\n", 2)]
    {
        world.files.insert("ru.txt".into(), body.into());
        reload(&mut world, config());
        assert_eq!(count(&world), told, "{body:?}");
    }
}

#[test]
fn a_required_source_that_is_missing_at_start_is_fatal_and_another_is_not() {
    let mut required = config();
    required.sources[0].required = true;
    let world = world(required, &[]);
    let reason = world.failure.as_deref().unwrap_or_default();
    assert!(reason.contains("\"ru\"") && reason.contains("ru.txt"), "{reason}");
    assert_eq!(crate::support::world(config(), &[]).failure, None);
}

#[test]
fn two_routers_that_a_reload_makes_one_peer_are_one_session_afterwards() {
    // Behind one address, any ASN: two identifiers are two peers.
    let (mut world, first) = home(two_feeds());
    let mut other = ClientConfig::new(65001);
    other.router_id = Ipv4Addr::new(10, 9, 9, 9);
    let second = world.connect(LOCAL, "198.51.100.7:40001", &other);
    assert!(world.client(first).is_established() && world.client(second).is_established());
    // One address, one ASN: whatever identifier it shows, it is one peer.
    let mut narrowed = two_feeds();
    narrowed.peers[0].asn = AsnMatch::Is(Asn(65001));
    reload(&mut world, narrowed);
    assert!(world.client(first).is_established(), "the older stays");
    assert_eq!(last_notification(world.wire(second)), Some(vec![6, 6]));
    assert_eq!(world.server.stats().established, 1);
}
