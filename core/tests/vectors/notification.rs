//! NOTIFICATION: both ways, and as people read it.

use bgplite_core::wire::{MessageKind, Notification};

use crate::{encoded, vector, whole};

fn notification(code: u8, subcode: u8, data: &[u8]) -> Notification {
    Notification { code, subcode, data: data.to_vec() }
}

#[test]
fn notification_is_its_vector_both_ways() {
    for (bytes, value) in [
        (vector!("notification-hold-timer"), notification(4, 0, &[])),
        (vector!("notification-shutdown"), notification(6, 2, b"\x03bye")),
    ] {
        let message = whole(&bytes);
        assert_eq!(message.kind, MessageKind::Notification);
        assert_eq!(Notification::decode(message.body), Ok(value.clone()));
        assert_eq!(encoded(|out| value.encode(out)), bytes);
    }
}

#[test]
fn shutdown_text_goes_there_and_back() {
    let sent = Notification::with_text(6, 2, "bye");
    assert_eq!(sent, notification(6, 2, b"\x03bye"));
    assert_eq!(sent.cease_text().as_deref(), Some("bye"));
    assert_eq!(Notification::with_text(6, 4, "again").cease_text().as_deref(), Some("again"));
}

#[test]
fn a_long_text_is_cut_between_characters() {
    // 127 letters of two octets are 254; the 128th does not fit 255.
    let sent = Notification::with_text(6, 2, &"ж".repeat(200));
    assert_eq!((sent.data.len(), sent.data[0]), (255, 254));
    assert_eq!(sent.cease_text().as_deref(), Some("ж".repeat(127).as_str()));
    let sent = Notification::with_text(6, 2, &"x".repeat(300));
    assert_eq!((sent.data.len(), sent.data[0]), (256, 255));
}

#[test]
fn a_text_that_is_not_there_is_none() {
    for bad in [
        notification(6, 2, &[]),
        notification(6, 2, &[0]),
        notification(6, 2, b"\x04bye"),
        notification(6, 3, b"\x03bye"),
        notification(3, 2, b"\x03bye"),
    ] {
        assert_eq!(bad.cease_text(), None, "{bad:?}");
    }
    assert_eq!(notification(6, 2, b"\x02\xFFa").cease_text().as_deref(), Some("\u{FFFD}a"));
}

#[test]
fn people_read_names_numbers_and_an_escaped_text() {
    for (value, text) in [
        (notification(6, 2, b"\x03bye"), "Cease/Administrative Shutdown (6/2): \"bye\""),
        (notification(6, 2, b"\x04a\n\x1B\""), "Cease/Administrative Shutdown (6/2): \"a\\n\\u{1b}\\\"\""),
        (notification(6, 4, &[]), "Cease/Administrative Reset (6/4)"),
        (notification(4, 0, &[]), "Hold Timer Expired (4/0)"),
        (notification(8, 0, &[]), "Send Hold Timer Expired (8/0)"),
        (notification(1, 3, &[9]), "Message Header Error/Bad Message Type (1/3): 0x09"),
        (notification(2, 1, &[0, 4]), "OPEN Message Error/Unsupported Version Number (2/1): 0x0004"),
        (notification(2, 6, &[]), "OPEN Message Error/Unacceptable Hold Time (2/6)"),
        (notification(3, 11, &[]), "UPDATE Message Error/Malformed AS_PATH (3/11)"),
        (notification(5, 1, &[]), "Finite State Machine Error/Unexpected Message in OpenSent State (5/1)"),
        (notification(6, 7, &[]), "Cease/Connection Collision Resolution (6/7)"),
        (notification(6, 9, &[]), "Cease/Hard Reset (6/9)"),
        (notification(7, 1, &[]), "ROUTE-REFRESH Message Error/Invalid Message Length (7/1)"),
        (notification(6, 99, &[]), "Cease (6/99)"),
        (notification(99, 1, &[]), "Unknown Error (99/1)"),
    ] {
        assert_eq!(value.to_string(), text);
    }
    let long = notification(3, 1, &[0xAB; 4000]).to_string();
    assert!(long.len() < 200 && long.ends_with("(4000 octets)"), "{long}");
}

#[test]
fn more_data_than_fits_is_cut_not_sent() {
    let bytes = encoded(|out| notification(1, 0, &vec![7; 70_000]).encode(out));
    assert_eq!(bytes.len(), 4096);
    assert_eq!(whole(&bytes).body.len(), 4077);
}
