//! End-of-RIB is said once per family, and never before every subscribed feed has loaded.

use crate::support::{LOCAL, config, feed, file, peer, world};
use bgplite_core::server::{Command, Notice};
use bgplite_core::wire::AfiSafi;
use bgplite_sim::ClientConfig;

const BOTH: [AfiSafi; 2] = [AfiSafi::IPV4_UNICAST, AfiSafi::IPV6_UNICAST];

#[test]
fn it_waits_for_the_last_feed_to_load_and_comes_once() {
    let mut config = config();
    config.sources.push(file("late"));
    config.feeds.push(feed("late", 200));
    config.peers.push(peer("both", "198.51.100.7", &["ru", "late"]));
    let mut world = world(config.clone(), &[("ru.txt", "10.0.0.0/8\n")]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!(world.client(conn).v4.len(), 1, "what has loaded is sent at once");
    assert_eq!(world.client(conn).end_of_rib, []);

    world.files.insert("late.txt".into(), b"10.0.0.0/8\n".to_vec());
    world.command(Command::Reload(Box::new(config.clone())));
    assert_eq!(world.client(conn).end_of_rib, BOTH);
    world.command(Command::Reload(Box::new(config)));
    assert_eq!(world.client(conn).end_of_rib, BOTH);
}

#[test]
fn it_comes_for_a_peer_that_subscribed_to_nothing() {
    let mut config = config();
    config.peers.push(peer("empty", "198.51.100.7", &[]));
    let mut world = world(config, &[]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!(world.client(conn).end_of_rib, BOTH);
    assert_eq!(world.client(conn).updates, 0);
}

#[test]
fn what_the_store_kept_counts_as_loaded_when_the_source_is_gone() {
    let mut first = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let conn = first.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    let held = first.client(conn).v4.clone();

    let mut second = bgplite_sim::Lab::restarted(config(), 2, [].into(), &first.stored);
    second.run();
    let conn = second.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!(second.client(conn).v4, held);
    assert_eq!(second.client(conn).end_of_rib, BOTH);
    let failed = |notice: &&Notice| matches!(notice, Notice::SourceFailed { kept: 1, .. });
    assert_eq!(second.notices.iter().filter(failed).count(), 1);
}
