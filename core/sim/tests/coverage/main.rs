//! Every decision of the core is reached by a directed scenario, or has a reason why none can.
//!
//! One test of its own process, since the flags are the process's: the scenarios run one after the other.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bgplite_sim::coverage::{self, Report};

mod admission;
mod attribute;
mod bench;
mod catalog;
mod error;
mod outbound;
mod registrar;
mod reload;
mod session;
mod source;
mod views;

const SCENARIOS: [(&str, fn()); 10] = [
    ("session", session::scenarios),
    ("error", error::scenarios),
    ("attribute", attribute::scenarios),
    ("admission", admission::scenarios),
    ("reload", reload::scenarios),
    ("source", source::scenarios),
    ("registrar", registrar::scenarios),
    ("catalog", catalog::scenarios),
    ("outbound", outbound::scenarios),
    ("views", views::scenarios),
];

#[test]
fn every_decision_is_reached_or_has_a_reason() {
    for (name, scenario) in SCENARIOS {
        println!("{name}");
        scenario();
    }
    coverage::print(&mut std::io::stdout()).unwrap();
    let Report { unreached, refuted, .. } = coverage::report();
    assert!(unreached.is_empty(), "no scenario reaches these: {unreached:#?}");
    assert!(refuted.is_empty(), "these were reached, so their excuse is none: {refuted:#?}");
}
