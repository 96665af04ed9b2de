//! An input that names something gone, or something that is there already, is counted and changes nothing.

use bgplite_core::ids::{ConnId, SourceId, Ticket};
use bgplite_core::server::{FetchOutcome, Input};
use bgplite_core::session::Lost;
use bgplite_sim::ClientConfig;

use crate::support::{LOCAL, config, world};

#[test]
fn what_names_nothing_is_counted_and_does_nothing() {
    let mut lab = world(config(), &[("ru.txt", "10.0.0.0/8\n")]);
    let conn = lab.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    let said = lab.wire(conn).len();
    let (nobody, address) = (ConnId(9999), "198.51.100.9:1".parse().unwrap());
    let inputs = [
        Input::Received { conn: nobody, bytes: b"GET /" },
        Input::Sent { conn: nobody },
        Input::Disconnected { conn: nobody, lost: Lost::Eof },
        Input::Stored { ticket: Ticket(9999), result: Err("no such write".into()) },
        Input::Fetched { source: SourceId(9999), unix_secs: 0, outcome: FetchOutcome::Failed("late".into()) },
        // Nobody asked for this one just now.
        Input::Fetched {
            source: SourceId(1),
            unix_secs: 0,
            outcome: FetchOutcome::Body(b"192.0.2.0/24".as_slice().into()),
        },
        // A number that is in use.
        Input::Connected { conn, local: LOCAL.parse().unwrap(), remote: address },
    ];
    let count = inputs.len() as u64;
    let before = lab.server.stats().stale_inputs;
    let notices = lab.notices.len();
    for input in inputs {
        lab.server.handle(lab.now, input);
    }
    assert!(lab.server.poll_action().is_none());
    assert_eq!(lab.server.stats().stale_inputs - before, count);
    lab.run();
    assert_eq!((lab.wire(conn).len(), lab.notices.len()), (said, notices));
    assert!(lab.client(conn).is_established());
}
