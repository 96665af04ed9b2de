//! Peers as tables for people.

use bgplite_host::control::Value;

use crate::command::remote::{date, fields, items, table, word};

pub(super) fn list(peers: &Value) -> String {
    let row = |peer: &Value| {
        let mut row: Vec<String> =
            ["id", "name", "address", "asn", "origin", "state"].iter().map(|path| word(peer, path)).collect();
        row.extend([status(peer), told(peer), asks(peer)]);
        row
    };
    let rows: Vec<Vec<String>> = items(peers).iter().map(row).collect();
    table(&["ID", "NAME", "ADDRESS", "ASN", "FROM", "STATE", "SESSION", "PREFIXES", "ASKS FOR"], &rows)
}

fn sessions(peer: &Value) -> &[Value] {
    peer.get("sessions").map_or(&[], items)
}

fn status(peer: &Value) -> String {
    sessions(peer).iter().map(|session| word(session, "state")).max().unwrap_or_else(|| "-".to_owned())
}

fn told(peer: &Value) -> String {
    let sum = |path| sessions(peer).iter().filter_map(|session| session.get(path)?.as_u64()).sum::<u64>();
    match sessions(peer) {
        [] => "-".to_owned(),
        _ => format!("{}", sum("toldV4") + sum("toldV6")),
    }
}

/// All that it asks for, in few words.
fn asks(peer: &Value) -> String {
    let mut words = Vec::new();
    for (path, label) in [("feeds", ""), ("lists", "list "), ("countries", ""), ("asns", "AS")] {
        let names = peer.get("subscription").and_then(|subscription| subscription.get(path));
        words.extend(names.map_or(&[][..], items).iter().map(|name| {
            let name = name.as_str().map_or_else(|| name.to_string(), ToOwned::to_owned);
            format!("{label}{name}")
        }));
    }
    for (path, noun) in [("prefixes", "own prefixes"), ("urls", "own lists"), ("exclude", "excludes")] {
        let many =
            peer.get("subscription").and_then(|subscription| subscription.get(path)).map_or(&[][..], items);
        if !many.is_empty() {
            words.push(format!("{} {noun}", many.len()));
        }
    }
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

pub(super) fn peer(peer: &Value) -> String {
    let asked = |name: &str| word(peer, &format!("subscription.{name}"));
    let mut text = fields(&[
        ("id", word(peer, "id")),
        ("name", word(peer, "name")),
        ("description", word(peer, "description")),
        ("from", word(peer, "origin")),
        ("state", word(peer, "state")),
        ("address", word(peer, "address")),
        ("asn", word(peer, "asn")),
        ("listen", word(peer, "listen")),
        ("feeds", asked("feeds")),
        ("lists", asked("lists")),
        ("countries", asked("countries")),
        ("prefixes", asked("prefixes")),
        ("prefixes of", asked("asns")),
        ("urls", asked("urls")),
        ("exclude", asked("exclude")),
        ("communities", asked("communities")),
        ("max prefixes", format!("{}, then {}", asked("max_prefixes"), asked("on_limit"))),
        ("own address", asked("own_address")),
        ("next hop", word(peer, "nextHop")),
        ("next hop, IPv6", word(peer, "nextHopV6")),
        ("registered", date(peer, "createdUnixSecs")),
        ("changed", format!("{}, revision {}", date(peer, "changedUnixSecs"), word(peer, "revision"))),
        ("last session", date(peer, "lastSessionUnixSecs")),
    ]);
    let paths = ["remote", "asn", "state", "toldV4", "toldV6", "desiredV4", "desiredV6", "inSync"];
    let row = |session| paths.iter().map(|path| word(session, path)).collect();
    let rows: Vec<Vec<String>> = sessions(peer).iter().map(row).collect();
    if !rows.is_empty() {
        let headings = ["REMOTE", "ASN", "STATE", "TOLD V4", "TOLD V6", "OF V4", "OF V6", "IN SYNC"];
        text += "\n";
        text += &table(&headings, &rows);
    }
    text
}

/// A prefix a line, with its communities; several sessions one after the other.
pub(super) fn prefixes(lists: &Value) -> String {
    let mut text = String::new();
    let is_alone = items(lists).len() == 1;
    for list in items(lists) {
        if !is_alone {
            text += "# ";
            text += &word(list, "remote");
            text += "\n";
        }
        for route in list.get("routes").map_or(&[][..], items) {
            text += &word(route, "prefix");
            for tag in route.get("communities").map_or(&[][..], items) {
                text += " ";
                text += tag.as_str().unwrap_or_default();
            }
            text += "\n";
        }
    }
    text
}
