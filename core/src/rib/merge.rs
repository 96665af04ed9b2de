//! The walk over all tables of a view at once, in the order of prefixes. It can be left and taken up again:
//! its whole state is one row number for each table.

use alloc::collections::BinaryHeap;
use alloc::collections::binary_heap::PeekMut;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::tag::{TagId, TagSpace};
use super::{Family, Prefix, View};
use crate::feed::table::Column;
use crate::feed::{FeedTable, Routed};

/// For each table of a view, the number in one [`TagSpace`] of each of its tag sets.
#[derive(Clone, Debug, Default)]
pub(crate) struct TagMap(Vec<Arc<[TagId]>>);

impl TagMap {
    pub(crate) fn new(view: &View, space: &mut TagSpace) -> Self {
        let tables = view.tables().iter();
        Self(tables.map(|table| table.tags().iter().map(|set| space.intern(set)).collect()).collect())
    }
}

/// Routes that stand together in one table and share one tag set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a, F: Family> {
    pub(crate) bits: &'a [F::Bits],
    pub(crate) lens: &'a [u8],
    pub(crate) tag: TagId,
}

impl<F: Family> Run<'_, F> {
    /// Its first prefix.
    pub(crate) fn first(&self) -> Option<Prefix<F>> {
        Some(Prefix::from_masked(*self.bits.first()?, *self.lens.first()?))
    }
}

/// A view and where a walk over it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side<'a, 'b> {
    pub(crate) view: &'a View,
    pub(crate) tags: &'b TagMap,
    /// [`Merge::positions`] of the walk that goes on; empty at its start.
    pub(crate) at: &'b [usize],
}

impl<'a> Side<'a, '_> {
    /// Those of its tables that have routes of the family, at their first rows.
    fn lanes<F: Routed>(&self, mut choose: impl FnMut(&FeedTable) -> bool) -> Vec<Lane<'a, F>> {
        let feeds = self.view.tables().iter().enumerate();
        feeds
            .filter(|(_, feed)| !feed.table::<F>().is_empty() && choose(feed))
            .map(|(index, feed)| {
                let table = feed.table::<F>();
                Lane {
                    bits: table.prefixes().bits(),
                    lens: table.prefixes().lens(),
                    column: table.column(),
                    tags: self.tags.0.get(index).cloned().unwrap_or_default(),
                    at: 0,
                }
            })
            .collect()
    }
}

/// Each prefix of a view once, ascending.
#[derive(Debug)]
pub(crate) struct Merge<'a, F: Family> {
    lanes: Vec<Lane<'a, F>>,
    /// The next prefix of each lane that has one. Unused if there is only one lane.
    heap: BinaryHeap<Reverse<(Prefix<F>, usize)>>,
}

/// One table that has routes of the family.
#[derive(Debug)]
struct Lane<'a, F: Family> {
    bits: &'a [F::Bits],
    lens: &'a [u8],
    column: &'a Column,
    tags: Arc<[TagId]>,
    /// The next row.
    at: usize,
}

impl<'a, F: Routed> Merge<'a, F> {
    /// A walk over the tables of a view that `except` has not, from where it stood before.
    pub(crate) fn new(side: &Side<'a, '_>, except: &View) -> Self {
        let mut lanes = side.lanes(|feed| !except.has(feed));
        for (lane, at) in lanes.iter_mut().zip(side.at) {
            lane.at = *at;
        }
        let mut heap = BinaryHeap::new();
        if lanes.len() > 1 {
            let heads = lanes.iter().enumerate();
            heap.extend(heads.filter_map(|(index, lane)| Some(Reverse((lane.head()?, index)))));
        }
        Self { lanes, heap }
    }

    /// Where the walk stands: a row for each of its tables.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.lanes.iter().map(|lane| lane.at)
    }

    /// The next prefix, which stays.
    pub(crate) fn peek(&self) -> Option<Prefix<F>> {
        match &*self.lanes {
            [lane] => lane.head(),
            _ => self.heap.peek().map(|Reverse((prefix, _))| *prefix),
        }
    }

    /// The next prefix and the union of its tags.
    pub(crate) fn next(&mut self, space: &mut TagSpace) -> Option<(Prefix<F>, TagId)> {
        let run = self.next_run(1, space)?;
        Some((run.first()?, run.tag))
    }

    /// The next prefix alone.
    pub(crate) fn next_prefix(&mut self) -> Option<Prefix<F>> {
        let prefix = self.peek()?;
        if let [lane] = &mut *self.lanes {
            lane.at += 1;
        } else {
            while self.peek() == Some(prefix) {
                self.advance()?;
            }
        }
        Some(prefix)
    }

    /// As many of the next routes as stand together, at least one and at most `max`.
    pub(crate) fn next_run(&mut self, max: usize, space: &mut TagSpace) -> Option<Run<'a, F>> {
        if let [lane] = &mut *self.lanes {
            return lane.take_run(max);
        }
        let prefix = self.peek()?;
        let mut run = self.advance()?;
        while self.peek() == Some(prefix) {
            run.tag = space.union(run.tag, self.advance()?.tag);
        }
        Some(run)
    }

    /// Passes over the rows that both walks have next, if that can be seen at a glance: one table each.
    /// `same_tags` says whether tags must be equal too.
    pub(crate) fn skip_common(&mut self, other: &mut Self, same_tags: bool) {
        let ([one], [two]) = (&mut *self.lanes, &mut *other.lanes) else {
            return;
        };
        if same_tags && !one.has_only_tag_of(two) {
            return;
        }
        while let (Some(left), Some(right)) = (one.block(), two.block())
            && left == right
        {
            one.at += BLOCK;
            two.at += BLOCK;
        }
    }

    /// Takes one row off the lane that is next.
    fn advance(&mut self) -> Option<Run<'a, F>> {
        let mut top = self.heap.peek_mut()?;
        let Reverse((_, index)) = *top;
        let lane = self.lanes.get_mut(index)?;
        let run = lane.take_run(1)?;
        match lane.head() {
            Some(next) => *top = Reverse((next, index)),
            None => drop(PeekMut::pop(top)),
        }
        Some(run)
    }
}

/// The tables that two views have in common. They say nothing new by themselves, but add their tags to what
/// the others say. Asked for ascending prefixes only.
#[derive(Debug)]
pub(crate) struct Common<'a, F: Family> {
    lanes: Vec<Lane<'a, F>>,
}

impl<'a, F: Routed> Common<'a, F> {
    pub(crate) fn new(side: &Side<'a, '_>, other: &View) -> Self {
        Self { lanes: side.lanes(|feed| other.has(feed)) }
    }

    /// Whether no prefix is in them.
    pub(crate) const fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// The tags that these tables give to `prefix`, if it is in any of them.
    pub(crate) fn find(&mut self, prefix: Prefix<F>, space: &mut TagSpace) -> Option<TagId> {
        let tags = self.lanes.iter_mut().filter_map(|lane| lane.seek(prefix));
        tags.reduce(|one, other| space.union(one, other))
    }
}

/// How many rows [`Merge::skip_common`] compares at once.
const BLOCK: usize = 64;

impl<'a, F: Family> Lane<'a, F> {
    fn head(&self) -> Option<Prefix<F>> {
        self.row(self.at)
    }

    fn row(&self, row: usize) -> Option<Prefix<F>> {
        Some(Prefix::from_masked(*self.bits.get(row)?, *self.lens.get(row)?))
    }

    fn take_run(&mut self, max: usize) -> Option<Run<'a, F>> {
        let end = self.at.saturating_add(max).min(self.lens.len());
        let (index, end) = match self.column {
            Column::One(index) => (*index, end),
            Column::Each(indices) => {
                let row = indices.get(self.at..end)?;
                let (first, _) = row.split_first()?;
                let equal = row.iter().take_while(|index| *index == first).count();
                (*first, self.at + equal)
            }
        };
        let run = Run {
            bits: self.bits.get(self.at..end)?,
            lens: self.lens.get(self.at..end)?,
            tag: self.tags.get(usize::from(index)).copied().unwrap_or_default(),
        };
        if run.lens.is_empty() {
            return None;
        }
        self.at = end;
        Some(run)
    }

    /// The tags of `prefix`, if it is in the table. Goes forward only, in steps that double: the time follows
    /// from how far it goes, not from how long the table is.
    fn seek(&mut self, prefix: Prefix<F>) -> Option<TagId> {
        let is_before = |row| self.row(row).is_some_and(|row| row < prefix);
        let (mut low, mut step) = (self.at, 1);
        while is_before(low + step - 1) {
            low += step;
            step *= 2;
        }
        // Rows before `low` are before the prefix; row `high`, if there is one, is not.
        let mut high = low + step - 1;
        while low < high {
            let middle = low.midpoint(high);
            if is_before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.at = low;
        if self.head()? != prefix {
            return None;
        }
        let index = match self.column {
            Column::One(index) => *index,
            Column::Each(indices) => *indices.get(low)?,
        };
        self.tags.get(usize::from(index)).copied()
    }

    fn block(&self) -> Option<(&'a [F::Bits], &'a [u8])> {
        let rows = self.at..self.at.checked_add(BLOCK)?;
        Some((self.bits.get(rows.clone())?, self.lens.get(rows)?))
    }

    /// Whether all rows of both have the same tag set.
    fn has_only_tag_of(&self, other: &Self) -> bool {
        match (self.column, other.column) {
            (Column::One(a), Column::One(b)) => {
                self.tags.get(usize::from(*a)) == other.tags.get(usize::from(*b))
            }
            _ => false,
        }
    }
}
