//! Any message that our encoder can say and our decoder keeps whole.

use std::net::{Ipv4Addr, Ipv6Addr};

use bgplite_core::ids::Asn;
use bgplite_core::rib::{Prefix4, Prefix6};
use bgplite_core::wire::{
    AfiSafi, AsPath, Attribute, Capability, Community, LargeCommunity, MpNextHop, Notification, Open, Origin,
    RefreshKind, RestartFamily, RouteRefresh, Segment, SegmentKind, Update, WireParams,
};
use proptest::collection::vec;
use proptest::prelude::*;

pub(crate) fn prefix4() -> impl Strategy<Value = Prefix4> {
    (any::<u32>(), 0..=32u8).prop_filter_map("length", |(bits, len)| Prefix4::new(bits, len))
}

pub(crate) fn prefix6() -> impl Strategy<Value = Prefix6> {
    (any::<u128>(), 0..=128u8).prop_filter_map("length", |(bits, len)| Prefix6::new(bits, len))
}

fn family() -> impl Strategy<Value = AfiSafi> {
    prop_oneof![
        Just(AfiSafi::IPV4_UNICAST),
        Just(AfiSafi::IPV6_UNICAST),
        (any::<u16>(), any::<u8>()).prop_map(|(afi, safi)| AfiSafi { afi, safi }),
    ]
}

fn foreign_family() -> impl Strategy<Value = AfiSafi> {
    family().prop_filter("not IPv6 unicast", |family| *family != AfiSafi::IPV6_UNICAST)
}

pub(crate) fn params() -> impl Strategy<Value = WireParams> {
    (any::<bool>(), any::<bool>()).prop_map(|(as4, extended)| WireParams { as4, extended })
}

fn capability() -> impl Strategy<Value = Capability> {
    let restart_family = (family(), any::<bool>())
        .prop_map(|(family, forwarding_kept)| RestartFamily { family, forwarding_kept });
    prop_oneof![
        family().prop_map(Capability::Multiprotocol),
        Just(Capability::RouteRefresh),
        Just(Capability::ExtendedMessage),
        Just(Capability::EnhancedRefresh),
        (any::<bool>(), any::<bool>(), 0..4096u16, vec(restart_family, 0..64)).prop_map(
            |(restarting, notification, restart_secs, families)| {
                Capability::GracefulRestart { restarting, notification, restart_secs, families }
            }
        ),
        (71..=255u8, vec(any::<u8>(), 0..=255)).prop_map(|(code, data)| Capability::Unknown { code, data }),
    ]
}

pub(crate) fn open() -> impl Strategy<Value = Open> {
    let asn = prop_oneof![1..=65535u32, 1..=u32::MAX];
    (asn, any::<bool>(), any::<u16>(), 1..=u32::MAX, vec(capability(), 0..12)).prop_map(
        |(asn, four_octet, hold_secs, router_id, mut capabilities)| {
            let asn = Asn(asn);
            if four_octet || asn.0 > 65535 {
                capabilities.push(Capability::FourOctetAsn(asn));
            }
            let hold_secs = if matches!(hold_secs, 1 | 2) { 3 } else { hold_secs };
            Open { asn, hold_secs, router_id: Ipv4Addr::from_bits(router_id), capabilities }
        },
    )
}

pub(crate) fn notification() -> impl Strategy<Value = Notification> {
    (any::<u8>(), any::<u8>(), vec(any::<u8>(), 0..4076)).prop_map(|(code, subcode, data)| Notification {
        code,
        subcode,
        data,
    })
}

pub(crate) fn refresh() -> impl Strategy<Value = RouteRefresh> {
    let kind = prop_oneof![
        Just(RefreshKind::Request),
        Just(RefreshKind::Begin),
        Just(RefreshKind::End),
        (3..=255u8).prop_map(RefreshKind::Unknown),
    ];
    (family(), kind).prop_map(|(family, kind)| RouteRefresh { family, kind })
}

fn path(as4: bool) -> impl Strategy<Value = AsPath> {
    let kind = prop_oneof![
        Just(SegmentKind::Set),
        Just(SegmentKind::Sequence),
        Just(SegmentKind::ConfedSequence),
        Just(SegmentKind::ConfedSet),
    ];
    let asn = (1..=if as4 { u32::MAX } else { 65535 }).prop_map(Asn);
    let segment = (kind, vec(asn, 1..=255)).prop_map(|(kind, asns)| Segment { kind, asns });
    vec(segment, 0..3).prop_map(|segments| AsPath { segments })
}

fn ipv4() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from_bits)
}

fn ipv6() -> impl Strategy<Value = Ipv6Addr> {
    any::<u128>().prop_map(Ipv6Addr::from_bits)
}

/// Everything but the three attributes that each announcement needs.
fn attribute(as4: bool) -> impl Strategy<Value = Attribute> {
    let large =
        any::<[u32; 3]>().prop_map(|[global, local1, local2]| LargeCommunity { global, local1, local2 });
    let next_hop = prop_oneof![
        ipv6().prop_map(MpNextHop::Global),
        (ipv6(), ipv6()).prop_map(|(global, link_local)| MpNextHop::WithLinkLocal { global, link_local }),
    ];
    let own = prop_oneof![
        any::<u32>().prop_map(Attribute::MultiExitDisc),
        Just(Attribute::AtomicAggregate),
        (1..=if as4 { u32::MAX } else { 65535 }, ipv4())
            .prop_map(|(asn, router_id)| Attribute::Aggregator { asn: Asn(asn), router_id }),
        vec(any::<u32>().prop_map(Community), 1..80).prop_map(Attribute::Communities),
        vec(any::<[u8; 8]>(), 1..40).prop_map(Attribute::ExtendedCommunities),
        vec(large, 1..30).prop_map(Attribute::LargeCommunities),
    ];
    let routes = prop_oneof![
        (next_hop, vec(prefix6(), 0..60))
            .prop_map(|(next_hop, prefixes)| Attribute::MpReach { next_hop, prefixes }),
        vec(prefix6(), 0..60).prop_map(|prefixes| Attribute::MpUnreach { prefixes }),
        (foreign_family(), vec(any::<u8>(), 0..40))
            .prop_map(|(family, data)| Attribute::MpReachOther { family, data }),
        (foreign_family(), vec(any::<u8>(), 0..40))
            .prop_map(|(family, data)| Attribute::MpUnreachOther { family, data }),
    ];
    // Of the flags, optional always, extended length never.
    let unknown = (0..8u8, 33..=255u8, vec(any::<u8>(), 0..300)).prop_map(|(bits, code, data)| {
        Attribute::Unknown { flags: 0x80 | (bits & 6) << 4 | bits & 1, code, data }
    });
    let two_octet_only = prop_oneof![
        path(true).prop_map(Attribute::As4Path),
        (1..=u32::MAX, ipv4())
            .prop_map(|(asn, router_id)| Attribute::As4Aggregator { asn: Asn(asn), router_id }),
    ];
    prop_oneof![
        6 => own,
        4 => routes,
        3 => unknown,
        if as4 { 0 } else { 2 } => two_octet_only,
    ]
}

/// An UPDATE without a fault.
pub(crate) fn update(params: WireParams) -> impl Strategy<Value = Update> {
    let origin = prop_oneof![Just(Origin::Igp), Just(Origin::Egp), Just(Origin::Incomplete)];
    let needed = (origin, path(params.as4), ipv4());
    let others = vec(attribute(params.as4), 0..6);
    let routes = || vec(prefix4(), 0..60);
    let announcing = (routes(), needed, others, routes()).prop_map(
        |(withdrawn, (origin, path, next_hop), others, nlri)| {
            let mut attributes =
                vec![Attribute::Origin(origin), Attribute::AsPath(path), Attribute::NextHop(next_hop)];
            for attribute in others {
                if attributes.iter().all(|present| present.code() != attribute.code()) {
                    attributes.push(attribute);
                }
            }
            Update { withdrawn, attributes, nlri }
        },
    );
    // Nothing is needed where nothing is announced.
    let withdrawing =
        (routes(), vec(prefix6(), 0..60), any::<bool>()).prop_map(|(withdrawn, prefixes, v6)| {
            let attributes = v6.then_some(Attribute::MpUnreach { prefixes }).into_iter().collect();
            Update { withdrawn, attributes, nlri: Vec::new() }
        });
    prop_oneof![3 => announcing, 1 => withdrawing]
}

/// The body of an UPDATE whose parts add up, and whose attributes are mostly wrong: no mutation of a good one
/// gets this far this often.
pub(crate) fn faulty_update() -> impl Strategy<Value = Vec<u8>> {
    let flags = prop_oneof![Just(0x40), Just(0x80), Just(0xC0), any::<u8>()];
    let code = prop_oneof![4 => 1..=18u8, 2 => 14..=15u8, 1 => Just(32), 1 => any::<u8>()];
    let value = prop_oneof![
        vec(any::<u8>(), 0..14),
        vec(0..4u8, 0..14),
        // IPv6 unicast, and what MP_UNREACH_NLRI or MP_REACH_NLRI may say of it.
        vec(0..=24u8, 0..6).prop_map(|tail| [&[0, 2, 1][..], &tail].concat()),
        vec(0..=24u8, 0..6).prop_map(|tail| [&[0, 2, 1, 16][..], &[0; 17], &tail].concat()),
    ];
    let attribute = (flags, code, value, prop_oneof![9 => Just(0), 1 => 1..9u8]).prop_map(
        |(flags, code, value, excess)| {
            let len = u8::try_from(value.len()).expect("short") + excess;
            [&[flags & !0x10, code, len][..], &value].concat()
        },
    );
    let prefixes = || prop_oneof![Just(vec![]), Just(vec![24, 192, 0, 2]), vec(0..=33u8, 0..9)];
    (prefixes(), vec(attribute, 0..5), prefixes()).prop_map(|(withdrawn, attributes, nlri)| {
        let attributes = attributes.concat();
        let len = |part: &[u8]| u16::try_from(part.len()).expect("short").to_be_bytes();
        [&len(&withdrawn)[..], &withdrawn, &len(&attributes), &attributes, &nlri].concat()
    })
}
