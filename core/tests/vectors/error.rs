//! One test for each NOTIFICATION that a message can earn: code, subcode and data.

use bgplite_core::wire::{DecodeError, Open, RouteRefresh, Update, WireParams, frame};

const ORIGIN: &[u8] = &[0x40, 1, 1, 0];
const AS_PATH: &[u8] = &[0x40, 2, 6, 2, 1, 0, 0, 0xFD, 0xF2];
const NEXT_HOP: &[u8] = &[0x40, 3, 4, 192, 0, 2, 1];
const NLRI: &[u8] = &[24, 192, 0, 2];

/// The body of an UPDATE with these parts.
fn body(withdrawn: &[u8], attributes: &[&[u8]], nlri: &[u8]) -> Vec<u8> {
    let attributes = attributes.concat();
    let len = |part: &[u8]| u16::try_from(part.len()).expect("short").to_be_bytes();
    [&len(withdrawn)[..], withdrawn, &len(&attributes), &attributes, nlri].concat()
}

fn header(len: u16, kind: u8) -> Vec<u8> {
    [&[0xFF; 16][..], &len.to_be_bytes(), &[kind]].concat()
}

#[track_caller]
fn earns<T: core::fmt::Debug>(result: Result<T, DecodeError>, code: u8, subcode: u8, data: &[u8]) {
    let error = result.expect_err("an error");
    let sent = error.notification();
    assert_eq!((sent.code, sent.subcode, &sent.data[..]), (code, subcode, data), "{error}");
}

fn open(body: &[u8]) -> Result<Open, DecodeError> {
    Open::decode(body)
}

#[track_caller]
fn update_earns(body: &[u8], subcode: u8, data: &[u8]) {
    earns(Update::decode(body, WireParams { as4: true, extended: false }), 3, subcode, data);
}

#[test]
fn bad_marker_is_1_1() {
    earns(frame(b"GET / HTTP/1.1", 4096), 1, 1, &[]);
}

#[test]
fn bad_length_is_1_2_with_the_length() {
    earns(frame(&header(18, 4), 4096), 1, 2, &[0, 18]);
    earns(frame(&header(4097, 2), 4096), 1, 2, &[0x10, 0x01]);
}

#[test]
fn bad_type_is_1_3_with_the_type() {
    earns(frame(&header(19, 6), 4096), 1, 3, &[6]);
}

#[test]
fn contradicting_lengths_in_an_open_are_2_0() {
    earns(open(&[4, 0xFD, 0xF2, 0, 240, 192, 0, 2, 1, 1]), 2, 0, &[]);
}

#[test]
fn other_version_is_2_1_with_ours_in_two_octets() {
    earns(open(&[3, 0xFD, 0xF2, 0, 240, 192, 0, 2, 1, 0]), 2, 1, &[0, 4]);
    earns(open(&[5, 0, 0]), 2, 1, &[0, 4]);
}

#[test]
fn as_zero_is_2_2_in_either_place() {
    earns(open(&[4, 0, 0, 0, 240, 192, 0, 2, 1, 0]), 2, 2, &[]);
    earns(open(&[4, 0xFD, 0xF2, 0, 240, 192, 0, 2, 1, 8, 2, 6, 65, 4, 0, 0, 0, 0]), 2, 2, &[]);
}

#[test]
fn zero_router_id_is_2_3() {
    earns(open(&[4, 0xFD, 0xF2, 0, 240, 0, 0, 0, 0, 0]), 2, 3, &[]);
}

#[test]
fn unknown_optional_parameter_is_2_4() {
    earns(open(&[4, 0xFD, 0xF2, 0, 240, 192, 0, 2, 1, 2, 1, 0]), 2, 4, &[]);
}

#[test]
fn hold_time_of_one_or_two_is_2_6() {
    earns(open(&[4, 0xFD, 0xF2, 0, 1, 192, 0, 2, 1, 0]), 2, 6, &[]);
    earns(open(&[4, 0xFD, 0xF2, 0, 2, 192, 0, 2, 1, 0]), 2, 6, &[]);
    for hold in [0, 3] {
        assert!(open(&[4, 0xFD, 0xF2, 0, hold, 192, 0, 2, 1, 0]).is_ok());
    }
}

#[test]
fn parts_that_exceed_the_update_are_3_1() {
    for body in [&[0, 1, 0, 0][..], &[0, 0, 0, 1], &[0, 0, 0], &[0, 1], &[]] {
        update_earns(body, 1, &[]);
    }
}

#[test]
fn repeated_multiprotocol_attributes_are_3_1() {
    let unreach: &[u8] = &[0x80, 15, 3, 0, 2, 1];
    let reach: &[u8] = &[0x80, 14, 5, 0, 1, 2, 0, 0];
    update_earns(&body(&[], &[unreach, unreach], &[]), 1, &[]);
    update_earns(&body(&[], &[ORIGIN, AS_PATH, reach, reach], &[]), 1, &[]);
}

#[test]
fn overrunning_attribute_without_nlri_is_3_1() {
    update_earns(&body(&[], &[ORIGIN, &[0x40, 2, 200, 2]], &[]), 1, &[]);
}

#[test]
fn unknown_well_known_attribute_is_3_2_with_the_attribute() {
    update_earns(&body(&[], &[ORIGIN, AS_PATH, NEXT_HOP, &[0x40, 99, 1, 7]], NLRI), 2, &[0x40, 99, 1, 7]);
    update_earns(&body(&[], &[&[0x50, 99, 0, 1, 7]], &[]), 2, &[0x50, 99, 0, 1, 7]);
}

#[test]
fn wrong_flags_without_nlri_are_3_4_with_the_attribute() {
    update_earns(&body(&[], &[&[0xC0, 1, 1, 0]], &[]), 4, &[0xC0, 1, 1, 0]);
    // MP_UNREACH_NLRI alone would do, but what ran over after it may have been more.
    let unreach = &[0xC0, 15, 3, 0, 2, 1];
    update_earns(&body(&[], &[unreach, &[0x40]], &[]), 4, unreach);
}

#[test]
fn wrong_length_without_nlri_is_3_5_with_the_attribute() {
    update_earns(&body(&[], &[&[0x40, 1, 2, 0, 0]], &[]), 5, &[0x40, 1, 2, 0, 0]);
    update_earns(&body(&[], &[&[0x40, 3, 3, 192, 0, 2]], &[]), 5, &[0x40, 3, 3, 192, 0, 2]);
}

#[test]
fn undefined_origin_without_nlri_is_3_6_with_the_attribute() {
    update_earns(&body(&[], &[&[0x40, 1, 1, 3]], &[]), 6, &[0x40, 1, 1, 3]);
}

#[test]
fn unreadable_multiprotocol_attributes_are_3_9_with_the_attribute() {
    for attribute in [
        &[0x80, 14, 2, 0, 2][..],
        // A next hop of 4 octets for IPv6.
        &[0x80, 14, 9, 0, 2, 1, 4, 192, 0, 2, 1, 0],
        // One of 16 that is cut short.
        &[0x80, 14, 6, 0, 2, 1, 16, 0x20, 0x01],
        &[0x80, 15, 2, 0, 2],
        // A prefix of 129 bits, and one cut short.
        &[0x80, 15, 4, 0, 2, 1, 129],
        &[0x80, 15, 5, 0, 2, 1, 16, 0x20],
    ] {
        update_earns(&body(&[], &[ORIGIN, AS_PATH, attribute], &[]), 9, attribute);
    }
}

#[test]
fn unreadable_prefixes_are_3_10() {
    for bad in [&[33, 192, 0, 2, 1, 0][..], &[24, 192, 0], &[24, 192, 0, 2, 8]] {
        update_earns(&body(&[], &[ORIGIN, AS_PATH, NEXT_HOP], bad), 10, &[]);
        update_earns(&body(bad, &[], &[]), 10, &[]);
    }
}

#[test]
fn unreadable_as_path_without_nlri_is_3_11() {
    update_earns(&body(&[], &[&[0x40, 2, 2, 2, 0]], &[]), 11, &[]);
}

#[test]
fn refresh_of_wrong_length_is_7_1_with_the_whole_message() {
    for body in [&[0, 1, 0, 1, 9][..], &[0, 1, 0], &[]] {
        let message = [&header(u16::try_from(19 + body.len()).unwrap(), 5)[..], body].concat();
        earns(RouteRefresh::decode(body), 7, 1, &message);
    }
}

#[test]
fn data_never_exceeds_what_a_message_holds() {
    let attribute = [&[0x50, 99, 0xEA, 0x60][..], &vec![7; 60_000]].concat();
    let error = Update::decode(&body(&[], &[&attribute], &[]), WireParams::default()).unwrap_err();
    let mut out = Vec::new();
    error.notification().encode(&mut out);
    assert_eq!((error.notification().data.len(), out.len()), (4075, 4096));
}
