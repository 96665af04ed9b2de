//! What the tests of the stores share.
#![allow(dead_code, reason = "each test target uses its part")]

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use bgplite_core::config::{AddressMatch, AsnMatch, PeerConfig, Subscription};
use bgplite_core::ids::{Asn, PeerId};
use bgplite_core::server::{PeerChange, PeerRecord, PeerState, StoreWrite};
use bgplite_host::store::Store;

/// A directory that is removed with the test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("bgplite-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A peer as somebody with a list, a country and two prefixes of his own registers it.
pub(crate) fn peer(id: u64, revision: u64) -> PeerRecord {
    let [_, b, c, d] = u32::try_from(id).unwrap().to_be_bytes();
    let address: IpAddr = [10, b, c, d].into();
    let asn = AsnMatch::Is(Asn(64512 + u32::try_from(id % 1000).unwrap()));
    let mut config = PeerConfig::new(format!("peer-{id}"), AddressMatch::Prefix(address.into()), asn);
    config.subscription = Subscription {
        lists: vec!["cloudflare".into()],
        countries: vec!["DE".parse().unwrap()],
        prefixes: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        ..Subscription::feeds(["ru"])
    };
    PeerRecord {
        id: PeerId(id),
        revision,
        state: PeerState::Approved,
        created_unix_secs: 1_700_000_000,
        changed_unix_secs: 1_700_000_000 + revision,
        description: format!("revision {revision}"),
        peer: config,
    }
}

pub(crate) fn put(store: &dyn Store, records: impl IntoIterator<Item = PeerRecord>) {
    let changes = records.into_iter().map(|record| PeerChange::Put(Box::new(record))).collect();
    store.write(&StoreWrite::Peers(changes)).unwrap();
}

pub(crate) fn forget(store: &dyn Store, id: u64) {
    store.write(&StoreWrite::Peers(vec![PeerChange::Forget(PeerId(id))])).unwrap();
}
