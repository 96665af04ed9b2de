//! `serve --record`: what the daemon wrote down plays back to the same answers, whatever became of the daemon.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bgplite_core::record::{Head, Origin, Player};
use bgplite_host::record::Reader;
use common::{Client, Daemon, Scratch, bgplite, config};

/// A daemon with two prefixes that records to `rec`, with these further arguments.
fn start(name: &str, more: &str) -> (Scratch, Daemon) {
    let dir = Scratch::new(name);
    dir.write("list.txt", "192.0.2.0/24\n198.51.100.0/24\n");
    let file = dir.write("a.toml", &config("127.0.0.1:0", ""));
    let record = dir.0.join("rec");
    let before = format!("set -- \"$1\" --record {} {more}", record.display());
    let daemon = Daemon::start_with(&dir, &file, &before);
    daemon.wait_for("event=source_loaded");
    (dir, daemon)
}

fn segments(dir: &Scratch) -> Vec<PathBuf> {
    let mut segments: Vec<_> =
        fs::read_dir(dir.0.join("rec")).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    segments
}

/// Waits until everything that has happened is on disk, which takes some milliseconds.
fn settle(dir: &Scratch) {
    let state = || {
        let last = segments(dir).pop().unwrap();
        (Reader::open(&last).is_ok(), fs::metadata(&last).unwrap().len(), last)
    };
    let mut before = state();
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = state();
        if now.0 && now == before {
            return;
        }
        before = now;
    }
}

/// Plays a whole segment: its head, the core at its end, and whether its last line was cut short.
fn play(path: &Path) -> (Head, Player, bool) {
    let (head, mut reader) = Reader::open(path).unwrap();
    let mut player = Player::new(head.clone()).unwrap();
    while let Some(entry) = reader.next_entry().unwrap() {
        if let Err(error) = player.play(&entry) {
            panic!("{}:{}: {error}\n{}", path.display(), reader.line_number(), reader.line());
        }
    }
    (head, player, reader.is_cut_short())
}

fn json(snapshot: &bgplite_core::server::Snapshot) -> serde_json::Value {
    serde_json::to_value(snapshot).unwrap()
}

/// One prefix of the list becomes another, and the client has seen it.
fn change(dir: &Scratch, daemon: &Daemon, client: &mut Client, round: u8) {
    dir.write("list.txt", &format!("192.0.2.0/24\n10.{round}.0.0/16\n"));
    daemon.signal("HUP");
    while !client.update().1.contains(&format!("10.{round}.0.0/16")) {}
}

#[test]
fn a_recorded_daemon_lives_again_from_start_to_end() {
    let (dir, mut daemon) = start("record", "");
    let server = daemon.endpoints()[0];
    let mut client = Client::establish(server);
    assert_eq!(client.update().1.len(), 2);
    change(&dir, &daemon, &mut client, 1);
    let mut garbage = Client::connect(server);
    garbage.send(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(garbage.message().unwrap().0, 1, "OPEN");
    assert_eq!(garbage.message().unwrap().0, 3, "NOTIFICATION");
    daemon.signal("TERM");
    while client.message().is_some() {}
    drop((client, garbage));
    assert_eq!(daemon.wait().0, Some(0), "{}", daemon.log());

    let [segment] = &segments(&dir)[..] else { panic!("one segment") };
    let (head, player, is_cut_short) = play(segment);
    assert!(!is_cut_short);
    assert!(matches!(head.from, Origin::Start { .. }));
    assert!(player.step() > 20, "{} steps", player.step());
    let stats = player.core().stats();
    assert_eq!((stats.connections, stats.sessions, player.core().peers().count()), (2, 1, 0));
    let text = fs::read_to_string(segment).unwrap();
    for word in
        ["\"in\":\"reload\"", "\"in\":\"shutdown\"", "reply 2 shut_down", "474554202f", "10.1.0.0/16\\n"]
    {
        assert!(text.contains(word), "no {word} in\n{text}");
    }
}

#[test]
fn every_segment_plays_by_itself_and_ends_as_the_next_begins() {
    let (dir, mut daemon) = start("segments", "--record-segment 6000 --record-total 100000");
    let server = daemon.endpoints()[0];
    let mut clients: Vec<_> = (0..5).map(|_| Client::establish(server)).collect();
    for round in 0..60 {
        for client in &mut clients[..1] {
            change(&dir, &daemon, client, round);
        }
    }
    settle(&dir);
    daemon.signal("KILL");
    daemon.wait();

    let segments = segments(&dir);
    assert!(segments.len() > 2, "{segments:?}");
    assert!(!segments[0].ends_with("bgplite-00000001.jsonl"), "the oldest went: {segments:?}");
    let bytes: u64 = segments.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(bytes < 100_000 + 50_000, "{bytes} bytes");
    let mut before: Option<Player> = None;
    for path in &segments {
        let (head, player, _) = play(path);
        let Origin::Snapshot(snapshot) = &head.from else { panic!("not the first segment") };
        if let Some(before) = before.replace(player) {
            assert_eq!(before.step(), head.step);
            assert_eq!(json(&before.core().snapshot()), json(snapshot));
        }
    }
    assert_eq!(before.unwrap().core().stats().established, 5);
}

#[test]
fn a_daemon_that_is_killed_leaves_a_log_that_plays_up_to_its_last_whole_line() {
    let (dir, mut daemon) = start("killed", "");
    let mut client = Client::establish(daemon.endpoints()[0]);
    assert_eq!(client.update().1.len(), 2);
    change(&dir, &daemon, &mut client, 1);
    settle(&dir);
    daemon.signal("KILL");
    daemon.wait();
    let segment = segments(&dir).pop().unwrap();
    let (_, whole, _) = play(&segment);
    assert_eq!(whole.core().stats().established, 1);
    // Wherever a write ended.
    let text = fs::read(&segment).unwrap();
    let head = text.iter().position(|&octet| octet == b'\n').unwrap() + 1;
    for end in (head..text.len()).step_by(37) {
        let cut = dir.0.join("cut.jsonl");
        fs::write(&cut, &text[..end]).unwrap();
        let (_, player, is_cut_short) = play(&cut);
        assert_eq!(is_cut_short, text[end - 1] != b'\n', "at {end}");
        assert!(player.step() <= whole.step());
    }
    let cut = dir.write("cut.jsonl", "{\"record\":1,");
    let said = Reader::open(&cut).unwrap_err().to_string();
    assert!(said.starts_with("the first line is missing or cut short"), "{said}");
}

#[test]
fn a_disk_that_takes_no_more_stops_the_recording_with_one_warning_and_not_the_server() {
    let (dir, daemon) = start("no-disk", "--record-segment 2000");
    let mut client = Client::establish(daemon.endpoints()[0]);
    fs::remove_dir_all(dir.0.join("rec")).unwrap();
    for round in 0..60 {
        change(&dir, &daemon, &mut client, round);
    }
    let log = daemon.log();
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("event=record_stopped")).collect();
    assert_eq!(warnings.len(), 1, "{log}");
    assert!(warnings[0].contains("level=warn") && warnings[0].contains("No such file"), "{warnings:?}");
}

#[test]
fn a_directory_that_cannot_be_written_to_ends_serve_with_one_sentence() {
    let dir = Scratch::new("unwritable");
    dir.write("list.txt", "192.0.2.0/24\n");
    let file = dir.write("a.toml", &config("127.0.0.1:0", ""));
    let record = dir.write("file", "").join("rec");
    let record = record.to_str().unwrap();
    let output = bgplite(&["serve", "--config", file.to_str().unwrap(), "--record", record]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "bgplite: cannot record to {record}: Not a directory (os error 20): name a directory that this user may \
             write to\n"
        )
    );
}
