//! A received UPDATE: what was read, what was wrong with it, and what it means after that (RFC 7606).

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::{AfiSafi, AsPath, Attribute, AttributeFault, Community, LargeCommunity, Update};
use crate::ids::Asn;
use crate::rib::{Prefix4, Prefix6};

/// An UPDATE and what RFC 7606 makes of it. Read what it announces and withdraws from the methods: they know
/// of [`treat_as_withdraw`](Self::treat_as_withdraw), the fields of [`update`](Self::update) do not. Withdraw
/// first, announce then: a prefix in both is announced (RFC 4271 4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedUpdate {
    /// As it was sent, less the attributes that had a fault.
    pub update: Update,
    /// What was wrong with it, in the order of the message; at most [`MAX_FAULTS`](super::MAX_FAULTS).
    pub faults: Vec<AttributeFault>,
    /// Whether all that it announces is withdrawn instead.
    pub treat_as_withdraw: bool,
}

impl ReceivedUpdate {
    /// IPv4 prefixes announced.
    pub fn announced_v4(&self) -> &[Prefix4] {
        if self.treat_as_withdraw { &[] } else { &self.update.nlri }
    }

    /// IPv6 prefixes announced.
    pub fn announced_v6(&self) -> &[Prefix6] {
        if self.treat_as_withdraw { &[] } else { self.reach() }
    }

    /// IPv4 prefixes withdrawn.
    pub fn withdrawn_v4(&self) -> impl Iterator<Item = Prefix4> + '_ {
        let turned: &[Prefix4] = if self.treat_as_withdraw { &self.update.nlri } else { &[] };
        self.update.withdrawn.iter().chain(turned).copied()
    }

    /// IPv6 prefixes withdrawn.
    pub fn withdrawn_v6(&self) -> impl Iterator<Item = Prefix6> + '_ {
        let turned = if self.treat_as_withdraw { self.reach() } else { &[] };
        self.unreach().iter().chain(turned).copied()
    }

    /// The family whose first dump this ends (RFC 4724 section 2): the UPDATE is empty, or holds nothing but an
    /// empty MP_UNREACH_NLRI.
    pub fn end_of_rib(&self) -> Option<AfiSafi> {
        let Update { withdrawn, attributes, nlri } = &self.update;
        if !withdrawn.is_empty() || !nlri.is_empty() || !self.faults.is_empty() {
            return None;
        }
        match attributes.as_slice() {
            [] => Some(AfiSafi::IPV4_UNICAST),
            [Attribute::MpUnreach { prefixes }] if prefixes.is_empty() => Some(AfiSafi::IPV6_UNICAST),
            [Attribute::MpUnreachOther { family, data }] if data.is_empty() => Some(*family),
            _ => None,
        }
    }

    /// Next hop of the IPv4 prefixes.
    pub fn next_hop_v4(&self) -> Option<Ipv4Addr> {
        self.find(|attribute| match attribute {
            Attribute::NextHop(address) => Some(*address),
            _ => None,
        })
    }

    /// Next hop of the IPv6 prefixes: the global address.
    pub fn next_hop_v6(&self) -> Option<Ipv6Addr> {
        self.find(|attribute| match attribute {
            Attribute::MpReach { next_hop, .. } => Some(next_hop.global()),
            _ => None,
        })
    }

    /// Standard communities, in the order sent.
    pub fn communities(&self) -> &[Community] {
        self.find(|attribute| match attribute {
            Attribute::Communities(list) => Some(list.as_slice()),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// Large communities, in the order sent.
    pub fn large_communities(&self) -> &[LargeCommunity] {
        self.find(|attribute| match attribute {
            Attribute::LargeCommunities(list) => Some(list.as_slice()),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// AS_PATH as sent: over a session with ASNs of two octets it may hold AS_TRANS, and
    /// [`full_as_path`](Self::full_as_path) knows better.
    pub fn as_path(&self) -> Option<&AsPath> {
        self.find(|attribute| match attribute {
            Attribute::AsPath(path) => Some(path),
            _ => None,
        })
    }

    /// The path with ASNs of four octets, whatever the session has: AS_PATH, its end replaced by AS4_PATH where
    /// that came too. AS4_PATH counts for nothing when somebody aggregated since and did not know of it
    /// (RFC 6793 4.2.3).
    pub fn full_as_path(&self) -> Option<Cow<'_, AsPath>> {
        let path = self.as_path()?;
        let as4 = self.find(|attribute| match attribute {
            Attribute::As4Path(as4) => Some(as4),
            _ => None,
        });
        Some(match as4 {
            Some(as4) if !self.is_aggregated_since() => Cow::Owned(path.merged(as4)),
            _ => Cow::Borrowed(path),
        })
    }

    /// Whether AGGREGATOR and AS4_AGGREGATOR are there, and the former is not the latter's stand-in.
    fn is_aggregated_since(&self) -> bool {
        let aggregator = self.find(|attribute| match attribute {
            Attribute::Aggregator { asn, .. } => Some(*asn),
            _ => None,
        });
        let as4 = self.find(|attribute| matches!(attribute, Attribute::As4Aggregator { .. }).then_some(()));
        as4.is_some() && aggregator.is_some_and(|asn| asn != Asn::TRANS)
    }

    fn reach(&self) -> &[Prefix6] {
        self.find(|attribute| match attribute {
            Attribute::MpReach { prefixes, .. } => Some(prefixes.as_slice()),
            _ => None,
        })
        .unwrap_or_default()
    }

    fn unreach(&self) -> &[Prefix6] {
        self.find(|attribute| match attribute {
            Attribute::MpUnreach { prefixes } => Some(prefixes.as_slice()),
            _ => None,
        })
        .unwrap_or_default()
    }

    fn find<'a, T>(&'a self, pick: impl FnMut(&'a Attribute) -> Option<T>) -> Option<T> {
        self.update.attributes.iter().find_map(pick)
    }
}
