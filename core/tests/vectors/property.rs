//! Claims about all messages, and about all bytes.

use bgplite_core::wire::{
    DecodeError, MessageKind, Notification, Open, RouteRefresh, Update, WireParams, encode_keepalive, frame,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::strategy::{faulty_update, notification, open, params, refresh, update};
use crate::{encoded, whole};

/// Decodes whatever it is, in each way that bytes from a peer can be decoded.
fn decode_all(body: &[u8]) {
    for as4 in [false, true] {
        let params = WireParams { as4, extended: true };
        match Update::decode(body, params) {
            Ok(received) => {
                assert!(received.faults.len() <= 16);
                let _ = (received.end_of_rib(), received.next_hop_v6(), received.communities());
                let routes = received.update.nlri.len() + received.update.withdrawn.len();
                let seen = received.announced_v4().len() + received.withdrawn_v4().count();
                assert_eq!(seen, routes);
                let mut out = Vec::new();
                received.update.encode(params, &mut out);
            }
            Err(error) => sendable(&error),
        }
    }
    match Open::decode(body) {
        Ok(open) => drop(encoded(|out| open.encode(out))),
        Err(error) => sendable(&error),
    }
    match Notification::decode(body) {
        Ok(notification) => drop((notification.to_string(), encoded(|out| notification.encode(out)))),
        Err(error) => sendable(&error),
    }
    if let Err(error) = RouteRefresh::decode(body) {
        sendable(&error);
    }
}

/// Every error earns a NOTIFICATION that any peer can read.
fn sendable(error: &DecodeError) {
    let bytes = encoded(|out| error.notification().encode(out));
    let message = frame(&bytes, 4096).expect("a good header").expect("a whole message");
    assert_eq!(message.kind, MessageKind::Notification);
    assert_eq!(Notification::decode(message.body), Ok(error.notification()));
    assert!(!error.to_string().is_empty());
}

/// A few messages, one after the other.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let message = prop_oneof![
        open().prop_map(|open| encoded(|out| open.encode(out))),
        notification().prop_map(|notification| encoded(|out| notification.encode(out))),
        refresh().prop_map(|refresh| encoded(|out| refresh.encode(out))),
        params().prop_flat_map(|params| update(params).prop_map(move |update| {
            encoded(|out| {
                update.encode(WireParams { extended: true, ..params }, out);
            })
        })),
        Just(encoded(encode_keepalive)),
    ];
    vec(message, 1..4).prop_map(|messages| messages.concat())
}

/// A stream of which a few octets are not as they were sent.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    (stream(), vec((any::<Index>(), any::<u8>()), 0..6), any::<Option<Index>>()).prop_map(
        |(mut bytes, changes, cut)| {
            for (at, octet) in changes {
                let at = at.index(bytes.len());
                bytes[at] = octet;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes
        },
    )
}

/// Cuts `bytes` into messages and decodes each; `step` octets arrive at a time. What came of it.
fn feed(bytes: &[u8], max_len: usize, step: usize) -> (Vec<(MessageKind, usize)>, Option<DecodeError>) {
    let (mut messages, mut start, mut arrived) = (Vec::new(), 0, 0);
    loop {
        match frame(&bytes[start..arrived], max_len) {
            Ok(Some(message)) => {
                messages.push((message.kind, message.len));
                start += message.len;
            }
            Ok(None) if arrived == bytes.len() => return (messages, None),
            Ok(None) => arrived = bytes.len().min(arrived + step),
            Err(error) => return (messages, Some(error)),
        }
    }
}

proptest! {
    #[test]
    fn an_open_reads_back_as_it_was_written(open in open()) {
        let bytes = encoded(|out| open.encode(out));
        prop_assert_eq!(Open::decode(whole(&bytes).body), Ok(open));
    }

    #[test]
    fn a_notification_reads_back_as_it_was_written(notification in notification()) {
        let bytes = encoded(|out| notification.encode(out));
        prop_assert_eq!(Notification::decode(whole(&bytes).body), Ok(notification));
    }

    #[test]
    fn a_refresh_reads_back_as_it_was_written(refresh in refresh()) {
        let bytes = encoded(|out| refresh.encode(out));
        prop_assert_eq!(RouteRefresh::decode(whole(&bytes).body), Ok(refresh));
    }

    #[test]
    fn an_update_reads_back_as_it_was_written(
        (params, update) in params().prop_flat_map(|params| (Just(params), update(params)))
    ) {
        let params = WireParams { extended: true, ..params };
        let bytes = encoded(|out| assert!(update.encode(params, out)));
        let received = Update::decode(whole(&bytes).body, params).unwrap();
        prop_assert_eq!(received.faults, []);
        prop_assert!(!received.treat_as_withdraw);
        prop_assert_eq!(received.update, update);
    }

    #[test]
    fn any_bytes_have_a_defined_result(body in vec(any::<u8>(), 0..600)) {
        decode_all(&body);
        let _ = frame(&body, 4096);
    }

    #[test]
    fn mutated_messages_have_a_defined_result(bytes in mutated()) {
        decode_all(bytes.get(19..).unwrap_or_default());
        let (messages, _) = feed(&bytes, 65535, usize::MAX / 2);
        let mut start = 0;
        for (_, len) in messages {
            decode_all(&bytes[start + 19..start + len]);
            start += len;
        }
    }

    #[test]
    fn the_stream_may_arrive_in_any_pieces(
        bytes in mutated(), step in 1..50usize, max_len in prop_oneof![Just(4096), Just(65535)]
    ) {
        let at_once = feed(&bytes, max_len, usize::MAX / 2);
        prop_assert_eq!(&feed(&bytes, max_len, step), &at_once);
        prop_assert_eq!(&feed(&bytes, max_len, 1), &at_once);
    }
}

proptest! {
    // Some faults show only where several rare ones meet: the default of 256 cases misses them.
    #![proptest_config(ProptestConfig::with_cases(8192))]

    #[test]
    fn faulty_updates_have_a_defined_result(body in faulty_update()) {
        decode_all(&body);
    }
}
