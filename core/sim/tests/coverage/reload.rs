//! What a new configuration does to a server and to each connection.

use std::net::Ipv4Addr;

use bgplite_core::config::{AsnMatch, Config, Families, NextHop, UnknownPeers};
use bgplite_core::ids::Asn;
use bgplite_core::server::{Command, CommandError, Notice, Reply};
use bgplite_core::session::State;

use crate::bench::{BOTH, Bench, KEEPALIVE, config, home, open_of};

pub(crate) fn scenarios() {
    refusals();
    connections_that_stay();
    connections_that_cannot();
    two_that_become_one();
    groups();
    the_end();
}

fn refusals() {
    let mut bench = Bench::new(config());
    let mut bad = config();
    bad.hold_secs = 1;
    assert!(matches!(bench.reload(bad), Reply::Refused(CommandError::Config(_))));
    bench.connect("198.51.100.7:1");
    bench.command_without_reply(Command::Shutdown { text: String::new() });
    assert_eq!(bench.reload(config()), Reply::Refused(CommandError::ShuttingDown));
}

fn connections_that_stay() {
    let mut bench = Bench::new(config());
    let unopened = bench.connect("198.51.100.7:1");
    let closed = bench.connect("198.51.100.8:1");
    bench.send(closed, &[0]);
    let kept = bench.establish("198.51.100.9:1");
    bench.reload(config());
    let states = [unopened, closed, kept].map(|conn| bench.state(conn));
    assert_eq!(states, [Some(State::OpenDelay), Some(State::Closed), Some(State::Established)]);
}

fn connections_that_cannot() {
    let mut renumbered = config();
    renumbered.asn = Asn(65011);
    let mut refusing = config();
    refusing.unknown_peers = UnknownPeers::Refuse;
    for (changed, subcode) in [(renumbered, 6), (refusing, 3)] {
        let mut bench = Bench::new(config());
        let conn = bench.establish("198.51.100.7:1");
        bench.reload(changed);
        assert_eq!(bench.notification(conn), Some([6, subcode]));
    }
}

/// Two routers behind one address are two peers of an entry for any AS, and one of an entry for theirs.
fn two_that_become_one() {
    let mut anybody = with_home();
    anybody.peers[0].asn = AsnMatch::Any;
    let mut bench = Bench::new(anybody);
    let conns = [[10, 0, 0, 1], [10, 0, 0, 2]].map(|router_id| {
        let conn = bench.connect("198.51.100.7:1");
        bench.send(conn, &open_of(65001, router_id, &BOTH));
        bench.send(conn, &KEEPALIVE);
        conn
    });
    bench.reload(with_home());
    let ends = conns.map(|conn| bench.notification(conn));
    assert!(ends == [None, Some([6, 6])] || ends == [Some([6, 6]), None], "{ends:?}");
}

fn groups() {
    let mut next_hop = with_home();
    next_hop.peers[0].next_hop = Some(NextHop::Address(Ipv4Addr::new(192, 0, 2, 254)));
    let mut no_feed = with_home();
    no_feed.peers[0].subscription.feeds.clear();
    let mut one_family = with_home();
    one_family.peers[0].families = Families { v4: true, v6: false };
    for (changed, earned) in [(next_hop, None), (no_feed, None), (one_family, Some([6, 6]))] {
        let mut bench = Bench::serving(with_home(), "10.0.0.0/8\n");
        let conn = bench.establish("198.51.100.7:1");
        bench.read(conn);
        let told = bench.wire[&conn].len();
        bench.reload(changed);
        assert_eq!(bench.notification(conn), earned);
        assert!(bench.wire[&conn].len() > told);
    }
    let mut no_next_hop = config();
    no_next_hop.next_hop_v6 = NextHop::SelfAddress;
    let mut bench = Bench::new(no_next_hop);
    bench.establish("198.51.100.7:1");
    assert!(bench.notices.iter().any(|notice| matches!(notice, Notice::NextHopMissing { .. })));
}

fn the_end() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.command(Command::Shutdown { text: "bye".into() }), Reply::ShutDown);
}

fn with_home() -> Config {
    let mut config = config();
    config.peers.push(home());
    config
}
