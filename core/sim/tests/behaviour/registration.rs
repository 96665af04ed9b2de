//! Peers that register: durable before they are answered, and found by endpoint, address and ASN.

use std::collections::BTreeMap;

use crate::support::{LOCAL, config, feed, file, last_notification, peer, world};
use bgplite_core::config::{AddressMatch, AsnMatch, Config, Subscription, UnknownPeers};
use bgplite_core::ids::{Asn, ConnId, PeerId, Ticket};
use bgplite_core::server::{Command, CommandError, Notice, PeerSpec, PeerState, Reply};
use bgplite_core::time::Duration;
use bgplite_sim::{ClientConfig, Lab};

pub(crate) const HOME: &str = "198.51.100.7:40000";

const FILES: [(&str, &str); 2] = [("ru.txt", "10.0.0.0/8\n2001:db8::/32\n"), ("extra.txt", "192.0.2.0/24\n")];

/// A server with the feeds `ru`, 10.0.0.0/8 and 2001:db8::/32, which unknown peers get, and `extra`, 192.0.2.0/24.
pub(crate) fn two_feeds() -> Config {
    let mut config = config();
    config.sources.push(file("extra"));
    config.feeds.push(feed("extra", 200));
    config
}

pub(crate) fn lab(config: Config) -> Lab {
    world(config, &FILES)
}

/// AS `asn` at `address`, with these feeds.
pub(crate) fn spec(address: &str, asn: u32, feeds: &[&str]) -> PeerSpec {
    let address = AddressMatch::Prefix(address.parse().unwrap());
    let subscription = Subscription::feeds(feeds.iter().copied());
    PeerSpec { subscription, ..PeerSpec::new(address, AsnMatch::Is(Asn(asn))) }
}

pub(crate) fn put(spec: PeerSpec) -> Command {
    Command::PutPeer { spec: Box::new(spec), state: PeerState::Approved }
}

pub(crate) fn ask(lab: &mut Lab, command: Command) -> Reply {
    let ticket = lab.command(command);
    lab.reply(ticket).cloned().unwrap()
}

/// Registers a peer and returns its id.
pub(crate) fn register(lab: &mut Lab, spec: PeerSpec) -> PeerId {
    let Reply::Peer { id, .. } = ask(lab, put(spec)) else { panic!("{:?}", lab.replies) };
    id
}

pub(crate) fn connect(lab: &mut Lab, remote: &str, asn: u32) -> ConnId {
    lab.connect(LOCAL, remote, &ClientConfig::new(asn))
}

/// Code and subcode of the NOTIFICATION on a connection.
pub(crate) fn cease(lab: &Lab, conn: ConnId) -> Option<[u8; 2]> {
    last_notification(lab.wire(conn)).map(|notification| [notification[0], notification[1]])
}

pub(crate) fn field_of(reply: &Reply) -> &str {
    match reply {
        Reply::Refused(CommandError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_registration_is_answered_and_in_force_only_when_the_store_has_it() {
    let mut config = two_feeds();
    config.unknown_peers = UnknownPeers::Refuse;
    let mut lab = lab(config);
    lab.is_store_slow = true;
    let ticket = lab.command(put(spec("198.51.100.7", 65001, &["extra"])));
    assert_eq!(lab.reply(ticket), None);
    let early = connect(&mut lab, HOME, 65001);
    assert_eq!(cease(&lab, early), Some([6, 5]), "nobody yet");
    lab.store(Ok(()));
    let Some(&Reply::Peer { id, revision: 1, is_new: true }) = lab.reply(ticket) else {
        panic!("{:?}", lab.replies);
    };
    assert!((1..1 << 52).contains(&id.0), "{id}");
    let conn = connect(&mut lab, HOME, 65001);
    let client = lab.client(conn);
    assert_eq!((client.v4.len(), client.v6.len()), (1, 0), "what it asked for, and not what strangers get");
    let notice = Notice::PeerChanged { peer: format!("peer-{id}"), how: "registered" };
    assert!(lab.notices.contains(&notice));
    assert_eq!(lab.stored.peers.len(), 1);
}

#[test]
fn a_store_that_fails_leaves_nothing() {
    let mut lab = lab(two_feeds());
    lab.is_store_slow = true;
    let ticket = lab.command(put(spec("198.51.100.7", 65001, &["extra"])));
    lab.store(Err("disk full".into()));
    let error = CommandError::Store("disk full".into());
    assert_eq!(lab.reply(ticket), Some(&Reply::Refused(error)));
    assert_eq!(lab.server.registered().count(), 0);
    let conn = connect(&mut lab, HOME, 65001);
    assert_eq!(lab.client(conn).announced, 2, "a stranger as before");
    // The next one is none the worse for it.
    lab.is_store_slow = false;
    register(&mut lab, spec("198.51.100.7", 65001, &["extra"]));
    assert_eq!((lab.client(conn).v4.len(), lab.client(conn).v6.len()), (1, 0));
}

#[test]
fn what_comes_during_a_write_goes_out_as_one_and_each_gets_its_own_answer() {
    let mut lab = lab(two_feeds());
    lab.is_store_slow = true;
    let mut named = |name: &str, last: u8| {
        let mut spec = spec(&format!("198.51.100.{last}"), 65001, &["ru"]);
        spec.name = Some(name.into());
        lab.command(put(spec))
    };
    let tickets = [named("a", 1), named("b", 2), named("b", 3), named("c", 4), named("c", 4)];
    assert_eq!(lab.writes.len(), 1, "the first one alone");
    let said = |lab: &Lab, ticket: Ticket| lab.reply(ticket).cloned();
    lab.store(Ok(()));
    assert_eq!(lab.writes.len(), 1, "all others together");
    assert!(matches!(said(&lab, tickets[0]), Some(Reply::Peer { is_new: true, .. })));
    assert_eq!(field_of(&said(&lab, tickets[2]).unwrap()), "name", "\"b\" is taken by the one before it");
    assert_eq!([1, 3, 4].map(|at: usize| said(&lab, tickets[at])), [None, None, None]);
    lab.store(Ok(()));
    let [b, c, again] = [1, 3, 4].map(|at: usize| said(&lab, tickets[at]).unwrap());
    assert!(matches!(b, Reply::Peer { is_new: true, .. }) && matches!(c, Reply::Peer { is_new: true, .. }));
    let Reply::Peer { id, .. } = c else { panic!() };
    assert_eq!(again, Reply::Peer { id, revision: 1, is_new: false });
    assert_eq!(lab.stored.peers.len(), 3);
}

#[test]
fn the_same_registration_again_writes_nothing() {
    let mut lab = lab(two_feeds());
    let id = register(&mut lab, spec("198.51.100.7", 65001, &["ru", "extra"]));
    lab.is_store_slow = true;
    let same = ask(&mut lab, put(spec("198.51.100.7", 65001, &["extra", "ru", "extra"])));
    assert_eq!(same, Reply::Peer { id, revision: 1, is_new: false });
    assert!(lab.writes.is_empty());
}

#[test]
fn more_than_4096_that_wait_are_too_many() {
    let mut lab = lab(two_feeds());
    lab.is_store_slow = true;
    let spec = |n: u32| spec(&std::net::Ipv4Addr::from_bits(0x0A00_0000 + n).to_string(), 65001, &["ru"]);
    for n in 0..=4096 {
        lab.command(put(spec(n)));
    }
    assert_eq!(lab.replies, []);
    assert_eq!(ask(&mut lab, put(spec(4097))), Reply::Refused(CommandError::Busy));
    lab.store(Ok(()));
    lab.store(Ok(()));
    assert_eq!(lab.stored.peers.len(), 4097);
    assert_eq!(lab.replies.len(), 4098);
}

#[test]
fn what_waits_at_the_end_is_refused_and_what_is_being_written_is_not() {
    let mut lab = lab(two_feeds());
    lab.is_store_slow = true;
    let writing = lab.command(put(spec("198.51.100.7", 65001, &["ru"])));
    let waiting = lab.command(put(spec("198.51.100.8", 65001, &["ru"])));
    let shutdown = lab.command(Command::Shutdown { text: String::new() });
    assert_eq!(lab.reply(waiting), Some(&Reply::Refused(CommandError::ShuttingDown)));
    assert_eq!((lab.reply(writing), lab.reply(shutdown)), (None, None));
    lab.store(Ok(()));
    assert!(matches!(lab.reply(writing), Some(Reply::Peer { is_new: true, .. })));
    assert_eq!(lab.reply(shutdown), Some(&Reply::ShutDown));
}

#[test]
fn two_peers_behind_one_address_are_told_apart_by_asn() {
    let mut lab = lab(two_feeds());
    register(&mut lab, spec("198.51.100.7", 65001, &["ru"]));
    register(&mut lab, spec("198.51.100.7", 65002, &["extra"]));
    let one = connect(&mut lab, "198.51.100.7:1", 65001);
    let two = connect(&mut lab, "198.51.100.7:2", 65002);
    let wrong = connect(&mut lab, "198.51.100.7:3", 65003);
    assert_eq!([one, two].map(|conn| lab.client(conn).announced), [2, 1]);
    assert_eq!(cease(&lab, wrong), Some([2, 2]));
}

#[test]
fn two_peers_behind_one_address_are_told_apart_by_port() {
    let mut lab = lab(two_feeds());
    for (port, feed) in [(1801, "ru"), (1802, "extra")] {
        let mut spec = spec("198.51.100.7", 65001, &[feed]);
        spec.listen = Some(([0, 0, 0, 0], port).into());
        register(&mut lab, spec);
    }
    // And one of a changing address, by port and ASN alone.
    let mut roaming = spec("198.51.100.0/24", 65009, &["extra"]);
    roaming.address = AddressMatch::Any;
    roaming.listen = Some(([203, 0, 113, 1], 1803).into());
    register(&mut lab, roaming);
    let mut at = |port: u16, remote: &str, asn: u32| {
        let conn = lab.connect(&format!("203.0.113.1:{port}"), remote, &ClientConfig::new(asn));
        lab.client(conn).announced
    };
    assert_eq!(at(1801, "198.51.100.7:1", 65001), 2);
    assert_eq!(at(1802, "198.51.100.7:2", 65001), 1);
    assert_eq!(at(1803, "198.18.0.1:3", 65009), 1);
    assert_eq!(at(1803, "198.18.0.99:4", 65009), 1);
    assert_eq!(at(1803, "198.18.0.99:5", 65008), 0);
}

#[test]
fn the_adapter_is_told_where_registered_peers_come_in_and_only_once_the_store_has_them() {
    let mut lab = lab(two_feeds());
    let endpoint = |port: u16| std::net::SocketAddr::from(([0, 0, 0, 0], port));
    let mut spec = spec("198.51.100.7", 65001, &["ru"]);
    spec.listen = Some(endpoint(1801));
    lab.is_store_slow = true;
    let command = Command::PutPeer { spec: Box::new(spec.clone()), state: PeerState::Pending };
    lab.command(command);
    assert!(lab.endpoints.is_empty(), "nothing is stored yet");
    lab.is_store_slow = false;
    lab.store(Ok(()));
    assert!(lab.endpoints.is_empty(), "it waits for approval");
    let id = lab.server.registered().next().unwrap().id;
    lab.command(Command::ApprovePeer { id });
    assert_eq!(lab.endpoints, [endpoint(1801)]);
    let mut after = Lab::restarted(two_feeds(), 2, lab.files.clone(), &lab.stored);
    after.run();
    assert_eq!(after.endpoints, [endpoint(1801)]);
    after.command(Command::RemovePeer { id });
    assert!(after.endpoints.is_empty());
}

#[test]
fn a_peer_of_the_configuration_cannot_be_registered_or_changed() {
    let mut config = two_feeds();
    let mut home = peer("home", "198.51.100.7", &["ru"]);
    home.asn = AsnMatch::Is(Asn(65001));
    config.peers.push(home);
    let mut lab = lab(config.clone());
    let id = lab.server.registered().next().unwrap().id;
    assert!(id.0 >= 1 << 52 && id.0 < 1 << 53);
    let same = spec("198.51.100.7", 65001, &["extra"]);
    let set = Command::SetPeer { id, revision: None, spec: Box::new(same.clone()) };
    for command in [put(same), set, Command::RemovePeer { id }, Command::ApprovePeer { id }] {
        let problem = "peer \"home\" is set in the configuration file; change it there";
        assert_eq!(ask(&mut lab, command), Reply::Refused(CommandError::Conflict(problem.into())));
    }
    let mut namesake = spec("198.51.100.8", 65001, &["ru"]);
    namesake.name = Some("home".into());
    assert_eq!(field_of(&ask(&mut lab, put(namesake))), "name");
}

#[test]
fn a_configured_peer_takes_the_place_of_an_equal_registered_one() {
    let mut lab = lab(two_feeds());
    let id = register(&mut lab, spec("198.51.100.7", 65001, &["extra"]));
    let conn = connect(&mut lab, HOME, 65001);
    let mut config = two_feeds();
    let mut home = peer("home", "198.51.100.7", &["ru"]);
    home.asn = AsnMatch::Is(Asn(65001));
    config.peers.push(home);
    lab.command(Command::Reload(Box::new(config)));
    let notice = Notice::PeerChanged { peer: format!("peer-{id}"), how: "shadowed" };
    assert_eq!(lab.notices.iter().filter(|&said| *said == notice).count(), 1);
    let info = lab.server.find_peer(id).unwrap();
    assert!(info.is_shadowed && info.sessions.is_empty());
    assert!(lab.client(conn).is_established());
    assert_eq!((lab.client(conn).v4.len(), lab.client(conn).v6.len()), (1, 1), "what the configuration says");
    lab.command(Command::Reload(Box::new(two_feeds())));
    assert_eq!((lab.client(conn).v4.len(), lab.client(conn).v6.len()), (1, 0), "what was registered");
}

#[test]
fn registered_peers_are_there_after_a_restart() {
    let mut lab = lab(two_feeds());
    let id = register(&mut lab, spec("198.51.100.7", 65001, &["extra"]));
    lab.unix_secs = 1_800_000_000;
    let files: BTreeMap<String, Vec<u8>> = lab.files.clone();
    let mut restarted = Lab::restarted(two_feeds(), 2, files, &lab.stored);
    let conn = connect(&mut restarted, HOME, 65001);
    assert_eq!(restarted.client(conn).announced, 1);
    assert_eq!(restarted.server.find_peer(id).unwrap().name, format!("peer-{id}"));
}

#[test]
fn a_stranger_who_registers_is_served_as_registered_at_once_and_counts_no_more() {
    let mut config = two_feeds();
    config.unknown_peers = UnknownPeers::Default { feed: "ru".into(), max: 2, max_per_address: 1 };
    let mut lab = lab(config);
    let conn = connect(&mut lab, HOME, 65001);
    let other = connect(&mut lab, "198.51.100.9:1", 65009);
    let said = lab.wire(other).len();
    let refused = connect(&mut lab, "198.51.100.10:1", 65010);
    assert_eq!(cease(&lab, refused), Some([6, 8]));
    lab.drop_link(refused);
    let id = register(&mut lab, spec("198.51.100.7", 65001, &["extra"]));
    assert!(lab.client(conn).is_established());
    assert_eq!((lab.client(conn).v4.len(), lab.client(conn).v6.len()), (1, 0));
    assert_eq!(lab.wire(other).len(), said, "not an octet to anybody else");
    assert_eq!(lab.server.find_peer(id).unwrap().sessions[0].conn, conn);
    let third = connect(&mut lab, "198.51.100.10:2", 65010);
    assert!(lab.client(third).is_established(), "its place is free");
}

#[test]
fn an_unknown_peer_that_is_not_established_in_a_minute_is_closed() {
    let mut config = two_feeds();
    config.unknown_peers = UnknownPeers::Default { feed: "ru".into(), max: 1, max_per_address: 1 };
    let mut lab = lab(config);
    let conn = lab.accept(LOCAL, HOME, &ClientConfig::new(65001));
    lab.mute(conn);
    lab.advance(Duration::from_secs(50));
    // OPEN: AS 65001, hold time 240 s; it would have four minutes more for its KEEPALIVE.
    let mut open = [&[0xFF; 16], [0, 29, 1, 4, 0xFD, 0xE9, 0, 240, 10, 0, 0, 7, 0].as_slice()].concat();
    lab.inject(conn, &open);
    assert!(lab.is_open(conn));
    lab.advance(Duration::from_secs(9));
    assert!(lab.is_open(conn) && cease(&lab, conn).is_none());
    lab.advance(Duration::from_secs(1));
    assert_eq!(cease(&lab, conn), Some([6, 5]));
    // A registered one has its whole hold time.
    register(&mut lab, spec("198.51.100.8", 65001, &["ru"]));
    let slow = lab.accept(LOCAL, "198.51.100.8:1", &ClientConfig::new(65001));
    lab.mute(slow);
    open[27] = 8;
    lab.inject(slow, &open);
    lab.advance(Duration::from_secs(200));
    assert!(lab.is_open(slow));
    // And an established unknown one stays.
    let fast = connect(&mut lab, "198.51.100.9:1", 65009);
    lab.advance(Duration::from_secs(100));
    assert!(lab.client(fast).is_established());
}
