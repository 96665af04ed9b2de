//! Every fault of every attribute, on a session that survives it or, for those that carry routes, does not.

use bgplite_core::ids::ConnId;

use crate::bench::{BOTH, Bench, FOUR_OCTETS, KEEPALIVE, config, open, update};

/// Code, right flags, a good value, a value of wrong length, a value that means nothing.
type Row = (u8, u8, &'static [u8], Option<&'static [u8]>, Option<&'static [u8]>);

/// On a session whose ASNs have four octets.
const ROWS: [Row; 12] = [
    (1, 0x40, &[0], Some(&[]), Some(&[9])),
    (2, 0x40, &[2, 1, 0, 0, 0xFD, 0xE9], None, Some(&[2])),
    (3, 0x40, &[198, 51, 100, 7], Some(&[198]), None),
    (4, 0x80, &[0, 0, 0, 1], Some(&[1]), None),
    (6, 0x40, &[], Some(&[1]), None),
    (7, 0xC0, &[0, 0, 0xFD, 0xE9, 1, 1, 1, 1], Some(&[1]), Some(&[0, 0, 0, 0, 1, 1, 1, 1])),
    (8, 0xC0, &[0, 1, 0, 1], Some(&[1]), None),
    (14, 0x80, &[0, 1, 0x80, 1], None, Some(&[0, 2])),
    (15, 0x80, &[0, 1, 0x80, 1], None, Some(&[0, 2])),
    (16, 0xC0, &[0, 2, 0, 1, 0, 0, 0, 1], Some(&[1]), None),
    (32, 0xC0, &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1], Some(&[1]), None),
    (99, 0xC0, &[1], None, None),
];

/// On one whose ASNs have two.
const TWO_OCTET_ROWS: [Row; 2] = [
    (17, 0xC0, &[2, 1, 0, 0, 0xFD, 0xE9], None, Some(&[2])),
    (18, 0xC0, &[0, 0, 0xFD, 0xE9, 1, 1, 1, 1], Some(&[1]), Some(&[0, 0, 0, 0, 1, 1, 1, 1])),
];

/// LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST: not between two ASes.
const INTERNAL: [u8; 3] = [5, 9, 10];

pub(crate) fn scenarios() {
    for row in ROWS {
        faults(row, true);
    }
    for row in TWO_OCTET_ROWS {
        faults(row, false);
        survives(&attribute(row.1, row.0, row.2), true);
    }
    for code in INTERNAL {
        let flags = if code == 5 { 0x40 } else { 0x80 };
        let whole = attribute(flags, code, &[0, 0, 0, 1]);
        survives(&whole, true);
        survives(&[whole.clone(), whole].concat(), true);
        survives(&[flags, code, 9], true);
    }
    missing();
}

fn faults((code, flags, good, bad_length, bad_value): Row, as4: bool) {
    let whole = attribute(flags, code, good);
    let carries_routes = matches!(code, 14 | 15);
    if code != 99 {
        survives(&attribute(flags ^ 0x40, code, good), as4);
    }
    if let Some(value) = bad_length {
        survives(&attribute(flags, code, value), as4);
    }
    match bad_value.map(|value| attribute(flags, code, value)) {
        Some(bad) if carries_routes => ends(&bad, as4),
        Some(bad) => survives(&bad, as4),
        None => {}
    }
    let twice = [whole.clone(), whole].concat();
    if carries_routes {
        ends(&twice, as4);
    } else {
        survives(&twice, as4);
    }
    survives(&[flags, code, 200, 1], as4);
}

fn missing() {
    let present = [attribute(0x40, 1, &[0]), attribute(0x40, 2, &[]), attribute(0x40, 3, &[198, 51, 100, 7])];
    for absent in 0..3 {
        let mut rest = present.clone().to_vec();
        rest.remove(absent);
        let (mut bench, conn) = session(true);
        bench.send(conn, &update(&[&rest.concat()], true));
        assert_eq!(bench.notification(conn), None);
        assert_eq!(bench.server.stats().attribute_faults, 1);
    }
}

/// The attributes cost routes at most, beside a prefix and what it needs unless they bring it.
fn survives(attributes: &[u8], as4: bool) {
    let (mut bench, conn) = session(as4);
    bench.send(conn, &around(attributes));
    assert_eq!(bench.notification(conn), None, "{attributes:?}");
    assert!(bench.server.stats().attribute_faults >= 1, "{attributes:?}");
}

/// The attributes cost the session.
fn ends(attributes: &[u8], as4: bool) {
    let (mut bench, conn) = session(as4);
    bench.send(conn, &around(attributes));
    assert!(bench.notification(conn).is_some_and(|[code, _]| code == 3), "{attributes:?}");
}

fn around(attributes: &[u8]) -> Vec<u8> {
    let code = attributes[1];
    let mandatory =
        [attribute(0x40, 1, &[0]), attribute(0x40, 2, &[]), attribute(0x40, 3, &[198, 51, 100, 7])];
    let mut before = mandatory.to_vec();
    before.retain(|attribute| attribute[1] != code);
    before.push(attributes.to_vec());
    update(&[&before.concat()], true)
}

fn session(as4: bool) -> (Bench, ConnId) {
    let mut bench = Bench::new(config());
    let conn = bench.connect("198.51.100.7:1");
    let capabilities: Vec<&[u8]> = BOTH.into_iter().chain(as4.then_some(FOUR_OCTETS)).collect();
    bench.send(conn, &open(&capabilities));
    bench.send(conn, &KEEPALIVE);
    (bench, conn)
}

fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let mut whole = vec![flags, code, u8::try_from(value.len()).unwrap()];
    whole.extend(value);
    whole
}
