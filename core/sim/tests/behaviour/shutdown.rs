//! The end: Cease 6/2 with a text to every peer, all flushed, then the answer; nobody gets in any more.

use crate::support::{LOCAL, config, last_notification, world};
use bgplite_core::server::{Command, CommandError, Reply};
use bgplite_core::session::DownReason;
use bgplite_sim::ClientConfig;

#[test]
fn every_peer_reads_the_text_before_the_connection_closes() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    let ticket = world.command(Command::Shutdown { text: "back at noon".into() });
    // Cease, Administrative Shutdown, then length and text (RFC 9003).
    let notification = [&[6, 2, 12][..], b"back at noon"].concat();
    assert_eq!(last_notification(world.wire(conn)), Some(notification));
    assert!(matches!(world.client(conn).down, Some(DownReason::Received(_))));
    assert!(!world.is_open(conn));
    assert_eq!(world.replies.last(), Some(&(ticket, Reply::ShutDown)));
}

#[test]
fn afterwards_nobody_connects_and_no_command_is_taken() {
    let mut world = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    world.command(Command::Shutdown { text: String::new() });
    let late = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert!(!world.is_open(late));
    assert!(world.wire(late).is_empty());
    let ticket = world.command(Command::Reload(Box::new(config())));
    assert_eq!(world.replies.last(), Some(&(ticket, Reply::Refused(CommandError::ShuttingDown))));
}
