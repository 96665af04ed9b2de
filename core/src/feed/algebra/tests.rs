use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};

use proptest::prelude::*;

use super::*;
use crate::rib::{Prefix4, Prefix6};
use crate::wire::Community;

type Source = (PrefixSet<V4>, PrefixSet<V6>, Arc<TagSet>);

/// Sources by name, each with a tag of its own.
#[derive(Clone, Debug, Default)]
struct Sources(BTreeMap<String, Source>);

impl Sources {
    fn of(lists: &[(&str, &str)]) -> Self {
        let mut sources = Self::default();
        for (name, list) in lists {
            let list = crate::feed::parse_lines(list.replace(' ', "\n").as_bytes());
            assert_eq!(list.bad, 0);
            sources.insert(name, list.v4, list.v6);
        }
        sources
    }

    fn insert(&mut self, name: &str, v4: PrefixSet<V4>, v6: PrefixSet<V6>) {
        let tag = Community(u32::from(name.as_bytes()[0]));
        self.0.insert(name.into(), (v4, v6, Arc::new(TagSet::new(vec![tag], vec![]))));
    }

    fn evaluate(&self, expr: &Expr) -> Evaluated<'_> {
        evaluate(expr, &|name: &str| {
            let (set4, set6, tags) = self.0.get(name)?;
            Some(FeedPart { set4, set6, tags: tags.clone() })
        })
    }

    /// `x: 10.0.0.0/8 2001:db8::/32; y: …`, `!` at the end if something is missing.
    fn shown(&self, expr: &str) -> String {
        let evaluated = self.evaluate(&expr.parse().unwrap());
        let mut parts = Vec::new();
        for part in &evaluated.parts {
            let source = self.0.iter().find(|(_, (.., tags))| *tags == part.tags).unwrap().0;
            let v4 = part.set4.iter().map(|prefix| prefix.to_string());
            let texts: Vec<_> = v4.chain(part.set6.iter().map(|prefix| prefix.to_string())).collect();
            parts.push(std::format!("{source}: {}", texts.join(" ")));
        }
        parts.join("; ") + if evaluated.is_complete { "" } else { "!" }
    }
}

#[test]
fn each_part_keeps_the_tags_of_the_source_it_comes_from() {
    let sources = Sources::of(&[
        ("a", "10.0.0.0/24 2001:db8::/32"),
        ("b", "10.0.0.0/24 10.0.2.0/24"),
        ("c", "10.0.0.0/25 2001:db8:8000::/33"),
    ]);
    assert_eq!(sources.shown("a"), "a: 10.0.0.0/24 2001:db8::/32");
    assert_eq!(sources.shown("a + b"), "a: 10.0.0.0/24 2001:db8::/32; b: 10.0.0.0/24 10.0.2.0/24");
    assert_eq!(sources.shown("a + b - c"), "a: 10.0.0.128/25 2001:db8::/33; b: 10.0.0.128/25 10.0.2.0/24");
    assert_eq!(sources.shown("a - c + b"), "a: 10.0.0.128/25 2001:db8::/33; b: 10.0.0.0/24 10.0.2.0/24");
    assert_eq!(sources.shown("(a + b) & c"), "a: 10.0.0.0/25 2001:db8:8000::/33; b: 10.0.0.0/25");
    assert_eq!(sources.shown("a - (b + c)"), "a: 2001:db8::/33");
    assert_eq!(sources.shown("a - a"), "");
}

#[test]
fn sets_that_nothing_changes_are_not_copied() {
    let sources = Sources::of(&[("a", "10.0.0.0/24 2001:db8::/32"), ("b", "10.0.0.0/25")]);
    let evaluated = sources.evaluate(&"a - b + b".parse().unwrap());
    let [first, second] = &evaluated.parts[..] else { panic!("two parts") };
    assert!(matches!((&first.set4, &first.set6), (Cow::Owned(_), Cow::Borrowed(_))));
    assert!(matches!((&second.set4, &second.set6), (Cow::Borrowed(_), Cow::Borrowed(_))));
}

#[test]
fn a_missing_source_adds_nothing_and_nothing_is_there_that_it_could_take_away() {
    let sources = Sources::of(&[("a", "10.0.0.0/24"), ("b", "10.0.0.0/25")]);
    assert_eq!(sources.shown("a + gone"), "a: 10.0.0.0/24!");
    assert_eq!(sources.shown("gone + a"), "a: 10.0.0.0/24!");
    assert_eq!(sources.shown("a - gone"), "!");
    assert_eq!(sources.shown("a - gone + b"), "b: 10.0.0.0/25!");
    assert_eq!(sources.shown("a & gone"), "!");
    assert_eq!(sources.shown("gone - a"), "!");
    assert_eq!(sources.shown("a - (b + gone)"), "!");
    assert_eq!(sources.shown("a - (b - gone)"), "a: 10.0.0.128/25!");
    assert_eq!(sources.shown("a - (gone - b)"), "!");
    assert_eq!(sources.shown("a - (b & gone)"), "a: 10.0.0.128/25!");
    assert_eq!(sources.shown("a - (gone & b)"), "a: 10.0.0.128/25!");
    assert_eq!(sources.shown("a - (gone & gone)"), "!");
    assert_eq!(sources.shown("a - (a - (b + gone))"), "a: 10.0.0.0/25!");
    assert_eq!(sources.shown("a & (b + gone)"), "a: 10.0.0.0/25!");
}

#[test]
fn a_sum_of_a_hundred_thousand_sources_is_no_deep_call() {
    let names: Vec<_> = (0..100_000).map(|_| "a").collect();
    let mut expr = Expr::union_of(&names).unwrap();
    let (first, steps) = spine(&expr);
    assert_eq!((first, steps.len()), ("a", 99_999));
    // `Drop` calls itself, so it is taken apart by hand.
    while let Expr::Union(left, _) = expr {
        expr = *left;
    }
}

/// Everything about one address of 192.0.2.0/24 (`0..256`) or 2001:db8::/120 (`256..512`).
type Addresses = BTreeSet<u16>;

/// The expression over sets of addresses.
fn model(expr: &Expr, source: &impl Fn(&str) -> Addresses) -> Addresses {
    match expr {
        Expr::Source(name) => source(name),
        Expr::Union(left, right) => &model(left, source) | &model(right, source),
        Expr::Minus(left, right) => &model(left, source) - &model(right, source),
        Expr::Intersect(left, right) => &model(left, source) & &model(right, source),
    }
}

fn addresses<'a>(set4: &'a PrefixSet<V4>, set6: &'a PrefixSet<V6>) -> impl Iterator<Item = u16> + use<'a> {
    let v4 = set4.iter().flat_map(|prefix| prefix.bits() as u16 & 255..=prefix.last() as u16 & 255);
    let v6 = set6.iter().flat_map(|prefix| prefix.bits() as u16 & 255..=prefix.last() as u16 & 255);
    v4.chain(v6.map(|octet| octet + 256))
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = "[abcde]".prop_map(Expr::source);
    leaf.prop_recursive(4, 12, 2, |inner| {
        (inner.clone(), inner, 0..3).prop_map(|(left, right, sign)| {
            let (left, right) = (Box::new(left), Box::new(right));
            match sign {
                0 => Expr::Union(left, right),
                1 => Expr::Minus(left, right),
                _ => Expr::Intersect(left, right),
            }
        })
    })
}

fn source() -> impl Strategy<Value = (PrefixSet<V4>, PrefixSet<V6>)> {
    let prefix = || (any::<u8>(), 1u8..=8);
    let v4 =
        prefix().prop_map(|(octet, len)| Prefix4::new(0xC000_0200 | u32::from(octet), 24 + len).unwrap());
    let v6 = prefix()
        .prop_map(|(octet, len)| Prefix6::new((0x2001_0DB8 << 96) | u128::from(octet), 120 + len).unwrap());
    (prop::collection::vec(v4, 0..20), prop::collection::vec(v6, 0..20))
        .prop_map(|(v4, v6)| (PrefixSet::from_prefixes(v4), PrefixSet::from_prefixes(v6)))
}

fn sources() -> impl Strategy<Value = Sources> {
    prop::collection::vec(source(), 5).prop_map(|lists| {
        let mut sources = Sources::default();
        for (name, (v4, v6)) in ["a", "b", "c", "d", "e"].iter().zip(lists) {
            sources.insert(name, v4, v6);
        }
        sources
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn an_expression_is_what_it_is_over_sets_of_addresses(sources in sources(), expr in expr()) {
        let evaluated = sources.evaluate(&expr);
        let found: Addresses =
            evaluated.parts.iter().flat_map(|part| addresses(&part.set4, &part.set6)).collect();
        let source = |name: &str| sources.0.get(name).map(|(v4, v6, _)| addresses(v4, v6).collect());
        prop_assert_eq!(found, model(&expr, &|name| source(name).unwrap()));
        prop_assert!(evaluated.is_complete);
    }

    #[test]
    fn whatever_a_missing_source_brings_what_was_there_without_it_stays(
        sources in sources(), expr in expr(), missing in "[abcde]{1,3}",
    ) {
        let mut fewer = sources.clone();
        fewer.0.retain(|name, _| !missing.contains(name.as_str()));
        let before = fewer.evaluate(&expr);
        prop_assert_eq!(before.is_complete, !expr.sources().iter().any(|name| missing.contains(name)));
        let certain: Addresses =
            before.parts.iter().flat_map(|part| addresses(&part.set4, &part.set6)).collect();
        let source = |name: &str| sources.0.get(name).map(|(v4, v6, _)| addresses(v4, v6).collect());
        prop_assert!(certain.is_subset(&model(&expr, &|name| source(name).unwrap())));
    }
}
