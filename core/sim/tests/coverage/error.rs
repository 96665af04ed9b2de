//! Every error that ends a session, and the NOTIFICATION it earns.

use crate::bench::{BOTH, Bench, KEEPALIVE, config, message, open, update};

pub(crate) fn scenarios() {
    headers();
    opens();
    updates();
    refresh();
}

/// What a connection says and earns; after an OPEN and a KEEPALIVE if `is_established`.
fn earns(bytes: &[u8], is_established: bool, earned: [u8; 2]) {
    let mut bench = Bench::new(config());
    let conn = bench.connect("198.51.100.7:1");
    if is_established {
        bench.send(conn, &open(&BOTH));
        bench.send(conn, &KEEPALIVE);
    }
    bench.send(conn, bytes);
    assert_eq!(bench.notification(conn), Some(earned), "{bytes:?}");
}

fn headers() {
    earns(&[0], false, [1, 1]);
    earns(&message(4, &[0]), true, [1, 2]);
    earns(&message(6, &[]), true, [1, 3]);
}

fn opens() {
    let bodies: [(&[u8], u8); 6] = [
        (&[4, 0xFD, 0xE9, 0, 90, 198, 51, 100, 7, 9], 0),
        (&[3, 0xFD, 0xE9, 0, 90, 198, 51, 100, 7, 0], 1),
        (&[4, 0, 0, 0, 90, 198, 51, 100, 7, 0], 2),
        (&[4, 0xFD, 0xE9, 0, 90, 0, 0, 0, 0, 0], 3),
        (&[4, 0xFD, 0xE9, 0, 90, 198, 51, 100, 7, 2, 1, 0], 4),
        (&[4, 0xFD, 0xE9, 0, 2, 198, 51, 100, 7, 0], 6),
    ];
    for (body, subcode) in bodies {
        earns(&message(1, body), false, [2, subcode]);
    }
}

fn updates() {
    // No prefix shows what to withdraw, so that each of these costs the session (RFC 7606 5.2).
    let attributes: [(&[u8], u8); 6] = [
        (&[0x40, 99, 0], 2),
        (&[0xC0, 1, 1, 0], 4),
        (&[0x40, 1, 2, 0, 0], 5),
        (&[0x40, 1, 1, 9], 6),
        (&[0x80, 14, 2, 0, 2], 9),
        (&[0x40, 2, 1, 2], 11),
    ];
    for (attribute, subcode) in attributes {
        earns(&update(&[attribute], false), true, [3, subcode]);
    }
    earns(&message(2, &[0, 9, 0, 0]), true, [3, 1]);
    earns(&message(2, &[0, 1, 33, 0, 0]), true, [3, 10]);
}

fn refresh() {
    earns(&message(5, &[0, 1, 0, 1, 0]), true, [7, 1]);
}
