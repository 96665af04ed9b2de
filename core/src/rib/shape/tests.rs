use alloc::string::{String, ToString};
use alloc::vec;

use super::*;
use crate::rib::testing::{table, tags};

fn any(texts: &[&str]) -> Vec<AnyPrefix> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn base() -> View {
    let part = |text: &str, tag| match text.parse().unwrap() {
        AnyPrefix::V4(prefix) => (vec![prefix], vec![], tag),
        AnyPrefix::V6(prefix) => (vec![], vec![prefix], tag),
    };
    let one = [part("10.0.0.0/8", 2), part("10.1.0.0/16", 4), part("2001:db8::/32", 2)];
    View::new(vec![table(1, 1, &one), table(2, 1, &[part("198.51.100.0/24", 6)])])
}

fn holes(shape: &Shape, addresses: &[&str]) -> Vec<String> {
    let addresses = addresses.iter().map(|address| address.parse().unwrap());
    shape.holes(&base(), addresses).iter().map(ToString::to_string).collect()
}

#[test]
fn subscriptions_that_say_the_same_in_other_words_have_one_shape() {
    let one = Subscription {
        exclude: any(&["10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "2001:db8::/32"]),
        communities: vec!["65010:2".parse().unwrap(), "65010:1".parse().unwrap(), "65010:2".parse().unwrap()],
        prefixes: any(&["192.0.2.0/24"]),
        ..Subscription::default()
    };
    let other = Subscription {
        exclude: any(&["2001:db8::/32", "10.0.0.0/8"]),
        communities: vec!["65010:1".parse().unwrap(), "65010:2".parse().unwrap()],
        ..Subscription::default()
    };
    // Its own prefixes have no tags: with a filter it gets none.
    assert_eq!(Shape::new(&one), Shape::new(&other));
    assert_eq!(Shape::new(&Subscription::feeds(["ru"])), Shape::default());
}

#[test]
fn only_addresses_that_a_route_would_cover_are_holes() {
    let all = ["10.1.2.3", "198.51.100.7", "203.0.113.1", "2001:db8::7", "2001:db9::7", "10.1.2.3"];
    assert_eq!(holes(&Shape::default(), &all), ["10.1.2.3", "198.51.100.7", "2001:db8::7"]);
    let filtered = Shape { filter: vec![Tag::Standard(tags(6).standard()[0])], ..Shape::default() };
    assert_eq!(holes(&filtered, &all), ["198.51.100.7"]);
    // The tag of the prefix that covers the other one, too.
    let filtered = Shape { filter: vec![Tag::Standard(tags(2).standard()[0])], ..Shape::default() };
    assert_eq!(holes(&filtered, &all), ["10.1.2.3", "2001:db8::7"]);
    let excluding = Shape { exclude: any(&["10.1.0.0/16"]), ..Shape::default() };
    assert_eq!(holes(&excluding, &all), ["198.51.100.7", "2001:db8::7"]);
    let own = Shape { prefixes: any(&["203.0.113.0/24"]), ..Shape::default() };
    assert_eq!(holes(&own, &all), ["10.1.2.3", "198.51.100.7", "203.0.113.1", "2001:db8::7"]);
}
