//! What ten thousand registered peers cost: time at start, memory while idle, and time to change one.
//!
//! `cargo run --release -p bgplite-core --example registry_bench`

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant as Clock;

use bgplite_core::config::{
    AddressMatch, AsnMatch, Config, Expr, FeedConfig, PeerConfig, SourceConfig, Subscription,
};
use bgplite_core::ids::{Asn, PeerId, Ticket};
use bgplite_core::server::{Action, Command, Input, PeerRecord, PeerSpec, PeerState, Records, RouteServer};
use bgplite_core::time::Instant;

const PEERS: u32 = 10_000;

fn main() {
    let mut config = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
    config.sources.push(SourceConfig::file("ru", "ru.txt"));
    config.feeds.push(FeedConfig::new("ru", Expr::source("ru")));
    let none = resident();
    let records = Records { peers: (0..PEERS).map(record).collect(), ..Records::default() };
    let recorded = resident();
    let now = Instant::from_nanos(1);
    let clock = Clock::now();
    let mut server = RouteServer::new(config, &records, 7, now, 0).unwrap();
    let took = clock.elapsed();
    let each = resident().saturating_sub(recorded) / u64::from(PEERS);
    let kept = recorded.saturating_sub(none) / u64::from(PEERS);
    println!("start with {PEERS} registered peers: {took:?}, {each} octets each (a record alone: {kept})");
    while server.poll_action().is_some() {}

    let spec = |n: u32| {
        Box::new(PeerSpec { subscription: Subscription::feeds(["ru"]), ..PeerSpec::new(at(n), asn()) })
    };
    let clock = Clock::now();
    for n in 0..1000 {
        let command = Command::PutPeer { spec: spec(PEERS + n), state: PeerState::Approved };
        server.handle(now, Input::Command { ticket: Ticket(u64::from(n)), unix_secs: 1, command });
        while let Some(action) = server.poll_action() {
            if let Action::Store { ticket, .. } = action {
                server.handle(now, Input::Stored { ticket, result: Ok(()) });
            }
        }
    }
    println!("one more: {:?} each", clock.elapsed() / 1000);
    println!("all of them as people see them: {} in {:?}", server.registered().count(), {
        let clock = Clock::now();
        let octets: usize = server.registered().map(|info| info.name.len()).sum();
        assert!(octets > 0);
        clock.elapsed()
    });
}

fn at(n: u32) -> AddressMatch {
    AddressMatch::Prefix(IpAddr::from(Ipv4Addr::from_bits(0x0A00_0000 + n)).into())
}

const fn asn() -> AsnMatch {
    AsnMatch::Is(Asn(65001))
}

fn record(n: u32) -> PeerRecord {
    // As random as real ids: a golden ratio's multiples.
    let id = u64::from(n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 12;
    let peer = PeerConfig::new(format!("peer-{id}"), at(n), asn());
    PeerRecord {
        id: PeerId(id),
        revision: 1,
        state: PeerState::Approved,
        created_unix_secs: 1_700_000_000,
        changed_unix_secs: 1_700_000_000,
        description: String::new(),
        peer: PeerConfig { subscription: Subscription::feeds(["ru"]), ..peer },
    }
}

/// Octets in memory; 0 where there is no `/proc`.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}
