//! The README's configuration is one that works, and its table of keys is complete.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use bgplite_core::config::{AsnMatch, UnknownPeers};
use bgplite_core::ids::Asn;
use bgplite_host::HostConfig;

fn readme() -> String {
    read("README.md")
}

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_default_stands_in_the_sample_file() {
    let text = read("examples/config/bgplite.toml");
    let parse = |text: &str| {
        HostConfig::parse(Path::new("/etc/bgplite.toml"), text).unwrap_or_else(|error| panic!("{error}"))
    };
    let sample = parse(&text);
    // The same without all that has a default: whole sections, and every key of [bgp] but the required ones.
    let mut section = "";
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| {
            if line.starts_with('[') {
                section = line.split(' ').next().unwrap();
            }
            match section {
                "[limits]" | "[state]" | "[api]" | "[log]" | "[ripestat]" => false,
                "[bgp]" => ["[bgp]", "asn", "router_id"].iter().any(|key| line.starts_with(key)),
                _ => !DEFAULTS.iter().any(|key| line.starts_with(key)),
            }
        })
        .collect();
    let mut bare = parse(&kept.join("\n"));
    // "self" said aloud is what silence means.
    bare.core.peers[0].next_hop = sample.core.peers[0].next_hop;
    assert_eq!(bare, sample);
}

/// Keys of sources, feeds and peers whose lines in the sample say what is so without them.
const DEFAULTS: [&str; 15] = [
    "aggregate",
    "required",
    "families",
    "next_hop =",
    "format = \"lines\"",
    "default_route",
    "guard",
    "every",
    "timeout",
    "max_body",
    "redirects",
    "communities",
    "on_limit",
    "own_address",
    "#",
];

#[test]
fn the_first_configuration_is_accepted_and_says_what_its_comments_say() {
    let readme = readme();
    let toml = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let config =
        HostConfig::parse(Path::new("/etc/bgplite.toml"), toml).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(&config.core.unknown_peers, UnknownPeers::Default { feed, .. } if feed == "ru"));
    assert_eq!(config.core.peers[0].asn, AsnMatch::Is(Asn(65001)));
    let listen: [SocketAddr; 2] = ["0.0.0.0:179".parse().unwrap(), "[::]:179".parse().unwrap()];
    assert_eq!(config.listen, listen);
}

#[test]
fn every_key_that_the_contract_serves_stands_in_the_table() {
    let readme = readme();
    let table = readme.split("### All keys").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    for key in [
        "asn",
        "router_id",
        "listen",
        "hold_time",
        "open_delay",
        "next_hop",
        "next_hop_v6",
        "unknown_peers",
        "default_feed",
        "max_unknown_peers",
        "max_unknown_per_address",
        "max_received_prefixes",
        "ttl",
    ] {
        assert!(table.contains(&format!("`bgp.{key}`")), "bgp.{key}");
    }
    for key in [
        "limits.connections",
        "limits.send_hold",
        "state.dir",
        "state.store",
        "state.feed_versions",
        "api.own_urls",
        "log.level",
        "log.format",
        "ripestat.url",
        "ripestat.source_app",
        "ripestat.every",
        "ripestat.timeout",
        "ripestat.parallel",
        "ripestat.asn_data",
        // Of lists, sources, feeds and peers.
        "asns",
        "description",
        "kind",
        "path",
        "url",
        "asn",
        "country",
        "preset",
        "prefixes",
        "format",
        "where",
        "headers",
        "timeout",
        "every",
        "max_body",
        "redirects",
        "required",
        "guard",
        "default_route",
        "expr",
        "community",
        "large_community",
        "aggregate",
        "name",
        "address",
        "listen",
        "feeds",
        "lists",
        "countries",
        "urls",
        "exclude",
        "communities",
        "max_prefixes",
        "on_limit",
        "own_address",
        "next_hop",
        "next_hop_v6",
        "families",
        "min",
        "max_shrink",
        "max_growth",
        "must_contain",
        "must_not_contain",
    ] {
        assert!(table.contains(&format!("`{key}")), "{key}");
    }
}
