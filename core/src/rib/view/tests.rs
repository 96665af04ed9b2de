use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::rib::testing::{feeds, model, table, tags, view, views};
use crate::rib::{Prefix4, Prefix6};

proptest! {
    #[test]
    fn a_view_yields_each_prefix_once_with_all_its_tags(feeds in feeds()) {
        let view = view(1, &feeds);
        prop_assert!(view.routes::<V4>().eq(model::<V4>(&view)));
        prop_assert!(view.routes::<V6>().eq(model::<V6>(&view)));
        prop_assert_eq!(view.count_v4(), model::<V4>(&view).len());
        prop_assert_eq!(view.count_v6(), model::<V6>(&view).len());
    }

    #[test]
    fn a_view_with_a_cut_counts_what_it_yields((one, other) in views()) {
        for view in [one, other] {
            prop_assert!(view.routes::<V4>().eq(model::<V4>(&view)));
            prop_assert!(view.routes::<V6>().eq(model::<V6>(&view)));
            prop_assert_eq!(view.count_v4(), model::<V4>(&view).len());
            prop_assert_eq!(view.count_v6(), model::<V6>(&view).len());
        }
    }
}

#[test]
fn a_view_is_its_feeds_and_versions_not_their_order() {
    let (one, two) = (table(1, 5, &[]), table(2, 1, &[]));
    let newer = table(1, 6, &[]);
    let view = View::new(vec![Arc::clone(&one), Arc::clone(&two)]);
    assert_eq!(view, View::new(vec![Arc::clone(&two), Arc::clone(&one)]));
    assert_ne!(view, View::new(vec![Arc::clone(&newer), Arc::clone(&two)]));
    assert_ne!(view, View::empty());
    let newest = View::new(vec![newer, two, one]);
    assert!(newest.keys().eq([(FeedId(1), Serial(6)), (FeedId(2), Serial(1))]));
}

#[test]
fn a_prefix_of_two_feeds_counts_once() {
    let shared = Prefix4::new(0xC000_0200, 24).unwrap();
    let one = (vec![shared], vec![Prefix6::host(1)], 1);
    let two = (vec![shared, Prefix4::host(1)], vec![], 2);
    let view = view(1, &[vec![one], vec![two]]);
    assert_eq!((view.count_v4(), view.count_v6()), (2, 1));
    let (prefix, held) = view.routes::<V4>().last().unwrap();
    assert_eq!((prefix, &*held), (shared, &tags(1).union(&tags(2))));
}
