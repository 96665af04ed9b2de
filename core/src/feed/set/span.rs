//! Spans of addresses as prefixes.

use alloc::vec::Vec;

use crate::rib::{Bits, Family, Prefix};

/// Appends the fewest prefixes that cover exactly the addresses from `first` to `last`, ascending; none if `first` is
/// after `last`. At most two of each length: 62 for IPv4, 254 for IPv6.
pub(crate) fn push_span<F: Family>(first: F::Bits, last: F::Bits, out: &mut Vec<Prefix<F>>) {
    let mut next = Some(first);
    while let Some(first) = next.filter(|&first| first <= last) {
        let prefix = Prefix::from_masked(first, longest_step::<F>(first, last));
        out.push(prefix);
        next = prefix.last().successor();
    }
}

/// Length of the largest prefix that begins at `first` and ends at or before `last`.
fn longest_step<F: Family>(first: F::Bits, last: F::Bits) -> u8 {
    let aligned = F::MAX_LEN.saturating_sub(first.trailing_zeros());
    let shared = (first ^ last).leading_zeros();
    if aligned > shared {
        // Its addresses all have a 0 where `last` has a 1 for the first time.
        aligned
    } else if first | !F::Bits::mask(shared) == last {
        shared
    } else {
        shared.saturating_add(1)
    }
}
