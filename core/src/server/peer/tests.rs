//! Who is found, under which id.

use alloc::vec;

use super::*;

fn peer(name: &str, address: &str, asn: AsnMatch, listen: Option<&str>) -> PeerConfig {
    let address = match address {
        "any" => AddressMatch::Any,
        prefix => AddressMatch::Prefix(prefix.parse().unwrap()),
    };
    let listen = listen.map(|listen| listen.parse().unwrap());
    PeerConfig { listen, ..PeerConfig::new(name, address, asn) }
}

fn found(registry: &Registry, local: &str, remote: &str, asn: u32) -> Result<String, NoPeer> {
    let local = local.parse().unwrap();
    let id = registry.identify(local, remote.parse().unwrap(), Asn(asn))?;
    Ok(registry.find(id).unwrap().name.clone())
}

#[test]
fn the_most_exact_entry_wins() {
    let mut registry = Registry::default();
    registry.replace(&[
        peer("anyone", "any", AsnMatch::Any, None),
        peer("net", "192.0.2.0/24", AsnMatch::Any, None),
        peer("host", "192.0.2.7", AsnMatch::Any, None),
        peer("host-as", "192.0.2.7", AsnMatch::Is(Asn(65001)), None),
        peer("door", "any", AsnMatch::Any, Some("0.0.0.0:1801")),
    ]);
    let local = "203.0.113.1:179";
    assert_eq!(found(&registry, local, "198.51.100.1", 65001).as_deref(), Ok("anyone"));
    assert_eq!(found(&registry, local, "192.0.2.9", 65001).as_deref(), Ok("net"));
    assert_eq!(found(&registry, local, "192.0.2.7", 65002).as_deref(), Ok("host"));
    assert_eq!(found(&registry, local, "192.0.2.7", 65001).as_deref(), Ok("host-as"));
    assert_eq!(found(&registry, "203.0.113.1:1801", "192.0.2.7", 65001).as_deref(), Ok("door"));
    assert_eq!(found(&registry, "[2001:db8::1]:1801", "2001:db8::2", 65001).as_deref(), Ok("anyone"));
}

#[test]
fn a_wrong_asn_is_told_apart_from_a_stranger() {
    let mut registry = Registry::default();
    registry.replace(&[peer("host", "192.0.2.7", AsnMatch::Is(Asn(65001)), None)]);
    let local = "203.0.113.1:179";
    assert_eq!(found(&registry, local, "192.0.2.7", 65002), Err(NoPeer::Asn));
    assert_eq!(found(&registry, local, "192.0.2.8", 65001), Err(NoPeer::Address));
}

#[test]
fn a_peer_keeps_its_id_as_long_as_its_name() {
    let mut registry = Registry::default();
    let one = peer("one", "192.0.2.1", AsnMatch::Any, None);
    let two = peer("two", "192.0.2.2", AsnMatch::Any, None);
    assert_eq!(registry.replace(&[one.clone(), two]), Changes { added: 2, ..Changes::default() });
    let id = registry.file_ids["one"];
    let moved = PeerConfig { address: AddressMatch::Any, ..one };
    let changes = registry.replace(&[peer("three", "192.0.2.3", AsnMatch::Any, None), moved]);
    assert_eq!(changes, Changes { added: 1, changed: 1, removed: 1, shadowed: Vec::new() });
    assert_eq!(registry.file_ids["one"], id);
}

fn record(id: u64, state: PeerState, peer: PeerConfig) -> PeerRecord {
    PeerRecord {
        id: PeerId(id),
        revision: 1,
        state,
        created_unix_secs: 1,
        changed_unix_secs: id,
        description: String::new(),
        peer,
    }
}

#[test]
fn an_id_of_the_configuration_follows_from_the_name_alone() {
    let mut registry = Registry::default();
    registry.replace(&[peer("a", "192.0.2.1", AsnMatch::Any, None)]);
    // FNV-1a of "a" is af63dc4c8601ec8c: bit 52, and its last 52 bits.
    assert_eq!(registry.file_ids["a"], PeerId(0x0013_dc4c_8601_ec8c));
    registry.load(&[record(
        0x0013_dc4c_8601_ec8c,
        PeerState::Approved,
        peer("b", "192.0.2.2", AsnMatch::Any, None),
    )]);
    let mut other = Registry::default();
    other.load(&[record(
        0x0013_dc4c_8601_ec8c,
        PeerState::Approved,
        peer("b", "192.0.2.2", AsnMatch::Any, None),
    )]);
    other.replace(&[peer("a", "192.0.2.1", AsnMatch::Any, None)]);
    assert_eq!(other.file_ids["a"], PeerId(0x0013_dc4c_8601_ec8d), "the number is taken, so the next one");
}

#[test]
fn of_equal_entries_the_first_of_the_configuration_wins() {
    let mut registry = Registry::default();
    let entries = ["z", "a", "m"].map(|name| peer(name, "192.0.2.7", AsnMatch::Any, None));
    registry.replace(&entries);
    assert_eq!(found(&registry, "203.0.113.1:179", "192.0.2.7", 65001).as_deref(), Ok("z"));
}

#[test]
fn a_removed_peer_is_the_more_exact_match_and_other_asns_are_strangers() {
    let mut registry = Registry::default();
    let home = peer("home", "192.0.2.7", AsnMatch::Is(Asn(65001)), None);
    registry.load(&[record(7, PeerState::Removed, home)]);
    let local = "203.0.113.1:179";
    assert_eq!(found(&registry, local, "192.0.2.7", 65001), Err(NoPeer::Dormant));
    assert_eq!(found(&registry, local, "192.0.2.7", 65002), Err(NoPeer::Address));
    assert_eq!(registry.prospect(local.parse().unwrap(), "192.0.2.7".parse().unwrap()), Prospect::Dormant);
    registry.replace(&[peer("anyone", "any", AsnMatch::Any, None)]);
    assert_eq!(found(&registry, local, "192.0.2.7", 65001), Err(NoPeer::Dormant));
    assert_eq!(found(&registry, local, "192.0.2.7", 65002).as_deref(), Ok("anyone"));
}

#[test]
fn a_configured_peer_stands_in_the_place_of_an_equal_registered_one_while_it_is_there() {
    let mut registry = Registry::default();
    let host = |name| peer(name, "192.0.2.7", AsnMatch::Is(Asn(65001)), None);
    registry.load(&[record(7, PeerState::Approved, host("registered"))]);
    let local = "203.0.113.1:179";
    assert_eq!(registry.replace(&[host("file")]).shadowed, ["registered"]);
    assert_eq!(found(&registry, local, "192.0.2.7", 65001).as_deref(), Ok("file"));
    assert_eq!(registry.replace(&[host("file")]).shadowed, [""; 0], "said once");
    registry.replace(&[]);
    assert_eq!(found(&registry, local, "192.0.2.7", 65001).as_deref(), Ok("registered"));
}

#[test]
fn two_peers_may_swap_their_names_and_addresses() {
    let mut registry = Registry::default();
    let [one, two] =
        [("one", "192.0.2.1"), ("two", "192.0.2.2")].map(|(name, at)| peer(name, at, AsnMatch::Any, None));
    let put = |id, peer: &PeerConfig| PeerChange::Put(record(id, PeerState::Approved, peer.clone()).into());
    registry.apply(vec![put(1, &one), put(2, &two)]);
    registry.apply(vec![put(1, &two), put(2, &one)]);
    let ids = ["one", "two"].map(|name| registry.find_name(name));
    assert_eq!(ids, [Some(PeerId(2)), Some(PeerId(1))]);
    assert_eq!([&one, &two].map(|peer| registry.find_key(&Key::of(peer))), ids);
    registry.apply(vec![PeerChange::Forget(PeerId(1)), PeerChange::Forget(PeerId(2))]);
    assert!(registry.entries.is_empty() && registry.names.is_empty() && registry.doors.is_empty());
    assert!(registry.by_address.is_empty() && registry.ranges.is_empty() && registry.removed.is_empty());
}
