//! What a subscription names is there while a subscription names it: an AS, a country, a URL, a list of ASNs.

use std::collections::BTreeMap;

use bgplite_core::config::{AsnListConfig, Config, Subscription};
use bgplite_core::ids::Asn;
use bgplite_core::server::{Command, FetchRequest, Records, SourceState};
use bgplite_core::time::Duration;
use bgplite_sim::{ClientConfig, Lab};

use crate::support::{LOCAL, config, peer, world};

const PEER_LIST: &str = "https://198.51.100.99/mine.txt";

fn ris(asn: u32) -> String {
    format!(
        "https://stat.ripe.net/data/ris-prefixes/data.json?resource=AS{asn}&list_prefixes=true&types=o&noise=filter\
         &sourceapp=bgplite"
    )
}

fn country(code: &str) -> String {
    format!(
        "https://stat.ripe.net/data/country-resource-list/data.json?resource={code}&v4_format=prefix&sourceapp=bgplite"
    )
}

fn originated(v4: &str, v6: &str) -> String {
    format!(
        r#"{{"status":"ok","status_code":200,"data":{{"prefixes":{{"v4":{{"originating":["{v4}"]}},
        "v6":{{"originating":["{v6}"]}}}}}}}}"#
    )
}

fn resources(v4: &str) -> String {
    format!(
        r#"{{"status":"ok","status_code":200,"data":{{"resources":{{"asn":["1"],"ipv4":["{v4}"],"ipv6":[]}}}}}}"#
    )
}

fn subscribed(subscription: Subscription) -> Config {
    let mut config = config();
    config.own_urls = true;
    config.asn_lists.push(AsnListConfig {
        name: "cdn".into(),
        asns: vec![Asn(13335), Asn(20940)],
        description: String::new(),
        communities: vec!["65010:201".parse().unwrap()],
        large_communities: Vec::new(),
    });
    config.peers.push(peer("home", "198.51.100.7", &[]));
    config.peers[0].subscription = subscription;
    config
}

fn everything() -> Subscription {
    Subscription {
        lists: vec!["cdn".into()],
        countries: vec!["DE".parse().unwrap()],
        asns: vec![Asn(13335), Asn(3333)],
        urls: vec![PEER_LIST.into()],
        ..Subscription::default()
    }
}

fn served(subscription: Subscription) -> Lab {
    let files = [
        ("ru.txt".into(), "10.0.0.0/8\n".into()),
        (ris(13335), originated("1.1.1.0/24", "2606:4700::/32")),
        (ris(20940), originated("23.0.0.0/12", "2600:1400::/24")),
        (ris(3333), originated("193.0.0.0/21", "2001:67c:2e8::/48")),
        (country("DE"), resources("2.16.0.0/13")),
        (PEER_LIST.into(), "192.0.2.0/24\n".into()),
    ];
    let files: Vec<(&str, &str)> =
        files.iter().map(|(url, body): &(String, String)| (&**url, &**body)).collect();
    world(subscribed(subscription), &files)
}

#[test]
fn a_peer_gets_the_lists_countries_ases_and_urls_that_it_asks_for() {
    let mut world = served(everything());
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    let client = world.client(conn);
    let tags: Vec<(String, usize)> =
        client.v4.iter().map(|(prefix, route)| (prefix.to_string(), route.communities.len())).collect();
    let expected =
        [("1.1.1.0/24", 1), ("2.16.0.0/13", 0), ("23.0.0.0/12", 1), ("192.0.2.0/24", 0), ("193.0.0.0/21", 0)];
    assert_eq!(tags, expected.map(|(prefix, tags)| (prefix.to_owned(), tags)));
    assert_eq!((client.v6.len(), client.end_of_rib.len()), (3, 2));
    let asked = world.fetches.len();
    assert_eq!(asked, 6, "each once, however many need it");
    let foreign: Vec<(&str, u64, u8)> = world
        .fetches
        .iter()
        .filter_map(|(_, request)| match request {
            FetchRequest::Http(request) if request.is_foreign => {
                Some((request.url.as_str(), request.max_bytes, request.redirects))
            }
            _ => None,
        })
        .collect();
    assert_eq!(foreign, [(PEER_LIST, 10_000_000, 3)]);
    // RIPEstat every eight hours, the peer's URL every hour.
    world.advance(Duration::from_secs(9 * 3600));
    let again = world.fetches.len() - asked;
    assert!((4 + 8..=4 + 10).contains(&again), "{again}");
}

#[test]
fn what_nobody_asks_for_any_more_is_forgotten_and_a_list_stays() {
    let mut world = served(everything());
    let conn = world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    let names = |world: &Lab| -> Vec<String> {
        world.server.sources(world.now).into_iter().map(|one| one.name).collect()
    };
    assert_eq!(names(&world), ["ru", "@as3333", "@as13335", "@as20940", "@de", "@url-9afc14485f1bd7ad"]);
    let only = Subscription { asns: vec![Asn(13335)], ..Subscription::default() };
    world.command(Command::Reload(Box::new(subscribed(only))));
    assert_eq!(names(&world), ["ru", "@as13335", "@as20940"]);
    assert_eq!(world.client(conn).v4.len(), 1);
    assert!(world.client(conn).is_established());
    let feeds: Vec<&str> = world.server.feeds().iter().map(|feed| feed.kind).collect();
    assert_eq!(feeds, ["feed", "list", "asn"]);
}

#[test]
fn the_end_is_told_when_the_last_of_them_has_come() {
    let mut world = served(everything());
    world.files.remove(&country("DE"));
    let mut late = Lab::restarted(subscribed(everything()), 3, world.files.clone(), &Records::default());
    late.run();
    let conn = late.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!((late.client(conn).v4.len(), late.client(conn).end_of_rib.len()), (4, 0));
    late.files.insert(country("DE"), resources("2.16.0.0/13").into());
    late.advance(Duration::from_secs(12));
    assert_eq!((late.client(conn).v4.len(), late.client(conn).end_of_rib.len()), (5, 2));
}

#[test]
fn an_as_list_and_a_country_are_there_after_a_restart_without_ripestat() {
    let world = served(everything());
    let mut after = Lab::restarted(subscribed(everything()), 4, BTreeMap::default(), &world.stored);
    after.run();
    let conn = after.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!((after.client(conn).v4.len(), after.client(conn).end_of_rib.len()), (5, 2));
    let states: Vec<SourceState> = after.server.sources(after.now).iter().map(|one| one.state).collect();
    assert_eq!(states, [SourceState::Stale; 6]);
}

#[test]
fn an_as_that_originates_nothing_has_loaded_and_one_that_loses_all_is_held() {
    let asked = Subscription { asns: vec![Asn(3333)], ..Subscription::default() };
    let nothing = r#"{"status":"ok","status_code":200,"data":{"prefixes":{"v4":{"originating":[]},"v6":{"originating":[]}}}}"#;
    let mut lab = world(subscribed(asked), &[(&ris(3333), nothing)]);
    let conn = lab.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001));
    assert_eq!(lab.client(conn).end_of_rib.len(), 2, "nothing is all there is");

    let some = originated("193.0.0.0/21", "2001:67c:2e8::/48");
    for (body, held) in [(some.as_str(), false), (nothing, true)] {
        lab.files.insert(ris(3333), body.as_bytes().to_vec());
        lab.command(Command::RefreshSource { source: "@as3333".into() });
        assert_eq!(lab.client(conn).v4.len(), 1, "{body}");
        let status = lab.server.sources(lab.now).into_iter().find(|source| source.name == "@as3333").unwrap();
        assert_eq!(status.state == SourceState::Held, held, "{body}");
    }
}
