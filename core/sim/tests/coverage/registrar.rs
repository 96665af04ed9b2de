//! What becomes of commands that register, change and remove peers.

use bgplite_core::config::{AddressMatch, AsnMatch, Config, Subscription, UnknownPeers};
use bgplite_core::ids::{Asn, PeerId, Ticket};
use bgplite_core::server::{Command, CommandError, Input, PeerSpec, PeerState, Reply};

use crate::bench::{BOTH, Bench, config, home, open, open_of};

pub(crate) fn scenarios() {
    one_peers_life();
    refusals();
    failures_of_the_store();
    what_waits();
    views_again_and_sessions_anew();
    who_is_turned_away();
    an_unknown_peer_that_takes_too_long();
    a_configured_peer_in_its_place();
    an_endpoint_of_its_own();
}

fn spec(last: u8, asn: u32) -> Box<PeerSpec> {
    let address = AddressMatch::Prefix(format!("198.51.100.{last}").parse().unwrap());
    let subscription = Subscription::feeds(["ru"]);
    Box::new(PeerSpec { subscription, ..PeerSpec::new(address, AsnMatch::Is(Asn(asn))) })
}

fn put(last: u8, state: PeerState) -> Command {
    Command::PutPeer { spec: spec(last, 65001), state }
}

fn an_endpoint_of_its_own() {
    let mut bench = Bench::serving(config(), "10.0.0.0/8\n");
    let mut spec = spec(7, 65001);
    spec.listen = Some(([0, 0, 0, 0], 1801).into());
    let command = Command::PutPeer { spec, state: PeerState::Approved };
    assert!(matches!(ask(&mut bench, command), Reply::Peer { is_new: true, .. }));
}

/// The answer to a command once the store has what it is to have.
fn ask(bench: &mut Bench, command: Command) -> Reply {
    bench.command_without_reply(command);
    stored(bench, &Ok(()));
    bench.replies.last().cloned().unwrap()
}

fn stored(bench: &mut Bench, result: &Result<(), String>) {
    for ticket in std::mem::take(&mut bench.writes) {
        bench.input(Input::Stored { ticket: Ticket(ticket.0), result: result.clone() });
    }
}

fn register(bench: &mut Bench, last: u8, state: PeerState) -> PeerId {
    let Reply::Peer { id, .. } = ask(bench, put(last, state)) else { panic!("{:?}", bench.replies) };
    id
}

fn one_peers_life() {
    let mut bench = Bench::new(config());
    let id = register(&mut bench, 7, PeerState::Pending);
    assert_eq!(register(&mut bench, 7, PeerState::Approved), id);
    for _ in 0..2 {
        ask(&mut bench, Command::ApprovePeer { id });
        assert_eq!(bench.replies.last(), Some(&Reply::Peer { id, revision: 2, is_new: false }));
    }
    assert_eq!(ask(&mut bench, Command::RemovePeer { id }), Reply::Done);
    assert_eq!(register(&mut bench, 7, PeerState::Approved), id);
    // A peer that moves to where a removed one was makes that one be forgotten.
    let other = register(&mut bench, 8, PeerState::Approved);
    ask(&mut bench, Command::RemovePeer { id: other });
    ask(&mut bench, Command::SetPeer { id, revision: None, spec: spec(8, 65001) });
    assert!(bench.server.find_peer(other).is_none());
}

fn refusals() {
    let mut with_home = config();
    with_home.peers.push(home());
    let mut bench = Bench::new(with_home);
    let one = register(&mut bench, 1, PeerState::Approved);
    register(&mut bench, 2, PeerState::Approved);
    let mut namesake = spec(3, 65001);
    namesake.name = Some(format!("peer-{one}"));
    let set = |revision, last| Command::SetPeer { id: one, revision, spec: spec(last, 65001) };
    let put_named = |spec| Command::PutPeer { spec, state: PeerState::Approved };
    let commands = [
        set(Some(7), 1),
        set(None, 2),
        put_named(namesake),
        put(7, PeerState::Approved),
        Command::RemovePeer { id: PeerId(4) },
    ];
    for command in commands {
        assert!(matches!(ask(&mut bench, command), Reply::Refused(_)));
    }
    let mut home_again = spec(3, 65001);
    home_again.name = Some("home".into());
    assert!(matches!(ask(&mut bench, put_named(home_again)), Reply::Refused(CommandError::Field { .. })));
}

fn failures_of_the_store() {
    let mut bench = Bench::new(config());
    bench.command_without_reply(put(7, PeerState::Approved));
    stored(&mut bench, &Err("disk full".into()));
    assert_eq!(bench.replies.last(), Some(&Reply::Refused(CommandError::Store("disk full".into()))));
}

fn what_waits() {
    let mut bench = Bench::new(config());
    for _ in 0..=4096 {
        bench.command_without_reply(put(7, PeerState::Approved));
    }
    assert_eq!(bench.command(put(7, PeerState::Approved)), Reply::Refused(CommandError::Busy));
    bench.command_without_reply(Command::Shutdown { text: String::new() });
    let is_refused = |reply: &&Reply| **reply == Reply::Refused(CommandError::ShuttingDown);
    assert_eq!(bench.replies.iter().filter(is_refused).count(), 4096);
}

fn views_again_and_sessions_anew() {
    let mut bench = Bench::serving(config(), "10.0.0.0/8\n");
    stored(&mut bench, &Ok(()));
    let id = register(&mut bench, 7, PeerState::Approved);
    let none = bench.command(Command::ResendPeer { id });
    assert!(matches!(none, Reply::Refused(CommandError::Conflict(_))));
    let conn = bench.establish("198.51.100.7:1");
    bench.read(conn);
    let said = bench.wire[&conn].len();
    assert_eq!(bench.command(Command::ResendPeer { id }), Reply::Done);
    bench.read(conn);
    assert!(bench.wire[&conn].len() > said);
    assert_eq!(bench.command(Command::ResetPeer { id }), Reply::Done);
    assert_eq!(bench.notification(conn), Some([6, 4]));
}

fn who_is_turned_away() {
    let with_policy = |is_refusing: bool| -> Config {
        let mut config = config();
        if is_refusing {
            config.unknown_peers = UnknownPeers::Refuse;
        }
        config
    };
    for is_refusing in [false, true] {
        let mut bench = Bench::new(with_policy(is_refusing));
        let id = register(&mut bench, 7, PeerState::Approved);
        ask(&mut bench, Command::RemovePeer { id });
        let removed = bench.connect("198.51.100.7:1");
        bench.send(removed, &open(&BOTH));
        assert_eq!(bench.notification(removed), Some([6, 5]));
        let stranger = bench.connect("198.51.100.7:2");
        bench.send(stranger, &open_of(65002, [198, 51, 100, 8], &BOTH));
        assert_eq!(bench.notification(stranger), is_refusing.then_some([6, 5]));
    }
}

fn an_unknown_peer_that_takes_too_long() {
    let mut bench = Bench::new(config());
    let conn = bench.connect("198.51.100.7:1");
    bench.send(conn, &open(&BOTH));
    // Its hold time is 90 s.
    bench.advance(60);
    assert_eq!(bench.notification(conn), Some([6, 5]));
}

fn a_configured_peer_in_its_place() {
    let mut bench = Bench::new(config());
    let id = register(&mut bench, 7, PeerState::Approved);
    let mut with_home = config();
    with_home.peers.push(home());
    bench.reload(with_home);
    assert!(bench.server.find_peer(id).unwrap().is_shadowed);
}
