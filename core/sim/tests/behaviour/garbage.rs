//! Any byte, in any state, has a defined end: no panic, no growth, at most one NOTIFICATION, and it is the last.

use bgplite_core::ids::ConnId;
use bgplite_core::rng::Rng;
use bgplite_core::server::Notice;
use bgplite_core::session::{DownReason, State};
use bgplite_core::wire::{MAX_EXTENDED_LEN, Update, WireParams};
use bgplite_sim::{ClientConfig, Lab};

use crate::support::{LOCAL, config, last_notification, world};

const STRINGS: usize = 100_000;
const STATES: [State; 4] = [State::OpenDelay, State::OpenSent, State::OpenConfirm, State::Established];

#[test]
fn a_hundred_thousand_hostile_strings_in_each_state_all_end_well() {
    let mut rng = Rng::new(20_261_123);
    let seeds = valid_messages();
    for state in STATES {
        let mut ends = [0_usize; 2];
        let mut world = fresh();
        for round in 0..STRINGS {
            if round % 1000 == 0 {
                world = fresh();
            }
            let conn = in_state(&mut world, state, round);
            for bytes in hostile(&mut rng, &seeds) {
                world.inject(conn, &bytes);
                assert!(world.server.buffered(conn) <= MAX_EXTENDED_LEN, "it keeps more than a message");
            }
            let is_open = world.is_open(conn);
            ends[usize::from(is_open)] += 1;
            if !is_open {
                // A NOTIFICATION is never answered; anything else that ends a session is.
                let said = last_notification(world.wire(conn)).is_some_and(|octets| octets.len() >= 2);
                assert_ne!(said, world.notices.iter().any(is_received), "{:?}", world.notices);
            }
            world.notices.clear();
            world.drop_link(conn);
            assert_eq!(world.server.peers().count(), 0, "nothing stays of a connection that is gone");
        }
        assert!(ends[0] > STRINGS / 10, "{state:?}: hardly anything was refused: {ends:?}");
    }
}

#[test]
fn http_and_tls_on_the_port_get_connection_not_synchronized_at_the_first_byte() {
    for bytes in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC], b"\n"] {
        let mut world = fresh();
        let conn = in_state(&mut world, State::OpenDelay, 0);
        world.inject(conn, &bytes[..1]);
        assert_eq!(last_notification(world.wire(conn)), Some(vec![1, 1]));
        assert!(!world.is_open(conn));
        let downs = world.notices.iter().filter(|notice| notice.event() == "connection_closed").count();
        assert_eq!(downs, 1, "it is logged once");
    }
}

#[test]
fn half_a_message_is_no_reason_to_answer_and_the_deadline_ends_it() {
    let mut world = fresh();
    let conn = in_state(&mut world, State::OpenDelay, 0);
    world.inject(conn, &[0xFF; 18]);
    assert!(world.is_open(conn));
    world.stall(conn, true);
    world.advance(bgplite_core::time::Duration::from_secs(62));
    assert!(!world.is_open(conn));
}

fn is_received(notice: &Notice) -> bool {
    matches!(notice, Notice::SessionDown { reason: DownReason::Received(_), .. })
}

fn fresh() -> Lab {
    world(config(), &[("ru.txt", "10.0.0.0/8\n")])
}

/// A connection whose server side stands in `state`, and whose client says nothing by itself.
fn in_state(world: &mut Lab, state: State, round: usize) -> ConnId {
    let conn =
        world.accept(LOCAL, &format!("198.51.100.7:{}", 1 + round % 60_000), &ClientConfig::new(65001));
    let mut said = Vec::new();
    world.client_mut(conn).session.poll_control(&mut said);
    let keepalive = [&[0xFF; 16][..], &[0, 19, 4]].concat();
    world.mute(conn);
    match state {
        State::OpenDelay | State::Closed => {}
        State::OpenSent => world.advance(bgplite_core::time::Duration::from_secs(1)),
        State::OpenConfirm => world.inject(conn, &said),
        State::Established => world.inject(conn, &[said, keepalive].concat()),
    }
    assert_eq!(world.server.peers().next().map(|peer| peer.state), Some(state));
    conn
}

/// One of each message, valid.
fn valid_messages() -> Vec<Vec<u8>> {
    let mut client =
        bgplite_sim::Client::new(&ClientConfig::new(65001), 1, bgplite_core::time::Instant::ZERO);
    let mut open = Vec::new();
    client.session.poll_control(&mut open);
    let mut withdraw = Vec::new();
    let update =
        Update { withdrawn: vec![bgplite_core::rib::Prefix::host(0x0A00_0001)], ..Update::default() };
    update.encode(WireParams::default(), &mut withdraw);
    let header = |len: u8, kind: u8, body: &[u8]| [&[0xFF; 16][..], &[0, len, kind], body].concat();
    vec![
        open,
        withdraw,
        header(19, 4, &[]),
        header(23, 5, &[0, 1, 0, 1]),
        header(21, 3, &[6, 4]),
        // AS_PATH 65001, ORIGIN IGP, NEXT_HOP 10.0.0.1, then 192.0.2.0/24.
        header(
            47,
            2,
            &[
                0, 0, 0, 20, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xFD, 0xE9, 0x40, 3, 4, 10, 0, 0, 1, 24,
                192, 0, 2,
            ],
        ),
        // MP_REACH_NLRI of 2001:db8::/32 with next hop 2001:db8::1, and the mandatory attributes.
        header(
            66,
            2,
            &[
                0, 0, 0, 43, 0x80, 14, 26, 0, 2, 1, 16, 0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                1, 0, 32, 0x20, 1, 0xD, 0xB8, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xFD, 0xE9,
            ],
        ),
    ]
}

/// Random octets, or valid messages with some of them changed, cut, doubled or spliced; in one piece or several.
fn hostile(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let pick = |rng: &mut Rng| seeds[rng.below(seeds.len() as u64) as usize].clone();
    let mut bytes = match rng.below(8) {
        0 => (0..rng.below(200)).map(|_| rng.next_u64() as u8).collect(),
        1 => {
            // A sound header around noise.
            let body: Vec<u8> = (0..rng.below(120)).map(|_| rng.next_u64() as u8).collect();
            let len = 19 + body.len() as u16;
            let kind = 1 + rng.below(5) as u8;
            [&[0xFF; 16][..], &len.to_be_bytes(), &[kind], &body].concat()
        }
        2 => [pick(rng), pick(rng)].concat(),
        _ => pick(rng),
    };
    for _ in 0..=rng.below(4) {
        let at = rng.below(bytes.len().max(1) as u64) as usize;
        match rng.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), rng.next_u64() as u8),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = rng.next_u64() as u8;
                }
            }
        }
    }
    if bytes.is_empty() {
        bytes.push(rng.next_u64() as u8);
    }
    let size = 1 + rng.below(bytes.len() as u64) as usize;
    bytes.chunks(size).map(<[u8]>::to_vec).collect()
}
