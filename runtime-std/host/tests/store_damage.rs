//! A hundred damaged stores: each opens in time with every peer that it had, or is refused with the way on. Each in a
//! process of its own: what the database's library leaves behind ends with it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bgplite_core::ids::Serial;
use bgplite_core::rng::Rng;
use bgplite_core::server::{PeerChange, PeerRecord, SourceRecord, StoreWrite, Validators};
use bgplite_host::store::{self, SledStore, Store as _, StoreKind};

#[path = "store/common.rs"]
mod common;

use common::{Scratch, forget, peer, put};

const PEERS: u64 = 200;

/// A peer; one has so many prefixes that the database keeps it in a file of its own.
fn registered(id: u64, revision: u64) -> PeerRecord {
    let mut record = peer(id, revision);
    if id == 50 {
        let prefixes =
            (0..20_000_u32).map(|index| IpAddr::from((0x0B00_0000 + (index << 4)).to_be_bytes()).into());
        record.peer.subscription.prefixes = prefixes.collect();
    }
    record
}

/// A store that was used for a while and then killed: some of it is in the export, some only in the journal.
fn make(dir: &Path) {
    let store = SledStore::open(dir).unwrap();
    put(&store, (1..=PEERS / 4).map(|id| registered(id, 1)));
    for id in PEERS / 4 + 1..=PEERS / 2 {
        put(&store, [registered(id, 1)]);
    }
    let (validators, body) = (Validators::default(), b"192.0.2.0/24\n"[..].into());
    let record = SourceRecord { name: "ru".into(), serial: Serial(1), unix_secs: 1, validators, body };
    store.write(&StoreWrite::Source(record)).unwrap();
    store.close().unwrap();
    drop(store);
    let store = SledStore::open(dir).unwrap();
    for id in PEERS / 2 + 1..=PEERS {
        put(&store, [registered(id, 1)]);
    }
    put(&store, [registered(1, 2)]);
    forget(&store, 2);
}

/// How one case is damaged.
struct Damage {
    /// Relative to the state directory; one or two.
    files: Vec<PathBuf>,
    how: &'static str,
}

impl Damage {
    /// Whether it may be that nothing is left to go on from: database and copies are both hit.
    fn may_be_lost(&self) -> bool {
        let hits = |is: fn(&str) -> bool| self.files.iter().any(|file| is(file.to_str().unwrap()));
        hits(|file| file.starts_with("store/")) && hits(|file| file == "store.json" || file == "store.log")
    }
}

fn damage(dir: &Path, rng: &mut Rng) -> Damage {
    let mut files: Vec<PathBuf> = walk(dir, Path::new(""));
    // Bodies have a test of their own, and the lock holds nothing.
    files.retain(|file| file != Path::new("lock") && !file.starts_with("source"));
    let mut pick = |rng: &mut Rng| files.swap_remove(rng.below(files.len() as u64) as usize);
    let mut hit = vec![pick(rng)];
    if rng.below(4) == 0 {
        hit.push(pick(rng));
    }
    let how = ["flip", "flip", "truncate", "zero", "delete"][rng.below(5) as usize];
    for file in &hit {
        let path = dir.join(file);
        let mut bytes = fs::read(&path).unwrap();
        match how {
            "delete" => {
                fs::remove_file(path).unwrap();
                continue;
            }
            "truncate" => bytes.truncate(rng.below(bytes.len() as u64 + 1) as usize),
            "zero" if !bytes.is_empty() => {
                let from = rng.below(bytes.len() as u64) as usize;
                let to = bytes.len().min(from + 4096);
                bytes[from..to].fill(0);
            }
            _ => {
                for _ in 0..=rng.below(8) {
                    if !bytes.is_empty() {
                        // Most of a database's file is empty: where something is, it hurts.
                        let used: usize = bytes.iter().rposition(|&byte| byte != 0).map_or(1, |at| at + 1);
                        bytes[rng.below(used as u64) as usize] ^= 1 << rng.below(8);
                    }
                }
            }
        }
        fs::write(path, bytes).unwrap();
    }
    Damage { files: hit, how }
}

fn walk(root: &Path, below: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut entries: Vec<_> =
        fs::read_dir(root.join(below)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    entries.sort();
    for name in entries {
        let path = below.join(name);
        if root.join(&path).is_dir() { files.extend(walk(root, &path)) } else { files.push(path) }
    }
    files
}

fn copy(from: &Path, to: &Path) {
    for file in walk(from, Path::new("")) {
        fs::create_dir_all(to.join(&file).parent().unwrap()).unwrap();
        fs::copy(from.join(&file), to.join(&file)).unwrap();
    }
}

/// Not a test of its own: what the children of the next test do. Opens the store, twice, and says what is in it.
#[test]
fn child_opens_a_damaged_store() {
    let Some(dir) = std::env::var_os("BGPLITE_TEST_DAMAGED") else {
        return;
    };
    let dir = PathBuf::from(dir);
    let mut said = Vec::new();
    for _ in 0..2 {
        let started = Instant::now();
        match SledStore::open(&dir) {
            Ok(store) => {
                let loaded = store.load().unwrap();
                let peers: BTreeMap<u64, u64> =
                    loaded.records.peers.iter().map(|record| (record.id.0, record.revision)).collect();
                let is_whole = loaded
                    .records
                    .peers
                    .iter()
                    .all(|record| *record == registered(record.id.0, record.revision));
                let is_all = peers.len() as u64 == PEERS - 1
                    && peers
                        .iter()
                        .all(|(&id, &revision)| id != 2 && revision == if id == 1 { 2 } else { 1 });
                let verdict = if is_whole && is_all { "all" } else { "some" };
                said.push(format!("{verdict} {} {:?}", peers.len(), loaded.damaged));
                // It works on.
                put(&store, [registered(1, 2)]);
                store.close().unwrap();
            }
            Err(error) => said.push(format!("refused {error}")),
        }
        said.push(started.elapsed().as_millis().to_string());
    }
    fs::write(dir.with_extension("said"), said.join("\n")).unwrap();
}

#[test]
fn a_hundred_damaged_stores_open_in_time_with_all_peers_or_are_refused_with_the_way_on() {
    let scratch = Scratch::new("damage");
    let template = scratch.0.join("template");
    make(&template);
    let next = AtomicU64::new(0);
    let outcomes = Mutex::new(BTreeMap::<&str, usize>::new());
    let slowest = Mutex::new(Duration::ZERO);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let case = next.fetch_add(1, Ordering::Relaxed);
                    if case >= CASES {
                        return;
                    }
                    let (outcome, took) = run(&scratch.0, &template, case);
                    *outcomes.lock().unwrap().entry(outcome).or_default() += 1;
                    let mut slowest = slowest.lock().unwrap();
                    *slowest = took.max(*slowest);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    println!("{outcomes:?}, slowest {:?}", slowest.into_inner().unwrap());
    assert!(outcomes["unhurt"] > 0 && outcomes["restored"] > 10, "{outcomes:?}");
}

/// Damages a copy and has it opened in another process: what came of it, and how long the slower open took.
fn run(scratch: &Path, template: &Path, case: u64) -> (&'static str, Duration) {
    let dir = scratch.join(format!("case-{case}"));
    copy(template, &dir);
    let damage = damage(&dir, &mut Rng::new(case));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_opens_a_damaged_store", "--nocapture"])
        .env("BGPLITE_TEST_DAMAGED", &dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    child.wait().unwrap();
    let context = format!("case {case}: {} of {:?}", damage.how, damage.files);
    let said = fs::read_to_string(dir.with_extension("said"))
        .unwrap_or_else(|_| panic!("{context}: it never came back\n{errors}"));
    assert!(!errors.contains("panicked"), "{context}: {errors}");
    let lines: Vec<&str> = said.lines().collect();
    let [first, took, again, took_again] = lines[..] else { panic!("{context}: {said}") };
    let millis = |text: &str| Duration::from_millis(text.parse().unwrap());
    let slower = millis(took).max(millis(took_again));
    assert!(slower < Duration::from_secs(15), "{context}: {said}");
    let outcome = if first.starts_with("all") {
        assert!(
            again.starts_with("all") && again.ends_with("[]"),
            "{context}: once restored it is whole: {said}"
        );
        if first.ends_with("[]") { "unhurt" } else { "restored" }
    } else if first.starts_with("refused") {
        assert!(damage.may_be_lost(), "{context}: {said}");
        assert!(first.contains("bgplite store import FILE"), "{context}: {said}");
        assert!(again.starts_with("refused"), "{context}: {said}");
        "refused"
    } else {
        // Those of the export are there, and it says that others may be missing.
        assert!(damage.may_be_lost(), "{context}: {said}");
        let count: u64 = first.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(count >= PEERS / 2 - 1 && first.contains("store.log is"), "{context}: {said}");
        "restored in part"
    };
    fs::remove_dir_all(&dir).unwrap();
    (outcome, slower)
}

#[test]
fn a_store_whose_journal_ends_in_the_middle_of_a_line_has_all_that_its_database_has() {
    let dir = Scratch::new("journal");
    let store = SledStore::open(&dir.0).unwrap();
    put(&store, [peer(1, 1)]);
    put(&store, [peer(2, 1)]);
    drop(store);
    let log = dir.0.join("store.log");
    let whole = fs::read(&log).unwrap();
    assert!(whole.len() > 700, "{} octets", whole.len());
    fs::write(&log, &whole[..whole.len() - 7]).unwrap();
    let loaded = SledStore::open(&dir.0).unwrap().load().unwrap();
    assert_eq!((loaded.records.peers, loaded.damaged), (vec![peer(1, 1), peer(2, 1)], vec![]));
}

#[test]
fn at_most_three_damaged_databases_are_kept() {
    let dir = Scratch::new("aside");
    put(&*store::open(StoreKind::Sled, &dir.0).unwrap(), [peer(1, 1)]);
    for _ in 0..5 {
        fs::write(dir.0.join("store/db"), "nothing that a library would know").unwrap();
        let loaded = SledStore::open(&dir.0).unwrap().load().unwrap();
        assert_eq!(loaded.records.peers, [peer(1, 1)]);
        assert_eq!(loaded.damaged.len(), 1, "{:?}", loaded.damaged);
    }
    let names: Vec<String> = walk(&dir.0, Path::new(""))
        .iter()
        .filter_map(|file| Some(file.parent()?.file_name()?.to_str()?.to_owned()))
        .filter(|name| name.starts_with("store.damaged-"))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(names, ["store.damaged-3", "store.damaged-4", "store.damaged-5"]);
}

/// Not a test of its own: what the child of the next test does, whose files cannot grow beyond some size.
#[test]
fn child_writes_until_the_disk_is_full() {
    let Some(dir) = std::env::var_os("BGPLITE_TEST_FULL") else {
        return;
    };
    let dir = PathBuf::from(dir);
    let store = SledStore::open(&dir).unwrap();
    let write = |id: u64| {
        let mut record = registered(50, 1);
        record.id.0 = id;
        store.write(&StoreWrite::Peers(vec![PeerChange::Put(Box::new(record))]))
    };
    let mut acknowledged = Vec::new();
    let mut refused = Vec::new();
    for id in 1..=60 {
        match write(id) {
            Ok(()) => acknowledged.push(id.to_string()),
            Err(error) => refused.push(error.to_string()),
        }
    }
    assert!(refused.iter().all(|error| error.contains("File too large")), "{refused:?}");
    fs::write(dir.join("acknowledged"), format!("{} {}", refused.len(), acknowledged.join(" "))).unwrap();
}

#[test]
fn a_disk_that_is_full_refuses_writes_and_loses_none_that_it_took() {
    let dir = Scratch::new("full");
    // Beyond 4 MB, as a full disk does, every file says no.
    let script =
        "trap '' XFSZ; ulimit -f 8192; exec \"$0\" --exact child_writes_until_the_disk_is_full --nocapture";
    let started = Instant::now();
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("BGPLITE_TEST_FULL", &dir.0)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !errors.contains("panicked"), "{errors}");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    let said = fs::read_to_string(dir.0.join("acknowledged")).unwrap();
    let (refused, acknowledged) = said.split_once(' ').unwrap();
    assert!(refused.parse::<usize>().unwrap() > 0, "it never was full");
    let store = SledStore::open(&dir.0).unwrap();
    let loaded = store.load().unwrap();
    let kept: Vec<u64> = loaded.records.peers.iter().map(|record| record.id.0).collect();
    for id in acknowledged.split(' ') {
        assert!(
            kept.contains(&id.parse().unwrap()),
            "{id} of {acknowledged}: kept {kept:?}, {:?}",
            loaded.damaged
        );
    }
    put(&store, [peer(1, 2)]);
}

const CASES: u64 = 100;
/// Most of them wait.
const AT_ONCE: usize = 12;
