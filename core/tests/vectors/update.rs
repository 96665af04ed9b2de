//! UPDATE: both ways, and what its methods say.

use std::net::{Ipv4Addr, Ipv6Addr};

use bgplite_core::ids::Asn;
use bgplite_core::rib::{AnyPrefix, Prefix4, Prefix6};
use bgplite_core::wire::{
    AfiSafi, AsPath, Attribute, Community, LargeCommunity, MessageKind, MpNextHop, Origin, ReceivedUpdate,
    Update, WireParams,
};

use crate::{encoded, vector, whole};

const FOUR: WireParams = WireParams { as4: true, extended: false };
const TWO: WireParams = WireParams { as4: false, extended: false };

fn v4(text: &str) -> Prefix4 {
    match text.parse() {
        Ok(AnyPrefix::V4(prefix)) => prefix,
        other => panic!("{text}: {other:?}"),
    }
}

fn v6(text: &str) -> Prefix6 {
    match text.parse() {
        Ok(AnyPrefix::V6(prefix)) => prefix,
        other => panic!("{text}: {other:?}"),
    }
}

fn v6_address(text: &str) -> Ipv6Addr {
    text.parse().expect("an address")
}

fn path(asns: &[u32]) -> AsPath {
    AsPath::sequence(&asns.iter().map(|&asn| Asn(asn)).collect::<Vec<_>>())
}

/// Checks both ways and returns what was read.
fn both_ways(bytes: &[u8], params: WireParams, value: &Update) -> ReceivedUpdate {
    let message = whole(bytes);
    assert_eq!(message.kind, MessageKind::Update);
    let received = Update::decode(message.body, params).expect("a good UPDATE");
    assert_eq!((&received.update, &received.faults[..], received.treat_as_withdraw), (value, &[][..], false));
    assert_eq!(encoded(|out| assert!(value.encode(params, out))), bytes);
    received
}

#[test]
fn ipv4_update_is_its_vector_both_ways() {
    let large = LargeCommunity { global: 65010, local1: 1, local2: 100 };
    let value = Update {
        withdrawn: vec![],
        attributes: vec![
            Attribute::Origin(Origin::Igp),
            Attribute::AsPath(path(&[65010])),
            Attribute::NextHop(Ipv4Addr::new(203, 0, 113, 1)),
            Attribute::Communities(vec![Community(0xFDF2_0064)]),
            Attribute::LargeCommunities(vec![large]),
        ],
        nlri: vec![v4("192.0.2.0/24"), v4("10.0.0.0/8"), v4("198.51.100.1/32"), v4("203.0.112.0/22")],
    };
    let received = both_ways(&vector!("update-ipv4"), FOUR, &value);
    assert_eq!(received.announced_v4(), value.nlri);
    assert_eq!(received.withdrawn_v4().count() + received.withdrawn_v6().count(), 0);
    assert_eq!(received.next_hop_v4(), Some(Ipv4Addr::new(203, 0, 113, 1)));
    assert_eq!(received.communities(), [Community(0xFDF2_0064)]);
    assert_eq!(received.large_communities(), [large]);
    assert_eq!(received.as_path().and_then(AsPath::first), Some(Asn(65010)));
    assert_eq!(received.end_of_rib(), None);
}

#[test]
fn two_octet_update_is_its_vector_both_ways() {
    let value = Update {
        withdrawn: vec![v4("198.51.0.0/16")],
        attributes: vec![
            Attribute::Origin(Origin::Incomplete),
            Attribute::AsPath(path(&[23456, 65010])),
            Attribute::NextHop(Ipv4Addr::new(203, 0, 113, 1)),
            Attribute::MultiExitDisc(100),
            Attribute::AtomicAggregate,
            Attribute::Aggregator { asn: Asn(23456), router_id: Ipv4Addr::new(192, 0, 2, 1) },
            Attribute::As4Path(path(&[4_200_000_001, 65010])),
            Attribute::As4Aggregator { asn: Asn(4_200_000_001), router_id: Ipv4Addr::new(192, 0, 2, 1) },
        ],
        nlri: vec![v4("192.0.2.0/24")],
    };
    let received = both_ways(&vector!("update-ipv4-two-octet"), TWO, &value);
    assert!(received.withdrawn_v4().eq([v4("198.51.0.0/16")]));
    assert_eq!(received.as_path(), Some(&path(&[23456, 65010])));
    assert_eq!(received.full_as_path().as_deref(), Some(&path(&[4_200_000_001, 65010])));
}

#[test]
fn as4_path_counts_for_nothing_after_an_aggregation_that_lost_it() {
    let as4_path = Attribute::As4Path(path(&[4_200_000_001]));
    let router_id = Ipv4Addr::new(192, 0, 2, 1);
    let as4_aggregator = Attribute::As4Aggregator { asn: Asn(4_200_000_001), router_id };
    let full = |aggregator: u32, others: &[Attribute]| {
        let mut attributes = vec![
            Attribute::AsPath(path(&[23456])),
            Attribute::Aggregator { asn: Asn(aggregator), router_id },
        ];
        attributes.extend_from_slice(others);
        let update = Update { attributes, ..Update::default() };
        let bytes = encoded(|out| assert!(update.encode(TWO, out)));
        let received = Update::decode(whole(&bytes).body, TWO).expect("a good UPDATE");
        received.full_as_path().map(|path| path.to_string())
    };
    let both = [as4_path.clone(), as4_aggregator];
    assert_eq!(full(65010, &both).as_deref(), Some("23456"));
    assert_eq!(full(23456, &both).as_deref(), Some("4200000001"));
    assert_eq!(full(65010, &[as4_path]).as_deref(), Some("4200000001"));
}

#[test]
fn asns_that_do_not_fit_two_octets_are_sent_as_as_trans() {
    let value =
        Update { attributes: vec![Attribute::AsPath(path(&[4_200_000_001, 65010]))], ..Update::default() };
    let bytes = encoded(|out| assert!(value.encode(TWO, out)));
    assert_eq!(bytes.get(23..), Some(&[0x40, 2, 6, 2, 2, 0x5B, 0xA0, 0xFD, 0xF2][..]));
}

#[test]
fn ipv6_update_is_its_vector_both_ways() {
    let prefixes = vec![v6("2001:db8::/32"), v6("2001:db8::1/128")];
    let value = Update {
        attributes: vec![
            Attribute::MpReach {
                next_hop: MpNextHop::Global(v6_address("2001:db8::1")),
                prefixes: prefixes.clone(),
            },
            Attribute::Origin(Origin::Igp),
            Attribute::AsPath(path(&[65010])),
        ],
        ..Update::default()
    };
    let received = both_ways(&vector!("update-ipv6"), FOUR, &value);
    assert_eq!(received.announced_v6(), prefixes);
    assert_eq!(received.next_hop_v6(), Some(v6_address("2001:db8::1")));
    assert_eq!((received.announced_v4(), received.next_hop_v4()), (&[][..], None));
}

#[test]
fn ipv6_update_with_two_next_hops_is_its_vector_both_ways() {
    let value = Update {
        attributes: vec![
            Attribute::MpReach {
                next_hop: MpNextHop::WithLinkLocal {
                    global: v6_address("2001:db8::1"),
                    link_local: v6_address("fe80::1"),
                },
                prefixes: vec![v6("2001:db8:1::/48")],
            },
            Attribute::MpUnreach { prefixes: vec![v6("2001:db9::/32")] },
            Attribute::Origin(Origin::Egp),
            Attribute::AsPath(path(&[65010])),
            Attribute::ExtendedCommunities(vec![[0, 2, 0xFD, 0xF2, 0, 0, 0, 100]]),
            Attribute::Unknown { flags: 0xE0, code: 99, data: vec![0xBE, 0xEF] },
        ],
        ..Update::default()
    };
    let received = both_ways(&vector!("update-ipv6-link-local"), FOUR, &value);
    assert!(received.withdrawn_v6().eq([v6("2001:db9::/32")]));
    assert_eq!(received.next_hop_v6(), Some(v6_address("2001:db8::1")));
}

#[test]
fn end_of_rib_is_its_vector_both_ways() {
    let v4 = both_ways(&vector!("end-of-rib-ipv4"), FOUR, &Update::default());
    assert_eq!(v4.end_of_rib(), Some(AfiSafi { afi: 1, safi: 1 }));
    let empty = Update { attributes: vec![Attribute::MpUnreach { prefixes: vec![] }], ..Update::default() };
    let v6 = both_ways(&vector!("end-of-rib-ipv6"), FOUR, &empty);
    assert_eq!(v6.end_of_rib(), Some(AfiSafi { afi: 2, safi: 1 }));
    let other = Update::decode(&[0, 0, 0, 6, 0x80, 15, 3, 0, 1, 128], FOUR).unwrap();
    assert_eq!(other.end_of_rib(), Some(AfiSafi { afi: 1, safi: 128 }));
}

#[test]
fn an_update_that_says_anything_is_no_end_of_rib() {
    for body in [
        // A withdrawn route; a withdrawn IPv6 route; an attribute alone; a discarded one alone.
        &[0, 1, 0, 0, 0][..],
        &[0, 0, 0, 7, 0x80, 15, 4, 0, 2, 1, 0],
        &[0, 0, 0, 4, 0x40, 1, 1, 0],
        &[0, 0, 0, 7, 0x40, 5, 4, 0, 0, 0, 100],
    ] {
        assert_eq!(Update::decode(body, FOUR).unwrap().end_of_rib(), None, "{body:?}");
    }
}

#[test]
fn host_bits_are_masked() {
    let received = Update::decode(&[0, 3, 9, 10, 0xFF, 0, 0], FOUR).unwrap();
    assert!(received.withdrawn_v4().eq([v4("10.128.0.0/9")]));
}

#[test]
fn the_default_route_is_one_octet() {
    let received = Update::decode(&[0, 1, 0, 0, 0], FOUR).unwrap();
    assert_eq!(received.update.withdrawn, [Prefix4::new(0, 0).unwrap()]);
}

#[test]
fn long_values_take_the_extended_length() {
    for (count, head) in [(63, &[0xC0, 8, 252][..]), (64, &[0xD0, 8, 0x01, 0x00])] {
        let value = Update {
            attributes: vec![Attribute::Communities(vec![Community(0xFDF2_0064); count])],
            ..Update::default()
        };
        let bytes = encoded(|out| assert!(value.encode(FOUR, out)));
        assert_eq!(bytes.get(23..23 + head.len()), Some(head));
        assert_eq!(Update::decode(whole(&bytes).body, FOUR).unwrap().update, value);
    }
    // And are accepted on short ones.
    let received = Update::decode(&[0, 0, 0, 5, 0x50, 1, 0, 1, 2], FOUR).unwrap();
    assert_eq!(received.update.attributes, [Attribute::Origin(Origin::Incomplete)]);
}

#[test]
fn an_update_that_does_not_fit_leaves_nothing_behind() {
    let extended = WireParams { extended: true, ..FOUR };
    // 23 octets of frame and 5 a prefix: 4073 is the most; 4075 is too much.
    let withdraw = |count| Update { withdrawn: vec![v4("192.0.2.1/32"); count], ..Update::default() };
    let (fits, grown, never) = (withdraw(814), withdraw(815), withdraw(13_110));
    let mut out = vec![7];
    assert!(fits.encode(FOUR, &mut out));
    assert_eq!(out.len(), 1 + 4093);
    let mut out = vec![7];
    assert!(!grown.encode(FOUR, &mut out));
    assert_eq!(out, [7]);
    assert!(grown.encode(extended, &mut out));
    assert_eq!(out.len(), 1 + 4098);
    out.truncate(1);
    assert!(!never.encode(extended, &mut out));
    assert_eq!(out, [7]);
}

#[test]
fn multiprotocol_of_other_families_is_kept_and_announces_nothing() {
    let body = [
        &[0, 0, 0, 29][..],
        &[0x40, 1, 1, 0],
        &[0x40, 2, 0],
        &[0x80, 14, 10, 0, 1, 128, 0, 0, 1, 2, 3, 4, 5],
        &[0x80, 15, 6, 0, 2, 2, 129, 1, 2],
    ]
    .concat();
    let received = Update::decode(&body, FOUR).unwrap();
    assert_eq!(received.faults, []);
    assert_eq!(
        received.update.attributes.get(2..),
        Some(
            &[
                Attribute::MpReachOther {
                    family: AfiSafi { afi: 1, safi: 128 },
                    data: vec![0, 0, 1, 2, 3, 4, 5]
                },
                Attribute::MpUnreachOther { family: AfiSafi { afi: 2, safi: 2 }, data: vec![129, 1, 2] },
            ][..]
        )
    );
    assert_eq!((received.announced_v6(), received.withdrawn_v6().count()), (&[][..], 0));
}

/// Not a claim but a measurement:
/// `cargo test --release -p bgplite-core --test vectors -- --ignored --nocapture decode_speed`.
#[test]
#[ignore = "a measurement"]
fn decode_speed() {
    let prefixes: Vec<Prefix4> = (0..1000).filter_map(|i| Prefix4::new(0x0A00_0000 + (i << 8), 24)).collect();
    let update = Update {
        attributes: vec![
            Attribute::Origin(Origin::Igp),
            Attribute::AsPath(path(&[65010])),
            Attribute::NextHop(Ipv4Addr::new(192, 0, 2, 1)),
            Attribute::Communities(vec![Community(0xFDF2_0064)]),
        ],
        nlri: prefixes,
        ..Update::default()
    };
    let bytes = encoded(|out| assert!(update.encode(FOUR, out)));
    let body = whole(&bytes).body;
    let mut best = std::time::Duration::MAX;
    for _ in 0..200 {
        let start = std::time::Instant::now();
        for _ in 0..100 {
            std::hint::black_box(Update::decode(std::hint::black_box(body), FOUR)).unwrap();
        }
        best = best.min(start.elapsed() / 100);
    }
    println!("UPDATE of 1000 IPv4 prefixes, {} octets: {best:?}", bytes.len());
}
