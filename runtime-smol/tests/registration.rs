//! Registrations over the control socket, by a daemon that is killed again and again: what was acknowledged is there.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bgplite_core::config::{AddressMatch, AsnMatch, Subscription};
use bgplite_core::ids::{Asn, PeerId};
use bgplite_core::rng::Rng;
use bgplite_core::server::{Command, PeerSpec, PeerState};
use bgplite_host::control::{Ask, Client, MAX_PEERS, Query, Value};
use common::{Daemon, Scratch, config};

fn start(dir: &Scratch, file: &Path) -> (Daemon, Client) {
    let daemon = Daemon::start(dir, file);
    let client = Client::connect(&dir.0.join("state/control.sock")).unwrap();
    (daemon, client)
}

fn prepare(name: &str) -> (Scratch, PathBuf) {
    let dir = Scratch::new(name);
    dir.write("list.txt", "192.0.2.0/24\n198.51.100.0/24\n");
    let file = dir.write("a.toml", &config("127.0.0.1:0", ""));
    (dir, file)
}

fn address(number: u32) -> IpAddr {
    let [_, b, c, d] = number.to_be_bytes();
    IpAddr::from([10, b, c, d])
}

fn register(number: u32) -> Ask {
    let mut spec = PeerSpec::new(AddressMatch::Prefix(address(number).into()), AsnMatch::Is(Asn(65001)));
    spec.subscription = Subscription::feeds(["ru"]);
    Ask::Command(Box::new(Command::PutPeer { spec: Box::new(spec), state: PeerState::Approved }))
}

/// Every peer's id and address.
fn peers(client: &mut Client) -> BTreeMap<u64, String> {
    let mut peers = BTreeMap::new();
    loop {
        let after = peers.keys().next_back().map(|&id| PeerId(id));
        let page = client.ask(Ask::Query(Query::Peers { after })).unwrap();
        let page = page.as_array().unwrap();
        peers.extend(page.iter().map(|peer| (peer["id"].as_u64().unwrap(), peer["address"].to_string())));
        if page.len() < MAX_PEERS {
            return peers;
        }
    }
}

#[track_caller]
fn assert_there(acknowledged: &BTreeMap<u64, u32>, peers: &BTreeMap<u64, String>) {
    for (id, &number) in acknowledged {
        let wanted = format!("{{\"prefix\":\"{}/32\"}}", address(number));
        assert_eq!(peers.get(id), Some(&wanted), "peer {id}, of {}", acknowledged.len());
    }
}

#[test]
fn whoever_was_acknowledged_is_there_however_often_the_daemon_is_killed() {
    let rounds = std::env::var("BGPLITE_KILL_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let (dir, file) = prepare("kills");
    let mut rng = Rng::new(1);
    let mut acknowledged: BTreeMap<u64, u32> = BTreeMap::new();
    let mut number = 0;
    let mut empty = 0;
    for round in 0..rounds {
        let (mut daemon, mut client) = start(&dir, &file);
        assert!(!daemon.log().contains("store_damaged"), "{}", daemon.log());
        assert_there(&acknowledged, &peers(&mut client));
        let pid = daemon.id();
        let delay = Duration::from_micros(rng.below(30_000));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(delay);
            let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
            assert!(killed.unwrap().success());
        });
        let before = acknowledged.len();
        register_until_the_end(&mut client, &mut number, &mut acknowledged);
        empty += usize::from(acknowledged.len() == before);
        killer.join().unwrap();
        daemon.wait();
        if round % 50 == 49 {
            println!("{} rounds, {} acknowledged, {empty} rounds without any", round + 1, acknowledged.len());
        }
    }
    let (_daemon, mut client) = start(&dir, &file);
    let kept = peers(&mut client);
    assert_there(&acknowledged, &kept);
    println!("{rounds} kills, {} acknowledged, {} kept", acknowledged.len(), kept.len());
    assert!(acknowledged.len() as u64 > rounds && empty < rounds as usize / 2);
}

/// As fast as it can, some at once, until the daemon is gone.
fn register_until_the_end(client: &mut Client, number: &mut u32, acknowledged: &mut BTreeMap<u64, u32>) {
    let mut under_way = BTreeMap::new();
    loop {
        while under_way.len() < AT_ONCE {
            let Ok(id) = client.send(register(*number)) else { break };
            under_way.insert(id, *number);
            *number += 1;
        }
        let Ok((id, outcome)) = client.receive() else { return };
        let peer = outcome.unwrap_or_else(|refusal| panic!("{refusal}"));
        acknowledged.insert(peer["id"].as_u64().unwrap(), under_way.remove(&id).unwrap());
    }
}

#[test]
fn a_removed_peer_stays_away_and_a_changed_one_changed_after_a_kill() {
    let (dir, file) = prepare("changes");
    let (mut daemon, mut client) = start(&dir, &file);
    let ids: Vec<u64> =
        (0..3).map(|number| client.ask(register(number)).unwrap()["id"].as_u64().unwrap()).collect();
    let ask = |client: &mut Client, command| client.ask(Ask::Command(Box::new(command)));
    ask(&mut client, Command::RemovePeer { id: PeerId(ids[0]) }).unwrap();
    let other = AddressMatch::Prefix(address(99).into());
    let mut spec = PeerSpec::new(other, AsnMatch::Is(Asn(65002)));
    spec.name = Some("changed".into());
    let change = |revision, spec: &PeerSpec| Command::SetPeer {
        id: PeerId(ids[1]),
        revision,
        spec: Box::new(spec.clone()),
    };
    let stale = ask(&mut client, change(Some(9), &spec)).unwrap_err();
    assert!(matches!(stale, bgplite_host::control::ControlError::Refused(_)), "{stale}");
    assert_eq!(ask(&mut client, change(Some(1), &spec)).unwrap()["revision"], 2);
    daemon.signal("KILL");
    daemon.wait();

    let (_daemon, mut client) = start(&dir, &file);
    let show = |client: &mut Client, id| client.ask(Ask::Query(Query::Peer { id: PeerId(id) })).unwrap();
    let state = |peer: &Value| peer["state"].as_str().unwrap().to_owned();
    assert_eq!(state(&show(&mut client, ids[0])), "removed");
    let changed = show(&mut client, ids[1]);
    assert_eq!(
        (state(&changed).as_str(), &changed["name"], &changed["revision"]),
        ("approved", &Value::from("changed"), &Value::from(2))
    );
    assert_eq!(state(&show(&mut client, ids[2])), "approved");
}

#[test]
#[ignore = "a measurement: run it with --release"]
fn registrations_a_second_and_the_start_with_ten_thousand_peers() {
    let (dir, file) = prepare("measure");
    let begun = Instant::now();
    let (mut daemon, mut client) = start(&dir, &file);
    println!("start with no peer: {:?}", begun.elapsed());
    let mut number = 0;
    for at_once in [1, 64] {
        let (begun, first) = (Instant::now(), number);
        let mut under_way = 0;
        while begun.elapsed() < Duration::from_secs(3) {
            while under_way < at_once {
                client.send(register(number)).unwrap();
                number += 1;
                under_way += 1;
            }
            client.receive().unwrap().1.unwrap();
            under_way -= 1;
        }
        let rate = f64::from(number - first - under_way) / begun.elapsed().as_secs_f64();
        println!("{at_once} in flight: {rate:.0} registrations a second");
        for _ in 0..under_way {
            client.receive().unwrap().1.unwrap();
        }
    }
    while number < 10_000 {
        let ids: Vec<u64> = (0..50).map(|index| client.send(register(number + index)).unwrap()).collect();
        number += 50;
        for _ in ids {
            client.receive().unwrap().1.unwrap();
        }
    }
    println!("resident with {number} peers: {} kB", daemon.resident_kb());
    daemon.signal("KILL");
    daemon.wait();
    for how in ["after a kill", "again"] {
        let begun = Instant::now();
        let (mut daemon, mut client) = start(&dir, &file);
        println!(
            "start with {number} peers {how}: {:?}, resident {} kB",
            begun.elapsed(),
            daemon.resident_kb()
        );
        assert_eq!(peers(&mut client).len(), number as usize);
        daemon.signal("TERM");
        daemon.wait();
    }
}

/// How often it is killed where nobody says otherwise.
const ROUNDS: u64 = 50;
/// Registrations that wait for their answer.
const AT_ONCE: usize = 8;
