//! What a bad path attribute costs: RFC 7606, row by row.

use bgplite_core::wire::{Attribute, FaultKind, MAX_FAULTS, ReceivedUpdate, Severity, Update, WireParams};

use FaultKind::{Duplicate, Flags, Length, Misplaced, Missing, Overrun, Value};
use Severity::{AttributeDiscard as Discard, TreatAsWithdraw as Withdraw};

const FOUR: WireParams = WireParams { as4: true, extended: false };
const TWO: WireParams = WireParams { as4: false, extended: false };

const ORIGIN: &[u8] = &[0x40, 1, 1, 0];
const AS_PATH: &[u8] = &[0x40, 2, 6, 2, 1, 0, 0, 0xFD, 0xF2];
const AS_PATH_TWO: &[u8] = &[0x40, 2, 4, 2, 1, 0xFD, 0xF2];
const NEXT_HOP: &[u8] = &[0x40, 3, 4, 192, 0, 2, 1];
/// 2001:db8::/32 through 2001:db8::1.
const MP_REACH: &[u8] = &[
    0x80, 14, 26, 0, 2, 1, 16, 0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 32, 0x20, 1, 0x0D,
    0xB8,
];
/// 192.0.2.0/24.
const NLRI: &[u8] = &[24, 192, 0, 2];

fn decode(attributes: &[&[u8]], nlri: &[u8], params: WireParams) -> ReceivedUpdate {
    let attributes = attributes.concat();
    let len = u16::try_from(attributes.len()).expect("short").to_be_bytes();
    let body = [&[0, 0][..], &len, &attributes, nlri].concat();
    Update::decode(&body, params).expect("a session that survives")
}

/// A good UPDATE of one prefix, in which `attribute` replaces that of its code or stands last.
fn with(attribute: &[u8], params: WireParams) -> ReceivedUpdate {
    let as_path = if params.as4 { AS_PATH } else { AS_PATH_TWO };
    let mut attributes = vec![ORIGIN, as_path, NEXT_HOP];
    attributes.retain(|good| good[1] != attribute[1]);
    attributes.push(attribute);
    decode(&attributes, NLRI, params)
}

fn faults(received: &ReceivedUpdate) -> Vec<(u8, FaultKind, Severity)> {
    received.faults.iter().map(|fault| (fault.code, fault.kind, fault.severity)).collect()
}

/// The routes are where the severity says, and nowhere else.
#[track_caller]
fn routes_follow(received: &ReceivedUpdate, severity: Option<Severity>) {
    let withdrawn = severity == Some(Withdraw);
    assert_eq!(received.treat_as_withdraw, withdrawn);
    assert_eq!(received.announced_v4().len(), usize::from(!withdrawn));
    assert_eq!(received.withdrawn_v4().count(), usize::from(withdrawn));
}

#[test]
fn each_malformed_attribute_costs_what_its_row_says() {
    #[rustfmt::skip]
    let rows: &[(&str, &[u8], FaultKind, Severity)] = &[
        ("7.1 ORIGIN, undefined", &[0x40, 1, 1, 3], Value, Withdraw),
        ("7.1 ORIGIN, no octet", &[0x40, 1, 0], Length, Withdraw),
        ("7.1 ORIGIN, two octets", &[0x40, 1, 2, 0, 0], Length, Withdraw),
        ("7.2 AS_PATH, unknown segment type", &[0x40, 2, 6, 5, 1, 0, 0, 0xFD, 0xF2], Value, Withdraw),
        ("7.2 AS_PATH, segment type 0", &[0x40, 2, 6, 0, 1, 0, 0, 0xFD, 0xF2], Value, Withdraw),
        ("7.2 AS_PATH, segment overrun", &[0x40, 2, 6, 2, 2, 0, 0, 0xFD, 0xF2], Value, Withdraw),
        ("7.2 AS_PATH, segment underrun", &[0x40, 2, 7, 2, 1, 0, 0, 0xFD, 0xF2, 2], Value, Withdraw),
        ("7.2 AS_PATH, empty segment", &[0x40, 2, 2, 2, 0], Value, Withdraw),
        ("RFC 7607 AS_PATH, AS 0", &[0x40, 2, 6, 2, 1, 0, 0, 0, 0], Value, Withdraw),
        ("7.3 NEXT_HOP, three octets", &[0x40, 3, 3, 192, 0, 2], Length, Withdraw),
        ("7.3 NEXT_HOP, sixteen octets", &[0x40, 3, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], Length, Withdraw),
        ("7.4 MULTI_EXIT_DISC, three octets", &[0x80, 4, 3, 0, 0, 1], Length, Withdraw),
        ("7.5 LOCAL_PREF, good", &[0x40, 5, 4, 0, 0, 0, 100], Misplaced, Discard),
        ("7.5 LOCAL_PREF, three octets", &[0x40, 5, 3, 0, 0, 100], Misplaced, Discard),
        ("7.6 ATOMIC_AGGREGATE, one octet", &[0x40, 6, 1, 0], Length, Discard),
        ("7.7 AGGREGATOR, six octets", &[0xC0, 7, 6, 0xFD, 0xF2, 192, 0, 2, 1], Length, Discard),
        ("RFC 7607 AGGREGATOR, AS 0", &[0xC0, 7, 8, 0, 0, 0, 0, 192, 0, 2, 1], Value, Discard),
        ("7.8 COMMUNITIES, none", &[0xC0, 8, 0], Length, Withdraw),
        ("7.8 COMMUNITIES, five octets", &[0xC0, 8, 5, 0, 0, 0, 1, 0], Length, Withdraw),
        ("7.9 ORIGINATOR_ID, good", &[0x80, 9, 4, 192, 0, 2, 1], Misplaced, Discard),
        ("7.9 ORIGINATOR_ID, three octets", &[0x80, 9, 3, 192, 0, 2], Misplaced, Discard),
        ("7.10 CLUSTER_LIST, good", &[0x80, 10, 4, 192, 0, 2, 1], Misplaced, Discard),
        ("7.10 CLUSTER_LIST, five octets", &[0x80, 10, 5, 192, 0, 2, 1, 0], Misplaced, Discard),
        ("7.14 EXTENDED_COMMUNITIES, none", &[0xC0, 16, 0], Length, Withdraw),
        ("7.14 EXTENDED_COMMUNITIES, four octets", &[0xC0, 16, 4, 0, 2, 0, 1], Length, Withdraw),
        ("RFC 6793 AS4_PATH, good", &[0xC0, 17, 6, 2, 1, 0, 0, 0xFD, 0xF2], Misplaced, Discard),
        ("RFC 6793 AS4_AGGREGATOR, good", &[0xC0, 18, 8, 0, 0, 0xFD, 0xF2, 192, 0, 2, 1], Misplaced, Discard),
        ("RFC 8092 LARGE_COMMUNITIES, none", &[0xC0, 32, 0], Length, Withdraw),
        ("RFC 8092 LARGE_COMMUNITIES, eight octets", &[0xC0, 32, 8, 0, 0, 0, 1, 0, 0, 0, 1], Length, Withdraw),
    ];
    for &(name, attribute, kind, severity) in rows {
        let received = with(attribute, FOUR);
        assert_eq!(faults(&received), [(attribute[1], kind, severity)], "{name}");
        assert!(received.update.attributes.iter().all(|kept| kept.code() != attribute[1]), "{name}");
        routes_follow(&received, Some(severity));
    }
}

#[test]
fn with_asns_of_two_octets_other_lengths_are_wrong() {
    let rows: &[(&[u8], FaultKind, Severity)] = &[
        (&[0x40, 2, 6, 2, 1, 0, 0, 0xFD, 0xF2], Value, Withdraw),
        (&[0xC0, 7, 8, 0, 0, 0xFD, 0xF2, 192, 0, 2, 1], Length, Discard),
        (&[0xC0, 17, 4, 2, 1, 0xFD, 0xF2], Value, Discard),
        (&[0xC0, 17, 2, 2, 0], Value, Discard),
        (&[0xC0, 17, 6, 2, 1, 0, 0, 0, 0], Value, Discard),
        (&[0xC0, 18, 6, 0xFD, 0xF2, 192, 0, 2, 1], Length, Discard),
        (&[0xC0, 18, 8, 0, 0, 0, 0, 192, 0, 2, 1], Value, Discard),
    ];
    for &(attribute, kind, severity) in rows {
        let received = with(attribute, TWO);
        assert_eq!(faults(&received), [(attribute[1], kind, severity)], "{attribute:?}");
        routes_follow(&received, Some(severity));
    }
}

#[test]
fn good_attributes_cost_nothing() {
    for attribute in [
        &[0x40, 1, 1, 2][..],
        &[0x40, 2, 0],
        &[0x40, 2, 12, 1, 1, 0, 0, 0xFD, 0xF2, 3, 1, 0, 0, 0xFD, 0xF2],
        &[0x40, 6, 0],
        &[0xC0, 7, 8, 0, 0, 0xFD, 0xF2, 192, 0, 2, 1],
        // The partial bit is nobody's fault (RFC 7606 3.c).
        &[0xE0, 8, 4, 0xFD, 0xF2, 0, 100],
        &[0x60, 1, 1, 0],
        &[0x80, 99, 0],
        &[0xC0, 99, 3, 1, 2, 3],
    ] {
        let received = with(attribute, FOUR);
        assert_eq!(faults(&received), [], "{attribute:?}");
        assert_eq!(received.update.attributes.last().map(Attribute::code), Some(attribute[1]));
        routes_follow(&received, None);
    }
}

#[test]
fn contradicting_flags_withdraw_whatever_the_attribute() {
    for attribute in [
        &[0xC0, 1, 1, 0][..],
        &[0x00, 1, 1, 0],
        &[0x80, 2, 6, 2, 1, 0, 0, 0xFD, 0xF2],
        &[0xC0, 3, 4, 192, 0, 2, 1],
        &[0xC0, 4, 4, 0, 0, 0, 1],
        &[0x40, 4, 4, 0, 0, 0, 1],
        &[0xC0, 6, 0],
        &[0x80, 7, 8, 0, 0, 0xFD, 0xF2, 192, 0, 2, 1],
        &[0x40, 8, 4, 0xFD, 0xF2, 0, 100],
        &[0x80, 16, 8, 0, 2, 0xFD, 0xF2, 0, 0, 0, 100],
        &[0x80, 32, 12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1],
    ] {
        let received = with(attribute, FOUR);
        assert_eq!(faults(&received), [(attribute[1], Flags, Withdraw)], "{attribute:?}");
        routes_follow(&received, Some(Withdraw));
    }
}

#[test]
fn a_missing_mandatory_attribute_withdraws() {
    for (attributes, code) in [([AS_PATH, NEXT_HOP], 1), ([ORIGIN, NEXT_HOP], 2), ([ORIGIN, AS_PATH], 3)] {
        let received = decode(&attributes, NLRI, FOUR);
        assert_eq!(faults(&received), [(code, Missing, Withdraw)]);
        routes_follow(&received, Some(Withdraw));
    }
    let none = decode(&[], NLRI, FOUR);
    assert_eq!(faults(&none), [(1, Missing, Withdraw), (2, Missing, Withdraw), (3, Missing, Withdraw)]);
}

#[test]
fn ipv6_routes_need_no_next_hop_attribute_but_the_other_two() {
    let good = decode(&[MP_REACH, ORIGIN, AS_PATH], &[], FOUR);
    assert_eq!((faults(&good), good.announced_v6().len()), (vec![], 1));
    let bad = decode(&[MP_REACH], &[], FOUR);
    assert_eq!(faults(&bad), [(1, Missing, Withdraw), (2, Missing, Withdraw)]);
    assert_eq!((bad.announced_v6().len(), bad.withdrawn_v6().count()), (0, 1));
}

#[test]
fn withdrawing_needs_no_attribute() {
    for body in
        [&[0, 4, 24, 192, 0, 2, 0, 0][..], &[0, 0, 0, 11, 0x80, 15, 8, 0, 2, 1, 32, 0x20, 1, 0x0D, 0xB8]]
    {
        let received = Update::decode(body, FOUR).unwrap();
        assert_eq!((faults(&received), received.treat_as_withdraw), (vec![], false));
        assert_eq!(received.withdrawn_v4().count() + received.withdrawn_v6().count(), 1);
    }
}

#[test]
fn wrong_flags_on_mp_reach_withdraw_the_routes_inside() {
    let mut reach = MP_REACH.to_vec();
    reach[0] = 0xC0;
    let received = decode(&[&reach, ORIGIN, AS_PATH], &[], FOUR);
    assert_eq!(faults(&received), [(14, Flags, Withdraw)]);
    assert_eq!((received.announced_v6().len(), received.withdrawn_v6().count()), (0, 1));
}

#[test]
fn wrong_flags_on_a_lone_mp_unreach_still_withdraw() {
    // RFC 7606 5.2: nothing but MP_UNREACH_NLRI needs no other NLRI to be sure.
    let received = decode(&[&[0xC0, 15, 8, 0, 2, 1, 32, 0x20, 1, 0x0D, 0xB8]], &[], FOUR);
    assert_eq!(faults(&received), [(15, Flags, Withdraw)]);
    assert_eq!(received.withdrawn_v6().count(), 1);
}

#[test]
fn the_first_of_equal_attributes_counts() {
    let received = decode(&[ORIGIN, &[0x40, 1, 1, 2], AS_PATH, NEXT_HOP, &[0x40, 1, 9]], NLRI, FOUR);
    assert_eq!(faults(&received)[0], (1, Duplicate, Discard));
    let received = decode(&[ORIGIN, &[0x40, 1, 1, 2], AS_PATH, NEXT_HOP], NLRI, FOUR);
    assert_eq!(faults(&received), [(1, Duplicate, Discard)]);
    assert_eq!(received.update.attributes.len(), 3);
    routes_follow(&received, None);
    // Also where the first one is malformed, or nobody knows it.
    let received = decode(&[&[0x40, 1, 1, 9], ORIGIN, AS_PATH, NEXT_HOP], NLRI, FOUR);
    assert_eq!(faults(&received), [(1, Value, Withdraw), (1, Duplicate, Discard)]);
    let received = decode(&[ORIGIN, AS_PATH, NEXT_HOP, &[0x80, 99, 0], &[0x80, 99, 1, 1]], NLRI, FOUR);
    assert_eq!(faults(&received), [(99, Duplicate, Discard)]);
}

#[test]
fn an_attribute_that_overruns_the_others_withdraws_when_nlri_follows() {
    for tail in [&[0xC0, 8, 5, 0, 0, 0, 1][..], &[0xC0, 8], &[0xD0, 8, 0]] {
        let received = decode(&[ORIGIN, AS_PATH, NEXT_HOP, tail], NLRI, FOUR);
        assert_eq!(faults(&received), [(8, Overrun, Withdraw)], "{tail:?}");
        routes_follow(&received, Some(Withdraw));
    }
    let received = decode(&[ORIGIN, &[0xC0]], NLRI, FOUR);
    assert_eq!(faults(&received), [(0, Overrun, Withdraw)]);
}

#[test]
fn discarding_without_nlri_keeps_the_session() {
    let received = decode(&[&[0x40, 6, 1, 0]], &[], FOUR);
    assert_eq!(faults(&received), [(6, Length, Discard)]);
    assert!(!received.treat_as_withdraw);
}

#[test]
fn faults_beyond_the_bound_are_not_kept_and_still_count() {
    let twice: &[u8] = &[0x80, 99, 0];
    let mut attributes = vec![twice; 40];
    attributes.extend([AS_PATH, NEXT_HOP, &[0x40, 1, 1, 9]]);
    let received = decode(&attributes, NLRI, FOUR);
    assert_eq!((received.faults.len(), MAX_FAULTS), (16, 16));
    routes_follow(&received, Some(Withdraw));
}

#[test]
fn a_fault_reads_as_a_sentence() {
    let text = |received: ReceivedUpdate| received.faults[0].to_string();
    assert_eq!(text(with(&[0x40, 1, 1, 3], FOUR)), "ORIGIN: malformed, treated as withdraw");
    assert_eq!(text(with(&[0x40, 6, 1, 0], FOUR)), "ATOMIC_AGGREGATE: wrong length, attribute discarded");
}
