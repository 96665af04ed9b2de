//! What a peer should have, or has been told: feeds put together, each prefix once with all its tags.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::sync::atomic::{AtomicUsize, Ordering as Atomic};

use super::merge::{Merge, Side, TagMap};
use super::tag::{TagSet, TagSpace};
use super::{Prefix, V4, V6};
use crate::feed::{FeedTable, Routed};
use crate::ids::{FeedId, Serial};

/// A set of feeds in certain versions. Two views are equal if these are: content is never compared.
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

    fn merge<F: Routed>(&self, tags: &TagMap) -> Merge<'_, F> {
        let side = Side { view: self, tags, at: &[] };
        Merge::new(&side, &Self::empty())
    }

    fn count<F: Routed>(&self, family: usize) -> usize {
        match &*self.tables {
            [] => 0,
            [one] => one.table::<F>().len(),
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
