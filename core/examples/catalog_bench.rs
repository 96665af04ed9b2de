//! What a change of a source costs, and what a start with many subscriptions does:
//! `cargo run --release -p bgplite-core --example catalog_bench`.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Instant as Clock;

use bgplite_core::config::{
    AddressMatch, AsnMatch, Config, Expr, FeedConfig, PeerConfig, SourceConfig, Subscription,
};
use bgplite_core::ids::{Asn, SourceId, Ticket};
use bgplite_core::server::{Action, Command, FetchOutcome, Input, Records, RouteServer};
use bgplite_core::time::Instant;

fn main() {
    one_prefix_of_many();
    start_with_peers();
}

fn list(count: u32, changed: u32) -> String {
    (0..count).fold(String::new(), |mut list, net| {
        let spare = if net == changed { 0x2000_0000 } else { 0 };
        writeln!(list, "{}/24", Ipv4Addr::from_bits(0x0B00_0000 + spare + (net << 9))).expect("a string");
        list
    })
}

/// A body of 100,000 prefixes of which one is another one: from its arrival to the new version of its feed.
fn one_prefix_of_many() {
    let now = Instant::from_nanos(1);
    let mut config = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
    config.sources.push(SourceConfig::file("many", "many.txt"));
    config.feeds.push(FeedConfig::new("many", Expr::source("many")));
    let mut server = RouteServer::new(config, &Records::default(), 1, now, 0).expect("it is sound");
    while server.poll_action().is_some() {}
    let mut best = f64::MAX;
    for round in 0..12 {
        if round > 0 {
            let command = Command::RefreshSource { source: "many".into() };
            server.handle(now, Input::Command { ticket: Ticket(round), unix_secs: 0, command });
            while server.poll_action().is_some() {}
        }
        let body = list(100_000, 50_000 + u32::try_from(round).unwrap_or(0));
        let outcome = FetchOutcome::Body(body.as_bytes().into());
        let start = Clock::now();
        server.handle(now, Input::Fetched { source: SourceId(1), unix_secs: 0, outcome });
        let took = start.elapsed().as_secs_f64() * 1e3;
        let mut stored = 0;
        while let Some(action) = server.poll_action() {
            stored += usize::from(matches!(action, Action::Store { .. }));
        }
        assert_eq!(stored, 2, "the body, and the feed's version");
        if round > 0 {
            best = best.min(took);
        }
    }
    println!("1 of 100,000 prefixes changed: {best:.1} ms from the body to the feed's new version");
}

/// 10,000 configured peers, each with an AS and a country of its own choice.
fn start_with_peers() {
    let now = Instant::from_nanos(1);
    let mut config = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
    for index in 0..10_000_u32 {
        let address =
            AddressMatch::Prefix(std::net::IpAddr::from(Ipv4Addr::from_bits(0x0A00_0000 + index)).into());
        let peer = PeerConfig::new(format!("peer{index}"), address, AsnMatch::Any);
        let letter = |at: u32| char::from(b"DEFRNLUSGB"[(at * 2) as usize]);
        let second = |at: u32| char::from(b"DEFRNLUSGB"[(at * 2 + 1) as usize]);
        let country = format!("{}{}", letter(index % 5), second(index % 5));
        let subscription = Subscription {
            asns: vec![Asn(100_000 + index)],
            countries: country.parse().into_iter().collect(),
            ..Subscription::default()
        };
        config.peers.push(PeerConfig { subscription, ..peer });
    }
    let start = Clock::now();
    let mut server = RouteServer::new(config, &Records::default(), 1, now, 0).expect("it is sound");
    let took = start.elapsed().as_secs_f64() * 1e3;
    while server.poll_action().is_some() {}
    let sources = server.sources(now).len();
    println!("10,000 peers that need {sources} sources: {took:.0} ms to start");
}
