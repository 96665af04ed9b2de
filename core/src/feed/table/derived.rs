//! Tables made of other tables' rows: those that pass a filter, and any that somebody chose.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Canon, Column, FeedTable, MAX_TAG_SETS, PrefixSet, RouteTable, Routed, Rows, join};
use crate::ids::{FeedId, Serial};
use crate::rib::tag::{TagId, TagSpace};
use crate::rib::{Family, Prefix, TagSet, V4, V6};

/// Prefixes whose rows a table hides in all other tables of its view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hides {
    /// IPv4 prefixes.
    pub(crate) v4: PrefixSet<V4>,
    /// IPv6 prefixes.
    pub(crate) v6: PrefixSet<V6>,
}

/// A route and its tags.
type Chosen<F> = (Prefix<F>, Arc<TagSet>);

impl FeedTable {
    /// The table of these routes, in whatever order they come. A prefix that comes more than once has the tags of all.
    pub(crate) fn from_routes(id: FeedId, serial: Serial, v4: &[Chosen<V4>], v6: &[Chosen<V6>]) -> Self {
        let mut space = TagSpace::default();
        let v4 = Rows::from_routes(&join(numbered(v4, &mut space), &mut space));
        let v6 = Rows::from_routes(&join(numbered(v6, &mut space), &mut space));
        let used: BTreeSet<TagId> = v4.used().chain(v6.used()).collect();
        let canon = Canon::new(&space, used, MAX_TAG_SETS);
        Self {
            id,
            serial,
            v4: v4.into_table(&canon),
            v6: v6.into_table(&canon),
            tags: canon.sets.into_boxed_slice(),
            hides: None,
        }
    }

    /// The same table, which hides these prefixes in the other tables of its view.
    #[must_use]
    pub(crate) fn hiding(self, hides: Hides) -> Self {
        Self { hides: Some(Box::new(hides)), ..self }
    }

    /// Whether it hides rows of other tables.
    pub(crate) const fn is_cut(&self) -> bool {
        self.hides.is_some()
    }

    /// Whether it has no routes and hides none.
    pub(crate) fn is_void(&self) -> bool {
        let hides_none = self.hides.as_ref().is_none_or(|hides| hides.v4.is_empty() && hides.v6.is_empty());
        self.v4.is_empty() && self.v6.is_empty() && hides_none
    }

    /// The tags of a row.
    pub(crate) fn tags_of<F: Routed>(&self, row: usize) -> Option<&Arc<TagSet>> {
        self.tags.get(self.table::<F>().tag_index(row))
    }

    /// Whether both hide the same prefixes in other tables.
    pub(crate) fn same_hides(&self, other: &Self) -> bool {
        self.hides == other.hides
    }

    /// The table of the rows whose tags pass; `None` when all of them do.
    pub(crate) fn filtered(
        &self,
        id: FeedId,
        serial: Serial,
        passes: impl Fn(&TagSet) -> bool,
    ) -> Option<Self> {
        let mut tags = Vec::new();
        let places: Vec<Option<u16>> = self
            .tags
            .iter()
            .map(|set| {
                passes(set).then(|| {
                    tags.push(Arc::clone(set));
                    // There are at most as many as in the table that they come from.
                    (tags.len() - 1) as u16
                })
            })
            .collect();
        if tags.len() == places.len() {
            return None;
        }
        let (v4, v6) = (select(&self.v4, &places), select(&self.v6, &places));
        Some(Self { id, serial, v4, v6, tags: tags.into_boxed_slice(), hides: None })
    }
}

/// The rows whose tag set has a place, with that place.
fn select<F: Family>(table: &RouteTable<F>, places: &[Option<u16>]) -> RouteTable<F> {
    let place = |index: u16| places.get(usize::from(index)).copied().flatten();
    match &table.column {
        Column::One(index) => match place(*index) {
            Some(place) => RouteTable { prefixes: table.prefixes.clone(), column: Column::One(place) },
            None => RouteTable { prefixes: PrefixSet::default(), column: Column::One(0) },
        },
        Column::Each(indices) => {
            let rows = table.prefixes.iter().zip(indices);
            let (prefixes, indices): (Vec<_>, Vec<u16>) =
                rows.filter_map(|(prefix, index)| Some((prefix, place(*index)?))).unzip();
            RouteTable { prefixes: PrefixSet::from_ascending(&prefixes), column: Column::new(indices.into()) }
        }
    }
}

fn numbered<F: Family>(routes: &[Chosen<F>], space: &mut TagSpace) -> Vec<(Prefix<F>, TagId)> {
    let mut last: Option<(&Arc<TagSet>, TagId)> = None;
    let mut numbered = Vec::with_capacity(routes.len());
    for (prefix, tags) in routes {
        // Neighbours mostly share one set.
        let tag = match last {
            Some((before, tag)) if Arc::ptr_eq(before, tags) => tag,
            _ => space.intern(tags),
        };
        last = Some((tags, tag));
        numbered.push((*prefix, tag));
    }
    numbered
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::rib::Prefix4;
    use crate::rib::testing::{table, tags};

    #[test]
    fn a_filtered_table_has_the_rows_that_pass_with_all_their_tags() {
        let one = Prefix4::new(0x0A00_0000, 8).unwrap();
        let two = Prefix4::new(0x0B00_0000, 8).unwrap();
        let table = table(1, 5, &[(vec![one], vec![], 2), (vec![two], vec![], 4), (vec![two], vec![], 6)]);
        let kept = |number: u32| {
            let wanted = tags(number);
            let filtered = table.filtered(FeedId(9), Serial(7), |set| {
                set.standard().contains(wanted.standard().first().unwrap())
            });
            filtered.unwrap().routes::<V4>().map(|(prefix, tags)| (prefix, TagSet::clone(tags))).collect()
        };
        let none: Vec<(Prefix4, TagSet)> = kept(8);
        assert_eq!(none, []);
        assert_eq!(kept(2), [(one, TagSet::clone(&tags(2)))]);
        assert_eq!(kept(6), [(two, tags(4).union(&tags(6)))]);
        assert!(table.filtered(FeedId(9), Serial(7), |_| true).is_none(), "all pass: no table of its own");
    }

    #[test]
    fn a_prefix_that_was_chosen_twice_has_the_tags_of_both() {
        let prefix = Prefix4::new(0x0A00_0000, 8).unwrap();
        let routes = vec![(prefix, tags(2)), (Prefix4::host(1), tags(2)), (prefix, tags(4))];
        let chosen = FeedTable::from_routes(FeedId(9), Serial(7), &routes, &[]);
        let routes: Vec<_> =
            chosen.routes::<V4>().map(|(prefix, tags)| (prefix, TagSet::clone(tags))).collect();
        assert_eq!(routes, [(Prefix4::host(1), TagSet::clone(&tags(2))), (prefix, tags(2).union(&tags(4)))]);
    }
}
