//! The same addresses said with the fewest prefixes.

use alloc::vec::Vec;

use super::PrefixSet;
use crate::rib::{Family, Prefix};

/// The fewest prefixes that cover exactly the addresses of `set`: covered ones go, siblings become their
/// parent. One pass, in time linear in the set.
///
/// It never makes a default route: `0.0.0.0/1` and `128.0.0.0/1` stay two, because a list that says so takes
/// all traffic without replacing the route that its peer depends on.
#[must_use]
pub fn aggregate<F: Family>(set: &PrefixSet<F>) -> PrefixSet<F> {
    // Disjoint, ascending, without siblings: what is covered by anything on the stack is covered by its top,
    // and only the top can be the lower sibling of what comes next.
    let mut stack: Vec<Prefix<F>> = Vec::new();
    for prefix in set.iter() {
        if stack.last().is_some_and(|top| top.covers(prefix)) {
            continue;
        }
        let mut joined = prefix;
        while joined.len() > 1 && stack.last().copied() == joined.sibling() {
            let Some(parent) = joined.parent() else { break };
            stack.pop();
            joined = parent;
        }
        stack.push(joined);
    }
    PrefixSet::from_ascending(&stack)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::rib::{Prefix4, Prefix6, V4, V6};

    const BASE: u32 = 0xC000_0200;

    /// Prefixes of 192.0.2.0/24, host bits and all.
    fn prefix4() -> impl Strategy<Value = Prefix4> {
        (0u32..256, 24u8..=32).prop_map(|(bits, len)| Prefix4::new(BASE | bits, len).unwrap())
    }

    /// Address by address, and then the recursive definition of the fewest prefixes.
    fn model(prefixes: &[Prefix4]) -> Vec<Prefix4> {
        fn fewest(prefix: Prefix4, addresses: &BTreeSet<u32>, out: &mut Vec<Prefix4>) {
            let inside = addresses.range(prefix.bits()..=prefix.last()).count();
            if inside == 1 << (32 - prefix.len()) {
                out.push(prefix);
            } else if inside > 0 {
                let lower = Prefix4::new(prefix.bits(), prefix.len() + 1).unwrap();
                fewest(lower, addresses, out);
                fewest(lower.sibling().unwrap(), addresses, out);
            }
        }
        let addresses = prefixes.iter().flat_map(|p| p.bits()..=p.last()).collect();
        let mut out = vec![];
        fewest(Prefix4::new(BASE, 24).unwrap(), &addresses, &mut out);
        out
    }

    proptest! {
        #[test]
        fn it_is_the_exact_union_with_the_fewest_prefixes(
            prefixes in prop::collection::vec(prefix4(), 0..120),
        ) {
            let expected = model(&prefixes);
            let set = aggregate(&PrefixSet::<V4>::from_prefixes(prefixes));
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), expected);
        }

        #[test]
        fn hosts_alone_join_as_far_as_they_go(hosts in prop::collection::btree_set(0u32..256, 0..=256)) {
            let prefixes: Vec<_> = hosts.iter().map(|host| Prefix4::host(BASE | host)).collect();
            let expected = model(&prefixes);
            let set = aggregate(&PrefixSet::<V4>::from_prefixes(prefixes));
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn two_halves_of_everything_do_not_become_a_default_route() {
        let halves = vec![
            Prefix4::new(0, 1).unwrap(),
            Prefix4::new(1 << 31, 2).unwrap(),
            Prefix4::new(3 << 30, 2).unwrap(),
        ];
        let set = aggregate(&PrefixSet::<V4>::from_prefixes(halves));
        let texts: Vec<_> = set.iter().map(|prefix| std::format!("{prefix}")).collect();
        assert_eq!(texts, ["0.0.0.0/1", "128.0.0.0/1"]);
    }

    #[test]
    fn the_last_address_of_v6_joins_like_any_other() {
        let hosts = vec![Prefix6::host(u128::MAX), Prefix6::host(u128::MAX - 1)];
        let set = aggregate(&PrefixSet::<V6>::from_prefixes(hosts));
        assert_eq!(set.iter().collect::<Vec<_>>(), [Prefix6::new(u128::MAX, 127).unwrap()]);
    }
}
