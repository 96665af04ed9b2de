//! Counts what a peer announces, to limit it. Nothing it says is kept or used.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::Asn;
use crate::rib::{Bits, Family, Prefix};
use crate::wire::ReceivedUpdate;

/// The distinct prefixes a peer has announced and not withdrawn, as 32-bit fingerprints: four bytes each, at
/// most `limit` of them. Two prefixes with one fingerprint count once, which errs in the peer's favour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Inbound {
    limit: usize,
    salt: u64,
    fingerprints: Vec<u32>,
}

impl Inbound {
    pub(super) const fn new(limit: u32, salt: u64) -> Self {
        Self { limit: limit as usize, salt, fingerprints: Vec::new() }
    }

    /// Takes in an UPDATE; `false` when the peer is over its limit.
    ///
    /// Routes that have been through our AS count for nothing (RFC 4271 9.1.2): a client that sends our own feed
    /// back, as FRR does unless told otherwise, does no harm.
    pub(super) fn count(&mut self, update: &ReceivedUpdate, local_as: Asn) -> bool {
        for prefix in update.withdrawn_v4() {
            self.remove(self.fingerprint(prefix));
        }
        for prefix in update.withdrawn_v6() {
            self.remove(self.fingerprint(prefix));
        }
        if update.full_as_path().is_some_and(|path| path.asns().any(|asn| asn == local_as)) {
            return true;
        }
        update.announced_v4().iter().all(|&prefix| self.insert(self.fingerprint(prefix)))
            && update.announced_v6().iter().all(|&prefix| self.insert(self.fingerprint(prefix)))
    }

    /// `false` when there is no room.
    fn insert(&mut self, fingerprint: u32) -> bool {
        match self.fingerprints.binary_search(&fingerprint) {
            Ok(_) => true,
            Err(_) if self.fingerprints.len() >= self.limit => false,
            Err(at) => {
                self.fingerprints.insert(at, fingerprint);
                true
            }
        }
    }

    fn remove(&mut self, fingerprint: u32) {
        if let Ok(at) = self.fingerprints.binary_search(&fingerprint) {
            self.fingerprints.remove(at);
        }
    }

    /// FNV-1a over a salt that the peer cannot know, the address and the length.
    fn fingerprint<F: Family>(&self, prefix: Prefix<F>) -> u32 {
        let octets = prefix.bits().to_octets();
        let mut hash = self.salt ^ 0xCBF2_9CE4_8422_2325;
        for &byte in octets.as_ref().iter().chain(&[prefix.len(), F::MAX_LEN]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        (hash ^ (hash >> 32)) as u32
    }
}
