//! The world as a whole: that it repeats itself, and that nothing is wrong in two hundred seeds of it.

use std::thread;
use std::time::Duration;

use bgplite_sim::{Delivery, Params, Scenario, run, run_timeline, timeline};

/// Short enough that a debug build runs two hundred of them in a minute.
fn params() -> Params {
    Params {
        faulty: Duration::from_secs(150),
        every: Duration::from_secs(3),
        clients: 6,
        ..Params::default()
    }
}

#[test]
fn two_hundred_seeds_show_nothing_wrong() {
    thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                for seed in (half..200).step_by(2) {
                    let outcome = run(seed, &params());
                    assert_eq!(
                        outcome.failure, None,
                        "simulate --seed {seed} --clients 6 --until 150 --every 3"
                    );
                }
            });
        }
    });
}

#[test]
fn a_seed_has_the_same_trace_on_every_machine_and_in_every_build() {
    let hashes: Vec<u64> = (0..10).map(|seed| run(seed, &params()).trace_hash).collect();
    assert_eq!(hashes, HASHES, "{hashes:#018x?}");
}

#[test]
fn a_seed_run_twice_is_the_same_run_and_listening_changes_nothing() {
    let incidents = timeline(11, &params());
    let first = run_timeline(11, &params(), &incidents, None);
    let mut lines = 0;
    let mut count = |_: &str| lines += 1;
    let second = run_timeline(11, &params(), &incidents, Some(&mut count));
    assert_eq!(first, second);
    assert!(lines > 100, "{lines} lines");
    assert_ne!(first.trace_hash, run(12, &params()).trace_hash);
}

#[test]
fn bytes_one_by_one_come_to_the_same_tables_as_all_at_once() {
    for seed in 0..20 {
        let whole = Params { faults: Vec::new(), ..params() };
        let bytes = Params { delivery: Delivery::Bytes, ..whole.clone() };
        let (whole, bytes) = (run(seed, &whole), run(seed, &bytes));
        assert_eq!((whole.failure, bytes.failure), (None, None), "seed {seed}");
        assert_eq!(whole.table_hash, bytes.table_hash, "seed {seed}");
        assert!(bytes.steps > whole.steps, "seed {seed}");
    }
}

#[test]
fn without_faults_everybody_is_served_and_no_session_ends() {
    let params = Params { faults: Vec::new(), clients: 40, ..params() };
    let (outcome, verdict) = Scenario::new(3, params).run(None);
    assert_eq!(verdict, Ok(()));
    assert!(outcome.sessions >= 20, "{} sessions", outcome.sessions);
    assert!(outcome.session_secs > 100 * outcome.sessions, "{} session-seconds", outcome.session_secs);
}

/// Of seeds 0 to 9. They change with whatever the server or a client sends, does or draws from its generator, and
/// with the world itself; they never differ between two builds of the same code.
const HASHES: [u64; 10] = [
    0xc36f_0638_2aeb_0e1b,
    0x2b19_c6ed_124a_d156,
    0x1b5d_5429_33d7_4672,
    0x91a9_168a_be16_9395,
    0x8cad_eee5_bef0_ae75,
    0x5a72_7f73_c11f_e123,
    0xa664_6b40_5fd9_7276,
    0xc4fa_3f39_33a6_a123,
    0x5500_4d0a_c9af_8ad8,
    0x344f_f3f3_9cad_329b,
];
