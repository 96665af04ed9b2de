//! Route refresh: all of a family again, between its marks; a flood of requests is one running and one waiting.

use crate::support::{LOCAL, config, ru, world};
use bgplite_core::wire::{AfiSafi, RefreshKind};
use bgplite_sim::ClientConfig;

#[test]
fn the_family_asked_for_comes_again_between_its_marks_and_the_other_does_not() {
    let list = ru();
    let mut world = world(config(), &[("ru.txt", &list)]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    let before = world.client(conn).announced;
    world.client_mut(conn).session.refresh(AfiSafi::IPV6_UNICAST);
    world.run();
    let client = world.client(conn);
    assert_eq!(client.announced - before, 5_449);
    assert_eq!(client.withdrawn, 0);
    let marks = [RefreshKind::Begin, RefreshKind::End].map(|kind| (kind, AfiSafi::IPV6_UNICAST));
    assert_eq!(client.refresh_marks, marks);
}

#[test]
fn ten_thousand_requests_cost_one_dump_that_runs_and_one_that_waits() {
    let list = ru();
    let mut world = world(config(), &[("ru.txt", &list)]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    let before = world.client(conn).announced;
    world.stall(conn, true);
    let request = [&[0xFF; 16][..], &[0, 23, 5, 0, 1, 0, 1]].concat();
    for _ in 0..10 {
        world.inject(conn, &request.repeat(1000));
    }
    world.stall(conn, false);
    world.run();
    let sent = world.client(conn).announced - before;
    assert!(sent <= 2 * 12_424, "{sent} routes were sent");
    assert!(sent >= 12_424);
}
