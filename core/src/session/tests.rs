//! The state machine as a table, and what its timers and messages do.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::{DownReason, Event, Lost, Sending, Session, SessionConfig, State, Timer};
use crate::config::Families;
use crate::ids::Asn;
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::wire::{AfiSafi, Notification};

const T0: Instant = Instant::from_nanos(1_000_000_000);

/// OPEN: AS 65001, hold 90, id 10.0.0.1; multiprotocol IPv4 and IPv6, route refresh, four-octet AS.
const OPEN: [u8; 51] = hex("ffffffffffffffffffffffffffffffff003301 04fde9005a0a000001 16 \
     0214 010400010001 010400020001 0200 41040000fde9");
const KEEPALIVE: [u8; 19] = hex("ffffffffffffffffffffffffffffffff001304");
/// End-of-RIB for IPv4: the shortest UPDATE.
const UPDATE: [u8; 23] = hex("ffffffffffffffffffffffffffffffff0017020000 0000");
const REFRESH: [u8; 23] = hex("ffffffffffffffffffffffffffffffff001705 00010001");
const CEASE: [u8; 21] = hex("ffffffffffffffffffffffffffffffff00150306 04");
/// An HTTP request where a marker should be.
const GARBAGE: [u8; 16] = *b"GET / HTTP/1.1\r\n";

const fn hex<const N: usize>(text: &str) -> [u8; N] {
    let (text, mut out, mut at, mut digits) = (text.as_bytes(), [0; N], 0, 0);
    while at < text.len() {
        let digit = match text[at] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'a'..=b'f' => digit - b'a' + 10,
            _ => {
                at += 1;
                continue;
            }
        };
        out[digits / 2] = out[digits / 2] << 4 | digit;
        digits += 1;
        at += 1;
    }
    assert!(digits == 2 * N, "the text has another number of octets");
    out
}

fn config() -> SessionConfig {
    SessionConfig {
        asn: Asn(65010),
        router_id: Ipv4Addr::new(203, 0, 113, 1),
        hold_secs: 240,
        families: Families::BOTH,
        open_delay: Duration::from_secs(1),
        send_hold: Duration::from_secs(480),
        max_received: Some(2),
    }
}

fn session() -> Session {
    Session::new(config(), Rng::new(7), T0)
}

fn feed(session: &mut Session, now: Instant, bytes: &[u8]) -> Vec<Event> {
    session.handle_bytes(bytes);
    core::iter::from_fn(|| session.poll_event(now)).collect()
}

fn sent(session: &mut Session) -> Vec<u8> {
    let mut out = Vec::new();
    session.poll_control(&mut out);
    out
}

fn in_state(state: State) -> Session {
    let mut session = session();
    match state {
        State::OpenDelay => {}
        State::OpenSent => session.handle_timeout(T0 + Duration::from_secs(1)),
        State::OpenConfirm => drop(feed(&mut session, T0, &OPEN)),
        State::Established => drop(feed(&mut session, T0, &[&OPEN[..], &KEEPALIVE].concat())),
        State::Closed => session.handle_disconnected(Lost::Eof),
    }
    assert_eq!(session.state(), state);
    sent(&mut session);
    let _ = session.poll_event(T0);
    session
}

const STATES: [State; 5] =
    [State::OpenDelay, State::OpenSent, State::OpenConfirm, State::Established, State::Closed];

/// What one event does in one state: the state after it, the events seen, and the octets sent from type on.
fn outcome(state: State, act: impl Fn(&mut Session)) -> (State, String, Vec<u8>) {
    let mut session = in_state(state);
    act(&mut session);
    let events: Vec<Event> = core::iter::from_fn(|| session.poll_event(T0)).collect();
    let names: Vec<String> = events
        .iter()
        .map(|event| match event {
            Event::Opened => "opened".into(),
            Event::Established => "established".into(),
            Event::Update(_) => "update".into(),
            Event::Refresh(_) => "refresh".into(),
            Event::Down(DownReason::Sent(n)) => format!("sent {}/{}", n.code, n.subcode),
            Event::Down(DownReason::Received(n)) => format!("received {}/{}", n.code, n.subcode),
            Event::Down(DownReason::SendHoldExpired) => "send hold".into(),
            Event::Down(DownReason::Lost(_)) => "lost".into(),
        })
        .collect();
    let sent = sent(&mut session);
    let tail = sent.get(18..).unwrap_or_default().to_vec();
    (session.state(), names.join(", "), tail)
}

#[test]
fn every_state_answers_every_message() {
    use State::{Closed, Established, OpenConfirm, OpenDelay, OpenSent};
    // What is sent is written from the type octet on: 3 is NOTIFICATION, then code, subcode, data.
    let fsm_error = |subcode, kind| (Closed, format!("sent 5/{subcode}"), vec![3, 5, subcode, kind]);
    let received = || (Closed, "received 6/4".into(), vec![]);
    let unsynchronized = || (Closed, "sent 1/1".into(), vec![3, 1, 1]);
    let nothing = |state| (state, String::new(), vec![]);
    for state in STATES {
        let feed = |bytes: &'static [u8]| outcome(state, move |session| session.handle_bytes(bytes));
        let row =
            [feed(&OPEN), feed(&KEEPALIVE), feed(&UPDATE), feed(&REFRESH), feed(&CEASE), feed(&GARBAGE)];
        let expected = match state {
            OpenDelay | OpenSent => {
                let (after, events, mut open) = row[0].clone();
                assert_eq!((after, events.as_str()), (OpenConfirm, "opened"));
                if state == OpenDelay {
                    assert_eq!(open[0], 1, "our OPEN comes first");
                    open = open.split_off(open.len() - 1);
                }
                assert_eq!(open, [4], "a KEEPALIVE answers the OPEN");
                [
                    row[0].clone(),
                    fsm_error(1, 4),
                    fsm_error(1, 2),
                    fsm_error(1, 5),
                    received(),
                    unsynchronized(),
                ]
            }
            OpenConfirm => [
                fsm_error(2, 1),
                (Established, "established".into(), vec![]),
                fsm_error(2, 2),
                fsm_error(2, 5),
                received(),
                unsynchronized(),
            ],
            Established => [
                fsm_error(3, 1),
                nothing(Established),
                (Established, "update".into(), vec![]),
                (Established, "refresh".into(), vec![]),
                received(),
                unsynchronized(),
            ],
            Closed => [(); 6].map(|()| nothing(Closed)),
        };
        assert_eq!(row, expected, "{state:?}");
    }
}

#[test]
fn every_state_answers_every_event_that_is_no_message() {
    use State::{Closed, Established, OpenConfirm, OpenDelay, OpenSent};
    for state in STATES {
        let is_over = state == Closed;
        let lost = outcome(state, |session| {
            session.handle_disconnected(Lost::Error("reset".into()));
        });
        assert_eq!(lost, (Closed, if is_over { "" } else { "lost" }.into(), vec![]), "{state:?}");

        let closed = outcome(state, |session| session.close(Notification::new(6, 3)));
        let told = (Closed, "sent 6/3".into(), vec![3, 6, 3]);
        assert_eq!(closed, if is_over { (Closed, String::new(), vec![]) } else { told }, "{state:?}");

        let refresh = outcome(state, |session| session.refresh(AfiSafi::IPV6_UNICAST));
        let asked = if state == Established { vec![5, 0, 2, 0, 1] } else { vec![] };
        assert_eq!(refresh, (state, String::new(), asked), "{state:?}");

        let probe = outcome(state, Session::probe);
        let said = if matches!(state, OpenConfirm | Established) { vec![4] } else { vec![] };
        assert_eq!(probe, (state, String::new(), said), "{state:?}");

        // The timers that run in each state, and nothing else.
        let mut session = in_state(state);
        let mut timers = Vec::new();
        session.handle_sending(T0, Sending::Progress);
        while let Some((at, timer)) = session.poll_timeout() {
            timers.push(timer);
            if session.state() != state {
                break;
            }
            session.handle_timeout(at);
            if timer == Timer::Keepalive || timers.len() > 3 {
                break;
            }
        }
        let first = match state {
            OpenDelay => Some(Timer::OpenDelay),
            OpenSent => Some(Timer::Hold),
            OpenConfirm | Established => Some(Timer::Keepalive),
            Closed => None,
        };
        assert_eq!(timers.first().copied(), first, "{state:?}");
    }
}

#[test]
fn our_open_waits_for_the_peers_and_offers_only_what_it_offered() {
    let mut session = session();
    assert!(!session.has_control());
    feed(&mut session, T0, &OPEN);
    let expected: [u8; 51] = hex("ffffffffffffffffffffffffffffffff003301 04fdf200f0cb007101 16 \
         0214 010400010001 010400020001 0200 41040000fdf2");
    assert_eq!(sent(&mut session)[..51], expected);
}

#[test]
fn a_silent_peer_gets_our_open_with_everything_after_the_delay() {
    let mut session = session();
    assert_eq!(session.poll_timeout(), Some((T0 + Duration::from_secs(1), Timer::OpenDelay)));
    session.handle_timeout(T0 + Duration::from_millis(999));
    assert!(!session.has_control());
    session.handle_timeout(T0 + Duration::from_secs(1));
    let expected: [u8; 55] = hex("ffffffffffffffffffffffffffffffff003701 04fdf200f0cb007101 1a \
         0218 010400010001 010400020001 0200 0600 41040000fdf2 4600");
    assert_eq!(sent(&mut session), expected);
}

#[test]
fn a_peer_that_never_opens_is_told_hold_timer_expired_after_a_minute() {
    let mut session = session();
    session.handle_timeout(T0 + Duration::from_secs(1));
    sent(&mut session);
    session.handle_timeout(T0 + Duration::from_secs(59));
    assert_eq!(session.state(), State::OpenSent);
    session.handle_timeout(T0 + Duration::from_secs(60));
    assert_eq!(sent(&mut session), hex::<21>("ffffffffffffffffffffffffffffffff0015030400"));
}

#[test]
fn hold_timer_expiry_sends_notification_and_closes() {
    let mut session = in_state(State::Established);
    assert_eq!(session.negotiated().map(|n| n.hold_secs), Some(90), "the lower of 240 and 90");
    let mut now = T0;
    while session.state() == State::Established {
        now = session.poll_timeout().map(|(at, _)| at).unwrap();
        session.handle_timeout(now);
    }
    assert_eq!(now, T0 + Duration::from_secs(90));
    assert_eq!(session.poll_event(now), Some(Event::Down(DownReason::Sent(Notification::new(4, 0)))));
    assert_eq!(sent(&mut session), hex::<21>("ffffffffffffffffffffffffffffffff0015030400"));
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn any_message_restarts_the_hold_timer() {
    for message in [&KEEPALIVE[..], &UPDATE, &REFRESH] {
        let mut session = in_state(State::Established);
        feed(&mut session, T0 + Duration::from_secs(80), message);
        session.handle_timeout(T0 + Duration::from_secs(169));
        assert_eq!(session.state(), State::Established);
        session.handle_timeout(T0 + Duration::from_secs(170));
        assert_eq!(session.state(), State::Closed);
    }
}

#[test]
fn keepalives_come_at_a_third_of_the_hold_time_or_up_to_a_quarter_sooner() {
    let mut session = in_state(State::Established);
    let mut last = T0;
    let mut gaps = Vec::new();
    for _ in 0..200 {
        let (at, timer) = session.poll_timeout().unwrap();
        assert_eq!(timer, Timer::Keepalive);
        session.handle_timeout(at);
        assert_eq!(sent(&mut session), KEEPALIVE);
        gaps.push(at - last);
        last = at;
        feed(&mut session, at, &KEEPALIVE);
    }
    assert!(gaps.iter().all(|&gap| gap <= Duration::from_secs(30) && gap >= Duration::from_millis(22_500)));
    assert!(gaps.iter().max() > gaps.iter().min(), "the gaps are jittered");
}

#[test]
fn keepalives_that_wait_for_a_full_socket_are_one() {
    let mut session = in_state(State::Established);
    for _ in 0..5 {
        let (at, _) = session.poll_timeout().unwrap();
        session.handle_timeout(at);
        feed(&mut session, at, &KEEPALIVE);
    }
    assert_eq!(sent(&mut session), KEEPALIVE);
}

#[test]
fn a_hold_time_of_zero_runs_no_timer() {
    let mut open = OPEN;
    open[22..24].copy_from_slice(&[0, 0]);
    let mut session = session();
    feed(&mut session, T0, &[&open[..], &KEEPALIVE].concat());
    assert_eq!(session.state(), State::Established);
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn a_peer_that_takes_no_byte_is_given_up_after_the_send_hold_time_without_a_word() {
    let mut session = in_state(State::Established);
    session.handle_sending(T0, Sending::Progress);
    let mut now = T0;
    while session.state() == State::Established {
        feed(&mut session, now, &KEEPALIVE);
        now = session.poll_timeout().map(|(at, _)| at).unwrap();
        session.handle_timeout(now);
    }
    assert_eq!(now, T0 + Duration::from_secs(480));
    assert_eq!(session.poll_event(now), Some(Event::Down(DownReason::SendHoldExpired)));
    assert!(!session.has_control());
}

#[test]
fn progress_restarts_the_send_hold_timer_and_the_end_of_a_batch_stops_it() {
    let mut session = in_state(State::Established);
    session.handle_sending(T0, Sending::Progress);
    session.handle_sending(T0 + Duration::from_secs(479), Sending::Progress);
    let send_hold = |session: &Session| session.send_hold;
    assert_eq!(send_hold(&session), Some(T0 + Duration::from_secs(959)));
    session.handle_sending(T0 + Duration::from_secs(500), Sending::Done);
    assert_eq!(send_hold(&session), None);
}

#[test]
fn no_family_in_common_is_refused_with_the_ones_we_have() {
    let mut open = OPEN;
    // Both multiprotocol capabilities ask for multicast.
    open[36] = 2;
    open[42] = 2;
    let mut session = session();
    feed(&mut session, T0, &open);
    let expected: [u8; 33] = hex("ffffffffffffffffffffffffffffffff00210302 07 010400010001 010400020001");
    assert_eq!(sent(&mut session), expected);
}

#[test]
fn our_own_identifier_is_legal_in_another_as_and_refused_in_ours() {
    let mut open = OPEN;
    open[24..28].copy_from_slice(&[203, 0, 113, 1]);
    let mut external = session();
    feed(&mut external, T0, &open);
    assert_eq!(external.state(), State::OpenConfirm);
    // AS 65010, in both places.
    open[20..22].copy_from_slice(&[0xFD, 0xF2]);
    open[49..51].copy_from_slice(&[0xFD, 0xF2]);
    let mut internal = session();
    feed(&mut internal, T0, &open);
    assert_eq!(sent(&mut internal), hex::<21>("ffffffffffffffffffffffffffffffff0015030203"));
}

#[test]
fn the_owner_can_refuse_a_peer_before_anything_was_said() {
    let mut session = session();
    session.handle_bytes(&[&OPEN[..], &KEEPALIVE, &UPDATE].concat());
    assert_eq!(session.poll_event(T0), Some(Event::Opened));
    session.close(Notification::new(2, 2));
    assert_eq!(session.poll_event(T0), Some(Event::Down(DownReason::Sent(Notification::new(2, 2)))));
    assert_eq!(session.poll_event(T0), None);
    assert_eq!(sent(&mut session), hex::<21>("ffffffffffffffffffffffffffffffff0015030202"));
}

#[test]
fn one_prefix_over_the_limit_is_cease_maximum_prefixes_and_repeats_are_free() {
    let update = |prefixes: [[u8; 4]; 2]| {
        let mut bytes = hex::<43>(
            "ffffffffffffffffffffffffffffffff003302 0000 0014 40010100 4002060201 0000fde9 4003040a000001",
        )
        .to_vec();
        for [a, b, c, _] in prefixes {
            bytes.extend([24, a, b, c]);
        }
        bytes
    };
    let mut session = in_state(State::Established);
    for _ in 0..3 {
        feed(&mut session, T0, &update([[10, 0, 0, 0], [10, 0, 1, 0]]));
        assert_eq!(session.state(), State::Established);
    }
    feed(&mut session, T0, &update([[10, 0, 0, 0], [10, 0, 2, 0]]));
    assert_eq!(session.state(), State::Closed);
    assert_eq!(sent(&mut session)[18..21], [3, 6, 1]);
}

#[test]
fn our_own_feed_sent_back_counts_for_nothing() {
    // AS_PATH 65001 65010: through our AS.
    let mut update = hex::<47>(
        "ffffffffffffffffffffffffffffffff003b02 0000 0018 40010100 4002 0a 0202 0000fde9 0000fdf2 4003040a000001",
    )
    .to_vec();
    update.extend([24, 10, 0, 0, 24, 10, 0, 1, 24, 10, 0, 2]);
    let mut session = in_state(State::Established);
    feed(&mut session, T0, &update);
    assert_eq!(session.state(), State::Established);
}

#[test]
fn bytes_split_anywhere_end_in_the_same_state() {
    let stream = [&OPEN[..], &KEEPALIVE, &REFRESH, &UPDATE, &KEEPALIVE, &OPEN].concat();
    let mut whole = session();
    let expected = feed(&mut whole, T0, &stream);
    for size in [1, 2, 3, 18, 19, 20, 50, 51, 52] {
        let mut split = session();
        let events: Vec<Event> = stream.chunks(size).flat_map(|bytes| feed(&mut split, T0, bytes)).collect();
        assert_eq!(events, expected, "{size} octets at a time");
        assert_eq!(sent(&mut split), {
            let mut again = session();
            feed(&mut again, T0, &stream);
            sent(&mut again)
        });
    }
}

#[test]
fn nothing_is_kept_of_a_message_that_was_used() {
    let mut session = in_state(State::Established);
    for _ in 0..1000 {
        feed(&mut session, T0, &[&UPDATE[..], &KEEPALIVE, &UPDATE[..10]].concat());
        feed(&mut session, T0, &UPDATE[10..]);
    }
    assert_eq!(session.received.capacity(), 0);
}
