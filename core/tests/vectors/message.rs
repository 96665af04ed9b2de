//! KEEPALIVE and ROUTE-REFRESH.

use bgplite_core::wire::{AfiSafi, MessageKind, RefreshKind, RouteRefresh, encode_keepalive};

use crate::{encoded, vector, whole};

#[test]
fn keepalive_is_its_vector_both_ways() {
    let bytes = vector!("keepalive");
    let message = whole(&bytes);
    assert_eq!((message.kind, message.body), (MessageKind::Keepalive, &[][..]));
    assert_eq!(encoded(encode_keepalive), bytes);
}

#[test]
fn refresh_is_its_vector_both_ways() {
    for (bytes, family, kind) in [
        (vector!("refresh-ipv6"), AfiSafi { afi: 2, safi: 1 }, RefreshKind::Request),
        (vector!("refresh-begin-ipv4"), AfiSafi { afi: 1, safi: 1 }, RefreshKind::Begin),
    ] {
        let message = whole(&bytes);
        assert_eq!(message.kind, MessageKind::RouteRefresh);
        let refresh = RouteRefresh { family, kind };
        assert_eq!(RouteRefresh::decode(message.body), Ok(refresh));
        assert_eq!(encoded(|out| refresh.encode(out)), bytes);
    }
}

#[test]
fn refresh_subtypes_are_those_of_rfc_7313() {
    for (subtype, kind) in [
        (0, RefreshKind::Request),
        (1, RefreshKind::Begin),
        (2, RefreshKind::End),
        (3, RefreshKind::Unknown(3)),
        (255, RefreshKind::Unknown(255)),
    ] {
        let refresh = RouteRefresh::decode(&[0, 1, subtype, 1]).unwrap();
        assert_eq!(refresh.kind, kind);
        assert_eq!(encoded(|out| refresh.encode(out)).get(19..), Some(&[0, 1, subtype, 1][..]));
    }
}
