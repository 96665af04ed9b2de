//! Claims about what survives: a reopen, a kill, a damaged file, a second process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bgplite_core::ids::Serial;
use bgplite_core::server::{SourceRecord, StoreWrite, Validators};
use bgplite_host::store::{MemStore, SledStore, Store, StoreError};

#[path = "store/common.rs"]
mod common;

use common::Scratch;

fn record(name: &str, serial: u64, body: &str) -> SourceRecord {
    SourceRecord {
        name: name.into(),
        serial: Serial(serial),
        unix_secs: 1_700_000_000 + serial,
        validators: Validators::default(),
        body: Arc::from(body.as_bytes()),
    }
}

fn write(store: &dyn Store, record: &SourceRecord) {
    store.write(&StoreWrite::Source(record.clone())).unwrap();
}

fn bodies(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(dir.join("source")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn what_was_written_is_there_after_a_reopen() {
    let dir = Scratch::new("reopen");
    let old = record("ru", 1, "192.0.2.0/24\n");
    let new = record("ru", 2, "198.51.100.0/24\n");
    let other = record("ru.v6", 1, "2001:db8::/32\n");
    let store = SledStore::open(&dir.0).unwrap();
    assert_eq!(store.load().unwrap().records.sources, []);
    for record in [&old, &other, &new] {
        write(&store, record);
    }
    assert_eq!(store.load().unwrap().records.sources, [new.clone(), other.clone()]);
    store.close().unwrap();
    let refused = store.write(&StoreWrite::Source(old.clone())).unwrap_err();
    assert!(matches!(refused, StoreError::Closed));
    drop(store);

    let loaded = SledStore::open(&dir.0).unwrap().load().unwrap();
    assert_eq!(loaded.records.sources, [new, other]);
    assert_eq!(loaded.damaged, [""; 0]);
    assert_eq!(bodies(&dir.0).len(), 2, "the old body is removed");
}

#[test]
fn the_store_in_memory_answers_like_the_one_on_disk() {
    let store = MemStore::default();
    write(&store, &record("b", 1, "x"));
    write(&store, &record("a", 1, "y"));
    write(&store, &record("b", 2, "z"));
    assert_eq!(store.load().unwrap().records.sources, [record("a", 1, "y"), record("b", 2, "z")]);
}

#[test]
fn a_second_server_on_the_same_directory_is_refused() {
    let dir = Scratch::new("second");
    let _first = SledStore::open(&dir.0).unwrap();
    let error = SledStore::open(&dir.0).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("another bgplite uses the state directory {}: stop it or change state.dir", dir.0.display())
    );
}

#[test]
fn a_damaged_body_is_named_and_skipped() {
    let dir = Scratch::new("damaged");
    let good = record("good", 1, "192.0.2.0/24\n");
    let store = SledStore::open(&dir.0).unwrap();
    write(&store, &good);
    write(&store, &record("bad", 1, "198.51.100.0/24\n"));
    write(&store, &record("gone", 1, "203.0.113.0/24\n"));
    store.close().unwrap();
    drop(store);
    let [bad, gone, _] = &bodies(&dir.0)[..] else { panic!("three bodies") };
    fs::write(bad, "198.51.100.0/25\n").unwrap();
    fs::remove_file(gone).unwrap();

    let loaded = SledStore::open(&dir.0).unwrap().load().unwrap();
    assert_eq!(loaded.records.sources, [good]);
    let told = [
        format!("the kept body of source \"bad\", {}, is damaged; it is fetched anew", bad.display()),
        format!(
            "the kept body of source \"gone\", {}, cannot be read (No such file or directory (os error 2)); it is \
             fetched anew",
            gone.display()
        ),
    ];
    assert_eq!(loaded.damaged, told);
}

#[test]
fn a_database_that_opens_empty_is_filled_from_its_export() {
    let dir = Scratch::new("export");
    let kept = record("ru", 7, "192.0.2.0/24\n");
    let store = SledStore::open(&dir.0).unwrap();
    write(&store, &kept);
    store.close().unwrap();
    drop(store);
    fs::remove_dir_all(dir.0.join("store")).unwrap();

    let store = SledStore::open(&dir.0).unwrap();
    let loaded = store.load().unwrap();
    assert_eq!(loaded.records.sources, std::slice::from_ref(&kept));
    assert_eq!(loaded.damaged.len(), 1, "{:?}", loaded.damaged);
    store.close().unwrap();
    drop(store);
    // From then on the database has it again.
    let loaded = SledStore::open(&dir.0).unwrap().load().unwrap();
    assert_eq!((loaded.records.sources, loaded.damaged), (vec![kept], Vec::new()));
}

#[test]
fn a_directory_that_cannot_be_made_is_one_sentence_with_the_remedy() {
    let dir = Scratch::new("unwritable");
    fs::create_dir_all(&dir.0).unwrap();
    let file = dir.0.join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("state");
    let error = SledStore::open(&below).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "cannot write to the state directory {}: Not a directory (os error 20); let this user write there, or \
             change state.dir",
            below.display()
        )
    );
}

#[test]
fn a_name_that_is_a_path_is_refused() {
    let dir = Scratch::new("name");
    let store = SledStore::open(&dir.0).unwrap();
    for name in ["../escape", "a/b", ".hidden", "", "a\0b", "@../a"] {
        let error = store.write(&StoreWrite::Source(record(name, 1, "x"))).unwrap_err();
        assert!(matches!(error, StoreError::Name(_)), "{name:?}: {error}");
    }
    assert!(bodies(&dir.0).is_empty());
}

/// Not a test of its own: what the child of the next test does, over and over, until it is killed. It says a
/// number only when the write of that number was acknowledged.
#[test]
fn child_writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os("BGPLITE_TEST_STORE") else {
        return;
    };
    let dir = PathBuf::from(dir);
    let store = SledStore::open(&dir).unwrap();
    let first = store.load().unwrap().records.sources.first().map_or(1, |record| record.serial.0 + 1);
    for serial in first.. {
        write(&store, &record("ru", serial, &format!("body {serial}\n").repeat(1000)));
        let acknowledged = dir.join("acknowledged");
        let temporary = dir.join("acknowledged.new");
        fs::write(&temporary, serial.to_string()).unwrap();
        fs::rename(temporary, acknowledged).unwrap();
    }
}

#[test]
fn a_killed_process_has_lost_no_write_that_it_acknowledged() {
    let dir = Scratch::new("kill");
    fs::create_dir_all(&dir.0).unwrap();
    let mut seen = 0;
    for round in 0..10 {
        let mut child = spawn_writer(&dir.0);
        let deadline = Instant::now() + Duration::from_secs(20);
        while acknowledged(&dir.0) <= seen {
            assert!(Instant::now() < deadline, "the writer does not write");
            std::thread::sleep(Duration::from_millis(2));
        }
        // Another moment of its work in each round.
        std::thread::sleep(Duration::from_millis(round * 7));
        child.kill().unwrap();
        child.wait().unwrap();
        seen = acknowledged(&dir.0);
        let store = SledStore::open(&dir.0).unwrap();
        let loaded = store.load().unwrap();
        assert_eq!(loaded.damaged, [""; 0]);
        let [kept] = &loaded.records.sources[..] else { panic!("{:?}", loaded.records.sources) };
        // The one after it may have been written and not acknowledged.
        assert!((seen..=seen + 1).contains(&kept.serial.0), "acknowledged {seen}, kept {}", kept.serial);
        assert_eq!(*kept.body, *format!("body {}\n", kept.serial).repeat(1000).as_bytes());
        store.close().unwrap();
    }
}

fn spawn_writer(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_writes_until_it_is_killed"])
        .env("BGPLITE_TEST_STORE", dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn acknowledged(dir: &Path) -> u64 {
    fs::read_to_string(dir.join("acknowledged")).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
