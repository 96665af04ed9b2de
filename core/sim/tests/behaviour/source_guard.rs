//! What is too strange to be served waits for somebody to look at it. Nothing is taken away meanwhile.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bgplite_core::config::{Config, Guard};
use bgplite_core::ids::ConnId;
use bgplite_core::server::{Command, Notice, Reply, SourceState};
use bgplite_sim::{ClientConfig, Lab};

use crate::support::{LOCAL, config, world};

fn list(count: u32) -> String {
    (0..count).fold(String::new(), |mut list, net| {
        writeln!(list, "{}/28", Ipv4(0x0A00_0000 + (net << 5))).unwrap();
        list
    })
}

struct Ipv4(u32);

impl std::fmt::Display for Ipv4 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::net::Ipv4Addr::from_bits(self.0).fmt(f)
    }
}

/// A client that holds a hundred prefixes.
fn served() -> (Lab, ConnId) {
    let mut world = world(config(), &[("ru.txt", &list(100))]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!(world.client(conn).v4.len(), 100);
    (world, conn)
}

fn reload(world: &mut Lab, body: &str, config: Config) {
    world.files.insert("ru.txt".into(), body.into());
    world.command(Command::Reload(Box::new(config)));
}

fn count(world: &Lab, event: &str) -> usize {
    world.notices.iter().filter(|notice| notice.event() == event).count()
}

fn state(world: &Lab) -> SourceState {
    world.server.sources(world.now)[0].state
}

fn approve() -> Command {
    Command::ApproveSource { source: "ru".into() }
}

fn reject() -> Command {
    Command::RejectSource { source: "ru".into() }
}

#[test]
fn a_list_shrunk_to_a_tenth_takes_nothing_away_until_an_operator_says_so() {
    let (mut world, conn) = served();
    let said = world.wire(conn).len();
    for _ in 0..3 {
        reload(&mut world, &list(10), config());
    }
    assert_eq!(world.wire(conn).len(), said, "not an octet");
    let held = Notice::SourceHeld {
        source: "ru".into(),
        served: (100, 0),
        held: (10, 0),
        reason: "max_shrink is 50%, and it has 10 prefixes instead of 100".into(),
    };
    assert!(world.notices.contains(&held), "{:?}", world.notices);
    assert_eq!(count(&world, "source_held"), 1, "told once, not at each fetch");
    let status = &world.server.sources(world.now)[0];
    let shown = status.held.as_ref().map(|held| (held.v4, held.v6));
    assert_eq!((status.state, status.v4, shown), (SourceState::Held, 100, Some((10, 0))));
    assert_eq!(world.stored.sources[0].serial.0, 1, "the store keeps what is served");

    let ticket = world.command(approve());
    assert_eq!(world.reply(ticket), Some(&Reply::Done));
    assert_eq!((world.client(conn).v4.len(), world.client(conn).withdrawn), (10, 90));
    assert_eq!((state(&world), world.stored.sources[0].serial.0), (SourceState::Fresh, 2));
    assert!(world.notices.contains(&Notice::SourceReleased { source: "ru".into(), how: "approved" }));
    let ticket = world.command(approve());
    assert!(matches!(world.reply(ticket), Some(Reply::Refused(_))), "there is nothing to approve any more");
}

#[test]
fn an_empty_list_is_held_too_and_what_comes_back_makes_it_pointless() {
    let (mut world, conn) = served();
    let said = world.wire(conn).len();
    reload(&mut world, "# nothing\n", config());
    assert_eq!(state(&world), SourceState::Held);
    reload(&mut world, &list(100), config());
    assert_eq!((state(&world), count(&world, "source_released")), (SourceState::Unchanged, 1));
    assert!(world.notices.contains(&Notice::SourceReleased { source: "ru".into(), how: "superseded" }));
    assert_eq!(world.wire(conn).len(), said);
}

#[test]
fn a_body_that_was_dropped_is_not_asked_about_again_and_another_one_is() {
    let (mut world, conn) = served();
    reload(&mut world, &list(10), config());
    world.command(reject());
    for _ in 0..2 {
        reload(&mut world, &list(10), config());
    }
    assert_eq!((state(&world), count(&world, "source_held")), (SourceState::Stale, 1));
    reload(&mut world, &list(11), config());
    assert_eq!((state(&world), count(&world, "source_held")), (SourceState::Held, 2));
    // What was dropped is remembered only until something else is served.
    reload(&mut world, &list(99), config());
    reload(&mut world, &list(10), config());
    assert_eq!((state(&world), count(&world, "source_held")), (SourceState::Held, 3));
    assert_eq!(world.client(conn).v4.len(), 99);
}

#[test]
fn wider_bounds_let_through_what_waits() {
    let (mut world, conn) = served();
    reload(&mut world, &list(10), config());
    let mut wider = config();
    wider.sources[0].guard = Guard { max_shrink: Some(90), ..Guard::default() };
    world.files.remove("ru.txt");
    world.command(Command::Reload(Box::new(wider)));
    assert_eq!(world.client(conn).v4.len(), 10, "though the file cannot be read any more");
    assert_eq!(count(&world, "source_released"), 1);
    assert_eq!(world.stored.sources[0].serial.0, 2);
}

#[test]
fn a_first_body_below_its_minimum_is_held_and_nothing_is_served() {
    let mut strict = config();
    strict.sources[0].guard.min = 50;
    let mut world = world(strict.clone(), &[("ru.txt", &list(10))]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!((state(&world), world.client(conn).v4.len()), (SourceState::Held, 0));
    assert!(world.client(conn).end_of_rib.is_empty(), "it is not the end of anything");
    world.command(approve());
    assert_eq!(world.client(conn).v4.len(), 10);
    strict.sources[0].required = true;
    let world = crate::support::world(strict, &[("ru.txt", &list(10))]);
    assert!(world.failure.is_some_and(|failure| failure.contains("min is 50")));
}

#[test]
fn after_a_restart_without_any_source_everybody_gets_what_they_had_and_it_is_marked_stale() {
    let mut two = config();
    two.feeds[0].expr = "ru - not".parse().unwrap();
    two.sources.push(crate::support::file("not"));
    let files = [("ru.txt", list(100)), ("not.txt", "10.0.0.0/28\n".into())];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, body)| (*path, body.as_str())).collect();
    let mut before = world(two.clone(), &files);
    let conn = before.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!(before.client(conn).v4.len(), 99);
    // With all that was stored, without the bodies, and without one of them.
    for kept in [vec!["ru", "not"], vec![], vec!["ru"]] {
        let mut records = before.stored.clone();
        records.sources.retain(|record| kept.contains(&record.name.as_str()));
        let mut after = Lab::restarted(two.clone(), 2, BTreeMap::new(), &records);
        after.run();
        let conn = after.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
        assert!(after.client(conn).v4.keys().eq(before.client(ConnId(1)).v4.keys()), "{kept:?}");
        assert_eq!(after.client(conn).end_of_rib.len(), 2);
        let feed = &after.server.feeds()[0];
        assert_eq!((feed.serial.0, feed.is_stale), (before.server.feeds()[0].serial.0, true));
        let states: Vec<SourceState> = after.server.sources(after.now).iter().map(|one| one.state).collect();
        let expected = ["not", "ru"]
            .map(|name| if kept.contains(&name) { SourceState::Stale } else { SourceState::Failed });
        assert_eq!(states, expected);
        // The same bodies again are no news.
        after.files = before.files.clone();
        let said = after.wire(conn).len();
        after.command(Command::Reload(Box::new(two.clone())));
        assert_eq!((after.wire(conn).len(), after.server.feeds()[0].is_stale), (said, false));
    }
}
