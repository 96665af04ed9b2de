//! Which prefixes of a set overlap another one, and what is left of a prefix without others: by search, never by a
//! look at the whole set.

use core::ops::Range;

use super::{Bits, Family, Prefix};
use crate::feed::PrefixSet;

/// The row of exactly this prefix.
pub(crate) fn find<F: Family>(set: &PrefixSet<F>, prefix: Prefix<F>) -> Option<usize> {
    let row = rows_before(set, prefix);
    (at(set, row)? == prefix).then_some(row)
}

/// The rows of the prefixes that cover `prefix`, itself among them, the longest first.
pub(crate) fn covering<F: Family>(set: &PrefixSet<F>, prefix: Prefix<F>) -> impl Iterator<Item = usize> {
    let mut probe = Some(prefix);
    core::iter::from_fn(move || {
        while let Some(asked) = probe {
            let before = rows_before(set, asked);
            let row = if at(set, before) == Some(asked) { before } else { before.checked_sub(1)? };
            let found = at(set, row)?;
            if found.covers(asked) {
                probe = found.parent();
                return Some(row);
            }
            // Nothing stands between the two, so whatever covers `asked` covers `found` too: it is no longer than
            // what these have in common, which is shorter than `asked`.
            probe = Prefix::new(asked.bits(), (found.bits() ^ asked.bits()).leading_zeros());
        }
        None
    })
}

/// The rows of the prefixes that `prefix` covers, itself among them.
pub(crate) fn inside<F: Family>(set: &PrefixSet<F>, prefix: Prefix<F>) -> Range<usize> {
    let last = prefix.last();
    rows_before(set, prefix)..set.bits().partition_point(|bits| *bits <= last)
}

/// The prefix in a row.
pub(crate) fn at<F: Family>(set: &PrefixSet<F>, row: usize) -> Option<Prefix<F>> {
    Some(Prefix::from_masked(*set.bits().get(row)?, *set.lens().get(row)?))
}

/// Says the fewest prefixes that have exactly the addresses of `prefix` without those of `away`, ascending. Those of
/// `away` are ascending, and none covers another.
pub(crate) fn rest<F: Family>(prefix: Prefix<F>, away: &[Prefix<F>], say: &mut impl FnMut(Prefix<F>)) {
    let start = away.partition_point(|one| one.last() < prefix.bits());
    let end = away.partition_point(|one| one.bits() <= prefix.last());
    let Some(overlapping @ [first, ..]) = away.get(start..end) else {
        say(prefix);
        return;
    };
    if first.covers(prefix) {
        return;
    }
    // One that does not cover it, and overlaps, is longer: there are two halves.
    let lower = Prefix::new(prefix.bits(), prefix.len() + 1);
    for half in lower.into_iter().chain(lower.and_then(Prefix::sibling)) {
        rest(half, overlapping, say);
    }
}

fn rows_before<F: Family>(set: &PrefixSet<F>, prefix: Prefix<F>) -> usize {
    // Rows of one address stand together, at most one for each length.
    let first = set.bits().partition_point(|bits| *bits < prefix.bits());
    let same_address = set.bits().iter().zip(set.lens()).skip(first);
    let shorter = |&(bits, len): &(&F::Bits, &u8)| *bits == prefix.bits() && *len < prefix.len();
    first + same_address.take_while(shorter).count()
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::feed::aggregate;
    use crate::rib::{Prefix4, Prefix6, V4};

    /// Prefixes of 192.0.2.0/24 and a little around it.
    fn prefix4() -> impl Strategy<Value = Prefix4> {
        (0u32..512, 20u8..=32).prop_map(|(bits, len)| Prefix4::new(0xC000_0200 | bits, len).unwrap())
    }

    proptest! {
        #[test]
        fn what_overlaps_is_found_as_by_looking_at_each(
            set in prop::collection::vec(prefix4(), 0..60), asked in prefix4(),
        ) {
            let set = PrefixSet::<V4>::from_prefixes(set);
            let looked = |holds: &dyn Fn(Prefix4) -> bool| -> Vec<usize> {
                set.iter().enumerate().filter(|(_, prefix)| holds(*prefix)).map(|(row, _)| row).collect()
            };
            let mut covering: Vec<usize> = covering(&set, asked).collect();
            covering.reverse();
            prop_assert_eq!(covering, looked(&|one| one.covers(asked)));
            prop_assert_eq!(inside(&set, asked).collect::<Vec<_>>(), looked(&|one| asked.covers(one)));
            prop_assert_eq!(find(&set, asked), looked(&|one| one == asked).first().copied());
        }

        #[test]
        fn the_rest_has_exactly_the_other_addresses_and_is_the_fewest(
            prefix in prefix4(), away in prop::collection::vec(prefix4(), 0..8),
        ) {
            let away: Vec<Prefix4> = aggregate(&PrefixSet::<V4>::from_prefixes(away)).iter().collect();
            let mut said = vec![];
            rest(prefix, &away, &mut |one| said.push(one));
            let kept: Vec<Prefix4> = (prefix.bits()..=prefix.last())
                .filter(|bits| !away.iter().any(|one| one.contains(*bits)))
                .map(Prefix4::host)
                .collect();
            let fewest: Vec<Prefix4> = aggregate(&PrefixSet::<V4>::from_prefixes(kept)).iter().collect();
            prop_assert_eq!(said, fewest);
        }
    }

    #[test]
    fn one_address_of_everything_leaves_one_prefix_of_each_length() {
        let mut lens = vec![];
        rest(Prefix6::new(0, 0).unwrap(), &[Prefix6::host(u128::MAX)], &mut |one| lens.push(one.len()));
        assert!(lens.into_iter().eq(1..=128));
    }
}
