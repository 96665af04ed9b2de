use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::rib::testing::{Feed, model, tags, view, views};
use crate::rib::{Prefix4, V4, V6};

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

    /// Long equal stretches, which are skipped by the block, with few changes in between.
    #[test]
    fn few_changes_in_a_long_table_are_exactly_found(
        gone in prop::collection::btree_set(0u32..700, 0..6),
        new in prop::collection::btree_set(0u32..700, 0..6),
        retagged in prop::collection::btree_set(0u32..700, 0..6),
    ) {
        let hosts = |choose: &dyn Fn(&u32) -> bool| (0..700).filter(choose).map(Prefix4::host).collect();
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
