//! What changes of a registered peer do: to its own sessions their difference, and to nobody else's anything.

use crate::registration::{HOME, ask, cease, connect, field_of, lab, put, register, spec, two_feeds};
use crate::support::{LOCAL, peer};
use bgplite_core::config::{AddressMatch, AsnMatch, PeerConfig, UnknownPeers};
use bgplite_core::ids::{Asn, ConnId, PeerId};
use bgplite_core::server::{Command, CommandError, PeerOrigin, PeerSpec, PeerState, Reply};
use bgplite_core::session::{Lost, State};
use bgplite_core::time::Duration;
use bgplite_core::wire::{AfiSafi, RefreshKind};
use bgplite_sim::{ClientConfig, Lab};

fn set(id: PeerId, revision: Option<u64>, spec: PeerSpec) -> Command {
    Command::SetPeer { id, revision, spec: Box::new(spec) }
}

fn pending(spec: PeerSpec) -> Command {
    Command::PutPeer { spec: Box::new(spec), state: PeerState::Pending }
}

/// AS 65001 at 198.51.100.7, registered and connected, and a neighbour of the same kind.
fn home() -> (Lab, PeerId, [ConnId; 2]) {
    let mut lab = lab(two_feeds());
    let id = register(&mut lab, spec("198.51.100.7", 65001, &["ru"]));
    register(&mut lab, spec("198.51.100.8", 65001, &["ru"]));
    let conns = [HOME, "198.51.100.8:1"].map(|remote| connect(&mut lab, remote, 65001));
    (lab, id, conns)
}

#[test]
fn a_changed_subscription_reaches_that_peer_alone_as_its_difference() {
    let (mut lab, id, [conn, other]) = home();
    let said = lab.wire(other).len();
    let reply = ask(&mut lab, set(id, Some(1), spec("198.51.100.7", 65001, &["ru", "extra"])));
    assert_eq!(reply, Reply::Peer { id, revision: 2, is_new: false });
    assert_eq!((lab.client(conn).announced, lab.client(conn).withdrawn), (3, 0));
    let again = spec("198.51.100.7", 65001, &["extra"]);
    assert_eq!(ask(&mut lab, put(again)), Reply::Peer { id, revision: 3, is_new: false });
    assert_eq!((lab.client(conn).announced, lab.client(conn).withdrawn), (3, 2));
    assert!(lab.client(conn).is_established());
    assert_eq!(lab.wire(other).len(), said);
}

#[test]
fn a_change_made_from_another_revision_is_refused() {
    let (mut lab, id, [conn, _]) = home();
    ask(&mut lab, set(id, Some(1), spec("198.51.100.7", 65001, &["extra"])));
    let said = lab.wire(conn).len();
    let late = ask(&mut lab, set(id, Some(1), spec("198.51.100.7", 65001, &["ru"])));
    let Reply::Refused(CommandError::Conflict(problem)) = late else { panic!("{late:?}") };
    assert!(problem.contains("revision 2 by now, not 1"), "{problem}");
    assert_eq!(lab.wire(conn).len(), said);
}

#[test]
fn a_removed_peer_ends_and_does_not_come_back_by_itself() {
    let (mut lab, id, [conn, other]) = home();
    assert_eq!(ask(&mut lab, Command::RemovePeer { id }), Reply::Done);
    assert_eq!(cease(&lab, conn), Some([6, 3]));
    let back = connect(&mut lab, "198.51.100.7:2", 65001);
    assert_eq!(cease(&lab, back), Some([6, 5]), "and not as a stranger either");
    // Over a restart, and against a wildcard of the configuration.
    let mut config = two_feeds();
    config
        .peers
        .push(PeerConfig { address: AddressMatch::Any, ..peer("everybody", "198.51.100.0", &["ru"]) });
    let mut restarted = Lab::restarted(config, 2, lab.files.clone(), &lab.stored);
    let back = connect(&mut restarted, HOME, 65001);
    assert_eq!(cease(&restarted, back), Some([6, 5]));
    assert!(lab.client(other).is_established());
    for command in [Command::RemovePeer { id }, set(id, None, spec("198.51.100.7", 65001, &["ru"]))] {
        let gone = CommandError::NotFound { kind: "peer", name: id.to_string(), near: None };
        assert_eq!(ask(&mut lab, command), Reply::Refused(gone));
    }
}

#[test]
fn a_removed_peer_that_registers_again_has_its_id_again() {
    let (mut lab, id, _) = home();
    ask(&mut lab, Command::RemovePeer { id });
    let reply = ask(&mut lab, put(spec("198.51.100.7", 65001, &["extra"])));
    assert_eq!(reply, Reply::Peer { id, revision: 3, is_new: true });
    let conn = connect(&mut lab, "198.51.100.7:3", 65001);
    assert_eq!(lab.client(conn).announced, 1);
}

#[test]
fn another_asn_at_the_address_of_a_removed_peer_is_a_stranger_within_its_quota() {
    let mut config = two_feeds();
    config.unknown_peers = UnknownPeers::Default { feed: "ru".into(), max: 1, max_per_address: 1 };
    let mut lab = lab(config);
    let id = register(&mut lab, spec("198.51.100.7", 65001, &["extra"]));
    ask(&mut lab, Command::RemovePeer { id });
    let stranger = connect(&mut lab, "198.51.100.7:1", 65002);
    assert_eq!(lab.client(stranger).announced, 2);
    let second = connect(&mut lab, "198.51.100.7:2", 65003);
    assert_eq!(cease(&lab, second), Some([6, 8]));
}

#[test]
fn a_pending_peer_is_turned_away_until_it_is_approved() {
    let mut lab = lab(two_feeds());
    let Reply::Peer { id, is_new: true, .. } =
        ask(&mut lab, pending(spec("198.51.100.7", 65001, &["extra"])))
    else {
        panic!("{:?}", lab.replies);
    };
    let early = connect(&mut lab, HOME, 65001);
    assert_eq!(cease(&lab, early), Some([6, 5]));
    // Registering again does not let it in.
    ask(&mut lab, put(spec("198.51.100.7", 65001, &["ru"])));
    assert_eq!(lab.server.find_peer(id).unwrap().state, PeerState::Pending);
    assert_eq!(ask(&mut lab, Command::ApprovePeer { id }), Reply::Peer { id, revision: 3, is_new: false });
    let conn = connect(&mut lab, "198.51.100.7:2", 65001);
    assert!(lab.client(conn).is_established());
}

#[test]
fn a_peer_that_moves_leaves_its_old_address() {
    let (mut lab, id, [conn, _]) = home();
    let moved = spec("198.51.100.77", 65001, &["ru"]);
    ask(&mut lab, set(id, None, moved.clone()));
    assert!(lab.client(conn).is_established(), "a stranger now");
    let Reply::Refused(CommandError::Conflict(problem)) =
        ask(&mut lab, set(id, None, spec("198.51.100.8", 65001, &[])))
    else {
        panic!("{:?}", lab.replies);
    };
    assert!(problem.contains("has this address, ASN and endpoint already"), "{problem}");
    let there = connect(&mut lab, "198.51.100.77:1", 65001);
    assert_eq!(lab.server.find_peer(id).unwrap().sessions[0].conn, there);
}

#[test]
fn two_sessions_that_become_one_peers_are_one() {
    let mut lab = lab(two_feeds());
    let mut anybody = spec("198.51.100.7", 65001, &["ru"]);
    anybody.asn = AsnMatch::Any;
    let id = register(&mut lab, anybody);
    let conns = [1, 2].map(|last: u8| {
        let mut client = ClientConfig::new(65001);
        client.router_id = [10, 0, 0, last].into();
        lab.connect(LOCAL, &format!("198.51.100.7:{last}"), &client)
    });
    assert!(conns.iter().all(|&conn| lab.client(conn).is_established()));
    ask(&mut lab, set(id, None, spec("198.51.100.7", 65001, &["ru"])));
    assert!(lab.client(conns[0]).is_established());
    assert_eq!(cease(&lab, conns[1]), Some([6, 6]));
}

#[test]
fn a_peer_may_have_its_view_again_and_its_session_anew() {
    let (mut lab, id, [conn, other]) = home();
    let said = lab.wire(other).len();
    assert_eq!(ask(&mut lab, Command::ResendPeer { id }), Reply::Done);
    assert_eq!((lab.client(conn).announced, lab.client(conn).withdrawn), (4, 0));
    let marks = &lab.client(conn).refresh_marks;
    assert!(marks.contains(&(RefreshKind::Begin, AfiSafi::IPV4_UNICAST)), "{marks:?}");
    assert_eq!(ask(&mut lab, Command::ResetPeer { id }), Reply::Done);
    assert_eq!(cease(&lab, conn), Some([6, 4]));
    assert_eq!(lab.wire(other).len(), said);
    for command in [Command::ResendPeer { id }, Command::ResetPeer { id }] {
        let none = CommandError::Conflict(format!("peer \"peer-{id}\" has no session"));
        assert_eq!(ask(&mut lab, command), Reply::Refused(none));
    }
    let nobody = CommandError::NotFound { kind: "peer", name: "4".into(), near: None };
    assert_eq!(ask(&mut lab, Command::ResetPeer { id: PeerId(4) }), Reply::Refused(nobody));
}

#[test]
fn a_fault_changes_nothing_and_names_its_field() {
    let (mut lab, id, [conn, _]) = home();
    let said = lab.wire(conn).len();
    let mut faults: Vec<(PeerSpec, &str)> = Vec::new();
    let mut fault = |change: fn(&mut PeerSpec), field| {
        let mut spec = spec("198.51.100.7", 65001, &["ru"]);
        change(&mut spec);
        faults.push((spec, field));
    };
    fault(|spec| spec.asn = AsnMatch::Is(Asn(23456)), "asn");
    fault(|spec| spec.address = AddressMatch::Any, "address");
    fault(|spec| spec.name = Some("a b".into()), "name");
    fault(|spec| spec.name = Some("peer-1".into()), "name");
    fault(|spec| spec.description = "x".repeat(257), "description");
    fault(|spec| spec.description = "a\nb".into(), "description");
    fault(|spec| spec.subscription.feeds.push("rux".into()), "subscription.feeds[1]");
    for (spec, field) in faults {
        assert_eq!(field_of(&ask(&mut lab, put(spec.clone()))), field);
        assert_eq!(field_of(&ask(&mut lab, set(id, None, spec))), field);
    }
    let removed =
        Command::PutPeer { spec: spec("198.51.100.9", 65001, &[]).into(), state: PeerState::Removed };
    assert_eq!(field_of(&ask(&mut lab, removed)), "state");
    assert_eq!((lab.stored.peers.len(), lab.wire(conn).len()), (2, said));
}

#[test]
fn ten_thousand_removed_peers_are_remembered_and_the_oldest_is_forgotten() {
    let mut lab = lab(two_feeds());
    lab.is_store_slow = true;
    let at = |n: u32| std::net::Ipv4Addr::from_bits(0x0A00_0000 + n).to_string();
    let mut ids = Vec::new();
    for round in 0..3 {
        // One write for the first, one for all others.
        for n in round * 3334..(round + 1) * 3334 {
            lab.command(put(spec(&at(n), 65001, &[])));
        }
        while !lab.writes.is_empty() {
            lab.store(Ok(()));
        }
        for (_, reply) in std::mem::take(&mut lab.replies) {
            let Reply::Peer { id, .. } = reply else { panic!("{reply:?}") };
            ids.push(id);
        }
    }
    for (n, &id) in ids.iter().enumerate() {
        lab.unix_secs = 1000 + n as u64;
        lab.command(Command::RemovePeer { id });
        while !lab.writes.is_empty() {
            lab.store(Ok(()));
        }
    }
    assert_eq!(ids.len(), 10_002);
    assert_eq!(lab.stored.peers.len(), 10_000);
    assert_eq!(lab.server.registered().count(), 10_000);
    assert!(lab.server.find_peer(ids[0]).is_none() && lab.server.find_peer(ids[1]).is_none());
    assert_eq!(lab.server.find_peer(ids[2]).unwrap().state, PeerState::Removed);
}

#[test]
fn people_see_a_peer_as_it_is() {
    let mut config = two_feeds();
    config.peers.push(peer("lab", "198.51.100.9", &["extra"]));
    let mut lab = lab(config);
    lab.unix_secs = 1_700_000_000;
    let id = register(&mut lab, spec("198.51.100.7", 65001, &["ru"]));
    let conn = connect(&mut lab, HOME, 65001);
    lab.advance(Duration::from_secs(5));
    let info = lab.server.find_peer(id).unwrap();
    assert_eq!((info.origin, info.state, info.revision), (PeerOrigin::Registered, PeerState::Approved, 1));
    assert_eq!(info.created_unix_secs, Some(1_700_000_000));
    assert_eq!(info.last_session_unix_secs, Some(1_700_000_000));
    let session = &info.sessions[0];
    assert_eq!((session.conn, session.state, session.in_sync), (conn, State::Established, true));
    assert_eq!((session.told_v4, session.told_v6, session.desired_v4, session.desired_v6), (1, 1, 1, 1));
    let origins: Vec<PeerOrigin> = lab.server.registered().map(|info| info.origin).collect();
    assert_eq!(origins, [PeerOrigin::Registered, PeerOrigin::File]);
    lab.disconnect(conn, Lost::Eof);
    let info = lab.server.find_peer(id).unwrap();
    assert!(info.sessions.is_empty());
    assert_eq!(info.last_session_unix_secs, Some(1_700_000_005));
}
