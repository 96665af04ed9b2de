use alloc::collections::BTreeMap;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::feed::Routed;
use crate::rib::shape::Shaped as ShapedFamily;
use crate::rib::testing::{feeds, group_key, model, shape, table, tags, view};
use crate::rib::{AnyPrefix, Prefix, Prefix4, TagSet};

/// What is left of a prefix, half by half.
fn naive_rest<F: Routed>(prefix: Prefix<F>, away: &[Prefix<F>], out: &mut Vec<Prefix<F>>) {
    if away.iter().any(|one| one.covers(prefix)) {
        return;
    }
    if !away.iter().any(|one| prefix.covers(*one)) {
        out.push(prefix);
        return;
    }
    let lower = Prefix::new(prefix.bits(), prefix.len() + 1).unwrap();
    naive_rest(lower, away, out);
    naive_rest(lower.sibling().unwrap(), away, out);
}

/// Route by route, what a shape makes of feeds.
fn naive<F: ShapedFamily>(base: &View, shape: &Shape) -> BTreeMap<Prefix<F>, Arc<TagSet>> {
    let away: Vec<AnyPrefix> =
        shape.exclude.iter().copied().chain(shape.holes.iter().map(|hole| AnyPrefix::from(*hole))).collect();
    let away: Vec<Prefix<F>> = away.into_iter().filter_map(F::of).collect();
    let mut routes: BTreeMap<Prefix<F>, Arc<TagSet>> = BTreeMap::new();
    let mut add = |prefix: Prefix<F>, tags: &TagSet| {
        let mut rest = vec![];
        naive_rest(prefix, &away, &mut rest);
        for prefix in rest {
            let entry = routes.entry(prefix).or_default();
            *entry = Arc::new(entry.union(tags));
        }
    };
    for table in base.tables() {
        for (prefix, tags) in table.routes::<F>() {
            let is_wanted = |tag: &Tag| match tag {
                Tag::Standard(tag) => tags.standard().contains(tag),
                Tag::Large(tag) => tags.large().contains(tag),
            };
            if shape.filter.is_empty() || shape.filter.iter().any(is_wanted) {
                add(prefix, tags);
            }
        }
    }
    shape
        .prefixes
        .iter()
        .filter_map(|prefix| F::of(*prefix))
        .for_each(|prefix| add(prefix, &TagSet::default()));
    routes
}

fn shaped(shaper: &mut Shaper, shape: &Shape, base: &Arc<View>, before: Option<&Arc<View>>) -> Shaped {
    let base = Desired { view: Arc::clone(base), is_loaded: true };
    shaper.shape(&group_key(shape.clone()), base, before)
}

fn filter() -> impl Strategy<Value = Vec<Tag>> {
    let standard = (1u32..4).prop_map(|number| Tag::Standard(tags(number).standard()[0]));
    let large = Just(Tag::Large(tags(1).large()[0]));
    prop::collection::btree_set(prop_oneof![standard, large], 0..3).prop_map(|set| set.into_iter().collect())
}

proptest! {
    #[test]
    fn a_shaped_view_is_what_the_naive_model_says(feeds in feeds(), shape in shape(), filter in filter()) {
        let base = view(1, &feeds);
        let prefixes = if filter.is_empty() { shape.prefixes.clone() } else { vec![] };
        let shape = Shape { prefixes, filter, ..shape };
        let view = shaped(&mut Shaper::default(), &shape, &base, None).view;
        prop_assert!(view.routes::<V4>().eq(naive::<V4>(&base, &shape)));
        prop_assert!(view.routes::<V6>().eq(naive::<V6>(&base, &shape)));
        prop_assert!(view.routes::<V4>().eq(model::<V4>(&view)));
    }

    #[test]
    fn what_is_shaped_again_is_the_same_view(feeds in feeds(), shape in shape(), filter in filter()) {
        let base = view(1, &feeds);
        for limit in [None, Some((3, OnLimit::Trim))] {
            let shape = Shape { filter: filter.clone(), limit, ..shape.clone() };
            let mut shaper = Shaper::default();
            let before = shaped(&mut shaper, &shape, &base, None).view;
            let again = shaped(&mut shaper, &shape, &base, Some(&before)).view;
            prop_assert!(again == before);
        }
    }

    #[test]
    fn a_trimmed_view_is_the_first_routes_in_the_stated_order(
        feeds in feeds(), shape in shape(), max in 0u32..40,
    ) {
        let base = view(1, &feeds);
        let limit = Some((max, OnLimit::Trim));
        let result = shaped(&mut Shaper::default(), &Shape { limit, ..shape.clone() }, &base, None);
        let own = Shape { prefixes: shape.prefixes.clone(), ..shape.clone() };
        let (own4, own6) = (naive::<V4>(&View::empty(), &own), naive::<V6>(&View::empty(), &own));
        let v4 = naive::<V4>(&base, &shape).into_keys();
        let v6 = naive::<V6>(&base, &shape).into_keys();
        let mut all: Vec<(bool, u8, AnyPrefix)> = v4
            .map(|prefix| (!own4.contains_key(&prefix), prefix.len(), AnyPrefix::V4(prefix)))
            .chain(v6.map(|prefix| (!own6.contains_key(&prefix), prefix.len(), AnyPrefix::V6(prefix))))
            .collect();
        all.sort_unstable();
        let is_over = all.len() > max as usize;
        prop_assert_eq!(result.over_limit, is_over.then_some(all.len()));
        let mut kept: Vec<AnyPrefix> = all.into_iter().take(max as usize).map(|(_, _, prefix)| prefix).collect();
        kept.sort_unstable();
        let v4 = result.view.routes::<V4>().map(|(prefix, _)| AnyPrefix::V4(prefix));
        let v6 = result.view.routes::<V6>().map(|(prefix, _)| AnyPrefix::V6(prefix));
        prop_assert_eq!(v4.chain(v6).collect::<Vec<_>>(), kept);
    }
}

fn hosts(count: u32) -> Arc<View> {
    let hosts = (0..count).map(Prefix4::host).collect();
    Arc::new(View::new(vec![table(1, count.into(), &[(hosts, vec![], 1)])]))
}

#[test]
fn a_group_that_takes_no_more_keeps_its_last_view_within_the_limit_or_has_none() {
    let shape = Shape { limit: Some((3, OnLimit::Hold)), ..Shape::default() };
    let mut shaper = Shaper::default();
    let within = shaped(&mut shaper, &shape, &hosts(3), None);
    assert_eq!((within.view.count_v4(), within.over_limit), (3, None));
    let over = shaped(&mut shaper, &shape, &hosts(4), Some(&within.view));
    assert_eq!((over.view.count_v4(), over.is_loaded, over.over_limit), (3, true, Some(4)));
    let nothing = shaped(&mut shaper, &shape, &hosts(4), Some(&hosts(5)));
    assert_eq!((nothing.view.count_v4(), nothing.is_loaded, nothing.over_limit), (0, false, Some(4)));
}

#[test]
fn one_filter_of_a_feed_is_one_table_until_nobody_has_it() {
    let feed = table(1, 1, &[(vec![Prefix4::host(1)], vec![], 2), (vec![Prefix4::host(2)], vec![], 4)]);
    let base = Arc::new(View::new(vec![feed]));
    let filter = vec![Tag::Standard(tags(2).standard()[0])];
    let shape = Shape { filter: filter.clone(), ..Shape::default() };
    let excluding = Shape { exclude: vec!["192.0.2.0/24".parse().unwrap()], ..shape.clone() };
    let mut shaper = Shaper::default();
    let one = shaped(&mut shaper, &shape, &base, None).view;
    let other = shaped(&mut shaper, &excluding, &base, None).view;
    assert!(Arc::ptr_eq(&one.tables()[0], &other.tables()[0]));
    // Another version of the feed with the same routes of these tags is the same table still.
    let more = [(vec![Prefix4::host(1)], vec![], 2), (vec![Prefix4::host(3)], vec![], 4)];
    let newer = shaped(&mut shaper, &shape, &Arc::new(View::new(vec![table(1, 2, &more)])), Some(&one)).view;
    assert!(Arc::ptr_eq(&one.tables()[0], &newer.tables()[0]));
    let other = [(vec![Prefix4::host(4)], vec![], 2), (vec![Prefix4::host(3)], vec![], 4)];
    let newest =
        shaped(&mut shaper, &shape, &Arc::new(View::new(vec![table(1, 3, &other)])), Some(&one)).view;
    assert!(newest.routes::<V4>().map(|(prefix, _)| prefix).eq([Prefix4::host(4)]));
    shaper.retain(&core::iter::empty());
    assert!(shaper.filtered.is_empty());
}

#[test]
fn a_feed_that_passes_as_a_whole_is_no_table_of_its_own() {
    let feed = table(1, 1, &[(vec![Prefix4::host(1)], vec![], 2)]);
    let base = Arc::new(View::new(vec![Arc::clone(&feed)]));
    let shape = Shape { filter: vec![Tag::Standard(tags(2).standard()[0])], ..Shape::default() };
    let view = shaped(&mut Shaper::default(), &shape, &base, None).view;
    assert!(Arc::ptr_eq(&view.tables()[0], &feed));
}
