//! A client that stops reading costs one batch, delays nobody, and is closed by the send hold timer, not before.

use crate::support::{LOCAL, config, ru, world};
use std::fmt::Write;

use bgplite_core::server::{BATCH_BYTES, Command};
use bgplite_core::session::DownReason;
use bgplite_core::time::Duration;
use bgplite_sim::ClientConfig;

#[test]
fn a_client_that_stops_reading_is_closed_by_the_send_hold_timer_and_not_before() {
    let list = ru();
    let mut world = world(config(), &[("ru.txt", &list)]);
    // Without a hold time, so that only the send hold timer can end it.
    let mut silent = ClientConfig::new(65001);
    silent.hold_secs = 0;
    let stuck = world.connect(LOCAL, "198.51.100.7:40000", &silent);
    world.stall(stuck, true);
    let reader = world.connect(LOCAL, "198.51.100.8:40000", &ClientConfig::new(65002));
    let batches = world.batches(stuck);

    for round in 0..40 {
        let edited = format!("{list}192.0.2.{round}/32\n");
        world.files.insert("ru.txt".into(), edited.into_bytes());
        world.command(Command::Reload(Box::new(config())));
        assert_eq!(world.client(reader).v4.len(), 12_425, "the others see every change");
        world.advance(Duration::from_secs(11));
    }
    assert!(world.batches(stuck) <= batches + 1, "one batch is out, however much has changed");
    assert!(world.is_open(stuck), "440 s have passed, the send hold time is 480");
    world.advance(Duration::from_secs(41));
    assert!(!world.is_open(stuck));
    assert!(world.is_open(reader) && world.client(reader).is_established());
}

#[test]
fn a_client_that_reads_on_after_ten_changes_gets_one_difference() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    world.stall(conn, true);
    for round in 0..10 {
        world.files.insert("ru.txt".into(), format!("10.{round}.0.0/16\n").into_bytes());
        world.command(Command::Reload(Box::new(config())));
    }
    world.stall(conn, false);
    world.run();
    let client = world.client(conn);
    assert_eq!(client.v4.len(), 1);
    assert!(client.v4.keys().all(|prefix| prefix.to_string() == "10.9.0.0/16"));
    assert!(client.announced <= 3, "{} prefixes announced", client.announced);
}

#[test]
fn a_batch_stays_near_its_bound() {
    let mut list = String::new();
    for network in 0..300_000_u32 {
        let address = std::net::Ipv4Addr::from_bits(0x0B00_0000 + (network << 8));
        writeln!(list, "{address}/24").unwrap();
    }
    let mut world = world(config(), &[("ru.txt", &list)]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!(world.client(conn).v4.len(), 300_000);
    let least = world.wire(conn).len() / (BATCH_BYTES + 65_535);
    assert!(world.batches(conn) >= least, "{} batches", world.batches(conn));
}

#[test]
fn the_notification_is_the_last_thing_a_slow_reader_gets_and_linger_ends_the_wait() {
    let list = ru();
    let mut world = world(config(), &[("ru.txt", &list)]);
    let conn = world.accept(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    world.run();
    world.stall(conn, true);
    world.files.insert("ru.txt".into(), b"10.0.0.0/8\n".to_vec());
    world.command(Command::Reload(Box::new(config())));
    world.command(Command::Shutdown { text: "maintenance".into() });
    assert!(world.replies.iter().all(|(_, reply)| *reply != bgplite_core::server::Reply::ShutDown));
    world.advance(Duration::from_secs(2));
    assert!(!world.is_open(conn));
    assert!(world.replies.iter().any(|(_, reply)| *reply == bgplite_core::server::Reply::ShutDown));
    assert!(!matches!(world.client(conn).down, Some(DownReason::Received(_))));
}
