use alloc::format;
use alloc::string::ToString;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::feed::parse_lines;
use crate::wire::{Community, LargeCommunity};

const FEED: FeedId = FeedId(3);

fn tags(tag: u32) -> Arc<TagSet> {
    let large = LargeCommunity { global: 4_200_000_001, local1: 1, local2: tag };
    Arc::new(TagSet::new(vec![Community(tag)], if tag > 2 { vec![large] } else { vec![] }))
}

/// Lists with the number of their tags.
fn table(serial: u64, lists: &[(&str, u32)]) -> Arc<FeedTable> {
    let lists: Vec<_> = lists.iter().map(|(list, tag)| (parse_lines(list.as_bytes()), *tag)).collect();
    let part =
        |(list, tag): &'_ (crate::feed::ParsedList, u32)| (list.v4.clone(), list.v6.clone(), tags(*tag));
    let sets: Vec<_> = lists.iter().map(part).collect();
    let parts: Vec<_> =
        sets.iter().map(|(set4, set6, tags)| FeedPart { set4, set6, tags: tags.clone() }).collect();
    Arc::new(FeedTable::build(FEED, Serial(serial), &parts, Aggregate::Off))
}

fn history(tables: &[Arc<FeedTable>], max: usize) -> History {
    let mut history = History::default();
    let mut old = table(0, &[]);
    for (at, new) in (100..).zip(tables) {
        history.push(&old, new, at, max);
        old = new.clone();
    }
    history
}

#[test]
fn a_delta_says_what_goes_and_what_comes_and_with_which_tags() {
    let from = table(1, &[("10.0.0.0/8\n192.0.2.0/24\n2001:db8::/32\n", 1)]);
    let to = table(2, &[("10.0.0.0/8\n2001:db8:1::/48\n", 1), ("192.0.2.0/24\n", 65536 * 65010 + 7)]);
    assert_eq!(
        delta(&from, &to).text,
        "+ 192.0.2.0/24 65010:7 4200000001:1:4260495367\n- 2001:db8::/32\n+ 2001:db8:1::/48 0:1\n"
    );
    assert_eq!(delta(&from, &from).text, "");
}

#[test]
fn as_many_versions_are_kept_as_are_asked_for_and_the_oldest_leads_nowhere() {
    let tables: Vec<_> = (1..=5).map(|n| table(n, &[(&format!("10.{n}.0.0/16\n"), 1)])).collect();
    let history = history(&tables, 3);
    let kept: Vec<_> = history.iter().map(|version| (version.serial.0, version.unix_secs)).collect();
    assert_eq!(kept, [(5, 104), (4, 103), (3, 102)]);
    let backs: Vec<_> = history.iter().map(|version| version.back.is_some()).collect();
    assert_eq!(backs, [true, true, false]);
    let earlier = history.table(&tables[4], Serial(3)).unwrap();
    assert!(earlier.same_routes(&tables[2]) && earlier.serial() == Serial(3));
    for gone in [0, 2, 6] {
        assert_eq!(history.table(&tables[4], Serial(gone)).unwrap_err(), NoVersion::Unknown(Serial(gone)));
    }
}

#[test]
fn one_version_is_always_kept() {
    let tables: Vec<_> = (1..=2).map(|n| table(n, &[(&format!("10.{n}.0.0/16\n"), 1)])).collect();
    assert_eq!(history(&tables, 0).iter().len(), 1);
}

#[test]
fn versions_that_differ_in_everything_are_forgotten_earlier() {
    let mut list = String::new();
    for net in 0..100_000_u32 {
        let address = core::net::Ipv4Addr::from_bits(0x0A00_0000 + (net << 4));
        writeln!(list, "{address}/28").unwrap();
    }
    let tables: Vec<_> = (1..=7).map(|n| table(n, &[(&list, 1_000_000 + n as u32)])).collect();
    let history = history(&tables, 20);
    let octets: usize = history.iter().filter_map(|v| v.back.as_ref()).map(|back| back.text.len()).sum();
    let one = history.iter().next().and_then(|v| v.back.as_ref()).map_or(0, |back| back.text.len());
    assert!(history.iter().len() < 7 && octets < 16_777_216 + one, "{octets}");
}

#[test]
fn a_damaged_history_is_told_and_the_default_route_is_none() {
    let mut history = history(&[table(1, &[("10.0.0.0/8\n", 1)]), table(2, &[("11.0.0.0/8\n", 1)])], 9);
    let current = table(2, &[("11.0.0.0/8\n", 1)]);
    let way = |text: &str| FeedDelta { text: text.into() };
    history.versions[0].back = Some(way("+ 0.0.0.0/0 65010:1\n+ ::/0\n"));
    let earlier = history.table(&current, Serial(1)).unwrap();
    let routes: Vec<_> =
        earlier.routes::<V4>().map(|(prefix, tags)| (prefix.to_string(), tags.standard().len())).collect();
    assert_eq!(routes, [("0.0.0.0/0".into(), 1), ("11.0.0.0/8".into(), 1)]);
    assert_eq!(earlier.count_v6(), 1);
    for text in ["x", "* 10.0.0.0/8", "+ 10.0.0.0/33", "+ 10.0.0.0/8 1:2:3:4", "- "] {
        history.versions[0].back = Some(way(text));
        assert_eq!(history.table(&current, Serial(1)).unwrap_err(), NoVersion::Damaged(Serial(2)), "{text}");
    }
}

fn lists() -> impl Strategy<Value = Vec<(String, u32)>> {
    let line = (0..6_u8, 20..=24_u8, any::<bool>()).prop_map(|(net, len, is_v4)| {
        if is_v4 { format!("10.0.{net}.0/{len}\n") } else { format!("2001:db8:{net}::/{}\n", len + 20) }
    });
    let list = (prop::collection::vec(line, 0..8), 1..4_u32).prop_map(|(lines, tag)| (lines.concat(), tag));
    prop::collection::vec(list, 0..3)
}

proptest! {
    #[test]
    fn every_kept_version_is_found_again_exactly(contents in prop::collection::vec(lists(), 1..7)) {
        let tables: Vec<_> = (1..).zip(&contents).map(|(serial, lists)| {
            let lists: Vec<_> = lists.iter().map(|(list, tag)| (list.as_str(), *tag)).collect();
            table(serial, &lists)
        }).collect();
        let history = history(&tables, 20);
        let current = tables.last().unwrap();
        for expected in &tables {
            let found = history.table(current, expected.serial()).unwrap();
            prop_assert!(found.same_routes(expected));
            prop_assert_eq!(found.serial(), expected.serial());
        }
    }

    #[test]
    fn a_delta_applied_to_the_first_is_the_second(from in lists(), to in lists()) {
        let [from, to] = [(1, &from), (2, &to)].map(|(serial, lists)| {
            table(serial, &lists.iter().map(|(list, tag)| (list.as_str(), *tag)).collect::<Vec<_>>())
        });
        let mut changes = Changes::new();
        prop_assert!(read(&delta(&from, &to), &mut changes).is_some());
        prop_assert!(apply(&from, &changes, FEED, Serial(2)).same_routes(&to));
    }
}
