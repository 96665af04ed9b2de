//! When a source is asked: at start, then as often as it says, later and later after failures, few at a time.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bgplite_core::config::{AsnListConfig, Config, HttpLocation, Location, SourceConfig};
use bgplite_core::ids::{Asn, SourceId};
use bgplite_core::server::{
    Action, Command, FetchOutcome, FetchRequest, Input, Notice, Records, Reply, RouteServer, SourceState,
};
use bgplite_core::time::{Duration, Instant};
use bgplite_sim::Lab;

use crate::support::{config, world};

const URL: &str = "https://lists.example.net/ru.txt";

/// The feed `ru` of a web server that is asked every ten minutes.
fn web() -> Config {
    let location = HttpLocation {
        url: URL.into(),
        headers: vec![("X-Api-Key".into(), "env:KEY".into())],
        timeout: Duration::from_secs(30),
        max_body: 10_000_000,
        redirects: 0,
        is_foreign: false,
    };
    let mut config = config();
    config.sources[0] = SourceConfig {
        every: Some(Duration::from_secs(600)),
        ..SourceConfig::new("ru", Location::Http(location))
    };
    config
}

/// Seconds between each two of its requests.
fn waits(world: &Lab) -> Vec<u64> {
    let times = world.fetches.windows(2);
    times.map(|pair| ((pair[1].0 - pair[0].0) + Duration::from_millis(500)).as_secs()).collect()
}

fn state(world: &Lab) -> SourceState {
    world.server.sources(world.now)[0].state
}

#[test]
fn a_source_is_asked_at_once_and_then_as_often_as_it_says_with_what_its_server_knows_it_by() {
    let mut world = world(web(), &[(URL, "10.0.0.0/8\n")]);
    assert_eq!((world.fetches.len(), state(&world)), (1, SourceState::Fresh));
    world.advance(Duration::from_secs(6000));
    let waits = waits(&world);
    assert!((9..=11).contains(&waits.len()), "{waits:?}");
    assert!(waits.iter().all(|wait| (540..=660).contains(wait)), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait != waits[0]), "they vary: {waits:?}");
    assert_eq!(state(&world), SourceState::Unchanged);
    let tags: Vec<bool> = world
        .fetches
        .iter()
        .map(|(_, request)| matches!(request, FetchRequest::Http(request) if request.validators.etag.is_some()))
        .collect();
    assert!(!tags[0] && tags[1..].iter().all(|tag| *tag), "{tags:?}");
    let FetchRequest::Http(request) = &world.fetches[1].1 else { panic!() };
    assert_eq!((request.max_bytes, request.redirects, request.is_foreign), (10_000_000, 0, false));
    assert_eq!(request.headers, [("X-Api-Key".to_owned(), "env:KEY".to_owned())]);
}

#[test]
fn after_failures_the_wait_doubles_from_ten_seconds_to_the_interval() {
    let mut world = world(web(), &[]);
    assert_eq!(state(&world), SourceState::Failed);
    world.advance(Duration::from_secs(3600));
    let waits = waits(&world);
    for (wait, expected) in waits.iter().zip([10, 20, 40, 80, 160, 320, 600, 600, 600]) {
        assert!(
            (expected * 9 / 10..=expected * 11 / 10).contains(wait),
            "{wait} s for {expected}: {waits:?}"
        );
    }
    assert!(waits.len() >= 8, "{waits:?}");
    assert_eq!(world.server.sources(world.now)[0].failures as usize, world.fetches.len());
    // One success, and it begins anew.
    world.files.insert(URL.into(), b"10.0.0.0/8\n".to_vec());
    world.advance(Duration::from_secs(660));
    assert_eq!((state(&world), world.server.sources(world.now)[0].failures), (SourceState::Fresh, 0));
}

#[test]
fn a_file_that_cannot_be_read_is_tried_again_every_five_minutes_at_last_and_one_that_can_is_left_alone() {
    let mut world = world(config(), &[]);
    world.advance(Duration::from_secs(3600));
    let tries = waits(&world);
    assert!((270..=330).contains(tries.last().unwrap()), "{tries:?}");
    world.files.insert("ru.txt".into(), b"10.0.0.0/8\n".to_vec());
    world.advance(Duration::from_secs(330));
    assert_eq!(state(&world), SourceState::Fresh);
    let asked = world.fetches.len();
    world.advance(Duration::from_secs(86_400));
    assert_eq!(world.fetches.len(), asked);
    assert_eq!(world.server.sources(world.now)[0].next_fetch_secs, None);
    let ticket = world.command(Command::RefreshSource { source: "ru".into() });
    assert_eq!((world.reply(ticket), world.fetches.len()), (Some(&Reply::Done), asked + 1));
}

#[test]
fn an_unknown_source_is_answered_with_the_nearest_name() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let ticket = world.command(Command::RefreshSource { source: "rv".into() });
    let Some(Reply::Refused(error)) = world.reply(ticket) else { panic!() };
    assert_eq!(error.to_string(), "there is no source \"rv\"; did you mean \"ru\"?");
}

/// A server that is asked by hand.
struct Desk {
    server: RouteServer,
    now: Instant,
    asked: Vec<(SourceId, String)>,
}

impl Desk {
    fn new(config: Config) -> Self {
        let now = Instant::from_nanos(1);
        let server = RouteServer::new(config, &Records::default(), 5, now, 0).unwrap();
        let mut desk = Self { server, now, asked: Vec::new() };
        desk.settle();
        desk
    }

    fn answer(&mut self, source: SourceId, outcome: FetchOutcome) {
        self.asked.retain(|(asked, _)| *asked != source);
        self.server.handle(self.now, Input::Fetched { source, unix_secs: 1, outcome });
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(action) = self.server.poll_action() {
            if let Action::Fetch { source, request } = action {
                assert!(self.asked.iter().all(|(asked, _)| *asked != source), "twice at once");
                self.asked.push((
                    source,
                    match request {
                        FetchRequest::Http(request) => request.url,
                        FetchRequest::File { path, .. } => path,
                    },
                ));
            }
        }
    }
}

fn listed(asns: std::ops::Range<u32>) -> Config {
    let mut config = config();
    config.asn_lists.push(AsnListConfig {
        name: "cdn".into(),
        asns: asns.map(Asn).collect(),
        description: String::new(),
        communities: Vec::new(),
        large_communities: Vec::new(),
    });
    config
}

#[test]
fn eight_requests_to_web_servers_are_under_way_at_most_and_the_others_follow_in_turn() {
    let mut desk = Desk::new(listed(1..31));
    assert_eq!(desk.asked.len(), 9, "eight, and the file");
    let mut order = Vec::new();
    while let Some((source, url)) = desk.asked.iter().find(|(_, url)| url.starts_with("https")).cloned() {
        order.push(url);
        desk.answer(source, FetchOutcome::Failed("503".into()));
        assert!(desk.asked.len() <= 9);
    }
    let expected: Vec<String> = (1..31)
        .map(|asn| {
            format!(
                "https://stat.ripe.net/data/ris-prefixes/data.json?resource=AS{asn}&list_prefixes=true&types=o\
                 &noise=filter&sourceapp=bgplite"
            )
        })
        .collect();
    assert_eq!(order, expected);
}

#[test]
fn a_request_of_a_source_that_is_gone_still_counts_until_it_is_answered() {
    let mut desk = Desk::new(listed(1..9));
    let under_way = desk.asked.clone();
    let command = Command::Reload(Box::new(listed(101..109)));
    let ticket = bgplite_core::ids::Ticket(1);
    desk.server.handle(desk.now, Input::Command { ticket, unix_secs: 0, command });
    desk.asked.clear();
    desk.settle();
    assert!(desk.asked.iter().all(|(_, url)| !url.starts_with("https")), "{:?}", desk.asked);
    let (gone, _) = under_way.iter().find(|(_, url)| url.starts_with("https")).unwrap();
    desk.answer(*gone, FetchOutcome::Body(Arc::from(*b"10.0.0.0/8\n")));
    assert_eq!(desk.asked.iter().filter(|(_, url)| url.starts_with("https")).count(), 1);
}

#[test]
fn a_server_that_is_busy_is_left_alone_as_long_as_it_says() {
    for (retry_secs, at_least, at_most) in [(3600, 3600, 3600), (u64::MAX, 86_400, 86_400), (1, 9, 11)] {
        let mut desk = Desk::new(web());
        let (source, _) = desk.asked[0];
        desk.answer(source, FetchOutcome::Busy { error: "429".into(), retry_secs });
        let (at, _) = desk.server.poll_timeout().unwrap();
        let wait = (at - desk.now).as_secs();
        assert!((at_least..=at_most).contains(&wait), "{wait} s for {retry_secs}");
        desk.now = at;
        desk.server.handle(desk.now, Input::Timeout);
        desk.settle();
        assert_eq!(desk.asked.len(), 1);
    }
}

#[test]
fn an_answer_of_the_place_before_is_for_nobody() {
    let mut desk = Desk::new(config());
    let (source, path) = desk.asked[0].clone();
    assert_eq!(path, "ru.txt");
    let mut moved = config();
    moved.sources[0] = SourceConfig::file("ru", "other.txt");
    let command = Command::Reload(Box::new(moved));
    desk.server
        .handle(desk.now, Input::Command { ticket: bgplite_core::ids::Ticket(1), unix_secs: 0, command });
    desk.settle();
    assert_eq!(desk.asked.len(), 1, "one at a time");
    desk.answer(source, FetchOutcome::Body(Arc::from(*b"10.0.0.0/8\n")));
    assert_eq!(desk.asked, [(source, "other.txt".to_owned())]);
    assert_eq!(desk.server.sources(desk.now)[0].state, SourceState::Waiting);
    desk.answer(source, FetchOutcome::Body(Arc::from(*b"192.0.2.0/24\n")));
    assert_eq!(desk.server.feeds()[0].v4, 1);
}

#[test]
fn a_source_that_stays_is_not_asked_again_by_a_reload_and_one_that_changed_is() {
    let mut world = world(web(), &[(URL, "10.0.0.0/8\n")]);
    world.command(Command::Reload(Box::new(web())));
    assert_eq!(world.fetches.len(), 1);
    let mut other = web();
    other.sources[0].guard.min = 2;
    world.command(Command::Reload(Box::new(other)));
    assert_eq!(world.fetches.len(), 2);
    let mut other = web();
    other.router_id = Ipv4Addr::new(203, 0, 113, 2);
    other.sources[0].guard.min = 2;
    world.command(Command::Reload(Box::new(other)));
    assert_eq!(world.fetches.len(), 2);
    assert!(!world.notices.iter().any(|notice| matches!(notice, Notice::SourceFailed { .. })));
}
