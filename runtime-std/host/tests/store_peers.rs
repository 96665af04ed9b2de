//! Claims about peers and feeds in a store: what is kept, what is taken out and put back, and when.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bgplite_core::config::Aggregate;
use bgplite_core::feed::{FeedPart, FeedTable, parse_lines};
use bgplite_core::ids::{FeedId, Serial};
use bgplite_core::server::{FeedRecord, FeedVersion, SourceRecord, StoreWrite, Validators};
use bgplite_host::store::{self, Counts, FileStore, MemStore, SledStore, Store, StoreError, StoreKind};

#[path = "store/common.rs"]
mod common;

use common::{Scratch, forget, peer, put};

fn feed(serial: u64, prefix: &str) -> FeedRecord {
    let list = parse_lines(format!("{prefix}\n").as_bytes());
    let part = FeedPart { set4: &list.v4, set6: &list.v6, tags: Arc::default() };
    let table = FeedTable::build(FeedId(9), Serial(serial), &[part], Aggregate::Off);
    let version = FeedVersion { serial: Serial(serial), unix_secs: 1_700_000_000, v4: 1, v6: 0, back: None };
    FeedRecord { name: "ru".into(), table: Arc::new(table), versions: vec![version], is_pinned: false }
}

fn source(serial: u64) -> SourceRecord {
    SourceRecord {
        name: "@as13335".into(),
        serial: Serial(serial),
        unix_secs: 1_700_000_000,
        validators: Validators { etag: Some("\"33a64df5\"".into()), last_modified: None },
        body: Arc::from(format!("10.0.{serial}.0/24\n").as_bytes()),
    }
}

/// Everything that is written in the tests below; peer 2 is changed, peer 3 forgotten.
fn fill(store: &dyn Store) {
    put(store, [peer(1, 1), peer(2, 1), peer(3, 1)]);
    store.write(&StoreWrite::Source(source(1))).unwrap();
    store.write(&StoreWrite::Feed(feed(1, "192.0.2.0/24"))).unwrap();
    put(store, [peer(2, 2), peer(2, 3)]);
    forget(store, 3);
    store.write(&StoreWrite::Source(source(2))).unwrap();
    store.write(&StoreWrite::Feed(feed(2, "198.51.100.0/24"))).unwrap();
}

#[track_caller]
fn assert_filled(store: &dyn Store) {
    let loaded = store.load().unwrap();
    assert_eq!(loaded.damaged, [""; 0]);
    assert_eq!(loaded.records.peers, [peer(1, 1), peer(2, 3)]);
    assert_eq!(loaded.records.sources, [source(2)]);
    let [kept] = &loaded.records.feeds[..] else { panic!("{:?}", loaded.records.feeds) };
    let wanted = feed(2, "198.51.100.0/24");
    assert!(kept.table.same_routes(&wanted.table));
    assert_eq!((&kept.versions, kept.table.serial()), (&wanted.versions, Serial(2)));
}

#[test]
fn every_store_keeps_peers_sources_and_feeds() {
    let memory = MemStore::default();
    fill(&memory);
    assert_filled(&memory);
    for kind in [StoreKind::Sled, StoreKind::File] {
        let dir = Scratch::new(&format!("kinds-{kind:?}"));
        let store = store::open(kind, &dir.0).unwrap();
        fill(&*store);
        assert_filled(&*store);
        store.close().unwrap();
        drop(store);
        let store = store::open(kind, &dir.0).unwrap();
        assert_filled(&*store);
        drop(store);
        let bodies = |name| fs::read_dir(dir.0.join(name)).unwrap().count();
        assert_eq!((bodies("source"), bodies("feed")), (1, 1), "old bodies are removed");
    }
}

#[test]
fn either_store_on_disk_goes_on_from_what_the_other_one_left() {
    let dir = Scratch::new("other");
    let sled = SledStore::open(&dir.0).unwrap();
    fill(&sled);
    // Without an export of the last writes.
    drop(sled);
    let file = FileStore::open(&dir.0).unwrap();
    assert_filled(&file);
    put(&file, [peer(9, 1)]);
    drop(file);
    let sled = SledStore::open(&dir.0).unwrap();
    assert_eq!(sled.load().unwrap().records.peers, [peer(1, 1), peer(2, 3), peer(9, 1)]);
}

#[test]
fn a_directory_in_use_is_refused_by_every_store_and_command() {
    let dir = Scratch::new("in-use");
    let _store = FileStore::open(&dir.0).unwrap();
    let said =
        format!("another bgplite uses the state directory {}: stop it or change state.dir", dir.0.display());
    let file = dir.0.join("export.json");
    store::export_to(&dir.0, &file).map(drop).unwrap_err();
    fs::write(&file, "{\"version\":2,\"generation\":1,\"content\":{}}").unwrap();
    for error in [
        SledStore::open(&dir.0).map(drop).unwrap_err(),
        FileStore::open(&dir.0).map(drop).unwrap_err(),
        store::check(&dir.0).map(drop).unwrap_err(),
        store::export(&dir.0, Vec::new()).map(drop).unwrap_err(),
        store::import(StoreKind::Sled, &dir.0, &file).map(drop).unwrap_err(),
    ] {
        assert_eq!(error.to_string(), said);
    }
}

#[test]
fn the_export_follows_within_seconds_and_the_journal_holds_the_rest() {
    let dir = Scratch::new("export-follows");
    let store = SledStore::open(&dir.0).unwrap();
    let text = |name: &str| fs::read_to_string(dir.0.join(name)).unwrap_or_default();
    put(&store, [peer(1, 1)]);
    assert!(!text("store.json").contains("peer-1"), "off the write path");
    assert!(text("store.log").contains("\"generation\":1,") && text("store.log").contains("peer-1"));
    let deadline = Instant::now() + Duration::from_secs(10);
    while !text("store.json").contains("peer-1") {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    while fs::exists(dir.0.join("store.log.1")).unwrap() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(text("store.log"), "", "the export has it");
}

#[test]
fn what_is_exported_is_imported_elsewhere() {
    let here = Scratch::new("from");
    let there = Scratch::new("to");
    let store = SledStore::open(&here.0).unwrap();
    fill(&store);
    store.close().unwrap();
    drop(store);
    let mut text = Vec::new();
    let (counts, missing) = store::export(&here.0, &mut text).unwrap();
    assert_eq!((counts, missing), (Counts { peers: 2, sources: 1, feeds: 1 }, vec![]));
    let file = here.0.join("e.json");
    assert_eq!(store::export_to(&here.0, &file).unwrap().0, counts);
    assert_eq!(fs::read(&file).unwrap(), text);
    assert!(
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()["content"]["peers"][1]["revision"] == 3
    );

    for kind in [StoreKind::Sled, StoreKind::File] {
        let other = store::open(kind, &there.0).unwrap();
        put(&*other, [peer(77, 1)]);
        drop(other);
        // The bodies are elsewhere: sources are fetched again.
        let (counts, missing) = store::import(kind, &there.0, &file).unwrap();
        assert_eq!((counts, missing.len()), (Counts { peers: 2, sources: 0, feeds: 0 }, 2));
        let other = store::open(kind, &there.0).unwrap();
        let loaded = other.load().unwrap();
        assert_eq!((loaded.records.peers, loaded.damaged), (vec![peer(1, 1), peer(2, 3)], vec![]));
    }
}

#[test]
fn an_import_that_is_wrong_anywhere_changes_nothing() {
    let dir = Scratch::new("bad-import");
    let store = SledStore::open(&dir.0).unwrap();
    fill(&store);
    store.close().unwrap();
    drop(store);
    let mut text = Vec::new();
    store::export(&dir.0, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let file = dir.0.join("bad.json");
    for (bad, said) in [
        (text.replace("peer-2", "peer-3"), "remove its \"hash\""),
        (text.replace("\"version\":2", "\"version\":9"), "its version is 9, and this program reads 2"),
        (text.replace("\"revision\":3", "\"revision\":-3"), "hash"),
        (text[..text.len() / 2].to_owned(), "EOF"),
        (
            "{\"version\":2,\"generation\":1,\"content\":{\"peers\":[{\"version\":1}]}}".to_owned(),
            "content.peers[0] is no record",
        ),
    ] {
        fs::write(&file, bad).unwrap();
        let error = store::import(StoreKind::Sled, &dir.0, &file).unwrap_err();
        assert!(matches!(error, StoreError::Import { .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    assert_filled(&SledStore::open(&dir.0).unwrap());
}

#[test]
fn check_says_what_is_there_and_what_is_damaged() {
    let dir = Scratch::new("check");
    let store = SledStore::open(&dir.0).unwrap();
    fill(&store);
    store.close().unwrap();
    drop(store);
    let report = store::check(&dir.0).unwrap();
    let wanted = [
        "store: 2 peers, 1 sources, 1 feeds, after 7 writes",
        "store.json: 2 peers, 1 sources, 1 feeds, after 7 writes",
        "store.log: 0 writes",
    ];
    assert_eq!((report.lines, report.is_damaged), (wanted.map(String::from).to_vec(), false));
    flip(&dir.0.join("store.json"), 300);
    let report = store::check(&dir.0).unwrap();
    assert!(report.is_damaged && !report.is_lost);
    assert!(report.lines[1].starts_with("store.json: damaged: "), "{:?}", report.lines);
    fs::remove_dir_all(dir.0.join("store")).unwrap();
    assert!(store::check(&dir.0).unwrap().is_lost);
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn where_neither_database_nor_copies_can_be_read_it_is_refused_with_the_way_on() {
    let dir = Scratch::new("lost");
    let store = SledStore::open(&dir.0).unwrap();
    fill(&store);
    store.close().unwrap();
    drop(store);
    flip(&dir.0.join("store.json"), 300);
    // The database alone is enough.
    let store = SledStore::open(&dir.0).unwrap();
    assert_filled(&store);
    store.close().unwrap();
    drop(store);
    let kept = dir.0.join("kept.json");
    fs::copy(dir.0.join("store.json"), &kept).unwrap();
    flip(&dir.0.join("store.json"), 300);
    fs::remove_dir_all(dir.0.join("store")).unwrap();
    let before = fs::read(dir.0.join("store.json")).unwrap();
    for _ in 0..2 {
        let error = SledStore::open(&dir.0).unwrap_err();
        assert!(matches!(error, StoreError::Lost { .. }));
        let way = format!("`bgplite store import FILE --dir {}`", dir.0.display());
        assert!(error.to_string().contains(&way), "{error}");
        assert!(!dir.0.join("store").exists() && fs::read(dir.0.join("store.json")).unwrap() == before);
    }
    store::import(StoreKind::Sled, &dir.0, &kept).unwrap();
    assert_filled(&SledStore::open(&dir.0).unwrap());
}
