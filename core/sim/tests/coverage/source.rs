//! What a source can bring, and what that does to its feed.

use std::sync::Arc;

use bgplite_core::ids::Serial;
use bgplite_core::server::{FetchOutcome, Input, Notice, SourceRecord, Validators};

use crate::bench::{Bench, config};

pub(crate) fn scenarios() {
    bodies();
    failures();
    a_required_source();
    a_stored_body();
    answers_that_nobody_waits_for();
    a_store_that_fails();
}

fn bodies() {
    let mut bench = Bench::serving(config(), "10.0.0.0/8\n");
    bench.reload(config());
    bench.body("# as before\n10.0.0.0/8\n");
    assert_eq!(loaded(&bench), 1);
    bench.reload(config());
    bench.body("192.0.2.0/24\n");
    assert_eq!(loaded(&bench), 2);
    bench.reload(config());
    bench.reload(config());
    assert_eq!(bench.fetches.len(), 1, "one at a time");
    bench.body("10.0.0.0/8\n");
    assert_eq!(bench.fetches.len(), 1, "and then again");
    bench.fetched(FetchOutcome::Unchanged);
    assert_eq!(loaded(&bench), 3);
}

fn failures() {
    let outcomes = [
        FetchOutcome::Unchanged,
        FetchOutcome::Failed("ru.txt: no such file".into()),
        FetchOutcome::Body(Arc::from(*b"# nothing\n")),
        FetchOutcome::Body(Arc::from(*b"<html>\n<body>\n")),
    ];
    for outcome in outcomes {
        let mut bench = Bench::new(config());
        bench.fetched(outcome);
        assert_eq!(loaded(&bench), 0);
        assert!(bench.notices.iter().any(|notice| matches!(notice, Notice::SourceFailed { .. })));
    }
}

fn a_required_source() {
    let mut required = config();
    required.sources[0].required = true;
    let mut bench = Bench::new(required);
    bench.fetched(FetchOutcome::Failed("ru.txt: no such file".into()));
    assert!(bench.failure.is_some_and(|failure| failure.contains("ru.txt")));
}

fn a_stored_body() {
    let record = SourceRecord {
        name: "ru".into(),
        serial: Serial(7),
        unix_secs: 1_700_000_000,
        validators: Validators::default(),
        body: Arc::from(*b"10.0.0.0/8\n"),
    };
    let bench = Bench::restarted(config(), vec![record]);
    assert!(bench.notices.iter().any(|notice| matches!(notice, Notice::SourceRestored { prefixes: 1, .. })));
}

fn answers_that_nobody_waits_for() {
    let mut bench = Bench::new(config());
    let source = bench.fetches[0];
    bench.body("10.0.0.0/8\n");
    let outcome = FetchOutcome::Body(Arc::from(*b"192.0.2.0/24\n"));
    bench.input(Input::Fetched { source, unix_secs: 0, outcome });
    assert_eq!((loaded(&bench), bench.server.stats().stale_inputs), (1, 1));
}

fn a_store_that_fails() {
    let mut bench = Bench::serving(config(), "10.0.0.0/8\n");
    let ticket = bench.writes[0];
    bench.input(Input::Stored { ticket, result: Err("disk full".into()) });
    assert!(bench.notices.contains(&Notice::StoreFailed { error: "disk full".into() }));
}

fn loaded(bench: &Bench) -> usize {
    bench.notices.iter().filter(|notice| matches!(notice, Notice::SourceLoaded { .. })).count()
}
