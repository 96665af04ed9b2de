use alloc::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::rib::{Prefix4, Prefix6, V4, V6};

fn prefix4() -> impl Strategy<Value = Prefix4> {
    (0u32..64, 24u8..=32).prop_map(|(bits, len)| Prefix4::new(bits << 2, len).unwrap())
}

proptest! {
    #[test]
    fn a_set_is_what_a_tree_set_is(prefixes in prop::collection::vec(prefix4(), 0..80)) {
        let model: BTreeSet<_> = prefixes.iter().copied().collect();
        let set = PrefixSet::<V4>::from_prefixes(prefixes);
        prop_assert!(set.iter().eq(model.iter().copied()));
        prop_assert_eq!(set.len(), model.len());
    }

    #[test]
    fn contains_knows_exactly_the_members(
        prefixes in prop::collection::vec(prefix4(), 0..40), asked in prefix4(),
    ) {
        let member = prefixes.contains(&asked);
        prop_assert_eq!(PrefixSet::<V4>::from_prefixes(prefixes).contains(asked), member);
    }

    #[test]
    fn a_union_is_what_the_tree_sets_give(
        parts in prop::collection::vec(prop::collection::vec(prefix4(), 0..40), 0..5),
    ) {
        let model: BTreeSet<_> = parts.iter().flatten().copied().collect();
        let sets: Vec<_> = parts.into_iter().map(PrefixSet::<V4>::from_prefixes).collect();
        let union = PrefixSet::union(&sets.iter().collect::<Vec<_>>());
        prop_assert!(union.iter().eq(model));
    }
}

#[test]
fn a_row_takes_5_octets_or_17() {
    let v4 = PrefixSet::<V4>::from_prefixes((0..100).map(Prefix4::host).collect());
    assert_eq!(size_of_val(&*v4.bits) + size_of_val(&*v4.lens), 500);
    let v6 = PrefixSet::<V6>::from_prefixes((0..100).map(Prefix6::host).collect());
    assert_eq!(size_of_val(&*v6.bits) + size_of_val(&*v6.lens), 1700);
}
