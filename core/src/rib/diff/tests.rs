use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::rib::shaper::Shaper;
use crate::rib::testing::{Feed, group_key, model, table, tags, view, views};
use crate::rib::{Desired, Family, Prefix4, Shape, V4, V6};

fn applied<F: Routed>(told: &View, current: &View) -> BTreeMap<Prefix<F>, Arc<TagSet>> {
    let diff = Diff::new(told, current);
    let mut routes = model::<F>(told);
    for (prefix, tags) in diff.announces::<F>() {
        assert_ne!(routes.insert(prefix, Arc::clone(&tags)), Some(tags), "said before");
    }
    for prefix in diff.withdraws::<F>() {
        assert!(routes.remove(&prefix).is_some(), "never said");
    }
    routes
}

proptest! {
    #[test]
    fn a_diff_applied_to_what_was_told_is_what_is_current((told, current) in views()) {
        prop_assert_eq!(applied::<V4>(&told, &current), model::<V4>(&current));
        prop_assert_eq!(applied::<V6>(&told, &current), model::<V6>(&current));
    }

    /// Two feeds and cuts: the stretches that are skipped are those of one table among others.
    #[test]
    fn few_changes_beside_another_feed_and_a_cut_are_exactly_found(
        gone in prop::collection::btree_set(0u32..2500, 0..4),
        new in prop::collection::btree_set(0u32..2500, 0..4),
        few in prop::collection::btree_set(0u32..2500, 0..4),
        fewer in prop::collection::btree_set(0u32..2500, 0..4),
        holes in prop::collection::btree_set(0u32..2500, 0..4),
        others in prop::collection::btree_set(0u32..2500, 0..4),
        is_kept: bool,
    ) {
        let hosts = |choose: &dyn Fn(&u32) -> bool| -> Vec<Prefix4> {
            (0..2500).filter(choose).map(|n| Prefix4::new(n << 8, 24).unwrap()).collect()
        };
        let long = |serial: u64, skip: &std::collections::BTreeSet<u32>| {
            table(1, serial, &[(hosts(&|n| !skip.contains(n)), vec![], 1)])
        };
        let short = |serial: u64, choose: &std::collections::BTreeSet<u32>| {
            table(2, serial, &[(hosts(&|n| choose.contains(n)), vec![], 2)])
        };
        let told = Arc::new(View::new(vec![long(1, &new), short(1, &few)]));
        let serial = if is_kept { 1 } else { 2 };
        let current = Arc::new(View::new(vec![long(serial, if is_kept { &new } else { &gone }), short(2, &fewer)]));
        let mut shaper = Shaper::default();
        let mut cut = |view: Arc<View>, holes: &std::collections::BTreeSet<u32>| {
            let holes = holes.iter().map(|n| V4::address(n << 8 | 7)).collect();
            let key = group_key(Shape { holes, ..Shape::default() });
            shaper.shape(&key, Desired { view, is_loaded: true }, None).view
        };
        let (told, current) = (cut(told, &holes), cut(current, &others));
        prop_assert_eq!(applied::<V4>(&told, &current), model::<V4>(&current));
    }

    /// Long equal stretches, which are skipped by the block, with few changes in between.
    #[test]
    fn few_changes_in_a_long_table_are_exactly_found(
        gone in prop::collection::btree_set(0u32..2500, 0..6),
        new in prop::collection::btree_set(0u32..2500, 0..6),
        retagged in prop::collection::btree_set(0u32..2500, 0..6),
    ) {
        let hosts = |choose: &dyn Fn(&u32) -> bool| (0..2500).filter(choose).map(Prefix4::host).collect();
        let told = hosts(&|n| !new.contains(n));
        let current = hosts(&|n| !gone.contains(n) && !retagged.contains(n));
        let other = hosts(&|n| retagged.contains(n));
        let told = view(1, &[vec![(told, vec![], 1)]]);
        let current = view(2, &[vec![(current, vec![], 1), (other, vec![], 2)]]);
        prop_assert_eq!(applied::<V4>(&told, &current), model::<V4>(&current));
    }
}

#[test]
fn one_changed_prefix_is_one_withdraw_and_one_announce() {
    let feed = |last: u32| -> Feed {
        let hosts = (0..1000u32).chain([last]).map(|n| Prefix4::new(n << 8, 24).unwrap());
        vec![(hosts.collect(), vec![], 1)]
    };
    let (told, current) = (view(1, &[feed(2000)]), view(2, &[feed(3000)]));
    let diff = Diff::new(&told, &current);
    let announced: Vec<_> = diff.announces::<V4>().collect();
    assert_eq!(announced, [(Prefix4::new(3000 << 8, 24).unwrap(), tags(1))]);
    let withdrawn: Vec<_> = diff.withdraws::<V4>().collect();
    assert_eq!(withdrawn, [Prefix4::new(2000 << 8, 24).unwrap()]);
    assert_eq!(diff.announces::<V6>().count() + diff.withdraws::<V6>().count(), 0);
}

#[test]
fn a_prefix_that_only_changes_its_tags_is_announced_and_not_withdrawn() {
    let feed = |tag| vec![vec![(vec![Prefix4::host(7)], vec![], tag)]];
    let (told, current) = (view(1, &feed(1)), view(2, &feed(2)));
    let diff = Diff::new(&told, &current);
    assert!(diff.announces::<V4>().eq([(Prefix4::host(7), tags(2))]));
    assert_eq!(diff.withdraws::<V4>().count(), 0);
}
