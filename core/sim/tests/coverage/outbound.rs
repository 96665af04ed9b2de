//! What a peer is told, in which pieces, and who shares them.

use std::fmt::Write;

use bgplite_core::config::Guard;

use crate::bench::{BOTH, Bench, ENHANCED, KEEPALIVE, config, home, message, open};

pub(crate) fn scenarios() {
    refreshes();
    a_feed_that_has_not_loaded();
    a_feed_that_loads_empty_handed();
    runs_that_are_disturbed();
    images();
}

/// ROUTE-REFRESH for IPv4 unicast, of this subtype (RFC 7313).
fn refresh(subtype: u8) -> Vec<u8> {
    message(5, &[0, 1, subtype, 1])
}

fn refreshes() {
    for is_enhanced in [false, true] {
        let mut bench = Bench::serving(config(), "10.0.0.0/8\n");
        let conn = bench.connect("198.51.100.7:1");
        let capabilities: Vec<&[u8]> = BOTH.into_iter().chain(is_enhanced.then_some(ENHANCED)).collect();
        bench.send(conn, &open(&capabilities));
        bench.send(conn, &KEEPALIVE);
        bench.read(conn);
        bench.send(conn, &refresh(0));
        bench.send(conn, &refresh(0));
        let start = bench.wire[&conn].len();
        bench.read(conn);
        let kinds: Vec<u8> = kinds(&bench.wire[&conn][start..]);
        assert_eq!(kinds, if is_enhanced { vec![5, 2, 5] } else { vec![2] });
        bench.send(conn, &refresh(1));
        assert!(!bench.poll(conn), "the peer's own mark draws nothing");
    }
}

fn a_feed_that_has_not_loaded() {
    let mut bench = Bench::new(config());
    let conn = bench.establish("198.51.100.7:1");
    bench.read(conn);
    assert_eq!(kinds(&bench.wire[&conn]), [1, 4]);
    bench.body("10.0.0.0/8\n");
    bench.read(conn);
    // The route, then two End-of-RIBs.
    assert_eq!(kinds(&bench.wire[&conn]), [1, 4, 2, 2, 2]);
}

fn a_feed_that_loads_empty_handed() {
    let mut two = config();
    two.sources.push(two.sources[0].clone());
    two.sources[1].name = "more".into();
    two.feeds[0].expr = "ru + more".parse().unwrap();
    let mut bench = Bench::serving(two, "10.0.0.0/8\n");
    let conn = bench.establish("198.51.100.7:1");
    bench.read(conn);
    assert_eq!(kinds(&bench.wire[&conn]), [1, 4, 2]);
    bench.body("10.0.0.0/8\n");
    bench.read(conn);
    assert_eq!(kinds(&bench.wire[&conn]), [1, 4, 2, 2, 2], "only End-of-RIB was missing");
}

fn runs_that_are_disturbed() {
    let mut before = config();
    before.peers.push(home());
    let mut bench = Bench::serving(before.clone(), &list(100_000));
    let conn = bench.establish("198.51.100.7:1");
    assert!(bench.poll(conn), "a first batch, with more to come");
    bench.send(conn, &refresh(0));
    let mut after = before;
    after.peers[0].subscription.feeds.clear();
    bench.reload(after);
    bench.lose(conn);
    assert_eq!(bench.server.image_stats().images, 0, "one that is incomplete is not kept");
}

fn images() {
    let mut config = config();
    config.sources[0].guard = Guard { max_shrink: None, max_growth: None, ..Guard::default() };
    let mut bench = Bench::serving(config.clone(), &list(100_000));
    let [first, second] = ["198.51.100.7:1", "198.51.100.8:1"].map(|remote| bench.establish(remote));
    bench.poll(first);
    bench.poll(second);
    bench.read(first);
    bench.read(second);
    let third = bench.establish("198.51.100.9:1");
    bench.read(third);
    assert_eq!(bench.server.image_stats().hits, 2);
    // Some 400 kB each: by the thirtieth, the first ones were let go.
    for round in 0..15 {
        for list in [list(100_000 + round), format!("10.{round}.0.0/16\n")] {
            bench.reload(config.clone());
            bench.body(&list);
            for conn in [first, second, third] {
                bench.read(conn);
            }
        }
    }
    let images = bench.server.image_stats();
    assert!(images.encoded > 10 << 20 && images.bytes <= 8 << 20, "{images:?}");
}

/// As many prefixes of 24 bits.
fn list(len: u32) -> String {
    (0..len).fold(String::new(), |mut list, index| {
        let [_, high, mid, low] = (index + 0x0B_0000).to_be_bytes();
        writeln!(list, "{high}.{mid}.{low}.0/24").unwrap();
        list
    })
}

/// The type of each message.
fn kinds(wire: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    let mut rest = wire;
    while rest.len() >= 19 {
        kinds.push(rest[18]);
        rest = &rest[usize::from(u16::from_be_bytes([rest[16], rest[17]]))..];
    }
    kinds
}
