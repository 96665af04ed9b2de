use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::rib::{AnyPrefix, Prefix4};
use crate::wire::Community;

const ID: FeedId = FeedId(1);

fn tags(communities: &[u32]) -> Arc<TagSet> {
    let communities = communities.iter().copied().map(Community);
    Arc::new(TagSet::new(communities.collect(), vec![]))
}

fn set4(texts: &[&str]) -> PrefixSet<V4> {
    let parse = |text: &&str| match text.parse() {
        Ok(AnyPrefix::V4(prefix)) => prefix,
        other => panic!("{other:?}"),
    };
    PrefixSet::from_prefixes(texts.iter().map(parse).collect())
}

fn build(parts: &[(&PrefixSet<V4>, &Arc<TagSet>)], aggregate: Aggregate) -> FeedTable {
    let none = PrefixSet::default();
    let parts: Vec<_> =
        parts.iter().map(|(set4, tags)| FeedPart { set4, set6: &none, tags: Arc::clone(tags) }).collect();
    FeedTable::build(ID, Serial(1), &parts, aggregate)
}

fn shown(table: &FeedTable) -> Vec<(std::string::String, Vec<u32>)> {
    let communities = |tags: &TagSet| tags.standard().iter().map(|c| c.0).collect();
    table.routes::<V4>().map(|(prefix, tags)| (std::format!("{prefix}"), communities(tags))).collect()
}

#[test]
fn a_prefix_in_several_parts_has_the_tags_of_all() {
    let (one, two) = (set4(&["192.0.2.0/24", "10.0.0.0/8"]), set4(&["192.0.2.0/24"]));
    let table = build(&[(&one, &tags(&[1])), (&two, &tags(&[2]))], Aggregate::Off);
    assert_eq!(shown(&table), [("10.0.0.0/8".into(), vec![1]), ("192.0.2.0/24".into(), vec![1, 2])]);
}

#[test]
fn aggregation_joins_only_routes_of_equal_tags() {
    let (one, two) =
        (set4(&["10.0.0.0/10", "10.64.0.0/10", "10.1.1.0/24"]), set4(&["10.128.0.0/9", "10.1.0.0/16"]));
    let table = build(&[(&one, &tags(&[1])), (&two, &tags(&[2]))], Aggregate::Exact);
    assert_eq!(
        shown(&table),
        [("10.0.0.0/9".into(), vec![1]), ("10.1.0.0/16".into(), vec![2]), ("10.128.0.0/9".into(), vec![2])]
    );
}

#[test]
fn two_tag_sets_that_aggregate_to_one_prefix_share_it() {
    let (one, two) = (
        set4(&["10.0.0.0/9", "10.128.0.0/9"]),
        set4(&["10.0.0.0/10", "10.64.0.0/10", "10.128.0.0/10", "10.192.0.0/10"]),
    );
    let table = build(&[(&one, &tags(&[1])), (&two, &tags(&[2]))], Aggregate::Exact);
    assert_eq!(shown(&table), [("10.0.0.0/8".into(), vec![1, 2])]);
}

#[test]
fn a_table_of_one_tag_set_has_no_column_and_others_take_7_octets_a_route() {
    let (one, two) = (set4(&["10.0.0.0/8"]), set4(&["11.0.0.0/8", "13.0.0.0/8"]));
    let table = build(&[(&one, &tags(&[1])), (&two, &tags(&[1]))], Aggregate::Off);
    assert_eq!(table.v4.column, Column::One(0));
    let same = set4(&["10.0.0.0/8", "11.0.0.0/8"]);
    let table = build(&[(&same, &tags(&[1])), (&same, &tags(&[2]))], Aggregate::Off);
    assert_eq!((table.v4.column, table.tags.len()), (Column::One(0), 1));
    let table = build(&[(&one, &tags(&[1])), (&two, &tags(&[2]))], Aggregate::Off);
    let Column::Each(column) = table.v4.column else { panic!("one tag set") };
    assert_eq!(size_of_val(&*column) + 5 * table.v4.prefixes.len(), 21);
}

#[test]
fn same_routes_compares_content_not_order_or_version() {
    let (one, two) = (set4(&["10.0.0.0/8"]), set4(&["192.0.2.0/24"]));
    let (tag1, tag2) = (tags(&[1]), tags(&[2]));
    let table = build(&[(&one, &tag1), (&two, &tag2)], Aggregate::Exact);
    let mut other = build(&[(&two, &tag2), (&one, &tag1)], Aggregate::Exact);
    other.serial = Serial(2);
    assert!(table.same_routes(&other));
    assert!(!table.same_routes(&build(&[(&one, &tag2), (&two, &tag1)], Aggregate::Exact)));
    assert!(!table.same_routes(&build(&[(&one, &tag1), (&one, &tag2)], Aggregate::Exact)));
    assert!(!table.same_routes(&build(&[], Aggregate::Exact)));
}

#[test]
fn tag_sets_beyond_the_limit_share_the_union_of_theirs() {
    let mut space = TagSpace::default();
    let ids: Vec<_> = [1, 2, 3, 4].map(|n| space.intern(&tags(&[n]))).into();
    let canon = Canon::new(&space, ids.iter().copied().collect(), 2);
    assert_eq!(canon.sets, [tags(&[1]), tags(&[2, 3, 4])]);
    assert_eq!(ids.iter().map(|id| canon.index(*id)).collect::<Vec<_>>(), [0, 1, 1, 1]);
}

fn prefix4() -> impl Strategy<Value = Prefix4> {
    (0u32..64, 26u8..=32).prop_map(|(bits, len)| Prefix4::new(0xC000_0200 | bits, len).unwrap())
}

proptest! {
    #[test]
    fn every_tag_keeps_exactly_its_addresses(
        parts in prop::collection::vec((prop::collection::vec(prefix4(), 0..12), 1u32..4), 0..4),
    ) {
        let sets: Vec<_> = parts
            .into_iter()
            .map(|(prefixes, tag)| (PrefixSet::from_prefixes(prefixes), tag))
            .collect();
        let parts: Vec<_> = sets.iter().map(|(set, tag)| (set, tags(&[*tag]))).collect();
        let parts: Vec<_> = parts.iter().map(|(set, tags)| (*set, tags)).collect();
        for policy in [Aggregate::Off, Aggregate::Exact] {
            let table = build(&parts, policy);
            for address in 0xC000_0200..0xC000_0240u32 {
                for tag in 1..4 {
                    let given = sets.iter().any(|(s, t)| *t == tag && s.iter().any(|p| p.contains(address)));
                    let held = table
                        .routes::<V4>()
                        .any(|(p, tags)| p.contains(address) && tags.standard().contains(&Community(tag)));
                    prop_assert_eq!(given, held);
                }
            }
        }
    }
}
