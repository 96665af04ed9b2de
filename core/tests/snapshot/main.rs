//! A server that is turned into JSON and back before every single step does exactly what one does that never was.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod pair;

use std::fmt::Write as _;

use bgplite_core::config::Config;
use bgplite_core::rng::Rng;
use bgplite_core::server::BATCH_BYTES;
use bgplite_core::time::Duration;
use bgplite_core::wire::AfiSafi;

use pair::{Pair, config};

/// What an operator may do to the configuration: other next hops, other subscriptions, other tags, other peers.
fn variant(choice: u64) -> Config {
    let mut config = config();
    match choice {
        0 => config.next_hop = bgplite_core::config::NextHop::Address([192, 0, 2, 9].into()),
        1 => config.feeds[1].communities = vec!["65010:7".parse().unwrap()],
        2 => config.peers[0].feeds = vec!["one".into()],
        3 => drop(config.peers.pop()),
        4 => config.peers[1].families.v6 = false,
        5 => config.feeds[0].aggregate = bgplite_core::config::Aggregate::Exact,
        6 => config.hold_secs = 30,
        _ => {}
    }
    config
}

fn list(rng: &mut Rng) -> String {
    let mut list = String::new();
    for _ in 0..rng.below(40) {
        let (a, b) = (rng.below(8), rng.below(8));
        writeln!(list, "10.{a}.{b}.0/24\n2001:db8:{a}{b}::/48").unwrap();
    }
    list
}

/// One random happening.
fn happen(pair: &mut Pair, rng: &mut Rng) {
    match rng.below(16) {
        0 | 1 => pair.connect(u8::try_from(1 + rng.below(4)).unwrap()),
        2..=5 => pair.deliver(rng),
        6..=8 => pair.transmit(rng),
        9 => pair.sent(rng),
        10 => pair.advance(Duration::from_millis(rng.below(20_000))),
        11 => {
            let config = variant(rng.below(10));
            pair.reload(config);
        }
        12 => {
            let body = list(rng);
            pair.answer_fetch(&body);
        }
        13 => pair.answer_store(rng.below(4) == 0),
        14 => pair.refresh(rng, AfiSafi::IPV4_UNICAST),
        _ if rng.below(3) == 0 => pair.disconnect(rng),
        _ => pair.hang_up(),
    }
}

#[test]
fn a_server_restored_before_every_step_does_what_one_does_that_never_was() {
    let mut established = 0;
    for seed in 0..25 {
        let mut rng = Rng::new(seed);
        let mut pair = Pair::new(seed);
        for _ in 0..300 {
            happen(&mut pair, &mut rng);
        }
        established += pair.kept.stats().sessions;
        pair.shut_down();
        for _ in 0..60 {
            happen(&mut pair, &mut rng);
        }
    }
    assert!(established > 25, "{established} sessions: the test does not get far");
}

#[test]
fn a_run_goes_on_at_the_very_octet() {
    let mut body = String::new();
    for network in 0..90_000_u32 {
        writeln!(body, "{}/24", std::net::Ipv4Addr::from_bits(0x0B00_0000 + (network << 8))).unwrap();
    }
    let mut pair = Pair::new(1);
    pair.answer_fetch("192.0.2.0/24\n");
    pair.answer_fetch(&body);
    for last in 1..=3 {
        pair.connect(last);
    }
    pair.settle_opens();
    // Two are at different places in the same image, and the third begins when the first is done.
    let conns = pair.conns();
    for index in [0, 1, 0, 2, 1, 0, 2, 1, 2] {
        pair.take(conns[index]);
    }
    let received: Vec<usize> = conns.iter().map(|&conn| pair.received(conn)).collect();
    assert!(received[0] > BATCH_BYTES + 65_536, "{received:?}: more than a batch");
    assert!(received.iter().all(|octets| octets.abs_diff(received[0]) < 200), "{received:?}");
}
