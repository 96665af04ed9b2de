//! What every route of a message has in common.

use alloc::vec::Vec;

use super::WireProfile;
use crate::rib::TagSet;
use crate::wire::{AsPath, Attribute, Origin, WireParams};

/// Everything but MP_REACH_NLRI, in ascending order of type, in at most `room` octets: communities that find no
/// room are left out, large ones first, for a route without a tag is better than none.
pub(super) fn attributes(profile: &WireProfile, mp: bool, tags: &TagSet, room: usize) -> Vec<u8> {
    let params = WireParams { as4: profile.as4, extended: false };
    let path = if profile.ibgp { AsPath::default() } else { AsPath::sequence(&[profile.local_as]) };
    // RFC 6793 4.2.2: who knows no four-octet numbers sees AS_TRANS, and passes on AS4_PATH.
    let is_translated = profile.local_as.0 > u32::from(u16::MAX) && !profile.as4 && !profile.ibgp;
    let mut as4_path = Vec::new();
    if is_translated {
        Attribute::As4Path(path.clone()).encode(params, &mut as4_path);
    }

    let mut out = Vec::new();
    let mut put = |attribute: Attribute| attribute.encode(params, &mut out);
    put(Attribute::Origin(Origin::Igp));
    put(Attribute::AsPath(path));
    if let (false, Some(next_hop)) = (mp, profile.next_hop_v4) {
        put(Attribute::NextHop(next_hop));
    }
    if profile.ibgp {
        put(Attribute::LocalPref(DEFAULT_LOCAL_PREF));
    }
    let standard = fitting(tags.standard(), 4, room.saturating_sub(out.len() + as4_path.len()));
    if !standard.is_empty() {
        Attribute::Communities(standard.to_vec()).encode(params, &mut out);
    }
    out.extend(as4_path);
    let large = fitting(tags.large(), 12, room.saturating_sub(out.len()));
    if !large.is_empty() {
        Attribute::LargeCommunities(large.to_vec()).encode(params, &mut out);
    }
    out
}

/// As many communities of `octets` each as an attribute of at most `room` octets holds.
fn fitting<T>(communities: &[T], octets: usize, room: usize) -> &[T] {
    // Flags, type, and at most two octets of length.
    let most = room.saturating_sub(4) / octets;
    communities.get(..most).unwrap_or(communities)
}

/// What everybody else sends inside of an AS.
const DEFAULT_LOCAL_PREF: u32 = 100;
