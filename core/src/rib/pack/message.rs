//! One UPDATE message (RFC 4271 4.3) that is filled with prefixes until it is as long as it may be.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::WireProfile;
use super::attribute::attributes;
use crate::rib::merge::Run;
use crate::rib::{Bits, Family, TagSet};
use crate::wire::{AfiSafi, MessageKind, begin, code, flag};

/// A message of one set of attributes. Its fields that do not depend on the prefixes are written once.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// As long as the longest message, and a prefix more: each prefix is written in full width.
    buf: Vec<u8>,
    /// Where the next prefix goes.
    at: usize,
    /// Where the first one went.
    first: usize,
    /// Where the last one must end.
    limit: usize,
    /// What follows the prefixes.
    tail: Vec<u8>,
    kind: Kind,
}

/// Which fields tell the length of the prefixes.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// NLRI, whose length follows from the message's.
    Reach,
    /// Withdrawn Routes, behind their length.
    Unreach,
    /// MP_REACH_NLRI or MP_UNREACH_NLRI as the first attribute (RFC 7606 5.1), behind its length and that of all
    /// attributes.
    Multiprotocol,
}

impl Message {
    /// A message that announces routes with these tags. The profile serves the family.
    pub(super) fn announce<F: Family>(
        profile: &WireProfile,
        tags: Option<&Arc<TagSet>>,
        buffer: Vec<u8>,
    ) -> Self {
        let mut head = head(buffer);
        head.extend([0, 0, 0, 0]);
        let mp = F::AFI_SAFI != AfiSafi::IPV4_UNICAST;
        if mp {
            mp_header::<F>(&mut head, code::MP_REACH);
            next_hop_v6(&mut head, profile);
        }
        let room = max_len(profile).saturating_sub(head.len() + 1 + usize::from(F::MAX_LEN / 8));
        let attributes = attributes(profile, mp, tags.map_or(&TagSet::default(), |tags| tags), room);
        if mp {
            return Self::new(head, attributes, Kind::Multiprotocol, profile);
        }
        put_u16(&mut head, ATTRIBUTES_LEN, attributes.len());
        head.extend(attributes);
        Self::new(head, Vec::new(), Kind::Reach, profile)
    }

    /// A message that withdraws prefixes.
    pub(super) fn withdraw<F: Family>(profile: &WireProfile, buffer: Vec<u8>) -> Self {
        let mut head = head(buffer);
        if F::AFI_SAFI == AfiSafi::IPV4_UNICAST {
            head.extend([0, 0]);
            // No attributes.
            return Self::new(head, [0, 0].into(), Kind::Unreach, profile);
        }
        head.extend([0, 0, 0, 0]);
        mp_header::<F>(&mut head, code::MP_UNREACH);
        Self::new(head, Vec::new(), Kind::Multiprotocol, profile)
    }

    fn new(head: Vec<u8>, tail: Vec<u8>, kind: Kind, profile: &WireProfile) -> Self {
        let first = head.len();
        let mut buf = head;
        buf.resize(max_len(profile) + MAX_PREFIX_OCTETS, 0);
        Self { buf, at: first, first, limit: max_len(profile).saturating_sub(tail.len()), tail, kind }
    }

    /// Octets so far.
    pub(super) const fn len(&self) -> usize {
        self.at + self.tail.len()
    }

    /// Its allocation.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buf
    }

    /// Adds prefixes; each time the message is full it goes to `out` and begins anew.
    pub(super) fn fill<F: Family>(&mut self, run: &Run<'_, F>, out: &mut Vec<u8>) {
        let width = 1 + size_of::<<F::Bits as Bits>::Octets>();
        let mut at = self.at;
        for (&bits, &len) in run.bits.iter().zip(run.lens) {
            let end = at + 1 + usize::from(len.div_ceil(8));
            let start = if end > self.limit {
                self.at = at;
                self.flush(out);
                self.at
            } else {
                at
            };
            // RFC 4271 4.3: only the octets that the length needs. What is written beyond them is overwritten.
            if let Some((first, rest)) =
                self.buf.get_mut(start..start + width).and_then(|field| field.split_first_mut())
            {
                *first = len;
                rest.copy_from_slice(bits.to_octets().as_ref());
            }
            at = end - at + start;
        }
        self.at = at;
    }

    /// Sends what there is to `out` and begins anew. A message without prefixes is none.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        if self.at == self.first {
            return;
        }
        let end = self.len();
        if let Some(field) = self.buf.get_mut(self.at..end) {
            field.copy_from_slice(&self.tail);
        }
        put_u16(&mut self.buf, MESSAGE_LEN, end);
        match self.kind {
            Kind::Reach => {}
            Kind::Unreach => put_u16(&mut self.buf, WITHDRAWN_LEN, self.at - (WITHDRAWN_LEN + 2)),
            Kind::Multiprotocol => {
                put_u16(&mut self.buf, ATTRIBUTES_LEN, end - (ATTRIBUTES_LEN + 2));
                put_u16(&mut self.buf, MP_LEN, self.at - (MP_LEN + 2));
            }
        }
        out.extend_from_slice(self.buf.get(..end).unwrap_or_default());
        self.at = self.first;
    }
}

// Where the lengths stand: header 19 octets, then withdrawn routes, then attributes.
const MESSAGE_LEN: usize = 16;
const WITHDRAWN_LEN: usize = 19;
const ATTRIBUTES_LEN: usize = 21;
/// Behind flags and type of the first attribute.
const MP_LEN: usize = 25;

/// The longest prefix: its length and an IPv6 address.
const MAX_PREFIX_OCTETS: usize = 17;

/// All attributes without communities and one prefix fit this. No peer negotiates less than 4096.
const MIN_MAX_LEN: usize = 128;

fn max_len(profile: &WireProfile) -> usize {
    profile.max_len.clamp(MIN_MAX_LEN, usize::from(u16::MAX))
}

/// The header, its length still open, in a used allocation.
fn head(mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.clear();
    begin(&mut buffer, MessageKind::Update);
    buffer
}

/// The first attribute as far as the family, its length still open.
fn mp_header<F: Family>(head: &mut Vec<u8>, attribute: u8) {
    head.extend([flag::OPTIONAL | flag::EXTENDED_LENGTH, attribute, 0, 0]);
    head.extend(F::AFI_SAFI.afi.to_be_bytes());
    head.push(F::AFI_SAFI.safi);
}

/// Next hop behind its length, and the reserved octet (RFC 4760 section 3, RFC 2545 section 3).
fn next_hop_v6(head: &mut Vec<u8>, profile: &WireProfile) {
    let global = profile.next_hop_v6.map_or([0; 16], |global| global.octets());
    head.push(if profile.link_local.is_some() { 32 } else { 16 });
    head.extend(global);
    head.extend(profile.link_local.iter().flat_map(Ipv6Addr::octets));
    head.push(0);
}

fn put_u16(buf: &mut [u8], at: usize, value: usize) {
    if let Some(field) = buf.get_mut(at..at + 2) {
        field.copy_from_slice(&(value as u16).to_be_bytes());
    }
}
