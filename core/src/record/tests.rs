use alloc::string::ToString;
use alloc::vec;

use super::*;
use crate::config::{
    AddressMatch, AsnListConfig, AsnMatch, Config, Families, FeedConfig, Format, Guard, HttpLocation,
    JsonFormat, Location, NextHop, PeerConfig, SourceConfig, Subscription, UnknownPeers,
};
use crate::ids::{Asn, ConnId};
use crate::server::{Batch, Chunk, Input, Records, RouteServer};
use crate::time::{Duration, Instant};

/// A small configuration of files.
fn plain() -> Config {
    let mut config = Config::new(Asn(65010), [203, 0, 113, 1].into());
    config.next_hop_v6 = NextHop::Address("2001:db8::1".parse().unwrap());
    config.unknown_peers = UnknownPeers::Default { feed: "ru".into(), max: 5, max_per_address: 5 };
    let inline = SourceConfig::inline("in", vec!["192.0.2.0/24".parse().unwrap()]);
    config.sources.push(SourceConfig { required: true, ..inline });
    config.sources.push(SourceConfig::file("ru", "ru.txt"));
    config.feeds.push(FeedConfig {
        communities: vec!["65010:100".parse().unwrap()],
        large_communities: vec!["65010:1:100".parse().unwrap()],
        ..FeedConfig::new("ru", "in + ru".parse().unwrap())
    });
    config.peers.push(PeerConfig {
        name: "home".into(),
        address: AddressMatch::Prefix("198.51.100.7".parse().unwrap()),
        asn: AsnMatch::Is(Asn(65001)),
        listen: Some("203.0.113.1:179".parse().unwrap()),
        subscription: Subscription::feeds(["ru"]),
        next_hop: Some(NextHop::SelfAddress),
        next_hop_v6: None,
        families: Families::BOTH,
    });
    config
}

/// A configuration in which everything that can be there is.
fn full() -> Config {
    let mut config = plain();
    config.asn_lists.push(AsnListConfig {
        name: "cdn".into(),
        asns: vec![Asn(13335)],
        description: "Content".into(),
        communities: vec!["65010:201".parse().unwrap()],
        large_communities: vec!["65010:1:201".parse().unwrap()],
    });
    let http = Location::Http(HttpLocation {
        url: "https://lists.example.net/x".into(),
        headers: vec![("X-Api-Key".into(), "env:KEY".into())],
        timeout: Duration::from_secs(30),
        max_body: 10_000_000,
        redirects: 1,
        is_foreign: false,
    });
    let paths = vec!["prefixes[].ip_prefix".into()];
    let filter = vec![("region".into(), "eu-*".into())];
    let guard = Guard {
        must_contain: vec!["192.0.2.0/24".parse().unwrap()],
        must_not_contain: vec!["10.0.0.0/8".parse().unwrap()],
        ..Guard::default()
    };
    config.sources.push(SourceConfig {
        format: Format::Json(JsonFormat { paths, filter }),
        every: Some(Duration::from_secs(600)),
        guard,
        ..SourceConfig::new("web", http)
    });
    let format = Format::Csv { column: "network".into() };
    config.sources.push(SourceConfig { format, ..SourceConfig::file("csv", "x.csv") });
    config.sources.push(SourceConfig::new("as", Location::Ripestat { asn: Asn(13335) }));
    config.sources.push(SourceConfig::new("de", Location::Country { country: "DE".parse().unwrap() }));
    config.peers[0].subscription = Subscription {
        lists: vec!["cdn".into()],
        countries: vec!["DE".parse().unwrap()],
        prefixes: vec!["203.0.113.0/24".parse().unwrap()],
        asns: vec![Asn(15169)],
        urls: vec!["https://example.net/mine.txt".into()],
        exclude: vec!["2001:db8::/32".parse().unwrap()],
        communities: vec!["65010:201".parse().unwrap()],
        max_prefixes: Some(20_000),
        ..Subscription::feeds(["ru"])
    };
    config.own_urls = true;
    assert_eq!(config.check(), Ok(()));
    config
}

fn collect_keys(
    value: &serde_json::Value,
    path: &str,
    keys: &mut alloc::collections::BTreeSet<alloc::string::String>,
) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let path = alloc::format!("{path}.{key}");
                collect_keys(value, &path, keys);
                keys.insert(path);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_keys(item, path, keys)),
        _ => {}
    }
}

#[test]
fn every_key_of_a_configuration_that_a_log_shows_is_named_here() {
    let mut keys = alloc::collections::BTreeSet::new();
    collect_keys(&serde_json::to_value(full()).unwrap(), "", &mut keys);
    // Before you add a key: is it a secret? Then its type must serialise to nothing, and it is not in this list.
    // A header's value is where a secret is (`env:`, `file:`), unless its name says that it is none.
    let known = "
        .asn .asn_lists .asn_lists.asns .asn_lists.communities .asn_lists.description
        .asn_lists.large_communities .asn_lists.name .batch_bytes .feed_versions .feeds .feeds.aggregate
        .feeds.communities .feeds.expr .feeds.large_communities .feeds.name .hold_secs .max_connections
        .max_received_prefixes .next_hop .next_hop_v6 .next_hop_v6.address .open_delay .open_delay.nanos
        .open_delay.secs .own_urls .peers .peers.address .peers.address.prefix .peers.asn .peers.asn.is
        .peers.families .peers.families.v4 .peers.families.v6 .peers.listen .peers.name .peers.next_hop
        .peers.next_hop_v6 .peers.subscription .peers.subscription.asns .peers.subscription.communities
        .peers.subscription.countries .peers.subscription.exclude .peers.subscription.feeds
        .peers.subscription.lists .peers.subscription.max_prefixes .peers.subscription.on_limit
        .peers.subscription.own_address .peers.subscription.prefixes .peers.subscription.urls .ripestat
        .ripestat.asn_data .ripestat.every .ripestat.every.nanos .ripestat.every.secs .ripestat.parallel
        .ripestat.source_app .ripestat.timeout .ripestat.timeout.nanos .ripestat.timeout.secs .ripestat.url
        .router_id .send_hold .send_hold.nanos .send_hold.secs .sources .sources.communities
        .sources.default_route .sources.every .sources.every.nanos .sources.every.secs .sources.format
        .sources.format.csv .sources.format.csv.column .sources.format.json .sources.format.json.filter
        .sources.format.json.paths .sources.guard .sources.guard.max_growth .sources.guard.max_shrink
        .sources.guard.min .sources.guard.must_contain .sources.guard.must_not_contain
        .sources.large_communities .sources.location .sources.location.country .sources.location.country.country
        .sources.location.file .sources.location.file.path .sources.location.http .sources.location.http.headers
        .sources.location.http.is_foreign .sources.location.http.max_body .sources.location.http.redirects
        .sources.location.http.timeout .sources.location.http.timeout.nanos .sources.location.http.timeout.secs
        .sources.location.http.url .sources.location.inline .sources.location.inline.prefixes
        .sources.location.ripestat .sources.location.ripestat.asn .sources.name .sources.required .unknown_peers
        .unknown_peers.default .unknown_peers.default.feed .unknown_peers.default.max
        .unknown_peers.default.max_per_address";
    let known: alloc::collections::BTreeSet<_> = known.split_whitespace().map(ToString::to_string).collect();
    assert_eq!(keys, known);
}

#[test]
fn a_line_is_what_the_documentation_shows() {
    let line = |t, input: &Input<'_>, out: &[&str]| {
        let out = out.iter().map(ToString::to_string).collect();
        let entry = Entry { t: Instant::from_nanos(t), call: input.into(), out };
        let line = serde_json::to_string(&entry).unwrap();
        let back: Entry = serde_json::from_str(&line).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), line);
        line
    };
    let conn = ConnId(1);
    let (local, remote) = ("127.0.0.1:1790".parse().unwrap(), "127.0.0.1:40000".parse().unwrap());
    assert_eq!(
        line(5000, &Input::Connected { conn, local, remote }, &[]),
        r#"{"t":5000,"in":"connected","conn":1,"local":"127.0.0.1:1790","remote":"127.0.0.1:40000"}"#
    );
    assert_eq!(
        line(6000, &Input::Received { conn, bytes: &[0xFF, 0x01] }, &["transmit 1"]),
        r#"{"t":6000,"in":"received","conn":1,"hex":"ff01","out":["transmit 1"]}"#
    );
    assert_eq!(
        line(7000, &Input::Disconnected { conn, lost: crate::session::Lost::Error("reset".into()) }, &[]),
        r#"{"t":7000,"in":"disconnected","conn":1,"lost":{"error":"reset"}}"#
    );
    assert_eq!(line(8000, &Input::Timeout, &[]), r#"{"t":8000,"in":"timeout"}"#);
    let body = |body: &[u8]| Input::Fetched {
        source: crate::ids::SourceId(2),
        unix_secs: 9,
        outcome: crate::server::FetchOutcome::Body(body.into()),
    };
    assert_eq!(
        line(9000, &body(b"192.0.2.0/24\n"), &[]),
        r#"{"t":9000,"in":"fetched","source":2,"unix_secs":9,"outcome":{"body":{"text":"192.0.2.0/24\n"}}}"#
    );
    assert!(line(9000, &body(b"\xFF"), &[]).ends_with(r#""outcome":{"body":{"hex":"ff"}}}"#));
    let ticket = crate::ids::Ticket(4);
    let command = crate::server::Command::Reload(alloc::boxed::Box::new(plain()));
    let reload = line(9000, &Input::Command { ticket, unix_secs: 0, command }, &[]);
    assert!(
        reload.starts_with(r#"{"t":9000,"in":"reload","ticket":4,"unix_secs":0,"config":{"asn":65010,"#),
        "{reload}"
    );
}

#[test]
fn a_digest_does_not_depend_on_how_the_octets_are_cut() {
    let octets: alloc::vec::Vec<u8> = (0..100).collect();
    let whole = sent(&[Chunk::Owned(octets.clone())]).unwrap();
    assert!(whole.starts_with("100 octets "), "{whole}");
    for first in 0..100 {
        for second in [first, (first + 1).min(100), (first + 9).min(100)] {
            let cut = [&octets[..first], &octets[first..second], &octets[second..]];
            assert_eq!(sent(&cut.map(|cut| Chunk::Owned(cut.to_vec()))).unwrap(), whole);
        }
    }
    let mut seen = alloc::collections::BTreeSet::new();
    for at in 0..100 {
        for bit in 0..8 {
            let mut other = octets.clone();
            other[at] ^= 1 << bit;
            assert!(seen.insert(sent(&[Chunk::Owned(other)]).unwrap()));
        }
    }
    assert!(!seen.contains(&whole));
    assert_ne!(sent(&[Chunk::Owned(vec![0])]), sent(&[Chunk::Owned(vec![0, 0])]));
    assert_eq!(sent(&[]), None);
}

/// A head and one entry, as a recorder of this core would write them.
fn log() -> (Head, Entry) {
    let (config, at) = (plain(), Instant::from_nanos);
    let mut head = Head::start(config.clone(), Records::default(), 7, at(1), 0);
    let mut core = RouteServer::new(config, &Records::default(), 7, at(1), 0).unwrap();
    let Origin::Start { out, .. } = &mut head.from else { panic!() };
    out.extend(core::iter::from_fn(|| core.poll_action()).map(|done| action(&done)));
    let (local, remote) = ("203.0.113.1:179".parse().unwrap(), "192.0.2.9:4000".parse().unwrap());
    let input = Input::Connected { conn: ConnId(1), local, remote };
    let call = Call::from(&input);
    core.handle(at(5), input);
    let out = core::iter::from_fn(|| core.poll_action()).map(|done| action(&done)).collect();
    (head, Entry { t: at(5), call, out })
}

#[test]
fn a_player_finds_the_first_step_that_is_answered_otherwise() {
    let (head, entry) = log();
    let mut player = Player::new(head.clone()).unwrap();
    player.play(&entry).unwrap();
    assert_eq!((player.step(), player.now()), (1, Instant::from_nanos(5)));

    let mut other = entry.clone();
    other.out.push("transmit 9".into());
    let mut player = Player::new(head.clone()).unwrap();
    let Err(PlayError::Difference(found)) = player.play(&other) else { panic!() };
    assert_eq!(found.step, 1);
    assert_eq!(found.expected.len(), found.actual.len() + 1);
    assert!(found.to_string().ends_with("\n  - transmit 9"), "{found}");

    let mut other = head.clone();
    let Origin::Start { out, .. } = &mut other.from else { panic!() };
    out.pop();
    assert!(matches!(Player::new(other), Err(PlayError::Difference(found)) if found.step == 0));
    let newer = Head { record: 2, ..head };
    assert_eq!(Player::new(newer).unwrap_err(), PlayError::Format(2));
}

#[test]
fn a_snapshot_that_does_not_fit_together_is_an_error_that_names_the_piece() {
    let (head, entry) = log();
    let mut player = Player::new(head).unwrap();
    player.play(&entry).unwrap();
    let json = serde_json::to_string(&player.core().snapshot()).unwrap();
    let restore = |json: &str| RouteServer::restore(serde_json::from_str(json).unwrap());
    assert!(restore(&json).is_ok());
    let tables = json.find(r#""tables":[{"#).unwrap();
    let end = json.find(r#""timers":"#).unwrap();
    let without = alloc::format!(r#"{}"tables":[],{}"#, &json[..tables], &json[end..]);
    assert_eq!(restore(&without).unwrap_err().to_string(), "the snapshot lacks version 1 of feed 1");
    let renamed = json.replace(r#""id":1,"key":{"named":"in"}"#, r#""id":1,"key":{"named":"x"}"#);
    assert_ne!(renamed, json);
    assert_eq!(restore(&renamed).unwrap_err().to_string(), "the snapshot's configuration has no entry \"x\"");
    let mut batch = Batch::new();
    assert!(!restore(&json).unwrap().poll_transmit(Instant::ZERO, ConnId(9), &mut batch));
}
