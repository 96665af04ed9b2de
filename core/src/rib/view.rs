//! What a peer should have, or has been told: feeds put together, each prefix once with all its tags.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::sync::atomic::{AtomicUsize, Ordering as Atomic};

use super::merge::{Merge, Side, TagMap};
use super::tag::{TagSet, TagSpace};
use super::{Prefix, V4, V6, overlap};
use crate::feed::{FeedTable, PrefixSet, Routed};
use crate::ids::{FeedId, Serial};

/// A set of feeds in certain versions. Two views are equal if these are: content is never compared.
///
/// One of the tables may be a cut: it hides rows of the others, and has what is left of them.
#[derive(Debug)]
pub struct View {
    /// Ascending by id, each id once.
    tables: Box<[Arc<FeedTable>]>,
    /// Distinct prefixes by family, once somebody has asked.
    counts: [AtomicUsize; 2],
}

/// No count yet.
const UNKNOWN: usize = usize::MAX;

impl View {
    /// The view of no feed: no routes.
    pub fn empty() -> Self {
        Self::new(Vec::new())
    }

    /// The view of these feeds, in whatever order. Of several versions of one feed the newest counts.
    pub fn new(mut tables: Vec<Arc<FeedTable>>) -> Self {
        tables.sort_by_key(|table| key(table));
        tables.dedup_by(|next, kept| {
            let same = next.id() == kept.id();
            if same {
                core::mem::swap(next, kept);
            }
            same
        });
        Self {
            tables: tables.into_boxed_slice(),
            counts: [AtomicUsize::new(UNKNOWN), AtomicUsize::new(UNKNOWN)],
        }
    }

    /// The feeds, ascending by id.
    pub fn tables(&self) -> &[Arc<FeedTable>] {
        &self.tables
    }

    /// Feeds and their versions: the view's identity.
    pub fn keys(&self) -> impl Iterator<Item = (FeedId, Serial)> + '_ {
        self.tables.iter().map(|table| key(table))
    }

    /// Every prefix of one family once, ascending, with the tags of all feeds that have it.
    pub fn routes<F: Routed>(&self) -> Routes<'_, F> {
        let mut space = TagSpace::default();
        let map = TagMap::new(self, &mut space);
        Routes { merge: self.merge(&map), space }
    }

    /// How many different IPv4 prefixes. Counted at the first call, if there are several feeds.
    pub fn count_v4(&self) -> usize {
        self.count::<V4>(0)
    }

    /// How many different IPv6 prefixes. Counted at the first call, if there are several feeds.
    pub fn count_v6(&self) -> usize {
        self.count::<V6>(1)
    }

    /// Whether the view has this feed in this version.
    pub(crate) fn has(&self, feed: &FeedTable) -> bool {
        self.tables.binary_search_by_key(&key(feed), |table| key(table)).is_ok()
    }

    /// The cut, if there is one.
    pub(crate) fn cut(&self) -> Option<&Arc<FeedTable>> {
        self.tables.iter().find(|table| table.is_cut())
    }

    /// What the cut hides in the other tables.
    pub(crate) fn hides<F: Routed>(&self) -> Option<&PrefixSet<F>> {
        self.tables.iter().find_map(|table| F::hides(table))
    }

    /// Whether the cuts of both hide the same of this family.
    pub(crate) fn hides_as<F: Routed>(&self, other: &Self) -> bool {
        match (self.hides::<F>(), other.hides::<F>()) {
            (Some(one), Some(other)) => one == other,
            (Some(one), None) | (None, Some(one)) => one.is_empty(),
            (None, None) => true,
        }
    }

    /// How many routes of a family there are at most: without a look at any.
    pub(crate) fn count_at_most<F: Routed>(&self) -> usize {
        self.tables.iter().map(|table| table.table::<F>().len()).sum()
    }

    fn merge<F: Routed>(&self, tags: &TagMap) -> Merge<'_, F> {
        let side = Side { view: self, tags, at: &[] };
        Merge::new(&side, &Self::empty())
    }

    fn count<F: Routed>(&self, family: usize) -> usize {
        let mut full = self.tables.iter().filter(|table| !table.is_cut() && !table.table::<F>().is_empty());
        match (full.next(), full.next(), self.cut()) {
            (None, _, cut) => cut.map_or(0, |cut| cut.table::<F>().len()),
            (Some(one), None, None) => one.table::<F>().len(),
            (Some(one), None, Some(cut)) => count_cut(one.table::<F>().prefixes(), cut),
            _ => {
                let Some(count) = self.counts.get(family) else {
                    return 0;
                };
                // The count follows from the view alone: whoever computes it computes the same.
                if count.load(Atomic::Relaxed) == UNKNOWN {
                    let map = TagMap::default();
                    let mut merge = self.merge::<F>(&map);
                    let distinct = core::iter::from_fn(|| merge.next_prefix()).count();
                    count.store(distinct, Atomic::Relaxed);
                }
                count.load(Atomic::Relaxed)
            }
        }
    }
}

/// How many routes a table and a cut make: a peer's own cut must not cost a walk over what all share.
fn count_cut<F: Routed>(table: &PrefixSet<F>, cut: &FeedTable) -> usize {
    let is_there = |prefix: &Prefix<F>| overlap::find(table, *prefix).is_some();
    let hidden = F::hides(cut).map_or(0, |hides| hides.iter().filter(is_there).count());
    let new = cut.table::<F>().prefixes().iter().filter(|prefix| !is_there(prefix)).count();
    table.len() - hidden + new
}

impl Default for View {
    fn default() -> Self {
        Self::empty()
    }
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        self.keys().eq(other.keys())
    }
}

impl Eq for View {}

impl PartialOrd for View {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for View {
    fn cmp(&self, other: &Self) -> Ordering {
        self.keys().cmp(other.keys())
    }
}

fn key(table: &FeedTable) -> (FeedId, Serial) {
    (table.id(), table.serial())
}

/// The routes of a view. See [`View::routes`].
#[derive(Debug)]
pub struct Routes<'a, F: Routed> {
    merge: Merge<'a, F>,
    space: TagSpace,
}

impl<F: Routed> Iterator for Routes<'_, F> {
    type Item = (Prefix<F>, Arc<TagSet>);

    fn next(&mut self) -> Option<Self::Item> {
        let (prefix, tag) = self.merge.next(&mut self.space)?;
        Some((prefix, self.space.set(tag).cloned().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
