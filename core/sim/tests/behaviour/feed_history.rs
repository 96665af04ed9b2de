//! A feed's versions can be compared and gone back to.

use std::collections::BTreeMap;

use bgplite_core::ids::{ConnId, Serial};
use bgplite_core::server::{Command, CommandError, Notice, Reply};
use bgplite_sim::{ClientConfig, Lab};

use crate::support::{LOCAL, config, world};

const BODIES: [&str; 3] = [
    "10.0.0.0/8\n192.0.2.0/24\n",
    "10.0.0.0/8\n198.51.100.0/24\n2001:db8::/32\n",
    "10.0.0.0/8\n11.0.0.0/8\n",
];

/// Three versions, and a client that has the last.
fn three() -> (Lab, ConnId) {
    let mut world = world(config(), &[("ru.txt", BODIES[0])]);
    for body in &BODIES[1..] {
        reload(&mut world, body);
    }
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    (world, conn)
}

fn reload(world: &mut Lab, body: &str) {
    world.files.insert("ru.txt".into(), body.into());
    world.command(Command::Reload(Box::new(config())));
}

fn prefixes(world: &Lab, conn: ConnId) -> String {
    let client = world.client(conn);
    let v4 = client.v4.keys().map(|prefix| format!("{prefix}\n"));
    v4.chain(client.v6.keys().map(|prefix| format!("{prefix}\n"))).collect()
}

fn roll_back(world: &mut Lab, serial: u64) -> Reply {
    let ticket = world.command(Command::RollbackFeed { feed: "ru".into(), serial: Serial(serial) });
    world.reply(ticket).cloned().unwrap()
}

#[test]
fn two_versions_are_compared_in_either_direction() {
    let (world, _) = three();
    let diff = |from, to| world.server.feed_diff("ru", Serial(from), Serial(to)).map(|delta| delta.text);
    let tags = "65010:100 65010:1:100";
    assert_eq!(
        diff(1, 2).unwrap(),
        format!("- 192.0.2.0/24\n+ 198.51.100.0/24 {tags}\n+ 2001:db8::/32 {tags}\n")
    );
    assert_eq!(diff(3, 1).unwrap(), format!("- 11.0.0.0/8\n+ 192.0.2.0/24 {tags}\n"));
    assert_eq!(diff(2, 2).unwrap(), "");
    let unknown = diff(1, 4).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no version \"4 of ru\"");
    let unknown = world.server.feed_diff("rv", Serial(1), Serial(2)).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no feed \"rv\"; did you mean \"ru\"?");
}

#[test]
fn a_feed_that_was_gone_back_stays_there_over_changes_and_a_restart_until_it_is_released() {
    let (mut world, conn) = three();
    assert_eq!(roll_back(&mut world, 1), Reply::Done);
    assert_eq!(prefixes(&world, conn), BODIES[0]);
    assert!(world.notices.contains(&Notice::FeedPinned { feed: "ru".into(), to: Some(Serial(1)) }));
    let feed = &world.server.feeds()[0];
    assert_eq!((feed.serial, feed.is_pinned, feed.versions.len()), (Serial(4), true, 4));
    let said = world.wire(conn).len();
    reload(&mut world, "10.0.0.0/8\n12.0.0.0/8\n");
    assert_eq!(world.wire(conn).len(), said, "a change of its source waits");

    let mut after = Lab::restarted(config(), 2, BTreeMap::new(), &world.stored);
    after.run();
    let conn = after.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!(prefixes(&after, conn), BODIES[0]);
    let feed = &after.server.feeds()[0];
    assert_eq!((feed.serial, feed.is_pinned, feed.versions.len()), (Serial(4), true, 4));
    let ticket = after.command(Command::ReleaseFeed { feed: "ru".into() });
    assert_eq!(after.reply(ticket), Some(&Reply::Done));
    assert_eq!(prefixes(&after, conn), "10.0.0.0/8\n12.0.0.0/8\n");
    assert_eq!((after.client(conn).announced, after.client(conn).withdrawn), (3, 1));
    assert_eq!(after.server.feeds()[0].serial, Serial(5));
    assert!(!after.stored.feeds[0].is_pinned);
    let ticket = after.command(Command::ReleaseFeed { feed: "ru".into() });
    assert!(matches!(after.reply(ticket), Some(Reply::Refused(CommandError::Conflict(_)))));
}

#[test]
fn what_is_kept_is_as_many_versions_as_the_configuration_says() {
    let mut few = config();
    few.feed_versions = 2;
    let mut world = world(few, &[("ru.txt", BODIES[0])]);
    for body in &BODIES[1..] {
        world.files.insert("ru.txt".into(), (*body).into());
        world.command(Command::RefreshSource { source: "ru".into() });
    }
    let serials: Vec<u64> = world.server.feeds()[0].versions.iter().map(|version| version.serial.0).collect();
    assert_eq!(serials, [3, 2]);
    assert!(matches!(
        roll_back(&mut world, 1),
        Reply::Refused(CommandError::NotFound { kind: "version", .. })
    ));
    assert_eq!(roll_back(&mut world, 3), Reply::Done);
    let feed = &world.server.feeds()[0];
    assert_eq!((feed.serial, feed.is_pinned), (Serial(3), true), "the present one is only pinned");
}

#[test]
fn a_feed_keeps_its_last_complete_version_until_it_is_complete_again() {
    let (mut world, conn) = three();
    let said = world.wire(conn).len();
    let mut other = config();
    other.sources.push(crate::support::file("extra"));
    other.feeds[0].expr = "ru + extra".parse().unwrap();
    world.command(Command::Reload(Box::new(other.clone())));
    assert_eq!(world.wire(conn).len(), said);
    world.files.insert("extra.txt".into(), b"192.0.2.0/24\n".to_vec());
    world.command(Command::Reload(Box::new(other)));
    assert_eq!(prefixes(&world, conn), "10.0.0.0/8\n11.0.0.0/8\n192.0.2.0/24\n");
}
