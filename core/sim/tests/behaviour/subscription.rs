//! A peer gets what it subscribed to: its feeds through its filter, without its excludes, with its own prefixes.

use crate::support::{LOCAL, config, feed, file, peer, prefixes, ru, world};
use bgplite_core::config::{Config, OwnAddress, Subscription};
use bgplite_core::ids::ConnId;
use bgplite_core::server::Command;
use bgplite_core::wire::Community;
use bgplite_sim::{ClientConfig, Lab};

/// The peer of these tests, with another subscription.
pub(crate) fn subscribed(mut config: Config, change: impl Fn(&mut Subscription)) -> Config {
    config.peers.retain(|peer| peer.name != "home");
    let mut home = peer("home", "198.51.100.7", &["ru"]);
    change(&mut home.subscription);
    config.peers.push(home);
    config
}

pub(crate) fn home(world: &mut Lab) -> ConnId {
    world.connect(LOCAL, "198.51.100.7:40000", &ClientConfig::new(65001))
}

pub(crate) fn reload(world: &mut Lab, config: Config) {
    world.command(Command::Reload(Box::new(config)));
}

/// Prefixes of both families as text, ascending.
pub(crate) fn held(world: &Lab, conn: ConnId) -> Vec<String> {
    let client = world.client(conn);
    client.v4.keys().map(ToString::to_string).chain(client.v6.keys().map(ToString::to_string)).collect()
}

fn any<T: std::str::FromStr<Err: std::fmt::Debug>>(texts: &[&str]) -> Vec<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

const LIST: &str = "10.0.0.0/8\n192.0.2.0/24\n192.0.2.128/25\n2001:db8::/32\n";

#[test]
fn an_exclude_splits_what_it_overlaps_into_the_fewest_rest() {
    let excluding = subscribed(config(), |subscription| {
        subscription.exclude = any(&["10.64.0.0/10", "192.0.2.128/25", "2001:db8:8000::/33", "10.64.1.0/24"]);
    });
    let mut world = world(excluding, &[("ru.txt", LIST)]);
    let conn = home(&mut world);
    assert_eq!(held(&world, conn), ["10.0.0.0/10", "10.128.0.0/9", "192.0.2.0/25", "2001:db8::/33"]);
    let tag = Community(0xFDF2_0064);
    assert!(
        world.client(conn).v4.values().all(|route| route.communities == [tag]),
        "the rest keeps its tags"
    );
    assert!(world.is_in_sync());
}

#[test]
fn an_exclude_that_comes_and_goes_is_its_difference_and_no_address_is_dark() {
    let list = ru();
    let mut world = world(subscribed(config(), |_| {}), &[("ru.txt", &list)]);
    let conn = home(&mut world);
    let count = |world: &Lab| (world.client(conn).announced, world.client(conn).withdrawn);
    assert_eq!(count(&world), (17_873, 0));
    let (v4, v6) = prefixes(&list);
    let widest = *v4.iter().min_by_key(|prefix| prefix.len()).unwrap();
    let half = bgplite_core::rib::Prefix4::new(widest.bits(), widest.len() + 1).unwrap();
    reload(
        &mut world,
        subscribed(config(), |subscription| {
            subscription.exclude = vec![bgplite_core::rib::AnyPrefix::V4(half)];
        }),
    );
    let inside = v4.iter().filter(|prefix| half.covers(**prefix)).count();
    assert_eq!(count(&world), (17_874, 1 + inside), "the other half comes, the whole and what is inside go");
    assert!(world.client(conn).v4.contains_key(&half.sibling().unwrap()));

    let start = world.wire(conn).len();
    reload(&mut world, subscribed(config(), |_| {}));
    assert_eq!(count(&world), (17_875 + inside, 2 + inside));
    assert!(world.client(conn).v4.keys().eq(&v4) && world.client(conn).v6.keys().eq(&v6));
    // What covers the half is back before the half goes: an announcement ends with its prefixes.
    let wire = &world.wire(conn)[start..];
    let withdraws_first = wire[19..21] != [0, 0];
    assert!(!withdraws_first, "the first UPDATE withdraws something");
}

#[test]
fn the_filter_applies_before_the_tags_of_equal_prefixes_are_joined() {
    let mut two = config();
    two.sources.push(file("extra"));
    two.feeds.push(feed("extra", 200));
    let files = [("ru.txt", "10.0.0.0/8\n10.1.0.0/16\n"), ("extra.txt", "10.0.0.0/8\n10.2.0.0/16\n")];
    let filtered = |tags: &[&str]| {
        subscribed(two.clone(), |subscription| {
            subscription.feeds = vec!["ru".into(), "extra".into()];
            subscription.communities = any(tags);
            subscription.prefixes = any(&["198.18.0.0/15"]);
        })
    };
    let tags = |world: &Lab, conn: ConnId| -> Vec<(String, Vec<Community>)> {
        let routes = world.client(conn).v4.iter();
        routes.map(|(prefix, route)| (prefix.to_string(), route.communities.clone())).collect()
    };
    let [ru, extra] = [Community(0xFDF2_0064), Community(0xFDF2_00C8)];
    let mut world = world(filtered(&["65010:200"]), &files);
    let conn = home(&mut world);
    let only_extra = [("10.0.0.0/8".to_string(), vec![extra]), ("10.2.0.0/16".into(), vec![extra])];
    assert_eq!(tags(&world, conn), only_extra, "untagged prefixes of its own do not pass either");
    // A large community does as well, and keeps the others of its route.
    reload(&mut world, filtered(&["65010:1:100"]));
    assert_eq!(tags(&world, conn), [("10.0.0.0/8".to_string(), vec![ru]), ("10.1.0.0/16".into(), vec![ru])]);
    reload(&mut world, filtered(&["65010:999"]));
    assert_eq!(tags(&world, conn), []);
    reload(&mut world, filtered(&[]));
    let joined = tags(&world, conn);
    assert_eq!(joined[0], ("10.0.0.0/8".to_string(), vec![ru, extra]));
    assert_eq!(joined.len(), 4);
}

#[test]
fn own_prefixes_of_both_families_go_out_untagged_and_join_equal_ones() {
    let own = subscribed(config(), |subscription| {
        subscription.prefixes = any(&["198.18.0.0/15", "2001:db8:1::/48", "10.0.0.0/8", "192.0.2.0/24"]);
        subscription.exclude = any(&["192.0.2.0/25"]);
    });
    let mut world = world(own, &[("ru.txt", "10.0.0.0/8\n")]);
    let conn = home(&mut world);
    assert_eq!(held(&world, conn), ["10.0.0.0/8", "192.0.2.128/25", "198.18.0.0/15", "2001:db8:1::/48"]);
    let tagged = world.client(conn).v4.values().map(|route| route.communities.len());
    assert!(tagged.eq([1, 0, 0]));
}

#[test]
fn a_changed_subscription_reaches_that_peer_alone_as_its_difference() {
    let list = ru();
    let mut world = world(subscribed(config(), |_| {}), &[("ru.txt", &list)]);
    let conn = home(&mut world);
    let other = world.connect(LOCAL, "198.51.100.8:40000", &ClientConfig::new(65002));
    let silent_since = world.wire(other).len();
    reload(
        &mut world,
        subscribed(config(), |subscription| {
            subscription.prefixes = any(&["192.0.2.0/24"]);
        }),
    );
    assert_eq!((world.client(conn).announced, world.client(conn).withdrawn), (17_874, 0));
    reload(&mut world, subscribed(config(), |_| {}));
    assert_eq!((world.client(conn).announced, world.client(conn).withdrawn), (17_874, 1));
    assert_eq!(world.wire(other).len(), silent_since, "nobody else sees a byte");
    assert!(world.client(conn).is_established());
}

#[test]
fn what_the_server_says_a_peer_should_have_is_what_it_holds() {
    let mixed = subscribed(config(), |subscription| {
        subscription.prefixes = any(&["192.0.2.0/24", "2001:db8:1::/48"]);
        subscription.exclude = any(&["10.1.0.0/16"]);
        subscription.own_address = OwnAddress::Keep;
    });
    let mut world = world(mixed, &[("ru.txt", "10.0.0.0/8\n198.51.100.0/24\n2001:db8::/32\n")]);
    let conn = home(&mut world);
    let routes = world.server.routes_for(conn).unwrap();
    let said: Vec<String> = routes.iter().map(|(prefix, _)| prefix.to_string()).collect();
    assert_eq!(said, held(&world, conn));
    let tags: Vec<Vec<Community>> = routes.iter().map(|(_, tags)| tags.standard().to_vec()).collect();
    let client = world.client(conn);
    assert!(client.v4.values().chain(client.v6.values()).map(|route| &route.communities).eq(&tags));
    let status = world.server.peers().next().unwrap();
    assert_eq!((status.told, status.wanted), ((client.v4.len(), client.v6.len()), status.told));
    assert_eq!((status.split_out, status.over_limit), (vec![], None));
    assert_eq!(world.server.routes_for(ConnId(99)), None);
}

#[test]
fn peers_of_one_filter_and_excludes_share_one_image() {
    let list = ru();
    let mut config = config();
    for last in 1..=20 {
        let mut peer = peer(&format!("peer-{last}"), &format!("198.51.100.{last}"), &["ru"]);
        peer.subscription.communities = any(&["65010:100"]);
        peer.subscription.exclude = any(&["2.0.0.0/8"]);
        config.peers.push(peer);
    }
    let mut world = world(config, &[("ru.txt", &list)]);
    for last in 1..=20 {
        world.connect(LOCAL, &format!("198.51.100.{last}:40000"), &ClientConfig::new(64500 + last));
    }
    assert_eq!(world.server.image_stats().hits, 19);
}
