//! What peers cost whose view is cut: each at an address of its own that the feed covers, so that each has a hole of
//! its own; and the same without.
//!
//! `cargo run --release -p bgplite-core --example views_bench -- holes`, or `-- plain`

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant as Clock;

use bgplite_core::config::{Aggregate, Config, Expr, FeedConfig, SourceConfig, UnknownPeers};
use bgplite_core::ids::{Asn, ConnId, SourceId, Ticket};
use bgplite_core::server::{Action, Batch, Command, FetchOutcome, Input, Records, RouteServer};
use bgplite_core::time::Instant;

const PEERS: u32 = 1000;
const PREFIXES: u32 = 18_000;

fn main() {
    let has_holes = std::env::args().any(|arg| arg == "holes");
    let first = if has_holes { 0xC612_0001 } else { 0x0A00_0001 };
    let mut bench = Bench::new();
    let before = resident_kb();
    let start = Clock::now();
    for peer in 0..PEERS {
        bench.connect(peer, Ipv4Addr::from_bits(first + peer * 2));
    }
    let established = start.elapsed();
    let with_peers = resident_kb();
    let octets = bench.transmit();
    let said = start.elapsed();
    let images = bench.server.image_stats();
    println!(
        "{PEERS} peers {}: established in {:.1} ms with {} kB; in {:.1} ms {octets} octets are said, {} of them \
         encoded; then {} kB, {} kB of them for images",
        if has_holes { "each with its own hole" } else { "without holes" },
        established.as_secs_f64() * 1e3,
        with_peers.saturating_sub(before),
        said.as_secs_f64() * 1e3,
        images.encoded,
        resident_kb().saturating_sub(before),
        images.bytes / 1024,
    );
    for round in 1..=5 {
        let (taken, said, octets) = bench.change(round);
        println!(
            "one prefix changes: {taken:.1} ms until views are new, {said:.1} ms more until {octets} octets are said"
        );
    }
}

struct Bench {
    server: RouteServer,
    config: Config,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let mut config = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
        config.sources.push(SourceConfig::file("list", "list.txt"));
        config.feeds.push(FeedConfig {
            communities: vec!["65010:1".parse().expect("a community")],
            aggregate: Aggregate::Off,
            ..FeedConfig::new("list", Expr::source("list"))
        });
        config.unknown_peers =
            UnknownPeers::Default { feed: "list".into(), max: 5000, max_per_address: 5000 };
        let now = Instant::from_nanos(1);
        let server = RouteServer::new(config.clone(), &Records::default(), 1, now, 0);
        let mut bench = Self { server: server.expect("a sound configuration"), config, now };
        bench.body(0);
        bench
    }

    /// The list in another version: one prefix differs.
    fn body(&mut self, round: u32) -> f64 {
        let mut list = String::from("198.18.0.0/15\n");
        for network in 0..PREFIXES - 2 {
            writeln!(list, "{}/24", Ipv4Addr::from_bits(0x0B00_0000 + (network << 9)))
                .expect("a string takes all");
        }
        writeln!(list, "192.{round}.2.0/24").expect("a string takes all");
        let start = Clock::now();
        let outcome = FetchOutcome::Body(list.as_bytes().into());
        self.server.handle(self.now, Input::Fetched { source: SourceId(1), unix_secs: 1, outcome });
        let taken = start.elapsed().as_secs_f64() * 1e3;
        self.settle();
        taken
    }

    fn change(&mut self, round: u32) -> (f64, f64, usize) {
        let command = Command::Reload(Box::new(self.config.clone()));
        self.server.handle(self.now, Input::Command { ticket: Ticket(1), unix_secs: 0, command });
        self.settle();
        let taken = self.body(round);
        let start = Clock::now();
        let octets = self.transmit();
        (taken, start.elapsed().as_secs_f64() * 1e3, octets)
    }

    fn connect(&mut self, peer: u32, address: Ipv4Addr) {
        let conn = ConnId(u64::from(peer) + 1);
        let local = "203.0.113.1:179".parse().expect("an address");
        self.server.handle(
            self.now,
            Input::Connected { conn, local, remote: SocketAddr::new(address.into(), 40_000) },
        );
        let mut bytes = OPEN.to_vec();
        bytes[24..28].copy_from_slice(&address.octets());
        bytes.extend(KEEPALIVE);
        self.server.handle(self.now, Input::Received { conn, bytes: &bytes });
        self.settle();
    }

    /// Takes all that there is for everybody.
    fn transmit(&mut self) -> usize {
        let (mut batch, mut octets) = (Batch::new(), 0);
        for peer in 0..PEERS {
            while self.server.poll_transmit(self.now, ConnId(u64::from(peer) + 1), &mut batch) {
                octets += batch.len();
            }
        }
        octets
    }

    fn settle(&mut self) {
        while let Some(action) = self.server.poll_action() {
            if let Action::Fail { reason } = action {
                panic!("{reason}");
            }
        }
    }
}

/// Memory of this process that is in use, in kilobytes.
fn resident_kb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// OPEN: version 4, AS 65001, hold time 90, capabilities: IPv4 unicast, four-octet AS.
const OPEN: [u8; 43] = *b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\
    \x00\x2B\x01\x04\xFD\xE9\x00\x5A\x0A\x09\x09\x09\x0E\
    \x02\x0C\x01\x04\x00\x01\x00\x01\x41\x04\x00\x00\xFD\xE9";
/// KEEPALIVE.
const KEEPALIVE: [u8; 19] = *b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x13\x04";
