use alloc::collections::BTreeSet;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::rib::{Prefix4, Prefix6, V4, V6};

/// The two families in miniature: the last octet of 192.0.2.0/24 and of 2001:db8::/120.
trait Small: Family {
    const BASE: Self::Bits;

    fn at(octet: u8) -> Self::Bits;
    fn octet(bits: Self::Bits) -> u8;
}

impl Small for V4 {
    const BASE: u32 = 0xC000_0200;

    fn at(octet: u8) -> u32 {
        Self::BASE | u32::from(octet)
    }

    fn octet(bits: u32) -> u8 {
        bits as u8
    }
}

impl Small for V6 {
    const BASE: u128 = 0x2001_0DB8 << 96;

    fn at(octet: u8) -> u128 {
        Self::BASE | u128::from(octet)
    }

    fn octet(bits: u128) -> u8 {
        bits as u8
    }
}

/// A prefix of 0 to 8 bits of the last octet.
fn prefix<F: Small>() -> impl Strategy<Value = Prefix<F>> {
    (any::<u8>(), 0u8..=8).prop_map(|(octet, len)| Prefix::new(F::at(octet), F::MAX_LEN - 8 + len).unwrap())
}

fn set<F: Small>() -> impl Strategy<Value = PrefixSet<F>> {
    let long = (any::<u8>(), 4u8..=8);
    let long = long.prop_map(|(octet, len)| Prefix::new(F::at(octet), F::MAX_LEN - 8 + len).unwrap());
    prop_oneof![
        3 => prop::collection::vec(long, 0..60),
        1 => prop::collection::vec(prefix::<F>(), 0..12),
    ]
    .prop_map(PrefixSet::from_prefixes)
}

fn octets<F: Small>(prefix: Prefix<F>) -> impl Iterator<Item = u8> {
    F::octet(prefix.bits())..=F::octet(prefix.last())
}

/// Address by address.
fn addresses<F: Small>(set: &PrefixSet<F>) -> BTreeSet<u8> {
    set.iter().flat_map(octets).collect()
}

/// The fewest prefixes for these addresses, by halving as long as some are missing.
fn fewest<F: Small>(within: Prefix<F>, wanted: &BTreeSet<u8>, out: &mut Vec<Prefix<F>>) {
    let there = octets(within).filter(|octet| wanted.contains(octet)).count();
    if there == octets(within).count() {
        out.push(within);
    } else if there > 0 {
        let lower = Prefix::new(within.bits(), within.len() + 1).unwrap();
        fewest(lower, wanted, out);
        fewest(lower.sibling().unwrap(), wanted, out);
    }
}

fn check_minus<F: Small>(left: &PrefixSet<F>, right: &PrefixSet<F>) {
    let gone = addresses(right);
    let mut expected = vec![];
    for prefix in left.iter() {
        fewest(prefix, &octets(prefix).filter(|octet| !gone.contains(octet)).collect(), &mut expected);
    }
    assert_eq!(left.minus(right), PrefixSet::from_prefixes(expected), "{left:?} - {right:?}");
    let remaining: BTreeSet<u8> = addresses(left).difference(&gone).copied().collect();
    assert_eq!(addresses(&left.minus(right)), remaining);
}

fn check_intersect<F: Small>(left: &PrefixSet<F>, right: &PrefixSet<F>) {
    let mut expected = vec![];
    for a in left.iter() {
        for b in right.iter() {
            expected.extend(a.covers(b).then_some(b).or(b.covers(a).then_some(a)));
        }
    }
    assert_eq!(left.intersect(right), PrefixSet::from_prefixes(expected), "{left:?} & {right:?}");
    assert_eq!(left.intersect(right), right.intersect(left));
    let common: BTreeSet<u8> = addresses(left).intersection(&addresses(right)).copied().collect();
    assert_eq!(addresses(&left.intersect(right)), common);
}

fn check_union<F: Small>(left: &PrefixSet<F>, right: &PrefixSet<F>) {
    let union = PrefixSet::union(&[left, right]);
    assert_eq!(addresses(&union), addresses(left).union(&addresses(right)).copied().collect());
    assert!(union.iter().all(|prefix| left.contains(prefix) || right.contains(prefix)));
    assert!(left.iter().chain(right.iter()).all(|prefix| union.contains(prefix)));
}

fn check_aggregate<F: Small>(set: &PrefixSet<F>) {
    let mut expected = vec![];
    fewest(Prefix::new(F::BASE, F::MAX_LEN - 8).unwrap(), &addresses(set), &mut expected);
    assert_eq!(aggregate(set).iter().collect::<Vec<_>>(), expected);
}

fn check_questions<F: Small>(set: &PrefixSet<F>, asked: Prefix<F>) {
    let there = addresses(set);
    assert_eq!(set.covers(asked), octets(asked).all(|octet| there.contains(&octet)), "{set:?} {asked}");
    assert_eq!(set.overlaps(asked), octets(asked).any(|octet| there.contains(&octet)), "{set:?} {asked}");
}

fn check_span<F: Small>(first: u8, last: u8) {
    let mut span = vec![];
    push_span::<F>(F::at(first), F::at(last), &mut span);
    let mut expected = vec![];
    fewest(Prefix::new(F::BASE, F::MAX_LEN - 8).unwrap(), &(first..=last).collect(), &mut expected);
    assert_eq!(span, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn operations_on_v4_are_those_of_sets_of_addresses(
        left in set::<V4>(), right in set::<V4>(), asked in prefix::<V4>(),
    ) {
        check_minus(&left, &right);
        check_intersect(&left, &right);
        check_union(&left, &right);
        check_aggregate(&left);
        check_questions(&left, asked);
    }

    #[test]
    fn operations_on_v6_are_those_of_sets_of_addresses(
        left in set::<V6>(), right in set::<V6>(), asked in prefix::<V6>(),
    ) {
        check_minus(&left, &right);
        check_intersect(&left, &right);
        check_union(&left, &right);
        check_aggregate(&left);
        check_questions(&left, asked);
    }

    #[test]
    fn minus_and_intersection_share_out_every_address(left in set::<V4>(), right in set::<V4>()) {
        let (without, within) = (left.minus(&right), left.intersect(&right));
        prop_assert!(without.intersect(&within).is_empty());
        prop_assert_eq!(aggregate(&PrefixSet::union(&[&without, &within])), aggregate(&left));
        prop_assert_eq!(without.minus(&right), without);
    }

    #[test]
    fn what_overlaps_nothing_stays_as_it_is(left in set::<V4>(), right in set::<V4>()) {
        let untouched = left.iter().filter(|&prefix| !right.overlaps(prefix));
        let without = left.minus(&right);
        for prefix in untouched {
            prop_assert!(without.contains(prefix));
        }
    }

    #[test]
    fn a_seek_finds_what_a_walk_finds(set in set::<V4>(), from in 0usize..70, bound: u8) {
        let is_before = |prefix: Prefix4| V4::octet(prefix.bits()) < bound;
        let walked = (from..=70).find(|&row| set.row(row).is_none_or(|prefix| !is_before(prefix)));
        prop_assert_eq!(Some(set.seek(from, is_before)), walked);
    }
}

#[test]
fn every_span_of_an_octet_is_the_fewest_prefixes() {
    for first in 0..=255 {
        for last in first..=255 {
            check_span::<V4>(first, last);
            check_span::<V6>(first, last);
        }
    }
}

fn shown<F: Family>(set: &PrefixSet<F>) -> Vec<std::string::String> {
    set.iter().map(|prefix| std::format!("{prefix}")).collect()
}

fn v4(texts: &[&str]) -> PrefixSet<V4> {
    serde_json::from_value(serde_json::Value::from(texts.join(" "))).unwrap()
}

#[test]
fn an_exclude_splits_what_covers_it_and_takes_what_it_covers() {
    let list = v4(&["10.0.0.0/22", "10.1.0.0/24", "10.2.0.0/24"]);
    let rest = list.minus(&v4(&["10.0.1.0/24", "10.1.0.0/16"]));
    assert_eq!(shown(&rest), ["10.0.0.0/24", "10.0.2.0/23", "10.2.0.0/24"]);
}

#[test]
fn prefixes_inside_each_other_are_split_one_by_one() {
    let rest = v4(&["10.0.0.0/23", "10.0.0.0/24", "10.0.1.0/24"]).minus(&v4(&["10.0.0.0/25"]));
    assert_eq!(shown(&rest), ["10.0.0.128/25", "10.0.1.0/24"]);
}

#[test]
fn the_ends_of_the_address_space_are_ends() {
    let all = PrefixSet::<V4>::from_prefixes(vec![Prefix4::new(0, 0).unwrap()]);
    let halves = v4(&["0.0.0.0/1", "128.0.0.0/1"]);
    assert!(all.minus(&halves).is_empty());
    assert!(all.minus(&all).is_empty());
    assert_eq!(all.intersect(&halves), halves);
    assert!(halves.covers(Prefix4::new(0, 0).unwrap()));
    let rest = all.minus(&v4(&["0.0.0.0/32", "255.255.255.255/32"]));
    assert_eq!(rest.len(), 62);
    assert!(!rest.covers(Prefix4::new(0, 0).unwrap()));
    assert!(!rest.overlaps(Prefix4::host(u32::MAX)));
    assert!(rest.covers(Prefix4::host(u32::MAX - 1)));

    let all = PrefixSet::<V6>::from_prefixes(vec![Prefix6::new(0, 0).unwrap()]);
    let ends = PrefixSet::from_prefixes(vec![Prefix6::host(0), Prefix6::host(u128::MAX)]);
    assert_eq!(all.minus(&ends).len(), 254);
}
