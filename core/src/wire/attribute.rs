//! Path attributes (RFC 4271 4.3 and section 5): typed where we know them, kept whole where we do not.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::nlri::{decode_prefixes, encode_prefixes};
use super::reader::Reader;
use super::{AfiSafi, AsPath, Community, LargeCommunity, WireParams, spec};
use crate::ids::Asn;
use crate::rib::Prefix6;

/// Attribute type codes.
pub(crate) mod code {
    /// RFC 4271 5.1.1.
    pub(crate) const ORIGIN: u8 = 1;
    /// RFC 4271 5.1.2.
    pub(crate) const AS_PATH: u8 = 2;
    /// RFC 4271 5.1.3.
    pub(crate) const NEXT_HOP: u8 = 3;
    /// RFC 4271 5.1.4.
    pub(crate) const MULTI_EXIT_DISC: u8 = 4;
    /// RFC 4271 5.1.5.
    pub(crate) const LOCAL_PREF: u8 = 5;
    /// RFC 4271 5.1.6.
    pub(crate) const ATOMIC_AGGREGATE: u8 = 6;
    /// RFC 4271 5.1.7.
    pub(crate) const AGGREGATOR: u8 = 7;
    /// RFC 1997.
    pub(crate) const COMMUNITIES: u8 = 8;
    /// RFC 4456.
    pub(crate) const ORIGINATOR_ID: u8 = 9;
    /// RFC 4456.
    pub(crate) const CLUSTER_LIST: u8 = 10;
    /// RFC 4760.
    pub(crate) const MP_REACH: u8 = 14;
    /// RFC 4760.
    pub(crate) const MP_UNREACH: u8 = 15;
    /// RFC 4360.
    pub(crate) const EXTENDED_COMMUNITIES: u8 = 16;
    /// RFC 6793.
    pub(crate) const AS4_PATH: u8 = 17;
    /// RFC 6793.
    pub(crate) const AS4_AGGREGATOR: u8 = 18;
    /// RFC 8092.
    pub(crate) const LARGE_COMMUNITIES: u8 = 32;
}

/// Attribute flags (RFC 4271 4.3).
pub(crate) mod flag {
    /// Not every speaker knows it.
    pub(crate) const OPTIONAL: u8 = 0x80;
    /// Passed on even by those who do not.
    pub(crate) const TRANSITIVE: u8 = 0x40;
    /// The length has two octets.
    pub(crate) const EXTENDED_LENGTH: u8 = 0x10;
}

/// One path attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Code 1.
    Origin(Origin),
    /// Code 2.
    AsPath(AsPath),
    /// Code 3: where to send what goes to the IPv4 prefixes of the NLRI field.
    NextHop(Ipv4Addr),
    /// Code 4.
    MultiExitDisc(u32),
    /// Code 5. Discarded when received, as on every external session (RFC 7606 7.5).
    LocalPref(u32),
    /// Code 6.
    AtomicAggregate,
    /// Code 7.
    Aggregator {
        /// Who aggregated.
        asn: Asn,
        /// On which router.
        router_id: Ipv4Addr,
    },
    /// Code 8 (RFC 1997).
    Communities(Vec<Community>),
    /// Code 9 (RFC 4456). Discarded when received (RFC 7606 7.9).
    OriginatorId(Ipv4Addr),
    /// Code 10 (RFC 4456). Discarded when received (RFC 7606 7.10).
    ClusterList(Vec<Ipv4Addr>),
    /// Code 14 for IPv6 unicast (RFC 4760, RFC 2545).
    MpReach {
        /// Where to send what goes to these prefixes.
        next_hop: MpNextHop,
        /// Announced.
        prefixes: Vec<Prefix6>,
    },
    /// Code 14 for any other family.
    MpReachOther {
        /// The family.
        family: AfiSafi,
        /// All that follows it.
        data: Vec<u8>,
    },
    /// Code 15 for IPv6 unicast (RFC 4760).
    MpUnreach {
        /// Withdrawn.
        prefixes: Vec<Prefix6>,
    },
    /// Code 15 for any other family.
    MpUnreachOther {
        /// The family.
        family: AfiSafi,
        /// All that follows it; nothing in an End-of-RIB (RFC 4724).
        data: Vec<u8>,
    },
    /// Code 16 (RFC 4360).
    ExtendedCommunities(Vec<[u8; 8]>),
    /// Code 17 (RFC 6793): AS_PATH as it would be with four octets. Discarded where AS_PATH has them.
    As4Path(AsPath),
    /// Code 18 (RFC 6793): AGGREGATOR likewise.
    As4Aggregator {
        /// Who aggregated.
        asn: Asn,
        /// On which router.
        router_id: Ipv4Addr,
    },
    /// Code 32 (RFC 8092).
    LargeCommunities(Vec<LargeCommunity>),
    /// Any other code that is optional.
    Unknown {
        /// All but the extended length bit, which belongs to the coding.
        flags: u8,
        /// The code.
        code: u8,
        /// The value.
        data: Vec<u8>,
    },
}

/// How the first speaker learnt of a route (RFC 4271 5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// 0: from inside its AS.
    Igp,
    /// 1: over EGP.
    Egp,
    /// 2: some other way.
    Incomplete,
}

/// A next hop for IPv6 prefixes (RFC 2545 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MpNextHop {
    /// 16 octets.
    Global(Ipv6Addr),
    /// 32 octets.
    WithLinkLocal {
        /// The address that is known everywhere.
        global: Ipv6Addr,
        /// The one on the link between the two speakers.
        link_local: Ipv6Addr,
    },
}

impl MpNextHop {
    /// The global address.
    pub const fn global(self) -> Ipv6Addr {
        match self {
            Self::Global(global) | Self::WithLinkLocal { global, .. } => global,
        }
    }
}

impl Attribute {
    /// The type code.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Origin(_) => code::ORIGIN,
            Self::AsPath(_) => code::AS_PATH,
            Self::NextHop(_) => code::NEXT_HOP,
            Self::MultiExitDisc(_) => code::MULTI_EXIT_DISC,
            Self::LocalPref(_) => code::LOCAL_PREF,
            Self::AtomicAggregate => code::ATOMIC_AGGREGATE,
            Self::Aggregator { .. } => code::AGGREGATOR,
            Self::Communities(_) => code::COMMUNITIES,
            Self::OriginatorId(_) => code::ORIGINATOR_ID,
            Self::ClusterList(_) => code::CLUSTER_LIST,
            Self::MpReach { .. } | Self::MpReachOther { .. } => code::MP_REACH,
            Self::MpUnreach { .. } | Self::MpUnreachOther { .. } => code::MP_UNREACH,
            Self::ExtendedCommunities(_) => code::EXTENDED_COMMUNITIES,
            Self::As4Path(_) => code::AS4_PATH,
            Self::As4Aggregator { .. } => code::AS4_AGGREGATOR,
            Self::LargeCommunities(_) => code::LARGE_COMMUNITIES,
            Self::Unknown { code, .. } => *code,
        }
    }

    /// The attribute of a code in the table, from a value whose length the table allows. `None` when malformed.
    pub(super) fn decode(code: u8, value: &[u8], params: WireParams) -> Option<Self> {
        let mut reader = Reader::new(value);
        Some(match code {
            code::ORIGIN => Self::Origin(match reader.u8()? {
                0 => Origin::Igp,
                1 => Origin::Egp,
                2 => Origin::Incomplete,
                _ => return None,
            }),
            code::AS_PATH => Self::AsPath(AsPath::decode(value, params.as4)?),
            code::NEXT_HOP => Self::NextHop(reader.ipv4()?),
            code::MULTI_EXIT_DISC => Self::MultiExitDisc(reader.u32()?),
            code::LOCAL_PREF => Self::LocalPref(reader.u32()?),
            code::ATOMIC_AGGREGATE => Self::AtomicAggregate,
            code::AGGREGATOR => {
                let asn = if params.as4 { reader.u32()? } else { reader.u16()?.into() };
                Self::Aggregator { asn: usable(asn)?, router_id: reader.ipv4()? }
            }
            code::COMMUNITIES => {
                Self::Communities(chunks(value, |octets| Community(u32::from_be_bytes(octets))))
            }
            code::ORIGINATOR_ID => Self::OriginatorId(reader.ipv4()?),
            code::CLUSTER_LIST => Self::ClusterList(chunks::<4, _>(value, Ipv4Addr::from)),
            code::MP_REACH => decode_mp_reach(reader)?,
            code::MP_UNREACH => decode_mp_unreach(reader)?,
            code::EXTENDED_COMMUNITIES => Self::ExtendedCommunities(chunks(value, |octets| octets)),
            code::AS4_PATH => Self::As4Path(AsPath::decode(value, true)?),
            code::AS4_AGGREGATOR => {
                Self::As4Aggregator { asn: usable(reader.u32()?)?, router_id: reader.ipv4()? }
            }
            code::LARGE_COMMUNITIES => Self::LargeCommunities(decode_large(reader)),
            _ => return None,
        })
    }

    /// Appends the attribute with its head.
    pub(crate) fn encode(&self, params: WireParams, out: &mut Vec<u8>) {
        let mut value = Vec::new();
        self.encode_value(params, &mut value);
        let flags = match self {
            Self::Unknown { flags, .. } => *flags,
            known => spec::find(known.code()).map_or(flag::OPTIONAL, |spec| spec.flags),
        };
        encode_head(flags, self.code(), value.len(), out);
        out.extend_from_slice(&value);
    }

    fn encode_value(&self, params: WireParams, out: &mut Vec<u8>) {
        match self {
            Self::Origin(origin) => out.push(match origin {
                Origin::Igp => 0,
                Origin::Egp => 1,
                Origin::Incomplete => 2,
            }),
            Self::AsPath(path) => path.encode(params.as4, out),
            Self::NextHop(address) | Self::OriginatorId(address) => out.extend_from_slice(&address.octets()),
            Self::MultiExitDisc(value) | Self::LocalPref(value) => {
                out.extend_from_slice(&value.to_be_bytes());
            }
            Self::AtomicAggregate => {}
            Self::Aggregator { asn, router_id } => {
                if params.as4 {
                    out.extend_from_slice(&asn.0.to_be_bytes());
                } else {
                    out.extend_from_slice(&asn.two_octets().to_be_bytes());
                }
                out.extend_from_slice(&router_id.octets());
            }
            Self::Communities(list) => {
                out.extend(list.iter().flat_map(|community| community.0.to_be_bytes()));
            }
            Self::ClusterList(list) => out.extend(list.iter().flat_map(Ipv4Addr::octets)),
            Self::MpReach { next_hop, prefixes } => {
                out.extend_from_slice(&[0, 2, 1]);
                match next_hop {
                    MpNextHop::Global(global) => {
                        out.push(16);
                        out.extend_from_slice(&global.octets());
                    }
                    MpNextHop::WithLinkLocal { global, link_local } => {
                        out.push(32);
                        out.extend_from_slice(&global.octets());
                        out.extend_from_slice(&link_local.octets());
                    }
                }
                // Reserved (RFC 4760 section 3).
                out.push(0);
                encode_prefixes(prefixes, out);
            }
            Self::MpUnreach { prefixes } => {
                out.extend_from_slice(&[0, 2, 1]);
                encode_prefixes(prefixes, out);
            }
            Self::MpReachOther { family, data } | Self::MpUnreachOther { family, data } => {
                out.extend_from_slice(&family.afi.to_be_bytes());
                out.push(family.safi);
                out.extend_from_slice(data);
            }
            Self::ExtendedCommunities(list) => out.extend(list.iter().flatten()),
            Self::As4Path(path) => path.encode(true, out),
            Self::As4Aggregator { asn, router_id } => {
                out.extend_from_slice(&asn.0.to_be_bytes());
                out.extend_from_slice(&router_id.octets());
            }
            Self::LargeCommunities(list) => {
                out.extend(
                    list.iter()
                        .flat_map(|large| [large.global, large.local1, large.local2])
                        .flat_map(u32::to_be_bytes),
                );
            }
            Self::Unknown { data, .. } => out.extend_from_slice(data),
        }
    }
}

/// Appends flags, code and length of an attribute whose value has `len` octets, at most 65535.
pub(crate) fn encode_head(flags: u8, code: u8, len: usize, out: &mut Vec<u8>) {
    if let Ok(len) = u8::try_from(len) {
        out.extend_from_slice(&[flags & !flag::EXTENDED_LENGTH, code, len]);
    } else {
        out.extend_from_slice(&[flags | flag::EXTENDED_LENGTH, code]);
        out.extend_from_slice(&u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes());
    }
}

/// Not AS 0 (RFC 7607).
fn usable(asn: u32) -> Option<Asn> {
    (asn != 0).then_some(Asn(asn))
}

/// Every `N` octets as one value; the table saw to it that none are left over.
fn chunks<const N: usize, T>(value: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    value.as_chunks().0.iter().map(|octets| read(*octets)).collect()
}

fn decode_large(mut reader: Reader<'_>) -> Vec<LargeCommunity> {
    let mut list = Vec::with_capacity(reader.rest().len() / 12);
    while let (Some(global), Some(local1), Some(local2)) = (reader.u32(), reader.u32(), reader.u32()) {
        list.push(LargeCommunity { global, local1, local2 });
    }
    list
}

fn decode_mp_reach(mut reader: Reader<'_>) -> Option<Attribute> {
    let family = AfiSafi { afi: reader.u16()?, safi: reader.u8()? };
    if family != AfiSafi::IPV6_UNICAST {
        return Some(Attribute::MpReachOther { family, data: reader.rest().to_vec() });
    }
    let next_hop = match reader.u8()? {
        16 => MpNextHop::Global(reader.ipv6()?),
        32 => MpNextHop::WithLinkLocal { global: reader.ipv6()?, link_local: reader.ipv6()? },
        _ => return None,
    };
    let _reserved = reader.u8()?;
    Some(Attribute::MpReach { next_hop, prefixes: decode_prefixes(reader.rest())? })
}

fn decode_mp_unreach(mut reader: Reader<'_>) -> Option<Attribute> {
    let family = AfiSafi { afi: reader.u16()?, safi: reader.u8()? };
    if family != AfiSafi::IPV6_UNICAST {
        return Some(Attribute::MpUnreachOther { family, data: reader.rest().to_vec() });
    }
    Some(Attribute::MpUnreach { prefixes: decode_prefixes(reader.rest())? })
}
