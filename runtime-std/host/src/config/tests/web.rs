//! Claims about what comes from the web, and about what peers ask for.

use std::time::Duration;

use bgplite_core::config::{
    AsnData, Format, Guard, HttpLocation, JsonFormat, Location, OnLimit, OwnAddress, RipestatConfig,
    SourceConfig, Tag,
};
use bgplite_core::ids::Asn;
use bgplite_core::wire::{Community, LargeCommunity};

use super::{fault, parse};

#[test]
fn every_served_key_of_web_sources_arrives() {
    let core = parse(WEB).unwrap().core;
    let sources = &core.sources;
    let location = HttpLocation {
        url: "https://lists.example.net/x.json?a=b".into(),
        headers: vec![
            ("X-Api-Key".into(), "env:KEY".into()),
            ("Cookie".into(), "file:/etc/bgplite/jar".into()),
            ("Accept".into(), "text/plain".into()),
        ],
        timeout: Duration::from_millis(1500),
        max_body: 2 << 20,
        redirects: 3,
        is_foreign: false,
    };
    let json = JsonFormat {
        paths: vec!["prefixes[].ip_prefix".into(), "ipv6_prefixes[].ipv6_prefix".into()],
        filter: vec![
            ("region".into(), "eu-*".into()),
            ("service".into(), "EC2".into()),
            ("service".into(), "S3".into()),
        ],
    };
    let guard = Guard {
        min: 0,
        max_shrink: None,
        max_growth: None,
        must_contain: vec!["192.0.2.0/24".parse().unwrap()],
        must_not_contain: vec!["2001:db8::/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()],
    };
    let full = SourceConfig {
        format: Format::Json(json.clone()),
        every: Some(Duration::from_secs(10)),
        guard,
        required: true,
        default_route: true,
        communities: vec![Community(0xFDF2_0001)],
        large_communities: vec![LargeCommunity { global: 65010, local1: 2, local2: 3 }],
        ..SourceConfig::new("full", Location::Http(location))
    };
    assert_eq!(sources[0], full);
    assert_eq!(sources[1].format, Format::Json(JsonFormat { filter: vec![], ..json.clone() }));
    assert_eq!(sources[2].format, Format::Csv { column: "network".into() });
    assert_eq!((&sources[3].format, sources[3].every), (&Format::Ranges, Some(Duration::from_secs(60))));
    assert_eq!(sources[4].location, Location::Ripestat { asn: Asn(13335) });
    assert_eq!(sources[5].location, Location::Country { country: "DE".parse().unwrap() });
    assert_eq!(sources[5].guard.max_shrink, Some(0));
    assert_eq!(sources[5].guard.max_growth, Some(1000));
    let ripestat = RipestatConfig {
        url: "http://127.0.0.1:8080/mirror".into(),
        source_app: "lab".into(),
        every: Duration::from_secs(3600),
        timeout: Duration::from_secs(20),
        parallel: 2,
        asn_data: AsnData::AnnouncedPrefixes,
    };
    assert_eq!(core.ripestat, ripestat);
    let list = &core.asn_lists[0];
    assert_eq!((list.name.as_str(), list.description.as_str()), ("cdn", "Content"));
    assert_eq!(list.asns, [Asn(13335), Asn(209_242)]);
    assert_eq!(list.communities, [Community(0xFDF2_00C9)]);
    assert_eq!(core.feed_versions, 3);
    assert!(core.own_urls);
    let wanted = &core.peers[0].subscription;
    assert_eq!((&wanted.feeds[..], &wanted.lists[..]), (&[][..], &["cdn".to_owned()][..]));
    assert_eq!(wanted.countries, ["DE".parse().unwrap(), "FR".parse().unwrap()]);
    assert_eq!(wanted.prefixes, ["203.0.113.0/24".parse().unwrap()]);
    assert_eq!(wanted.asns, [Asn(15169)]);
    assert_eq!(wanted.urls, ["https://example.net/mine.txt"]);
    assert_eq!(wanted.exclude, ["2001:db8::/33".parse().unwrap()]);
    let large = LargeCommunity { global: 65010, local1: 1, local2: 2 };
    assert_eq!(wanted.communities, [Tag::Standard(Community(0xFDF2_00C9)), Tag::Large(large)]);
    assert_eq!(wanted.max_prefixes, Some(20_000));
    assert_eq!((wanted.on_limit, wanted.own_address), (OnLimit::Trim, OwnAddress::Keep));
}

#[test]
fn our_own_asn_of_four_bytes_makes_a_large_community_of_a_standard_one() {
    let asn = "4200000001";
    let head = format!("[bgp]\nasn = {asn}\nrouter_id = \"203.0.113.1\"\nunknown_peers = \"refuse\"\n");
    let text = format!(
        "{head}[source.x]\nkind = \"inline\"\nprefixes = []\n\
         [feed.x]\nexpr = \"x\"\ncommunity = [\"{asn}:100\", \"65010:7\"]\nlarge_community = \"{asn}:2:3\"\n\
         [[peer]]\nname = \"a\"\naddress = \"any\"\nasn = 1\nfeeds = []\ncommunities = [\"{asn}:100\"]\n"
    );
    let core = parse(&text).unwrap().core;
    let large = |local1, local2| LargeCommunity { global: 4_200_000_001, local1, local2 };
    assert_eq!(core.feeds[0].communities, [Community(0xFDF2_0007)]);
    assert_eq!(core.feeds[0].large_communities, [large(1, 100), large(2, 3)]);
    assert_eq!(core.peers[0].subscription.communities, [Tag::Large(large(1, 100))]);
    // Another one's stays what it is: a mistake.
    let shown = fault(&text.replace("[\"4200000001:100\", ", "[\"4200000002:100\", "));
    let wanted = "10:14: feed.x.community: \"4200000002:100\": a community is two numbers up to 65535, like \
                  \"65010:100\"; for an ASN of four bytes use large_community";
    assert_eq!(shown.lines().next().unwrap(), wanted);
}

/// The keys of what comes from the web, and of what peers ask for, none at its default.
pub(super) const WEB: &str = r#"
[bgp]
asn = 65010
router_id = "192.0.2.9"
unknown_peers = "refuse"
[state]
feed_versions = 3
[api]
own_urls = "on"
[ripestat]
url = "http://127.0.0.1:8080/mirror/"
source_app = "lab"
every = "1h"
timeout = "20s"
parallel = 2
asn_data = "announced-prefixes"
[asn_list.cdn]
asns = [13335, 209242]
description = "Content"
community = "65010:201"
[source.full]
kind = "http"
url = "https://lists.example.net/x.json?a=b"
format = "json:prefixes[].ip_prefix, ipv6_prefixes[].ipv6_prefix"
where = { region = "eu-*", service = ["EC2", "S3"] }
headers = { "X-Api-Key" = "env:KEY", "Cookie" = "file:jar", Accept = "text/plain" }
timeout = "1500ms"
every = "10s"
max_body = "2MiB"
redirects = 3
required = true
default_route = true
community = "65010:1"
large_community = "65010:2:3"
[source.full.guard]
min = 0
max_shrink = "none"
max_growth = "none"
must_contain = ["192.0.2.0/24"]
must_not_contain = ["2001:db8::/32", "10.0.0.0/8"]
[source.several]
kind = "file"
path = "x.json"
format = ["json:prefixes[].ip_prefix", "json:ipv6_prefixes[].ipv6_prefix"]
[source.column]
kind = "file"
path = "x.csv"
format = "csv:network"
[source.ranges]
kind = "file"
path = "x.txt"
format = "ranges"
every = "1min"
[source.as]
kind = "ripestat"
asn = 13335
[source.germany]
kind = "country"
country = "DE"
guard = { max_shrink = "0%", max_growth = "1000%" }
[feed.all]
expr = "(full + several) & (column + ranges) - germany - as"
[[peer]]
name = "home"
address = "198.51.100.7"
asn = 65001
lists = ["cdn"]
countries = ["DE", "fr"]
prefixes = ["203.0.113.0/24"]
asns = [15169]
urls = ["https://example.net/mine.txt"]
exclude = ["2001:db8::/33"]
communities = ["65010:201", "65010:1:2"]
max_prefixes = 20000
on_limit = "trim"
own_address = "keep"
"#;
