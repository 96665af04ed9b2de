//! The daemon over real sockets: sessions, signals, reloads, and peers that misbehave.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::{Client, Daemon, KEEPALIVE, OPEN, Scratch, config};

/// A daemon with the list `192.0.2.0/24`, `198.51.100.0/24`.
fn start(name: &str, more: &str) -> (Scratch, PathBuf, Daemon, SocketAddr) {
    let dir = Scratch::new(name);
    dir.write("list.txt", "192.0.2.0/24\n198.51.100.0/24\n");
    let file = dir.write("a.toml", &config("127.0.0.1:0", more));
    let daemon = Daemon::start(&dir, &file);
    daemon.wait_for("event=source_loaded");
    let server = daemon.endpoints()[0];
    (dir, file, daemon, server)
}

#[test]
fn a_client_gets_exactly_the_list_and_then_exactly_the_difference() {
    let (dir, _, daemon, server) = start("difference", "");
    let mut client = Client::establish(server);
    assert_eq!(client.update(), (vec![], vec!["192.0.2.0/24".into(), "198.51.100.0/24".into()]));
    assert_eq!(client.update(), (vec![], vec![]), "End-of-RIB");
    dir.write("list.txt", "192.0.2.0/24\n203.0.113.0/24\n");
    daemon.signal("HUP");
    let mut difference = client.update();
    while difference.0.is_empty() || difference.1.is_empty() {
        let (withdrawn, announced) = client.update();
        difference.0.extend(withdrawn);
        difference.1.extend(announced);
    }
    assert_eq!(difference, (vec!["198.51.100.0/24".into()], vec!["203.0.113.0/24".into()]));
    assert!(!daemon.log().contains("session_down"), "{}", daemon.log());
}

#[test]
fn sigterm_says_cease_and_ends_in_time_with_exit_code_0() {
    let (_dir, _, mut daemon, server) = start("sigterm", "");
    let mut clients = [Client::establish(server), Client::establish(server)];
    // One that never said a word.
    let _silent = TcpStream::connect(server).unwrap();
    daemon.signal("TERM");
    for client in &mut clients {
        let last = std::iter::from_fn(|| client.message()).last().unwrap();
        assert_eq!(last.0, 3, "NOTIFICATION");
        assert_eq!(last.1[..2], [6, 2], "Cease, Administrative Shutdown");
    }
    drop(clients);
    let (code, took) = daemon.wait();
    assert_eq!(code, Some(0), "{}", daemon.log());
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_client_that_does_not_close_cannot_hold_the_daemon_for_more_than_two_seconds() {
    let (_dir, _, mut daemon, server) = start("stubborn", "");
    let client = Client::establish(server);
    daemon.signal("INT");
    let (code, took) = daemon.wait();
    assert_eq!(code, Some(0), "{}", daemon.log());
    assert!(took < Duration::from_millis(2500), "{took:?}");
    drop(client);
}

#[test]
fn a_bad_file_on_sighup_is_refused_and_changes_nothing() {
    let (dir, file, daemon, server) = start("refused", "");
    let good = fs::read_to_string(&file).unwrap();
    let mut client = Client::establish(server);
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let in_use = other.local_addr().unwrap();
    for (text, said) in [
        (good.replace("65010", "\"x\""), "a.toml:2:7: bgp.asn: is a string".to_owned()),
        (good.replace("dir = \"state\"", "dir = \"other\""), "state.dir cannot change".to_owned()),
        (
            good.replace("listen = [", &format!("listen = [\"{in_use}\", ")),
            format!("another program listens on {in_use}"),
        ),
    ] {
        fs::write(&file, text).unwrap();
        daemon.signal("HUP");
        daemon.wait_for(&said);
    }
    assert_eq!(daemon.log().matches("event=reload_refused").count(), 3);
    assert_eq!(daemon.log().matches("level=error").count(), 3);
    assert_eq!(client.update().1.len(), 2);
    Client::establish(server);
    drop(dir);
}

#[test]
fn a_reload_moves_the_listeners_and_the_log_level() {
    let (_dir, file, daemon, old) = start("listeners", "");
    let mut client = Client::establish(old);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let new = free.local_addr().unwrap();
    drop(free);
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("127.0.0.1:0", &new.to_string()) + "[log]\nlevel = \"warn\"\n";
    fs::write(&file, text).unwrap();
    daemon.signal("HUP");
    daemon.wait_for("event=reloaded");
    let mut second = Client::establish(new);
    assert_eq!(second.update().1.len(), 2);
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(old).is_ok() {
        assert!(Instant::now() < deadline, "the old endpoint still answers");
        std::thread::sleep(Duration::from_millis(10));
    }
    // The session that came in by the old one lives, and its end is not worth a warning any more.
    assert_eq!(client.update().1.len(), 2);
    let ups = daemon.log().matches("session_up").count();
    assert_eq!(ups, 1, "{}", daemon.log());
}

#[test]
fn garbage_is_answered_and_closed_and_logged_once() {
    let (_dir, _, daemon, server) = start("garbage", "");
    let mut client = Client::connect(server);
    client.send(b"GET / HTTP/1.1\r\nHost: example\r\n\r\n");
    assert_eq!(client.message().unwrap().0, 1, "OPEN");
    assert_eq!(client.message(), Some((3, vec![1, 1])), "Message Header Error, Connection Not Synchronized");
    assert_eq!(client.message(), None);
    drop(client);
    daemon.wait_for("event=connection_closed");
    assert_eq!(daemon.log().matches("connection_closed").count(), 1);
}

#[test]
fn an_open_in_single_bytes_is_an_open() {
    let (_dir, _, _daemon, server) = start("bytes", "");
    let mut client = Client::connect(server);
    client.0.set_nodelay(true).unwrap();
    for byte in OPEN.into_iter().chain(KEEPALIVE) {
        client.send(&[byte]);
    }
    assert_eq!(client.message().unwrap().0, 1);
    assert_eq!(client.message().unwrap().0, 4);
    assert_eq!(client.update().1.len(), 2);
}

#[test]
fn one_that_stops_reading_harms_nobody_and_is_closed_by_the_send_hold_timer() {
    use std::fmt::Write as _;
    let more = "[limits]\nsend_hold = \"2s\"\n";
    let dir = Scratch::new("stalled");
    let mut list = String::new();
    // Every second /32, so that nothing aggregates: five megabytes on the wire, more than sockets buffer.
    for address in 0..2_000_000_u32 {
        let _ = writeln!(list, "{}", std::net::Ipv4Addr::from_bits(0x0A00_0000 + 2 * address));
    }
    dir.write("list.txt", &list);
    let file = dir.write("a.toml", &config("127.0.0.1:0", more));
    let daemon = Daemon::start(&dir, &file);
    daemon.wait_for("event=feed_changed");
    let server = daemon.endpoints()[0];
    let mut stalled = Client::establish(server);
    let started = Instant::now();
    let mut reader = Client::establish(server);
    let mut prefixes = 0;
    while prefixes < 2_000_000 {
        prefixes += reader.update().1.len();
    }
    let down = daemon.wait_for("event=session_down");
    assert!(started.elapsed() >= Duration::from_secs(2), "closed before its time: {down}");
    assert!(started.elapsed() < Duration::from_secs(15), "{down}");
    // What the kernel had is still there; then the connection ends.
    let mut rest = Vec::new();
    let _ = stalled.0.read_to_end(&mut rest);
    reader.send(&KEEPALIVE);
    assert!(daemon.log().matches("session_down").count() == 1, "{}", daemon.log());
}

#[test]
fn a_restart_serves_what_was_kept_while_the_list_is_gone() {
    let (dir, file, mut daemon, _) = start("kept", "");
    daemon.wait_for("event=feed_changed");
    std::thread::sleep(Duration::from_millis(200));
    daemon.signal("TERM");
    assert_eq!(daemon.wait().0, Some(0));
    fs::remove_file(dir.0.join("list.txt")).unwrap();
    let daemon = Daemon::start(&dir, &file);
    daemon.wait_for("event=source_failed");
    let mut client = Client::establish(daemon.endpoints()[0]);
    assert_eq!(client.update().1.len(), 2);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (_dir, _, mut daemon, server) = start("twice", "");
    // It does not close, so the first signal waits for it.
    let _client = Client::establish(server);
    daemon.signal("TERM");
    daemon.wait_for("event=stopping");
    daemon.signal("TERM");
    let (code, took) = daemon.wait();
    assert_eq!(code, Some(0), "{}", daemon.log());
    daemon.wait_for("outcome=Interrupted");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_full_table_of_files_is_said_once_a_second_and_passes() {
    let dir = Scratch::new("files");
    dir.write("list.txt", "192.0.2.0/24\n");
    let file = dir.write("a.toml", &config("127.0.0.1:0", "[limits]\nconnections = 1000\n"));
    let daemon = Daemon::start_with(&dir, &file, "ulimit -n 48");
    daemon.wait_for("event=few_open_files limit=48 wanted=1064");
    let server = daemon.endpoints()[0];
    // The list is a file too: it is read before there is no room for it.
    daemon.wait_for("event=source_loaded");
    let crowd: Vec<TcpStream> = (0..60).map(|_| TcpStream::connect(server).unwrap()).collect();
    daemon.wait_for("event=accept_failed");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(daemon.log().matches("accept_failed").count(), 1, "{}", daemon.log());
    drop(crowd);
    let mut client = Client::establish(server);
    assert_eq!(client.update().1.len(), 1);
}

#[test]
fn a_reload_between_a_wildcard_and_one_of_its_addresses_says_that_it_needs_a_restart() {
    let dir = Scratch::new("overlap");
    dir.write("list.txt", "192.0.2.0/24\n");
    let free = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let file = dir.write("a.toml", &config(&format!("0.0.0.0:{port}"), ""));
    let daemon = Daemon::start(&dir, &file);
    fs::write(&file, config(&format!("127.0.0.1:{port}"), "")).unwrap();
    daemon.signal("HUP");
    daemon.wait_for(&format!(
        "event=reload_refused error=\"cannot listen on 127.0.0.1:{port} while 0.0.0.0:{port} is listened on: restart \
         the server"
    ));
}
