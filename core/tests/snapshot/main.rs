//! A server that is turned into JSON and back before every single step does exactly what one does that never was.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod pair;

use std::fmt::Write as _;

use bgplite_core::config::{Config, OnLimit, Subscription, UnknownPeers};
use bgplite_core::ids::{Asn, ConnId, SourceId};
use bgplite_core::rng::Rng;
use bgplite_core::server::{BATCH_BYTES, Batch, FetchOutcome, Input, Records, RouteServer};
use bgplite_core::time::{Duration, Instant};
use bgplite_core::wire::AfiSafi;

use pair::{Pair, config};

/// What an operator may do to the configuration: other next hops, other subscriptions, other tags, other peers.
fn variant(choice: u64) -> Config {
    let mut config = config();
    match choice {
        0 => config.next_hop = bgplite_core::config::NextHop::Address([192, 0, 2, 9].into()),
        1 => config.feeds[1].communities = vec!["65010:7".parse().unwrap()],
        2 => config.peers[0].subscription.feeds = vec!["one".into()],
        3 => drop(config.peers.pop()),
        4 => config.peers[1].families.v6 = false,
        5 => config.feeds[0].aggregate = bgplite_core::config::Aggregate::Exact,
        6 => config.hold_secs = 30,
        7 => wish(&mut config, |subscription| {
            subscription.exclude = vec!["10.1.0.0/16".parse().unwrap(), "2001:db8:70::/44".parse().unwrap()];
            subscription.prefixes = vec!["10.1.7.0/24".parse().unwrap(), "192.0.2.0/24".parse().unwrap()];
        }),
        8 => wish(&mut config, |subscription| {
            subscription.communities = vec!["65010:1".parse().unwrap()];
        }),
        9 => wish(&mut config, |subscription| {
            subscription.communities = vec!["65010:1".parse().unwrap()];
            subscription.exclude = vec!["10.2.0.0/15".parse().unwrap()];
            subscription.max_prefixes = Some(10);
            subscription.on_limit = OnLimit::Trim;
        }),
        10 => wish(&mut config, |subscription| subscription.max_prefixes = Some(20)),
        11 => {
            wish(&mut config, |subscription| subscription.asns = vec![Asn(13335), Asn(3333)]);
            config.ripestat.parallel = 1;
        }
        12 => config.sources[0].guard.max_shrink = None,
        _ => {}
    }
    config
}

fn wish(config: &mut Config, change: impl Fn(&mut Subscription)) {
    config.peers.iter_mut().for_each(|peer| change(&mut peer.subscription));
}

fn list(rng: &mut Rng) -> String {
    // The addresses of both ends, now and then.
    let mut list = String::from(
        ["", "", "198.51.100.0/30\n", "203.0.113.0/24\n"][usize::try_from(rng.below(4)).unwrap()],
    );
    for _ in 0..rng.below(40) {
        let (a, b) = (rng.below(8), rng.below(8));
        writeln!(list, "10.{a}.{b}.0/24\n2001:db8:{a}{b}::/48").unwrap();
    }
    list
}

/// One random happening.
fn happen(pair: &mut Pair, rng: &mut Rng) {
    match rng.below(20) {
        0 | 1 => pair.connect(u8::try_from(1 + rng.below(4)).unwrap()),
        2..=5 => pair.deliver(rng),
        6..=8 => pair.transmit(rng),
        9 => pair.sent(rng),
        10 => pair.advance(Duration::from_millis(rng.below(20_000))),
        11 => {
            let config = variant(rng.below(16));
            pair.reload(config);
        }
        12 => {
            let body = list(rng);
            pair.answer_fetch(&body);
        }
        13 => pair.answer_store(rng.below(4) == 0),
        14 => pair.refresh(rng, AfiSafi::IPV4_UNICAST),
        15 | 16 => pair.ask_about_peers(rng),
        17 | 18 => pair.operate(rng),
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

#[test]
fn a_thousand_peers_on_one_feed_cost_a_thousand_sessions_and_one_table() {
    let mut list = String::new();
    for network in 0..10_000_u32 {
        writeln!(list, "{}/24", std::net::Ipv4Addr::from_bits(0x0B00_0000 + (network << 9))).unwrap();
    }
    let now = Instant::from_nanos(1);
    let mut config = config();
    config.unknown_peers = UnknownPeers::Default { feed: "one".into(), max: 1000, max_per_address: 1000 };
    let mut server = RouteServer::new(config, &Records::default(), 1, now, 0).unwrap();
    let outcome = FetchOutcome::Body(list.as_bytes().into());
    server.handle(now, Input::Fetched { source: SourceId(1), unix_secs: 1, outcome });
    let (local, remote) = ("203.0.113.1:179".parse().unwrap(), "192.0.2.7:40000".parse().unwrap());
    let mut batch = Batch::new();
    for id in 1..=1000_u64 {
        let conn = ConnId(id);
        server.handle(now, Input::Connected { conn, local, remote });
        let mut bytes = OPEN.to_vec();
        // Each with a BGP identifier of its own.
        bytes[26..28].copy_from_slice(&u16::try_from(id).unwrap().to_be_bytes());
        bytes.extend(KEEPALIVE);
        server.handle(now, Input::Received { conn, bytes: &bytes });
        while server.poll_transmit(now, conn, &mut batch) {}
        while server.poll_action().is_some() {}
    }
    assert_eq!(server.stats().established, 1000);
    let json = serde_json::to_string(&server.snapshot()).unwrap();
    // Once in the source's list and once in the feed's table.
    assert_eq!(json.matches("11.0.2.0/24").count(), 2);
    let sessions = json.len() - 2 * list.len();
    assert!(sessions < 1000 * 1500, "{sessions} octets for 1,000 sessions");
}

/// OPEN: version 4, AS 65001, hold time 90, identifier 10.9.x.x, capabilities: IPv4 unicast, four-octet AS.
const OPEN: [u8; 43] = *b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\
    \x00\x2B\x01\x04\xFD\xE9\x00\x5A\x0A\x09\x09\x09\x0E\
    \x02\x0C\x01\x04\x00\x01\x00\x01\x41\x04\x00\x00\xFD\xE9";
/// KEEPALIVE.
const KEEPALIVE: [u8; 19] = *b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x13\x04";
