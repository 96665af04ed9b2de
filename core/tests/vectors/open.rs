//! OPEN: both ways, and every form its parameters may have.

use std::net::Ipv4Addr;

use bgplite_core::ids::Asn;
use bgplite_core::wire::{AfiSafi, Capability, DecodeError, MessageKind, Open, RestartFamily};

use crate::{encoded, vector, whole};

const V4: AfiSafi = AfiSafi { afi: 1, safi: 1 };
const V6: AfiSafi = AfiSafi { afi: 2, safi: 1 };

fn open(asn: u32, capabilities: Vec<Capability>) -> Open {
    Open { asn: Asn(asn), hold_secs: 240, router_id: Ipv4Addr::new(203, 0, 113, 1), capabilities }
}

/// A body with version 4, AS 65010, hold time 240, router id 203.0.113.1 and these octets after it.
fn body(parameters: &[u8]) -> Vec<u8> {
    [&[4, 0xFD, 0xF2, 0, 240, 203, 0, 113, 1][..], parameters].concat()
}

#[test]
fn open_is_its_vector_both_ways() {
    let plain =
        Open { asn: Asn(65010), hold_secs: 0, router_id: Ipv4Addr::new(192, 0, 2, 1), capabilities: vec![] };
    let full = open(
        4_200_000_001,
        vec![
            Capability::Multiprotocol(V4),
            Capability::Multiprotocol(V6),
            Capability::RouteRefresh,
            Capability::ExtendedMessage,
            Capability::GracefulRestart {
                restarting: false,
                notification: true,
                restart_secs: 120,
                families: vec![RestartFamily { family: V4, forwarding_kept: true }],
            },
            Capability::FourOctetAsn(Asn(4_200_000_001)),
            Capability::EnhancedRefresh,
            Capability::Unknown { code: 73, data: vec![1, 0x61, 0] },
        ],
    );
    for (bytes, value) in [(vector!("open-plain"), plain), (vector!("open-capabilities"), full)] {
        let message = whole(&bytes);
        assert_eq!(message.kind, MessageKind::Open);
        assert_eq!(Open::decode(message.body), Ok(value.clone()));
        assert_eq!(encoded(|out| value.encode(out)), bytes);
    }
}

#[test]
fn parameters_beyond_255_octets_take_the_extended_form() {
    let value = open(
        65010,
        vec![Capability::Multiprotocol(V4), Capability::Unknown { code: 0xEF, data: vec![0xAA; 252] }],
    );
    let bytes = encoded(|out| value.encode(out));
    // RFC 9072 section 2: 255, 255, two octets of length; then type 2 and two octets of length.
    let head = body(&[255, 255, 0x01, 0x07, 2, 0x01, 0x04, 1, 4, 0, 1, 0, 1, 0xEF, 252, 0xAA]);
    assert_eq!(bytes.len(), 295);
    assert_eq!(bytes.get(19..19 + head.len()), Some(&head[..]));
    assert_eq!(Open::decode(whole(&bytes).body), Ok(value));
}

#[test]
fn the_largest_plain_form_has_255_octets_of_parameters() {
    let value = open(65010, vec![Capability::Unknown { code: 0xEF, data: vec![0xAA; 251] }]);
    let bytes = encoded(|out| value.encode(out));
    assert_eq!(bytes.get(19..33), Some(&body(&[255, 2, 253, 0xEF, 251])[..]));
    assert_eq!(Open::decode(whole(&bytes).body), Ok(value));
}

#[test]
fn the_extended_form_is_taken_whatever_length_precedes_it() {
    let expected = Ok(open(65010, vec![Capability::RouteRefresh]));
    assert_eq!(Open::decode(&body(&[255, 255, 0, 5, 2, 0, 2, 2, 0])), expected);
    assert_eq!(Open::decode(&body(&[1, 255, 0, 5, 2, 0, 2, 2, 0])), expected);
}

#[test]
fn capabilities_may_come_in_many_parameters_and_twice() {
    let parameters = [&[12, 2, 2, 2, 0, 2, 2, 2, 0, 2, 2, 70, 0][..]].concat();
    let value = Open::decode(&body(&parameters)).unwrap();
    assert_eq!(
        value.capabilities,
        [Capability::RouteRefresh, Capability::RouteRefresh, Capability::EnhancedRefresh]
    );
}

#[test]
fn a_known_capability_of_wrong_length_is_kept_unknown() {
    for (code, data) in [
        (1, &[0, 1, 0][..]),
        (2, &[0]),
        (6, &[1, 2]),
        (64, &[0]),
        (64, &[0, 120, 0, 1, 1]),
        (65, &[0, 0, 1]),
        (65, &[0, 0, 0, 0, 1]),
        (70, &[0]),
    ] {
        let len = u8::try_from(data.len()).unwrap();
        let body = body(&[&[len + 4, 2, len + 2, code, len], data].concat());
        let value = Open::decode(&body).unwrap();
        assert_eq!(value.capabilities, [Capability::Unknown { code, data: data.to_vec() }]);
        assert_eq!(encoded(|out| value.encode(out)).get(19..), Some(&body[..]));
    }
}

#[test]
fn lengths_that_contradict_each_other_are_an_error() {
    for parameters in [
        &[][..],
        &[1],
        &[0, 0],
        // After "no parameters" the extended form does not begin (RFC 9072 section 2).
        &[0, 255, 0, 0],
        &[3, 2, 2, 2],
        &[4, 2, 3, 2, 0],
        &[4, 2, 2, 2, 1],
        &[3, 2, 1, 2],
        &[255, 255],
        &[255, 255, 0],
        &[255, 255, 0, 4, 2, 0, 2, 2, 0],
        &[255, 255, 0, 5, 2, 0, 3, 2, 0],
    ] {
        assert_eq!(Open::decode(&body(parameters)), Err(DecodeError::OpenLengths), "{parameters:?}");
    }
    for len in 0..9 {
        assert_eq!(Open::decode(&body(&[])[..len]), Err(DecodeError::OpenLengths), "{len}");
    }
}

#[test]
fn the_asn_is_the_four_octet_one_when_it_is_there() {
    let value = Open::decode(&body(&[8, 2, 6, 65, 4, 0xFA, 0x56, 0xEA, 1])).unwrap();
    assert_eq!((value.asn, value.four_octet()), (Asn(4_200_000_001), Some(Asn(4_200_000_001))));
    let value = Open::decode(&body(&[0])).unwrap();
    assert_eq!((value.asn, value.four_octet()), (Asn(65010), None));
}

#[test]
fn without_multiprotocol_there_is_ipv4_unicast_alone() {
    let none = open(65010, vec![Capability::RouteRefresh]);
    assert!(none.supports(V4) && !none.supports(V6));
    let only_v6 = open(65010, vec![Capability::Multiprotocol(V6)]);
    assert!(!only_v6.supports(V4) && only_v6.supports(V6));
    let both = open(65010, vec![Capability::Multiprotocol(V6), Capability::Multiprotocol(V4)]);
    assert!(both.supports(V4) && both.supports(V6) && !both.supports(AfiSafi { afi: 1, safi: 2 }));
}

#[test]
fn each_question_looks_at_its_own_capability() {
    let has = |capability: Capability| {
        let value = open(65010, vec![capability]);
        (value.has_route_refresh(), value.has_extended_message(), value.has_enhanced_refresh())
    };
    assert_eq!(has(Capability::RouteRefresh), (true, false, false));
    assert_eq!(has(Capability::ExtendedMessage), (false, true, false));
    assert_eq!(has(Capability::EnhancedRefresh), (false, false, true));
}

#[test]
fn an_open_never_exceeds_4096_octets() {
    let value = open(65010, vec![Capability::Unknown { code: 0xEF, data: vec![0xAA; 255] }; 20]);
    let bytes = encoded(|out| value.encode(out));
    assert!(bytes.len() <= 4096);
    assert_eq!(Open::decode(whole(&bytes).body).unwrap().capabilities.len(), 15);
}
