//! What the bytes on a peer's socket must be.

mod speaker;

use std::collections::{BTreeMap, BTreeSet};

use self::speaker::{Message, Speaker, Update};
use crate::lab::Lab;
use crate::lab::list::Edit;
use crate::lab::route::{Family, Prefix};
use crate::lab::server::{Admission, Aggregate, Server, Spec};

/// ORIGIN IGP, COMMUNITY 65010:100, LARGE_COMMUNITY 65010:1:100: what every announcement carries.
fn common_attributes() -> BTreeMap<u8, (u8, Vec<u8>)> {
    BTreeMap::from([
        (1, (0x40, vec![0])),
        (8, (0xC0, vec![0xFD, 0xF2, 0x00, 0x64])),
        (32, (0xC0, vec![0x00, 0x00, 0xFD, 0xF2, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x64])),
    ])
}

/// NEXT_HOP 192.0.2.1, in announcements of IPv4.
const NEXT_HOP: (u8, [u8; 4]) = (0x40, [192, 0, 2, 1]);

/// 2001:db8::1, in MP_REACH_NLRI.
const NEXT_HOP_V6: [u8; 16] = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

fn start(lab: &Lab, asn: u32) -> Server {
    Server::start(lab.dir(), Spec { asn, aggregate: Aggregate::Off, admission: Admission::Unknown })
}

/// Reads the table and checks that it is the list, each prefix once, with exactly `path`'s attributes beside
/// the common ones.
fn assert_table(speaker: &mut Speaker, server: &Server, path: &[(u8, (u8, Vec<u8>))]) {
    let updates = speaker.read_table();
    let mut announced = BTreeSet::new();
    for update in &updates {
        assert_eq!(update.withdrawn, [], "a first table withdraws nothing");
        let mut expected = common_attributes();
        expected.extend(path.iter().cloned());
        let is_v6 = update.announced.iter().all(|prefix| prefix.family() == Family::V6);
        if is_v6 {
            assert_eq!(update.mp_next_hop, NEXT_HOP_V6);
        } else {
            expected.insert(3, (NEXT_HOP.0, NEXT_HOP.1.to_vec()));
        }
        assert_eq!(update.attributes, expected);
        for prefix in &update.announced {
            assert!(announced.insert(*prefix), "{prefix} is announced once");
        }
    }
    let list: BTreeSet<Prefix> = Family::BOTH.into_iter().flat_map(|family| server.list(family)).collect();
    assert!(announced == list, "the table is the list");
}

#[test]
fn four_octet_speaker_gets_the_servers_as_in_as_path_and_no_as4_path() {
    let lab = Lab::new();
    let server = start(&lab, 4_200_000_010);
    let mut speaker = Speaker::establish(server.address(Family::V4), false);
    // My Autonomous System is AS_TRANS, 23456 (RFC 6793 4.1).
    assert_eq!(speaker.open[..3], [4, 0x5B, 0xA0]);
    // One AS_SEQUENCE of one AS in four octets: 4200000010.
    let path = [(2, (0x40, vec![2, 1, 0xFA, 0x56, 0xEA, 0x0A]))];
    assert_table(&mut speaker, &server, &path);
    drop(speaker);
    server.stop();
}

#[test]
fn two_octet_speaker_gets_as_trans_in_as_path_and_the_servers_as_in_as4_path() {
    let lab = Lab::new();
    let server = start(&lab, 4_200_000_010);
    let mut speaker = Speaker::establish(server.address(Family::V4), true);
    assert_eq!(speaker.open[..3], [4, 0x5B, 0xA0]);
    // RFC 6793 4.2.2: AS_PATH in two octets with AS_TRANS, AS4_PATH (optional, transitive) in four.
    let path = [(2, (0x40, vec![2, 1, 0x5B, 0xA0])), (17, (0xC0, vec![2, 1, 0xFA, 0x56, 0xEA, 0x0A]))];
    assert_table(&mut speaker, &server, &path);
    drop(speaker);
    server.stop();
}

#[test]
fn two_octet_speaker_of_a_two_octet_server_gets_no_as4_path() {
    let lab = Lab::new();
    let server = start(&lab, 65010);
    let mut speaker = Speaker::establish(server.address(Family::V6), true);
    assert_eq!(speaker.open[..3], [4, 0xFD, 0xF2]);
    let path = [(2, (0x40, vec![2, 1, 0xFD, 0xF2]))];
    assert_table(&mut speaker, &server, &path);
    drop(speaker);
    server.stop();
}

/// Two edits and then the end: what comes between is all that each cost, and nothing trails behind.
#[test]
fn an_edit_costs_one_withdraw_and_one_announce_in_at_most_two_updates() {
    let lab = Lab::new();
    let server = start(&lab, 65010);
    let mut speaker = Speaker::establish(server.address(Family::V4), false);
    speaker.read_table();

    for family in Family::BOTH {
        let edit = Edit::of(family);
        server.reload_with(edit);
        let mut updates = vec![speaker.next_update()];
        // Whatever is still missing after the first must all be in the second.
        if withdrawn(&updates).is_empty() || announced(&updates).is_empty() {
            updates.push(speaker.next_update());
        }
        assert_eq!(withdrawn(&updates), [edit.removed], "{family:?}");
        assert_eq!(announced(&updates), [edit.added], "{family:?}");
    }

    server.terminate();
    let mut rest = Vec::new();
    while let Some(message) = speaker.next() {
        if message != Message::Keepalive {
            rest.push(message);
        }
    }
    // Cease, Administrative Shutdown (RFC 4486), is the last thing on the connection.
    assert_eq!(rest, [Message::Notification { code: 6, subcode: 2 }]);
    server.assert_ends();
}

fn withdrawn(updates: &[Update]) -> Vec<Prefix> {
    updates.iter().flat_map(|update| update.withdrawn.clone()).collect()
}

fn announced(updates: &[Update]) -> Vec<Prefix> {
    updates.iter().flat_map(|update| update.announced.clone()).collect()
}
