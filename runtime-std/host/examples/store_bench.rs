//! How many registrations a second the store takes, and how long one of ten thousand peers takes to open.
//!
//! `cargo run --release -p bgplite-host --example store_bench -- [sled|file] [DIR]`
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]
#![allow(clippy::cast_precision_loss, reason = "nobody reads the last digits")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bgplite_core::config::{AddressMatch, AsnMatch, PeerConfig, Subscription};
use bgplite_core::ids::{Asn, PeerId};
use bgplite_core::server::{PeerChange, PeerRecord, PeerState, StoreWrite};
use bgplite_host::store::{self, Store, StoreKind};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let kind = if arguments.next().as_deref() == Some("file") { StoreKind::File } else { StoreKind::Sled };
    let dir = arguments.next().map_or_else(
        || std::env::temp_dir().join(format!("bgplite-store-bench-{}", std::process::id())),
        PathBuf::from,
    );
    let store = store::open(kind, &dir).unwrap();
    let mut next = 0;
    for in_flight in [1, 64] {
        let (writes, took) = register(&*store, in_flight, &mut next);
        let peers = writes * in_flight;
        println!(
            "{in_flight:>2} in flight: {:.0} registrations a second, {:.2} ms a write",
            peers as f64 / took.as_secs_f64(),
            took.as_secs_f64() * 1000.0 / writes as f64
        );
    }
    while next < 10_000 {
        put(&*store, 64, &mut next);
    }
    let (writes, took) = register(&*store, 1, &mut next);
    println!(
        " 1 in flight beside {next} peers: {:.0} registrations a second",
        writes as f64 / took.as_secs_f64()
    );
    drop(store);
    for how in ["as it was left by a kill", "after a clean end"] {
        let started = Instant::now();
        let store = store::open(kind, &dir).unwrap();
        let loaded = store.load().unwrap();
        println!("open with {} peers, {how}: {:?}", loaded.records.peers.len(), started.elapsed());
        assert!(loaded.damaged.is_empty(), "{:?}", loaded.damaged);
        store.close().unwrap();
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Registers for some seconds: how many writes, and how long.
fn register(store: &dyn Store, in_flight: u64, next: &mut u64) -> (u64, Duration) {
    let started = Instant::now();
    let mut writes = 0;
    while started.elapsed() < Duration::from_secs(3) {
        put(store, in_flight, next);
        writes += 1;
    }
    (writes, started.elapsed())
}

fn put(store: &dyn Store, count: u64, next: &mut u64) {
    let changes = (*next..*next + count).map(|id| PeerChange::Put(Box::new(peer(id)))).collect();
    *next += count;
    store.write(&StoreWrite::Peers(changes)).unwrap();
}

fn peer(id: u64) -> PeerRecord {
    let [_, b, c, d] = (id as u32).to_be_bytes();
    let address = AddressMatch::Prefix(std::net::IpAddr::from([10, b, c, d]).into());
    let mut peer = PeerConfig::new(format!("peer-{id}"), address, AsnMatch::Is(Asn(65001)));
    peer.subscription = Subscription::feeds(["ru"]);
    peer.subscription.exclude = vec!["192.0.2.0/24".parse().unwrap()];
    PeerRecord {
        id: PeerId(id),
        revision: 1,
        state: PeerState::Approved,
        created_unix_secs: 1_700_000_000,
        changed_unix_secs: 1_700_000_000,
        description: String::new(),
        peer,
    }
}
