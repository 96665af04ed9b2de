//! Every order of the first events: two sessions, and the collision logic of one server.
//!
//! The numbers of states are exact. A change to what the core does in some order of events, or to what the model
//! lets happen, changes them. Then look at whether it was meant to; if so, write down what the failed assertion
//! shows. Renaming a field of the core changes no number, only the hash that `examples/src/bin/explore.rs` prints.

use bgplite_sim::model::{Budget, Collision, Delivery, Limits, Model, Pair, Rank, Report, explore};

const QUIET: Budget = Budget { faults: 0, timers: 0, refreshes: 1 };
const ROUGH: Budget = Budget { faults: 1, timers: 1, refreshes: 1 };
const EVERYTHING: Limits = Limits { depth: 1000, states: 1_000_000 };

/// States, transitions, and states that were not expanded: nothing may be found in them.
fn counts<M: Model>(model: &M, limits: Limits) -> (usize, u64, usize) {
    let report = explored(model, limits);
    (report.states, report.transitions, report.unexplored)
}

fn explored<M: Model>(model: &M, limits: Limits) -> Report<M::Event> {
    let report = explore(model, limits);
    if let Some(found) = &report.found {
        panic!("{found}");
    }
    report
}

#[test]
fn two_sessions_hold_in_every_order_of_their_events() {
    let all = |hold_secs, delivery| counts(&Pair::new(hold_secs, delivery, ROUGH), EVERYTHING);
    assert_eq!(all(240, Delivery::Whole), (1588, 4434, 0));
    assert_eq!(all(240, Delivery::Half), (3206, 9324, 0));
    assert_eq!(all(0, Delivery::Whole), (613, 1241, 0));
}

#[test]
fn two_connections_of_a_peer_hold_in_every_order_of_their_events() {
    let limits = Limits { depth: 15, ..EVERYTHING };
    let most = |rank| counts(&Collision::new(rank, 2, Delivery::Whole, QUIET), limits);
    assert_eq!(most(Rank::Lower), (3289, 9205, 920));
    assert_eq!(most(Rank::Higher), (2161, 6131, 442));
}

#[test]
fn two_connections_hold_with_a_fault_and_a_late_timer_among_their_first_events() {
    let limits = Limits { depth: 6, ..EVERYTHING };
    let first = |rank| counts(&Collision::new(rank, 2, Delivery::Whole, ROUGH), limits);
    assert_eq!(first(Rank::Lower), (5602, 10866, 3365));
    assert_eq!(first(Rank::Higher), (5605, 10866, 3368));
}

#[test]
fn three_connections_of_a_peer_hold_in_every_order_of_their_first_events() {
    let limits = Limits { depth: 12, ..EVERYTHING };
    let first = |rank| counts(&Collision::new(rank, 3, Delivery::Half, QUIET), limits);
    assert_eq!(first(Rank::Lower), (1439, 3406, 588));
    assert_eq!(first(Rank::Higher), (1528, 3570, 639));
}

#[test]
fn the_same_exploration_finds_the_same_states_in_the_same_order() {
    let limits = Limits { depth: 5, ..EVERYTHING };
    let hash = || explored(&Collision::new(Rank::Lower, 2, Delivery::Half, ROUGH), limits).hash;
    assert_eq!(hash(), hash());
}
