//! Who gets in, who is told why not, and which of two connections lives.

use std::net::Ipv4Addr;

use crate::support::{LOCAL, config, last_notification, peer, world};
use bgplite_core::config::{AsnMatch, Families, UnknownPeers};
use bgplite_core::ids::{Asn, ConnId};
use bgplite_core::session::{DownReason, Lost};
use bgplite_core::time::Duration;
use bgplite_sim::{ClientConfig, Lab};

fn connect(world: &mut Lab, remote: &str, asn: u32) -> ConnId {
    world.connect(LOCAL, remote, &ClientConfig::new(asn))
}

fn refusal(world: &Lab, conn: ConnId) -> Option<Vec<u8>> {
    assert!(!world.is_open(conn), "a refused connection is closed");
    last_notification(world.wire(conn))
}

#[test]
fn a_stranger_is_refused_with_connection_rejected_when_strangers_are() {
    let mut config = config();
    config.unknown_peers = UnknownPeers::Refuse;
    config.peers.push(peer("home", "198.51.100.7", &["ru"]));
    let mut world = world(config, &[("ru.txt", "10.0.0.0/8\n")]);
    let stranger = connect(&mut world, "198.51.100.8:40000", 65001);
    assert_eq!(refusal(&world, stranger), Some(vec![6, 5]));
    let home = connect(&mut world, "198.51.100.7:40000", 65001);
    assert_eq!(world.client(home).v4.len(), 1);
}

#[test]
fn a_registered_address_with_another_asn_is_bad_peer_as() {
    let mut config = config();
    let mut home = peer("home", "198.51.100.7", &["ru"]);
    home.asn = AsnMatch::Is(Asn(65001));
    config.peers.push(home);
    let mut world = world(config, &[("ru.txt", "10.0.0.0/8\n")]);
    let wrong = connect(&mut world, "198.51.100.7:40000", 65002);
    assert_eq!(refusal(&world, wrong), Some(vec![2, 2]));
    assert_eq!(world.client(wrong).v4.len(), 0);
}

#[test]
fn quotas_of_strangers_hold_per_address_and_in_all_and_free_up() {
    let mut config = config();
    config.unknown_peers = UnknownPeers::Default { feed: "ru".into(), max: 3, max_per_address: 2 };
    let mut world = world(config, &[("ru.txt", "10.0.0.0/8\n")]);
    let first = connect(&mut world, "198.51.100.7:1", 65001);
    connect(&mut world, "198.51.100.7:2", 65002);
    let third_here = connect(&mut world, "198.51.100.7:3", 65003);
    assert_eq!(refusal(&world, third_here), Some(vec![6, 8]));
    connect(&mut world, "198.51.100.8:1", 65001);
    let fourth = connect(&mut world, "198.51.100.9:1", 65001);
    assert_eq!(refusal(&world, fourth), Some(vec![6, 8]));
    world.disconnect(first, Lost::Eof);
    let next = connect(&mut world, "198.51.100.9:2", 65001);
    assert!(world.client(next).is_established());
}

#[test]
fn beyond_the_cap_of_connections_is_out_of_resources() {
    let mut config = config();
    config.max_connections = 2;
    let mut world = world(config, &[]);
    connect(&mut world, "198.51.100.7:1", 65001);
    connect(&mut world, "198.51.100.8:1", 65001);
    let third = connect(&mut world, "198.51.100.9:1", 65001);
    assert_eq!(refusal(&world, third), Some(vec![6, 8]));
}

#[test]
fn a_second_connection_of_an_established_peer_is_a_collision_and_the_first_is_probed() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let first = connect(&mut world, "198.51.100.7:1", 65001);
    let said = world.wire(first).len();
    let second = connect(&mut world, "198.51.100.7:2", 65001);
    assert_eq!(refusal(&world, second), Some(vec![6, 7]));
    assert!(world.client(first).is_established());
    let probe = [&[0xFF; 16][..], &[0, 19, 4]].concat();
    assert_eq!(world.wire(first)[said..], probe, "a KEEPALIVE, at once");
    // A router that restarted without a word: its old connection answers the probe with a reset.
    world.disconnect(first, Lost::Error("connection reset by peer".into()));
    let third = connect(&mut world, "198.51.100.7:3", 65001);
    assert!(world.client(third).is_established());
}

#[test]
fn routers_behind_one_address_are_told_apart_by_their_identifiers() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let mut other = ClientConfig::new(65001);
    other.router_id = Ipv4Addr::new(10, 9, 9, 9);
    let first = connect(&mut world, "198.51.100.7:1", 65001);
    let second = world.connect(LOCAL, "198.51.100.7:2", &other);
    assert!(world.client(first).is_established() && world.client(second).is_established());
}

#[test]
fn a_registered_peer_of_one_address_and_asn_is_one_peer_whatever_identifier_it_shows() {
    let mut config = config();
    let mut home = peer("home", "198.51.100.7", &["ru"]);
    home.asn = AsnMatch::Is(Asn(65001));
    config.peers.push(home);
    let mut world = world(config, &[("ru.txt", "10.0.0.0/8\n")]);
    let first = connect(&mut world, "198.51.100.7:1", 65001);
    let mut renamed = ClientConfig::new(65001);
    renamed.router_id = Ipv4Addr::new(10, 9, 9, 9);
    let second = world.connect(LOCAL, "198.51.100.7:2", &renamed);
    assert!(world.client(first).is_established());
    assert_eq!(refusal(&world, second), Some(vec![6, 7]));
}

#[test]
fn a_silent_first_connection_never_locks_out_a_second() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let silent = world.accept(LOCAL, "198.51.100.7:1", &ClientConfig::new(65001));
    world.client_mut(silent).session.poll_control(&mut Vec::new());
    world.stall(silent, true);
    let second = connect(&mut world, "198.51.100.7:2", 65001);
    assert!(world.client(second).is_established());
    world.advance(Duration::from_secs(62));
    assert!(!world.is_open(silent), "its minute is over");
    assert!(world.client(second).is_established());
}

#[test]
fn a_peer_limited_to_one_family_gets_and_is_offered_only_that() {
    let mut config = config();
    let mut home = peer("home", "198.51.100.7", &["ru"]);
    home.families = Families { v4: true, v6: false };
    config.peers.push(home);
    let mut world = world(config, &[("ru.txt", "10.0.0.0/8\n2001:db8::/32\n")]);
    let conn = connect(&mut world, "198.51.100.7:1", 65001);
    let client = world.client(conn);
    assert_eq!((client.v4.len(), client.v6.len()), (1, 0));
    assert_eq!(client.session.negotiated().map(|n| n.families), Some(Families { v4: true, v6: false }));
}

#[test]
fn a_router_of_our_own_as_is_served_with_local_preference() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let conn = connect(&mut world, "198.51.100.7:1", 65010);
    assert_eq!(world.client(conn).v4.len(), 1);
    // LOCAL_PREF 100 (40 05 04 ...) and an empty AS_PATH (40 02 00).
    let wire = world.wire(conn);
    assert!(wire.windows(7).any(|octets| octets == [0x40, 5, 4, 0, 0, 0, 100]));
    assert!(wire.windows(3).any(|octets| octets == [0x40, 2, 0]));
}

#[test]
fn keepalives_flow_both_ways_for_an_hour_of_nothing() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let conn = connect(&mut world, "198.51.100.7:1", 65001);
    world.advance(Duration::from_secs(3600));
    assert!(world.client(conn).is_established());
    assert_eq!(world.client(conn).down, None::<DownReason>);
}

#[test]
fn a_first_connection_that_waits_for_a_keepalive_is_probed_too() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    // A router says its OPEN, takes ours, and reboots before it has confirmed. Its identifier is the lower one, so
    // that the old connection is the one that stays.
    let first = world.accept(LOCAL, "198.51.100.7:1", &ClientConfig::new(65001));
    let mut open = Vec::new();
    world.client_mut(first).session.poll_control(&mut open);
    world.mute(first);
    world.inject(first, &open);
    let said = world.wire(first).len();
    let second = connect(&mut world, "198.51.100.7:2", 65001);
    assert_eq!(refusal(&world, second), Some(vec![6, 7]));
    let probe = [&[0xFF; 16][..], &[0, 19, 4]].concat();
    assert_eq!(
        world.wire(first)[said..],
        probe,
        "a KEEPALIVE, at once, which a machine that forgot will reset"
    );
    world.disconnect(first, Lost::Error("connection reset by peer".into()));
    let third = connect(&mut world, "198.51.100.7:3", 65001);
    assert!(world.client(third).is_established());
}
