//! Views for tests: small ones made by proptest, and the naive tables they stand for.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::shape::Shape;
use super::shaper::Shaper;
use super::{AnyPrefix, Desired, Family, GroupKey, Prefix, Prefix4, Prefix6, TagSet, V4, View, WireProfile};
use crate::config::{Aggregate, Families, Subscription};
use crate::feed::{FeedPart, FeedTable, PrefixSet, Routed};
use crate::ids::{Asn, FeedId, Serial};
use crate::wire::{Community, LargeCommunity};

/// One part of a feed: prefixes of both families, and the number that stands for their tags.
pub(crate) type Part = (Vec<Prefix4>, Vec<Prefix6>, u32);

/// A feed is parts.
pub(crate) type Feed = Vec<Part>;

/// Communities that a number stands for. 0 stands for none.
pub(crate) fn tags(number: u32) -> Arc<TagSet> {
    let large = LargeCommunity { global: 65010, local1: 7, local2: number };
    Arc::new(match number {
        0 => TagSet::default(),
        _ if number.is_multiple_of(2) => TagSet::new(vec![Community(number)], vec![]),
        _ => TagSet::new(vec![Community(number)], vec![large]),
    })
}

pub(crate) fn table(id: u32, serial: u64, feed: &[Part]) -> Arc<FeedTable> {
    let sets: Vec<_> = feed
        .iter()
        .map(|(v4, v6, tag)| {
            let v4 = PrefixSet::from_prefixes(v4.clone());
            (v4, PrefixSet::from_prefixes(v6.clone()), tags(*tag))
        })
        .collect();
    let parts: Vec<_> =
        sets.iter().map(|(set4, set6, tags)| FeedPart { set4, set6, tags: Arc::clone(tags) }).collect();
    Arc::new(FeedTable::build(FeedId(id), Serial(serial), &parts, Aggregate::Off))
}

/// The view of these feeds, all in version `serial`.
pub(crate) fn view(serial: u64, feeds: &[Feed]) -> Arc<View> {
    let tables = feeds.iter().zip(1..).map(|(feed, id)| table(id, serial, feed));
    Arc::new(View::new(tables.collect()))
}

/// Prefix by prefix, what the feeds of a view say, without what its cut hides.
pub(crate) fn model<F: Routed>(view: &View) -> BTreeMap<Prefix<F>, Arc<TagSet>> {
    let mut routes: BTreeMap<Prefix<F>, Arc<TagSet>> = BTreeMap::new();
    for table in view.tables() {
        for (prefix, tags) in table.routes::<F>() {
            let is_hidden = view.hides::<F>().is_some_and(|hides| hides.contains(prefix));
            if is_hidden && !table.is_cut() {
                continue;
            }
            let entry = routes.entry(prefix).or_default();
            *entry = Arc::new(entry.union(tags));
        }
    }
    routes
}

pub(crate) fn prefix4() -> impl Strategy<Value = Prefix4> {
    (any::<u32>(), 1u8..=32).prop_map(|(bits, len)| Prefix4::new(bits & 0xFF01_0301, len).unwrap())
}

pub(crate) fn prefix6() -> impl Strategy<Value = Prefix6> {
    (any::<u128>(), 1u8..=128).prop_map(|(bits, len)| Prefix6::new(bits & (0xF0F << 112 | 0xF), len).unwrap())
}

fn part() -> impl Strategy<Value = Part> {
    let v4 = prop::collection::vec(prefix4(), 0..40);
    (v4, prop::collection::vec(prefix6(), 0..20), 0u32..4)
}

/// The group of a shape.
pub(crate) fn group_key(shape: Shape) -> GroupKey {
    let profile = WireProfile {
        as4: true,
        max_len: 4096,
        families: Families::BOTH,
        local_as: Asn(65010),
        ibgp: false,
        next_hop_v4: Some(Ipv4Addr::new(192, 0, 2, 1)),
        next_hop_v6: Some(Ipv6Addr::LOCALHOST),
        link_local: None,
    };
    GroupKey { feeds: vec![], shape: Arc::new(shape), profile: Arc::new(profile) }
}

/// Own prefixes, excludes and holes, as they come.
pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    let any4 = || prefix4().prop_map(AnyPrefix::V4);
    let any6 = || prefix6().prop_map(AnyPrefix::V6);
    let prefixes = || (prop::collection::vec(any4(), 0..4), prop::collection::vec(any6(), 0..3));
    let holes = prop::collection::vec(prefix4().prop_map(|prefix| V4::address(prefix.bits())), 0..3);
    (prefixes(), prefixes(), holes).prop_map(|(prefixes, exclude, holes)| {
        let shape = Shape::new(&Subscription {
            prefixes: [prefixes.0, prefixes.1].concat(),
            exclude: [exclude.0, exclude.1].concat(),
            ..Subscription::default()
        });
        Shape { holes, ..shape }
    })
}

/// What was told and what is current: some feeds in both, some changed, some new or gone; the same cut, another one,
/// or none.
pub(crate) fn views() -> impl Strategy<Value = (Arc<View>, Arc<View>)> {
    (bare_views(), shape(), shape(), 0u8..5).prop_map(|((told, current), one, other, cuts)| {
        let mut shaper = Shaper::default();
        let mut cut = |shape: &Shape, view: &Arc<View>, before: Option<&Arc<View>>| {
            let base = Desired { view: Arc::clone(view), is_loaded: true };
            shaper.shape(&group_key(shape.clone()), base, before).view
        };
        match cuts {
            0 => (told, current),
            1 => (told, cut(&one, &current, None)),
            2 => (cut(&one, &told, None), current),
            3 => {
                let told = cut(&one, &told, None);
                let current = cut(&one, &current, Some(&told));
                (told, current)
            }
            _ => (cut(&one, &told, None), cut(&other, &current, None)),
        }
    })
}

fn bare_views() -> impl Strategy<Value = (Arc<View>, Arc<View>)> {
    let change = prop::collection::vec(0u8..4, 4);
    (feeds(), feeds(), feeds(), change).prop_map(|(both, before, after, change)| {
        let (mut told, mut current) = (vec![], vec![]);
        for (id, change) in (1..).zip(change) {
            let at = |feeds: &[Feed], serial| Some(table(id, serial, feeds.get(id as usize - 1)?));
            match change {
                0 => {
                    told.extend(at(&both, 1));
                    current.extend(at(&both, 1));
                }
                1 => {
                    told.extend(at(&before, 1));
                    current.extend(at(&after, 2));
                }
                2 => told.extend(at(&before, 1)),
                _ => current.extend(at(&after, 1)),
            }
        }
        (Arc::new(View::new(told)), Arc::new(View::new(current)))
    })
}

/// Few feeds of few parts that overlap much.
pub(crate) fn feeds() -> impl Strategy<Value = Vec<Feed>> {
    prop::collection::vec(prop::collection::vec(part(), 0..3), 0..4)
}
