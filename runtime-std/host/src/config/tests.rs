//! Claims about the file format: every served key, every default, and what each fault says.

use std::time::Duration;

use bgplite_core::config::{
    AddressMatch, Aggregate, AsnData, AsnMatch, Families, Format, Guard, HttpLocation, Location, NextHop,
    RipestatConfig, SourceConfig,
};
use bgplite_core::ids::Asn;
use bgplite_core::wire::{Community, LargeCommunity};

use super::*;

mod fault;
mod web;

const CONTRACT: &str = include_str!("../../tests/data/contract.toml");
const MINIMAL: &str = "[bgp]\nasn = 65010\nrouter_id = \"203.0.113.1\"\nunknown_peers = \"refuse\"\n";

fn parse(text: &str) -> Result<HostConfig, FileError> {
    HostConfig::parse(Path::new("/etc/bgplite/a.toml"), text)
}

/// All that an operator sees, without the file's name.
#[track_caller]
fn fault(text: &str) -> String {
    let shown = parse(text).expect_err("accepted").to_string();
    shown.strip_prefix("/etc/bgplite/a.toml:").expect("names the file").to_owned()
}

/// The fault of a file that has `line` in its section `[bgp]`, on line 5.
#[track_caller]
fn bgp_fault(line: &str) -> String {
    fault(&format!("{MINIMAL}{line}\n"))
}

#[test]
fn every_default_is_that_of_the_contract_file() {
    let config = parse(
        "[bgp]\nasn = 65010\nrouter_id = \"203.0.113.1\"\n\
         [source.x]\nkind = \"inline\"\nprefixes = []\n[feed.ru]\nexpr = \"x\"\n",
    )
    .unwrap();
    let endpoints: Vec<String> = config.listen.iter().map(ToString::to_string).collect();
    assert_eq!(endpoints, ["0.0.0.0:179", "[::]:179"]);
    assert_eq!(config.ttl, 255);
    assert_eq!(config.state_dir, Path::new("/var/lib/bgplite"));
    assert_eq!(config.log_level, LogLevel::Info);
    assert_eq!(config.log_format, LogFormat::Logfmt);
    let core = config.core;
    assert_eq!(core.hold_secs, 240);
    assert_eq!(core.open_delay, Duration::from_secs(1));
    assert_eq!(core.send_hold, Duration::from_secs(480));
    assert_eq!(core.next_hop, NextHop::SelfAddress);
    assert_eq!(core.next_hop_v6, NextHop::SelfAddress);
    let unknown = UnknownPeers::Default { feed: "ru".into(), max: 500, max_per_address: 4 };
    assert_eq!(core.unknown_peers, unknown);
    assert_eq!(core.max_received_prefixes, 10_000);
    assert_eq!(core.max_connections, 12_000);
    assert_eq!(core.feeds[0].aggregate, Aggregate::Exact);
    assert_eq!(core.feed_versions, 20);
    assert!(!core.own_urls);
    let ripestat = RipestatConfig {
        url: "https://stat.ripe.net".into(),
        source_app: "bgplite".into(),
        every: Duration::from_secs(28_800),
        timeout: Duration::from_secs(180),
        parallel: 8,
        asn_data: AsnData::RisPrefixes,
    };
    assert_eq!(core.ripestat, ripestat);
}

#[test]
fn every_default_of_a_source_is_that_of_the_contract_file() {
    let source = |lines: &str| {
        let core = parse(&format!("{MINIMAL}[source.x]\n{lines}\n")).unwrap().core;
        core.sources.into_iter().next().unwrap()
    };
    let http = source("kind = \"http\"\nurl = \"http://h/x\"");
    let location = HttpLocation {
        url: "http://h/x".into(),
        headers: vec![],
        timeout: Duration::from_secs(30),
        max_body: 10_000_000,
        redirects: 0,
        is_foreign: false,
    };
    let every = Some(Duration::from_secs(600));
    assert_eq!(http, SourceConfig { every, ..SourceConfig::new("x", Location::Http(location)) });
    let guard = Guard {
        min: 1,
        max_shrink: Some(50),
        max_growth: Some(300),
        must_contain: vec![],
        must_not_contain: vec![],
    };
    assert_eq!(http.guard, guard);
    let preset = source("kind = \"preset\"\npreset = \"fastly\"\nurl = \"http://mirror/fastly\"");
    let Location::Http(location) = preset.location else { panic!("a preset is of the web") };
    assert_eq!((location.url.as_str(), location.timeout), ("http://mirror/fastly", Duration::from_secs(30)));
    assert_eq!(preset.every, Some(Duration::from_secs(3600)));
    let ripestat = source("kind = \"ripestat\"\nasn = 13335");
    assert_eq!(ripestat, SourceConfig::new("x", Location::Ripestat { asn: Asn(13335) }));
    let country = source("kind = \"country\"\ncountry = \"de\"");
    assert_eq!(country, SourceConfig::new("x", Location::Country { country: "DE".parse().unwrap() }));
    assert_eq!(source("kind = \"file\"\npath = \"x\"").every, None);
}

#[test]
fn every_served_key_of_the_server_arrives() {
    let config = parse(FULL).unwrap();
    let endpoints: Vec<String> = config.listen.iter().map(ToString::to_string).collect();
    assert_eq!(endpoints, ["127.0.0.1:1790", "[::1]:1790", "127.0.0.1:1801"]);
    assert_eq!(config.ttl, 64);
    assert_eq!(config.state_dir, Path::new("/etc/bgplite/state"));
    assert_eq!(config.log_level, LogLevel::Debug);
    let core = &config.core;
    assert_eq!(core.asn, Asn(4_200_000_000));
    assert_eq!(core.router_id.to_string(), "192.0.2.9");
    assert_eq!(core.hold_secs, 90);
    assert_eq!(core.open_delay, Duration::from_millis(250));
    assert_eq!(core.next_hop, NextHop::Address("192.0.2.1".parse().unwrap()));
    assert_eq!(core.next_hop_v6, NextHop::Address("2001:db8::1".parse().unwrap()));
    let unknown = UnknownPeers::Default { feed: "one".into(), max: 7, max_per_address: 2 };
    assert_eq!(core.unknown_peers, unknown);
    assert_eq!(core.max_received_prefixes, 5);
    assert_eq!(core.max_connections, 9);
    assert_eq!(core.send_hold, Duration::from_secs(300));
}

#[test]
fn every_served_key_of_sources_feeds_and_peers_arrives() {
    let core = parse(FULL).unwrap().core;
    assert_eq!(core.sources[0].location, Location::File { path: "/etc/bgplite/lists/ru.txt".into() });
    assert!(core.sources[0].required && !core.sources[1].required);
    assert_eq!(core.sources[1].location, Location::File { path: "/srv/x.txt".into() });
    let Location::Inline { prefixes } = &core.sources[2].location else { panic!("not inline") };
    let prefixes: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
    assert_eq!(prefixes, ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32"]);
    let feed = &core.feeds[0];
    assert_eq!(feed.expr.to_string(), "list + own + absolute + own");
    assert_eq!(feed.communities, [Community(0xFDF2_0064)]);
    let large = |local2| LargeCommunity { global: 65010, local1: 1, local2 };
    assert_eq!(feed.large_communities, [large(100), large(101)]);
    assert_eq!(feed.aggregate, Aggregate::Off);
    let peer = &core.peers[0];
    assert_eq!(peer.name, "home");
    assert_eq!(peer.address, AddressMatch::Prefix("198.51.100.7/32".parse().unwrap()));
    assert_eq!(peer.asn, AsnMatch::Is(Asn(65001)));
    assert_eq!(peer.listen, Some("127.0.0.1:1801".parse().unwrap()));
    assert_eq!(peer.subscription.feeds, ["one"]);
    assert_eq!(peer.next_hop, Some(NextHop::SelfAddress));
    assert_eq!(peer.next_hop_v6, Some(NextHop::Address("2001:db8::2".parse().unwrap())));
    assert_eq!(peer.families, Families { v4: false, v6: true });
    assert_eq!((core.peers[1].address, core.peers[1].asn), (AddressMatch::Any, AsnMatch::Any));
    assert_eq!(core.peers[1].families, Families::BOTH);
    assert_eq!(core.peers[2].address, AddressMatch::Prefix("2001:db8::/48".parse().unwrap()));
}

/// The contract, without what a later version serves.
fn served_contract() -> String {
    const LATER: [&str; 7] = [
        "graceful_restart",
        "accepts_per_address",
        "listen = [\"127.0.0.1:5000\"]",
        "registration",
        "trusted_proxies",
        "rate_limit",
        "md5",
    ];
    let is_later = |line: &&str| LATER.iter().any(|later| line.starts_with(later));
    let kept: Vec<&str> = CONTRACT.lines().filter(|line| !is_later(line)).collect();
    kept.join("\n")
}

#[test]
fn the_contract_is_served_but_for_a_few_keys() {
    let core = parse(&served_contract()).unwrap_or_else(|fault| panic!("{fault}")).core;
    let names: Vec<&str> = core.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["ru", "aws-eu", "extra", "germany", "exclude"]);
    assert_eq!(core.sources[0].guard, Guard { min: 1000, ..Guard::default() });
    let Location::Http(aws) = &core.sources[1].location else { panic!("a preset is of the web") };
    assert_eq!(aws.url, "https://ip-ranges.amazonaws.com/ip-ranges.json");
    let Format::Json(json) = &core.sources[1].format else { panic!("its document is JSON") };
    assert_eq!(json.filter, [("region".into(), "eu-*".into()), ("service".into(), "EC2".into())]);
    assert_eq!(core.feeds[0].expr.to_string(), "ru + extra - exclude");
    assert_eq!(core.peers[0].subscription.lists, ["cloudflare"]);
    assert_eq!(core.peers[0].subscription.max_prefixes, Some(20_000));
}

#[test]
fn what_the_contract_has_and_this_version_does_not_is_refused_by_name() {
    assert_eq!(
        fault(CONTRACT).lines().next().unwrap(),
        "18:1: bgp.graceful_restart: is not supported by this version yet; remove it"
    );
    let peer = "[[peer]]\nname = \"a\"\naddress = \"any\"\nasn = 1\nfeeds = []\n";
    for (section, path, keys) in [
        ("", "bgp", &["graceful_restart"][..]),
        ("[limits]\n", "limits", &["accepts_per_address"]),
        (
            "[api]\n",
            "api",
            &["listen", "admin_token", "reader_token", "registration", "trusted_proxies", "rate_limit"],
        ),
        (peer, "peer[0]", &["md5", "ttl_security"]),
    ] {
        for key in keys {
            let shown = bgp_fault(&format!("{section}{key} = 1\n"));
            let wanted = format!("{path}.{key}: is not supported by this version yet; remove it");
            assert!(shown.ends_with(&wanted), "{shown}");
        }
    }
}

/// The contract grows in its own file; a key that is in neither list would be answered as a typo.
#[test]
fn every_key_of_the_contract_is_served_or_refused_as_not_yet_known() {
    let tree = DeTable::parse(CONTRACT).unwrap();
    let file = Path::new("contract.toml");
    let document = Document::new(file, CONTRACT);
    let root = document.root(tree.get_ref());
    let is_known = |keys: &Keys, name: &str| keys.served.contains(&name) || keys.later.contains(&name);
    for (name, value) in root.entries() {
        assert!(is_known(&ROOT, name), "{name}");
        let check = |keys: &Keys, table: &Table<'_>| {
            for (key, _) in table.entries() {
                assert!(is_known(keys, key), "{name}.{key}");
            }
        };
        match name {
            "bgp" => check(&section::BGP, &value.table("").unwrap()),
            "limits" => check(&section::LIMITS, &value.table("").unwrap()),
            "state" => check(&section::STATE, &value.table("").unwrap()),
            "log" => check(&section::LOG, &value.table("").unwrap()),
            "api" => check(&section::API, &value.table("").unwrap()),
            "ripestat" => check(&section::RIPESTAT, &value.table("").unwrap()),
            "source" | "feed" | "asn_list" => {
                let keys = match name {
                    "source" => &source::SOURCE,
                    "feed" => &entry::FEED,
                    _ => &entry::LIST,
                };
                for (_, entry) in value.table("").unwrap().entries() {
                    check(keys, &entry.table("").unwrap());
                }
            }
            "peer" => value.tables("").unwrap().iter().for_each(|table| check(&entry::PEER, table)),
            _ => assert!(ROOT.later.contains(&name), "{name}"),
        }
    }
}

#[test]
fn a_peer_s_own_endpoint_is_listened_on_unless_another_covers_it() {
    let listen = |listen: &str, own: &[&str]| {
        let peers = own.iter().enumerate().map(|(index, own)| {
            format!("[[peer]]\nname = \"p{index}\"\naddress = \"any\"\nasn = \"any\"\nfeeds = []\nlisten = \"{own}\"\n")
        });
        let text = format!("{MINIMAL}listen = {listen}\n{}", peers.collect::<String>());
        let listen = parse(&text).unwrap().listen;
        listen.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        listen("[\"0.0.0.0:179\"]", &["127.0.0.1:179", "0.0.0.0:1801", "[::1]:179", "0.0.0.0:1801"]),
        ["0.0.0.0:179", "0.0.0.0:1801", "[::1]:179"]
    );
    assert_eq!(
        listen("[\"127.0.0.1:179\"]", &["127.0.0.2:1801", "0.0.0.0:1801"]),
        ["127.0.0.1:179", "0.0.0.0:1801"]
    );
}

/// Damage anywhere in a file that uses every key is a fault with a place, or another good file.
#[test]
fn no_text_makes_it_panic() {
    let mut rng = bgplite_core::rng::Rng::new(7);
    let pieces = ["", "\"", "[", "]", "{", "=", "\n", "#", "\u{fc}", "'''", "\\", "."];
    let mut faults = 0;
    for _ in 0..5_000 {
        let text = [FULL, web::WEB, CONTRACT][rng.below(3) as usize];
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=rng.below(3) {
            let at = rng.below(bytes.len() as u64) as usize;
            let until = (at + rng.below(4) as usize).min(bytes.len());
            let piece = pieces[rng.below(pieces.len() as u64) as usize];
            bytes.splice(at..until, piece.bytes());
        }
        if let Err(fault) = parse(&String::from_utf8_lossy(&bytes)) {
            faults += 1;
            assert!(fault.position().is_some(), "{fault}");
            assert_eq!(fault.sentence().to_string().lines().count(), 1, "{fault}");
        }
    }
    assert!(faults > 2_500);
}

#[test]
fn a_file_that_cannot_be_read_is_one_sentence() {
    let dir = std::env::temp_dir();
    let missing = dir.join("bgplite-no-such-file.toml");
    let error = HostConfig::load(&missing).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{}: cannot be opened: No such file or directory (os error 2)", missing.display())
    );
    let error = HostConfig::load(&dir).unwrap_err().to_string();
    assert_eq!(error, format!("{}: cannot be read: Is a directory (os error 21)", dir.display()));
    let binary = dir.join(format!("bgplite-binary-{}.toml", std::process::id()));
    std::fs::write(&binary, b"[bgp]\nasn = \xFF\n").unwrap();
    let error = HostConfig::load(&binary).unwrap_err().to_string();
    std::fs::remove_file(&binary).unwrap();
    assert_eq!(error, format!("{}: line 2 is no UTF-8", binary.display()));
}

/// Every served key, none at its default.
const FULL: &str = r#"
[bgp]
asn = 4200000000
router_id = "192.0.2.9"
listen = ["127.0.0.1:1790", "[::1]:1790"]
hold_time = "90s"
open_delay = "250ms"
next_hop = "192.0.2.1"
next_hop_v6 = "2001:db8::1"
unknown_peers = "default"
default_feed = "one"
max_unknown_peers = 7
max_unknown_per_address = 2
max_received_prefixes = 5
ttl = 64
[limits]
connections = 9
send_hold = "5min"
[state]
dir = "state"
[log]
level = "debug"
format = "logfmt"
[source.list]
kind = "file"
path = "lists/ru.txt"
required = true
[source.absolute]
kind = "file"
path = "/srv/x.txt"
[source.own]
kind = "inline"
prefixes = ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]
[feed.one]
expr = "list + own+absolute + own"
community = "65010:100"
large_community = ["65010:1:100", "65010:1:101"]
aggregate = "off"
[[peer]]
name = "home"
address = "198.51.100.7"
asn = 65001
listen = "127.0.0.1:1801"
feeds = ["one"]
next_hop = "self"
next_hop_v6 = "2001:db8::2"
families = ["ipv6"]
[[peer]]
name = "any"
address = "any"
asn = "any"
feeds = []
[[peer]]
name = "range"
address = "2001:db8::/48"
asn = 1
feeds = []
"#;
