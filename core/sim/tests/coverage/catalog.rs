//! When sources are asked, what guards hold back, and the versions of feeds.

use std::sync::Arc;

use bgplite_core::config::{
    AsnListConfig, Config, Expr, FeedConfig, Format, Guard, HttpLocation, Location, SourceConfig,
};
use bgplite_core::ids::{Asn, Serial};
use bgplite_core::server::{
    Command, CommandError, FetchOutcome, Notice, Reply, SourceRecord, SourceState, Validators,
};
use bgplite_core::time::Duration;

use crate::bench::{Bench, config, home};

pub(crate) fn scenarios() {
    bounds();
    bodies_that_wait();
    other_bounds();
    other_places();
    a_record_that_cannot_be_read();
    servers();
    feeds_on_demand();
    versions();
    a_feed_that_lost_a_source();
}

/// As many prefixes of 28 bits.
fn list(count: u32) -> String {
    let nets = (0..count).map(|net| std::net::Ipv4Addr::from_bits(0x0A00_0000 + (net << 4)));
    nets.fold(String::new(), |list, net| list + &format!("{net}/28\n"))
}

fn guarded(guard: Guard) -> Config {
    let mut config = config();
    config.sources[0].guard = guard;
    config
}

fn state(bench: &Bench) -> SourceState {
    bench.server.sources(bench.now)[0].state
}

fn again(bench: &mut Bench, config: Config, list: &str) {
    bench.reload(config);
    bench.body(list);
}

fn count(bench: &Bench, event: &str) -> usize {
    bench.notices.iter().filter(|notice| notice.event() == event).count()
}

fn bounds() {
    let some = |prefix: &str| vec![prefix.parse().unwrap()];
    let guards = [
        (Guard { min: 2, ..Guard::default() }, list(1)),
        (Guard::default(), list(49)),
        (Guard { max_growth: Some(10), ..Guard::default() }, list(1001)),
        (
            Guard { must_contain: some("10.0.0.0/24"), ..Guard::default() },
            list(100).replacen("10.0.0.0", "9.0.0.0", 1),
        ),
        (Guard { must_not_contain: some("192.0.2.1"), ..Guard::default() }, list(100) + "192.0.2.0/24\n"),
    ];
    for (guard, body) in guards {
        let mut bench = Bench::serving(guarded(guard.clone()), &list(100));
        again(&mut bench, guarded(guard), &body);
        assert_eq!(state(&bench), SourceState::Held);
        assert_eq!(bench.server.feeds()[0].v4, 100);
    }
}

fn bodies_that_wait() {
    let mut bench = Bench::serving(config(), &list(100));
    let approve = Command::ApproveSource { source: "ru".into() };
    let reject = Command::RejectSource { source: "ru".into() };
    assert!(matches!(bench.command(approve.clone()), Reply::Refused(CommandError::Conflict(_))));
    again(&mut bench, config(), &list(10));
    again(&mut bench, config(), &list(10));
    assert_eq!(count(&bench, "source_held"), 1, "the same one is told once");
    again(&mut bench, config(), &list(90));
    assert_eq!(count(&bench, "source_released"), 1, "superseded");
    again(&mut bench, config(), &list(10));
    assert_eq!(bench.command(reject), Reply::Done);
    again(&mut bench, config(), &list(10));
    assert_eq!((state(&bench), count(&bench, "source_held")), (SourceState::Stale, 2));
    again(&mut bench, config(), &list(11));
    assert_eq!(bench.command(approve), Reply::Done);
    assert_eq!((state(&bench), bench.server.feeds()[0].v4), (SourceState::Fresh, 11));
}

fn other_bounds() {
    let mut bench = Bench::serving(config(), &list(100));
    again(&mut bench, config(), &list(10));
    bench.reload(guarded(Guard { max_shrink: None, ..Guard::default() }));
    assert_eq!((state(&bench), bench.server.feeds()[0].v4), (SourceState::Fresh, 10));
}

fn other_places() {
    let mut bench = Bench::new(config());
    let mut moved = config();
    moved.sources[0].location = Location::File { path: "other.txt".into() };
    bench.reload(moved);
    bench.body(&list(1));
    assert_eq!((state(&bench), bench.fetches.len()), (SourceState::Waiting, 1));
    let mut json = config();
    json.sources[0].location = Location::Country { country: "DE".parse().unwrap() };
    bench.reload(json);
    bench.body(&list(1));
    bench.body(&list(1));
    assert_eq!(state(&bench), SourceState::Failed);
}

fn a_record_that_cannot_be_read() {
    let record = SourceRecord {
        name: "ru".into(),
        serial: Serial(7),
        unix_secs: 1,
        validators: Validators::default(),
        body: Arc::from(*b"10.0.0.0/8\n"),
    };
    let mut csv = config();
    csv.sources[0].format = Format::Csv { column: "prefix".into() };
    let bench = Bench::restarted(csv, vec![record]);
    assert_eq!(state(&bench), SourceState::Waiting);
}

fn http(name: &str) -> SourceConfig {
    let location = HttpLocation {
        url: format!("https://lists.example.net/{name}"),
        headers: Vec::new(),
        timeout: Duration::from_secs(30),
        max_body: 1000,
        redirects: 0,
        is_foreign: false,
    };
    SourceConfig {
        every: Some(Duration::from_secs(3600)),
        ..SourceConfig::new(name, Location::Http(location))
    }
}

fn servers() {
    let mut config = config();
    config.ripestat.parallel = 1;
    config.sources = vec![http("ru"), http("extra")];
    let mut bench = Bench::new(config);
    assert_eq!(bench.fetches.len(), 1, "one at a time");
    bench.fetched(FetchOutcome::Busy { error: "429".into(), retry_secs: 90 });
    bench.body(&list(1));
    bench.advance(89);
    assert!(bench.fetches.is_empty());
    bench.advance(1);
    assert_eq!(bench.fetches.len(), 1);
}

fn feeds_on_demand() {
    let mut config = config();
    let mut peer = home();
    peer.subscription.asns = vec![Asn(13335)];
    config.peers.push(peer);
    config.asn_lists.push(AsnListConfig {
        name: "cdn".into(),
        asns: vec![Asn(13335), Asn(20940)],
        description: String::new(),
        communities: Vec::new(),
        large_communities: Vec::new(),
    });
    let mut bench = Bench::new(config.clone());
    let names: Vec<String> = bench.server.feeds().into_iter().map(|feed| feed.name).collect();
    assert_eq!(names, ["ru", "@list-cdn", "@as13335"]);
    assert_eq!(bench.server.sources(bench.now).len(), 3);
    config.peers.clear();
    config.asn_lists.clear();
    bench.reload(config);
    assert_eq!(bench.server.sources(bench.now).len(), 1);
}

fn versions() {
    let mut config = guarded(Guard { max_shrink: None, ..Guard::default() });
    config.feed_versions = 2;
    let mut bench = Bench::serving(config.clone(), &list(1));
    again(&mut bench, config.clone(), &list(2));
    again(&mut bench, config.clone(), &list(3));
    let roll_back = |serial| Command::RollbackFeed { feed: "ru".into(), serial: Serial(serial) };
    assert!(matches!(bench.command(roll_back(1)), Reply::Refused(CommandError::NotFound { .. })));
    assert_eq!(bench.command(roll_back(2)), Reply::Done);
    again(&mut bench, config.clone(), &list(5));
    assert_eq!(bench.server.feeds()[0].v4, 2);
    assert_eq!(bench.command(Command::ReleaseFeed { feed: "ru".into() }), Reply::Done);
    assert_eq!(bench.server.feeds()[0].v4, 5);
    assert!(bench.notices.contains(&Notice::FeedPinned { feed: "ru".into(), to: None }));
    let feeds = bench.records.feeds.clone();
    let mut bench =
        Bench::with_records(config, &bgplite_core::server::Records { feeds, ..Default::default() });
    assert_eq!(bench.server.feeds()[0].v4, 5, "without any source");
    bench.body(&list(5));
    assert_eq!(bench.server.feeds()[0].serial, Serial(5));
}

fn a_feed_that_lost_a_source() {
    let mut bench = Bench::serving(config(), &list(3));
    let mut other = config();
    other.sources.push(SourceConfig::file("other", "other.txt"));
    other.feeds[0] = FeedConfig::new("ru", Expr::source("other"));
    bench.reload(other);
    assert_eq!(bench.server.feeds()[0].v4, 3);
}
