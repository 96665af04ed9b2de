//! Who may connect, who is who, and which of two connections lives.

use bgplite_core::config::{Families, UnknownPeers};
use bgplite_core::ids::ConnId;
use bgplite_core::server::{Command, Input};
use bgplite_core::session::State;

use crate::bench::{BOTH, Bench, KEEPALIVE, config, home, message, open, open_of};

pub(crate) fn scenarios() {
    unknown_peers();
    registered_peers();
    too_many();
    collisions();
    strangers_after_a_reload();
    inputs_for_what_is_gone();
    a_peer_over_its_limit();
    last_bytes_that_nobody_takes();
}

fn unknown_peers() {
    let mut bench = Bench::new(config());
    for port in 1..=2 {
        let conn = bench.connect(&format!("198.51.100.7:{port}"));
        assert_eq!(bench.notification(conn), None);
    }
    let third = bench.connect("198.51.100.7:3");
    assert_eq!(bench.notification(third), Some([6, 8]));
    let mut refusing = config();
    refusing.unknown_peers = UnknownPeers::Refuse;
    let mut bench = Bench::new(refusing);
    let conn = bench.connect("198.51.100.7:1");
    assert_eq!(bench.notification(conn), Some([6, 5]));
}

fn registered_peers() {
    let mut config = config();
    config.peers.push(home());
    config.peers[0].families = Families { v4: true, v6: false };
    let mut bench = Bench::new(config.clone());
    bench.establish("198.51.100.7:1");
    let other = bench.connect("198.51.100.7:2");
    bench.send(other, &open_of(65002, [198, 51, 100, 8], &BOTH));
    assert_eq!(bench.notification(other), Some([2, 2]));
    // Another entry of the same address has IPv6, so that it is offered until the OPEN tells who it is.
    let mut lab = home();
    lab.name = "lab".into();
    lab.asn = bgplite_core::config::AsnMatch::Is(bgplite_core::ids::Asn(65002));
    config.peers.push(lab);
    let mut bench = Bench::new(config);
    let conn = bench.connect("198.51.100.7:1");
    bench.send(conn, &open(&BOTH[1..]));
    assert_eq!(bench.notification(conn), Some([6, 5]));
}

fn too_many() {
    let mut config = config();
    config.max_connections = 1;
    let mut bench = Bench::new(config);
    bench.connect("198.51.100.7:1");
    let second = bench.connect("198.51.100.8:1");
    assert_eq!(bench.notification(second), Some([6, 8]));
    bench.command_without_reply(Command::Shutdown { text: String::new() });
    let late = bench.connect("198.51.100.9:1");
    assert!(bench.closed.contains(&late) && bench.state(late).is_none());
}

fn collisions() {
    // Ours is 203.0.113.1: against a lower identifier the existing one stays, against a higher one the new.
    for (router_id, survivor) in [([198, 51, 100, 7], 0), ([223, 0, 0, 1], 1)] {
        let mut bench = Bench::new(with_home());
        let conns = [1, 2].map(|port| {
            let conn = bench.connect(&format!("198.51.100.7:{port}"));
            bench.send(conn, &open_of(65001, router_id, &BOTH));
            conn
        });
        assert_eq!(bench.state(conns[survivor]), Some(State::OpenConfirm));
        assert_eq!(bench.notification(conns[1 - survivor]), Some([6, 7]));
    }
    let mut bench = Bench::new(with_home());
    let first = bench.establish("198.51.100.7:1");
    let second = bench.connect("198.51.100.7:2");
    bench.send(second, &open(&BOTH));
    assert_eq!(bench.notification(second), Some([6, 7]));
    assert_eq!(bench.state(first), Some(State::Established));
}

fn strangers_after_a_reload() {
    let mut bench = Bench::new(config());
    let conn = bench.connect("198.51.100.7:1");
    let mut refusing = config();
    refusing.unknown_peers = UnknownPeers::Refuse;
    bench.reload(refusing);
    bench.send(conn, &open(&BOTH));
    assert_eq!(bench.notification(conn), Some([6, 5]));
}

fn inputs_for_what_is_gone() {
    let mut bench = Bench::new(config());
    let conn = ConnId(99);
    bench.input(Input::Received { conn, bytes: &KEEPALIVE });
    bench.input(Input::Sent { conn });
    bench.lose(conn);
    assert_eq!(bench.server.stats().stale_inputs, 3);
}

fn a_peer_over_its_limit() {
    let mut config = config();
    config.max_received_prefixes = 1;
    let mut bench = Bench::new(config);
    let conn = bench.establish("198.51.100.7:1");
    // ORIGIN, AS_PATH 65001, NEXT_HOP; 10.0.0.0/8 and 11.0.0.0/8.
    let attributes = [0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0xFD, 0xE9, 0x40, 3, 4, 198, 51, 100, 7];
    let body = [&[0, 0, 0, 18], attributes.as_slice(), &[8, 10, 8, 11]].concat();
    bench.send(conn, &message(2, &body));
    assert_eq!(bench.notification(conn), Some([6, 1]));
}

fn last_bytes_that_nobody_takes() {
    let mut bench = Bench::new(config());
    let conn = bench.connect("198.51.100.7:1");
    bench.send(conn, &[0]);
    assert!(bench.closed.remove(&conn));
    bench.advance(2);
    assert!(bench.closed.contains(&conn), "asked again, and at once");
}

fn with_home() -> bgplite_core::config::Config {
    let mut config = config();
    config.peers.push(home());
    config
}
