//! A peer never gets a route for the address over which it reaches us: that would cut the tunnel it comes through.

use crate::subscription::{held, home, reload, subscribed};
use crate::support::{LOCAL, config, world};
use bgplite_core::config::OwnAddress;
use bgplite_core::ids::ConnId;
use bgplite_core::server::Notice;
use bgplite_sim::{ClientConfig, Lab};

/// Sets of addresses that were said to be split out for a peer, in order.
fn said(world: &Lab, name: &str) -> Vec<String> {
    let split = world.notices.iter().filter_map(|notice| match notice {
        Notice::OwnAddressSplit { peer, addresses } if peer == name => Some(addresses),
        _ => None,
    });
    split.map(|addresses| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")).collect()
}

fn covers(world: &Lab, conn: ConnId, address: &str) -> bool {
    let address = address.parse::<std::net::Ipv4Addr>().unwrap().to_bits();
    world.client(conn).v4.keys().any(|prefix| prefix.contains(address))
}

#[test]
fn the_peers_address_and_ours_are_split_out_of_what_covers_them_and_a_notice_says_so() {
    let mut world = world(subscribed(config(), |_| {}), &[("ru.txt", "198.51.100.0/29\n203.0.113.0/30\n")]);
    let conn = home(&mut world);
    let rest = ["198.51.100.0/30", "198.51.100.4/31", "198.51.100.6/32", "203.0.113.0/32", "203.0.113.2/31"];
    assert_eq!(held(&world, conn), rest);
    assert_eq!(said(&world, "home"), ["198.51.100.7 203.0.113.1"]);
    // Each has its own hole, and ours is in all of them.
    let other = world.connect(LOCAL, "198.51.100.1:40000", &ClientConfig::new(65002));
    assert!(covers(&world, other, "198.51.100.7") && !covers(&world, other, "198.51.100.1"));
    assert!(!covers(&world, other, "203.0.113.1"));
    let status = world.server.peers().next().unwrap();
    assert_eq!(status.split_out.len(), 2);
    assert_eq!(status.wanted, (5, 0));
}

#[test]
fn who_wants_to_keep_them_gets_them_whole() {
    let keeping = subscribed(config(), |subscription| subscription.own_address = OwnAddress::Keep);
    let mut world = world(keeping, &[("ru.txt", "198.51.100.0/29\n203.0.113.0/30\n")]);
    let conn = home(&mut world);
    assert_eq!(held(&world, conn), ["198.51.100.0/29", "203.0.113.0/30"]);
    assert_eq!(said(&world, "home"), [""; 0]);
    reload(&mut world, subscribed(config(), |_| {}));
    assert!(!covers(&world, conn, "198.51.100.7"));
    assert_eq!(said(&world, "home"), ["198.51.100.7 203.0.113.1"]);
}

#[test]
fn an_address_of_ipv6_is_split_out_likewise() {
    let mut world = world(config(), &[("ru.txt", "2001:db8::/126\n10.0.0.0/8\n")]);
    let conn = world.connect("[2001:db8::1]:179", "[2001:db8:1::7]:40000", &ClientConfig::new(65002));
    assert!(world.client(conn).v6.keys().map(ToString::to_string).eq(["2001:db8::/128", "2001:db8::2/127"]));
}

#[test]
fn a_list_that_begins_to_cover_an_address_is_split_for_that_peer_and_whole_for_others() {
    let mut world = world(subscribed(config(), |_| {}), &[("ru.txt", "10.0.0.0/8\n192.0.2.0/24\n")]);
    let conn = home(&mut world);
    let other = world.connect(LOCAL, "192.168.0.9:40000", &ClientConfig::new(65002));
    let update = |world: &mut Lab, list: &str| {
        world.files.insert("ru.txt".into(), list.into());
        reload(world, subscribed(config(), |_| {}));
    };
    update(&mut world, "10.0.0.0/8\n192.0.2.0/24\n198.51.100.6/31\n");
    assert_eq!(held(&world, conn), ["10.0.0.0/8", "192.0.2.0/24", "198.51.100.6/32"]);
    assert_eq!(held(&world, other), ["10.0.0.0/8", "192.0.2.0/24", "198.51.100.6/31"]);
    assert_eq!(world.client(conn).announced, 3, "the difference, and nothing else again");
    // A change elsewhere does not touch the cut.
    update(&mut world, "10.0.0.0/8\n192.0.3.0/24\n198.51.100.6/31\n");
    assert_eq!((world.client(conn).announced, world.client(conn).withdrawn), (4, 1));
    assert_eq!(said(&world, "home"), ["198.51.100.7"], "said once");
    update(&mut world, "10.0.0.0/8\n192.0.3.0/24\n");
    assert_eq!(held(&world, conn), ["10.0.0.0/8", "192.0.3.0/24"]);
    assert_eq!(said(&world, "home"), ["198.51.100.7", ""], "no more");
    assert_eq!(said(&world, "192.168.0.9"), [""; 0]);
    assert!(world.is_in_sync());
}
