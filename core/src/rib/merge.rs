//! The walk over all tables of a view at once, in the order of prefixes. It can be left and taken up again:
//! its whole state is one row number for each table.

use alloc::collections::BinaryHeap;
use alloc::collections::binary_heap::PeekMut;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::tag::{TagId, TagSpace};
use super::{Family, Prefix, View};
use crate::feed::Routed;
use crate::feed::table::Column;

/// For each table of a view, the number in one [`TagSpace`] of each of its tag sets.
#[derive(Clone, Debug, Default)]
pub(crate) struct TagMap(Vec<Arc<[TagId]>>);

impl TagMap {
    pub(crate) fn new(view: &View, space: &mut TagSpace) -> Self {
        let tables = view.tables().iter();
        Self(
            tables
                .map(|table| table.tags().iter().map(|set| space.intern(set)).collect())
                .collect(),
        )
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
    /// A walk that goes on from the rows `at`, as [`positions`](Self::positions) gave them; missing ones are 0.
    pub(crate) fn new(view: &'a View, map: &TagMap, at: &[usize]) -> Self {
        let mut lanes: Vec<Lane<'a, F>> = Vec::new();
        for (index, feed) in view.tables().iter().enumerate() {
            let table = feed.table::<F>();
            if table.is_empty() {
                continue;
            }
            lanes.push(Lane {
                bits: table.prefixes().bits(),
                lens: table.prefixes().lens(),
                column: table.column(),
                tags: map.0.get(index).cloned().unwrap_or_default(),
                at: at.get(lanes.len()).copied().unwrap_or(0),
            });
        }
        let mut heap = BinaryHeap::new();
        if lanes.len() > 1 {
            let heads = lanes.iter().enumerate();
            heap.extend(heads.filter_map(|(index, lane)| Some(Reverse((lane.head()?, index)))));
        }
        Self { lanes, heap }
    }

    /// The walk over nothing.
    pub(crate) const fn empty() -> Self {
        Self {
            lanes: Vec::new(),
            heap: BinaryHeap::new(),
        }
    }

    /// Where the walk stands, row by row.
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

/// How many rows [`Merge::skip_common`] compares at once.
const BLOCK: usize = 64;

impl<'a, F: Family> Lane<'a, F> {
    fn head(&self) -> Option<Prefix<F>> {
        Some(Prefix::from_masked(
            *self.bits.get(self.at)?,
            *self.lens.get(self.at)?,
        ))
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
