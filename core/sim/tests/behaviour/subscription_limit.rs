//! A peer that takes so many prefixes never has more, not for a moment.

use crate::subscription::{held, home, reload, subscribed};
use crate::support::{config, world};
use bgplite_core::config::{Config, OnLimit};
use bgplite_core::ids::ConnId;
use bgplite_core::server::Notice;
use bgplite_sim::Lab;

fn limited(max: u32, on_limit: OnLimit) -> Config {
    subscribed(config(), |subscription| {
        subscription.max_prefixes = Some(max);
        subscription.on_limit = on_limit;
    })
}

fn update(world: &mut Lab, config: &Config, list: &str) {
    world.files.insert("ru.txt".into(), list.into());
    reload(world, config.clone());
}

/// How many there were and how many may be, as it was said.
fn said(world: &Lab) -> Vec<(usize, Option<u32>)> {
    let over = world.notices.iter().filter_map(|notice| match notice {
        Notice::OverLimit { prefixes, limit, .. } => Some((*prefixes, *limit)),
        _ => None,
    });
    over.collect()
}

fn over_limit(world: &Lab, conn: ConnId) -> Option<usize> {
    world.server.peers().find(|peer| peer.conn == conn).unwrap().over_limit
}

#[test]
fn on_hold_a_peer_keeps_what_it_has_until_they_are_few_enough() {
    let config = limited(3, OnLimit::Hold);
    let mut world = world(config.clone(), &[("ru.txt", "10.0.0.0/8\n11.0.0.0/8\n2001:db8::/32\n")]);
    let conn = home(&mut world);
    assert_eq!(held(&world, conn).len(), 3);
    update(&mut world, &config, "10.0.0.0/8\n12.0.0.0/8\n13.0.0.0/8\n2001:db8::/32\n");
    assert_eq!(held(&world, conn), ["10.0.0.0/8", "11.0.0.0/8", "2001:db8::/32"]);
    assert_eq!(over_limit(&world, conn), Some(4));
    update(&mut world, &config, "10.0.0.0/8\n12.0.0.0/8\n13.0.0.0/8\n14.0.0.0/8\n2001:db8::/32\n");
    assert_eq!(said(&world), [(4, Some(3))], "said once");
    update(&mut world, &config, "10.0.0.0/8\n12.0.0.0/8\n13.0.0.0/8\n");
    assert_eq!(held(&world, conn), ["10.0.0.0/8", "12.0.0.0/8", "13.0.0.0/8"]);
    assert_eq!(said(&world), [(4, Some(3)), (3, None)]);
    assert_eq!(over_limit(&world, conn), None);
}

#[test]
fn on_hold_a_new_peer_gets_nothing_and_no_end_of_rib() {
    let config = limited(1, OnLimit::Hold);
    let mut world = world(config.clone(), &[("ru.txt", "10.0.0.0/8\n11.0.0.0/8\n")]);
    let conn = home(&mut world);
    assert_eq!((held(&world, conn).len(), world.client(conn).end_of_rib.len()), (0, 0));
    assert_eq!(said(&world), [(2, Some(1))]);
    // Its own change of mind brings all.
    reload(&mut world, limited(2, OnLimit::Hold));
    assert_eq!((held(&world, conn).len(), world.client(conn).end_of_rib.len()), (2, 2));
    assert_eq!(said(&world), [(2, Some(1)), (2, None)]);
}

#[test]
fn on_hold_a_wish_for_too_much_takes_nothing_away() {
    let mut world = world(limited(2, OnLimit::Hold), &[("ru.txt", "10.0.0.0/8\n11.0.0.0/8\n")]);
    let conn = home(&mut world);
    let mut greedy = limited(2, OnLimit::Hold);
    greedy.peers[0].subscription.prefixes = vec!["192.0.2.0/24".parse().unwrap()];
    reload(&mut world, greedy);
    assert_eq!(held(&world, conn), ["10.0.0.0/8", "11.0.0.0/8"]);
    assert_eq!(world.client(conn).withdrawn, 0);
    assert_eq!(said(&world), [(3, Some(2))]);
}

#[test]
fn on_trim_it_gets_its_own_first_and_then_the_shortest() {
    let mut config = limited(4, OnLimit::Trim);
    config.peers[0].subscription.prefixes = vec!["192.0.2.0/24".parse().unwrap()];
    let list = "10.1.0.0/16\n2001:db8::/32\n10.0.0.0/9\n11.0.0.0/16\n2001::/16\n12.0.0.0/16\n";
    let mut world = world(config.clone(), &[("ru.txt", list)]);
    let conn = home(&mut world);
    assert_eq!(held(&world, conn), ["10.0.0.0/9", "10.1.0.0/16", "11.0.0.0/16", "192.0.2.0/24"]);
    assert_eq!((said(&world), over_limit(&world, conn)), (vec![(7, Some(4))], Some(7)));
    assert_eq!(world.client(conn).end_of_rib.len(), 2);
    update(&mut world, &config, "10.1.0.0/16\n2001:db8::/32\n2001::/16\n");
    assert_eq!(held(&world, conn), ["10.1.0.0/16", "192.0.2.0/24", "2001::/16", "2001:db8::/32"]);
    assert_eq!(said(&world), [(7, Some(4)), (4, None)]);
}

#[test]
fn a_peer_never_has_more_than_it_takes_while_others_replace_its_routes() {
    let (before, after) =
        ("10.0.0.0/8\n11.0.0.0/8\n2001:db8::/32\n", "12.0.0.0/8\n13.0.0.0/8\n2001:db9::/32\n");
    for (max, withdraws_first) in [(3, true), (5, true), (6, false)] {
        let config = limited(max, OnLimit::Hold);
        let mut world = world(config.clone(), &[("ru.txt", before)]);
        let conn = home(&mut world);
        let start = world.wire(conn).len();
        update(&mut world, &config, after);
        assert_eq!(held(&world, conn), ["12.0.0.0/8", "13.0.0.0/8", "2001:db9::/32"]);
        let wire = &world.wire(conn)[start..];
        let withdraw = wire.windows(4).position(|octets| octets == [8, 10, 8, 11]).unwrap();
        let announce = wire.windows(4).position(|octets| octets == [8, 12, 8, 13]).unwrap();
        assert_eq!(withdraw < announce, withdraws_first, "{max}");
    }
}

#[test]
fn a_family_that_the_peer_is_not_sent_does_not_count() {
    let mut config = limited(2, OnLimit::Hold);
    config.peers[0].families.v6 = false;
    let mut world = world(config, &[("ru.txt", "10.0.0.0/8\n11.0.0.0/8\n2001:db8::/32\n")]);
    let conn = home(&mut world);
    assert_eq!(held(&world, conn), ["10.0.0.0/8", "11.0.0.0/8"]);
    assert_eq!(said(&world), []);
}

#[test]
fn on_hold_a_view_that_fits_only_with_the_peers_own_address_in_it_is_not_taken() {
    let config = limited(3, OnLimit::Hold);
    let mut world = world(config.clone(), &[("ru.txt", "10.0.0.0/8\n11.0.0.0/8\n")]);
    let conn = home(&mut world);
    // The peer is 198.51.100.7: two prefixes as they are, many once that is split out.
    update(&mut world, &config, "10.0.0.0/8\n198.51.0.0/16\n");
    assert_eq!(held(&world, conn), ["10.0.0.0/8", "11.0.0.0/8"]);
    assert!(over_limit(&world, conn).is_some());
}
