//! Every message, error and timer in every state.

use bgplite_core::ids::ConnId;
use bgplite_core::server::{Command, Input};
use bgplite_core::session::State;
use bgplite_core::time::Duration;

use crate::bench::{BOTH, Bench, KEEPALIVE, config, home, message, open, open_of};

const STATES: [State; 4] = [State::OpenDelay, State::OpenSent, State::OpenConfirm, State::Established];

pub(crate) fn scenarios() {
    every_message_in_every_state();
    every_end_in_every_state();
    silence_in_every_state();
    a_peer_that_reads_nothing_in_every_state();
    a_closed_session_can_be_closed_and_lost();
    opens_that_do_not_agree();
}

/// A connection in a state. Octets for it have been handed out and not taken.
fn bring(bench: &mut Bench, state: State) -> ConnId {
    let conn = bench.connect("198.51.100.7:1");
    if state == State::OpenSent {
        bench.advance(1);
    }
    if state >= State::OpenConfirm {
        bench.send(conn, &open(&BOTH));
    }
    if state == State::Established {
        bench.send(conn, &KEEPALIVE);
    }
    assert_eq!(bench.state(conn), Some(state));
    conn
}

fn every_message_in_every_state() {
    let messages = [
        open(&BOTH),
        message(2, &[0, 0, 0, 0]),
        message(3, &[6, 2]),
        KEEPALIVE.to_vec(),
        message(5, &[0, 1, 0, 1]),
    ];
    // What each earns: nothing, or a NOTIFICATION (RFC 6608).
    let unexpected = |subcode| Some([5, subcode]);
    let earned = [
        [None, unexpected(1), None, unexpected(1), unexpected(1)],
        [None, unexpected(1), None, unexpected(1), unexpected(1)],
        [unexpected(2), unexpected(2), None, None, unexpected(2)],
        [unexpected(3), None, None, None, None],
    ];
    for (state, earned) in STATES.into_iter().zip(earned) {
        for (message, earned) in messages.iter().zip(earned) {
            let mut bench = Bench::new(config());
            let conn = bring(&mut bench, state);
            bench.send(conn, message);
            assert_eq!(bench.notification(conn), earned, "{state:?} {message:?}");
        }
    }
}

fn every_end_in_every_state() {
    for state in STATES {
        let mut bench = Bench::new(config());
        let conn = bring(&mut bench, state);
        bench.send(conn, b"GET / HTTP/1.1\r\n");
        assert_eq!(bench.notification(conn), Some([1, 1]));
        let lost = Bench::new(config());
        let mut bench = lost;
        let conn = bring(&mut bench, state);
        bench.lose(conn);
        assert_eq!(bench.state(conn), None);
    }
}

fn silence_in_every_state() {
    for state in STATES {
        let mut config = config();
        // A stranger would have a minute for all of it.
        config.peers.push(home());
        if state == State::OpenDelay {
            config.open_delay = Duration::from_secs(100);
        }
        let mut bench = Bench::new(config);
        let conn = bring(&mut bench, state);
        bench.advance(91);
        assert_eq!(bench.notification(conn), Some([4, 0]), "{state:?}");
    }
}

fn a_peer_that_reads_nothing_in_every_state() {
    for state in STATES {
        let mut config = config();
        config.send_hold = Duration::from_secs(5);
        config.open_delay = Duration::from_secs(if state == State::OpenDelay { 100 } else { 1 });
        let mut bench = Bench::new(config);
        let conn = bring(&mut bench, state);
        if state == State::OpenDelay {
            // An adapter that reports what it never had: it is believed.
            bench.input(Input::Sent { conn });
        } else {
            assert!(bench.poll(conn));
        }
        bench.advance(6);
        assert_eq!(bench.state(conn), Some(State::Closed), "{state:?}");
        assert_eq!(bench.notification(conn), None, "who reads nothing is told nothing");
    }
}

fn a_closed_session_can_be_closed_and_lost() {
    let mut bench = Bench::new(config());
    let conn = bring(&mut bench, State::Established);
    bench.send(conn, &message(9, &[]));
    bench.command_without_reply(Command::Shutdown { text: String::new() });
    assert_eq!(bench.notification(conn), Some([1, 3]), "the first reason stands");
    bench.lose(conn);
    assert_eq!(bench.state(conn), None);
}

fn opens_that_do_not_agree() {
    let mut bench = Bench::new(config());
    let conn = bench.connect("198.51.100.7:1");
    bench.send(conn, &open_of(65010, [203, 0, 113, 1], &BOTH));
    assert_eq!(bench.notification(conn), Some([2, 3]));
    let conn = bench.connect("198.51.100.7:2");
    bench.send(conn, &open(&[&[1, 4, 0, 25, 0, 65]]));
    assert_eq!(bench.notification(conn), Some([2, 7]));
}
