//! The walk over all tables of a view at once, in the order of prefixes. It can be left and taken up again:
//! its whole state is one row number for each table.

use alloc::collections::BinaryHeap;
use alloc::collections::binary_heap::PeekMut;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::tag::{TagId, TagSpace};
use super::{Family, Prefix, View, overlap};
use crate::feed::table::Column;
use crate::feed::{FeedTable, PrefixSet, Routed};

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
        let hides = self.view.hides::<F>();
        feeds
            .filter(|(_, feed)| !feed.table::<F>().is_empty() && choose(feed))
            .map(|(index, feed)| {
                let table = feed.table::<F>();
                let mut lane = Lane {
                    bits: table.prefixes().bits(),
                    lens: table.prefixes().lens(),
                    column: table.column(),
                    tags: self.tags.0.get(index).cloned().unwrap_or_default(),
                    at: 0,
                    hidden: hides.map_or_else(Vec::new, |hides| hidden_rows(feed, hides)),
                    next_hidden: 0,
                };
                lane.pass_hidden();
                lane
            })
            .collect()
    }
}

/// The rows of a table that the cut of its view hides, ascending.
fn hidden_rows<F: Routed>(feed: &FeedTable, hides: &PrefixSet<F>) -> Vec<usize> {
    if feed.is_cut() {
        return Vec::new();
    }
    let prefixes = feed.table::<F>().prefixes();
    hides.iter().filter_map(|prefix| overlap::find(prefixes, prefix)).collect()
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
    /// The next row. Never a hidden one, except in [`Common`].
    at: usize,
    /// Rows that are passed over, ascending.
    hidden: Vec<usize>,
    /// The first of these that is not behind `at`.
    next_hidden: usize,
}

impl<'a, F: Routed> Merge<'a, F> {
    /// A walk over the tables of a view that `except` has not, from where it stood before.
    pub(crate) fn new(side: &Side<'a, '_>, except: &View) -> Self {
        let mut lanes = side.lanes(|feed| !except.has(feed));
        for (lane, at) in lanes.iter_mut().zip(side.at) {
            lane.at = *at;
            lane.pass_hidden();
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
            lane.pass(1);
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
        if max > 1
            && let Some((index, end)) = self.lone()
        {
            let run = self.lanes.get_mut(index).and_then(|lane| lane.take_run(lane.rows_before(end, max)));
            self.reseat();
            return run;
        }
        let prefix = self.peek()?;
        let mut run = self.advance()?;
        while self.peek() == Some(prefix) {
            run.tag = space.union(run.tag, self.advance()?.tag);
        }
        Some(run)
    }

    /// Passes over rows that both walks have next, if that can be seen at a glance: where one table each has them,
    /// and all others are further on. `same_tags` says whether tags must be equal too.
    pub(crate) fn skip_common(&mut self, other: &mut Self, same_tags: bool) {
        let (Some((one, one_end)), Some((two, two_end))) = (self.lone(), other.lone()) else {
            return;
        };
        let (Some(one), Some(two)) = (self.lanes.get_mut(one), other.lanes.get_mut(two)) else {
            return;
        };
        if same_tags && !one.has_tags_of(two) {
            return;
        }
        let start = one.at;
        for rows in BLOCKS {
            while let (Some(left), Some(right)) = (one.block(rows, one_end), two.block(rows, two_end))
                && left == right
            {
                one.pass(rows);
                two.pass(rows);
            }
        }
        if one.at != start {
            self.reseat();
            other.reseat();
        }
    }

    /// The lane that alone has what is next, and the first prefix of the others.
    fn lone(&self) -> Option<(usize, Option<Prefix<F>>)> {
        if let [_] = &*self.lanes {
            return Some((0, None));
        }
        // The second of a heap is one of the two below the first.
        let (Reverse((next, index)), others) = self.heap.as_slice().split_first()?;
        let second = others.iter().take(2).max().map(|Reverse((prefix, _))| *prefix);
        (second != Some(*next)).then_some((*index, second))
    }

    /// Puts the lane that was next where it belongs now.
    fn reseat(&mut self) {
        let Some(mut top) = self.heap.peek_mut() else {
            return;
        };
        let Reverse((_, index)) = *top;
        match self.lanes.get(index).and_then(Lane::head) {
            Some(next) => *top = Reverse((next, index)),
            None => drop(PeekMut::pop(top)),
        }
    }

    /// Takes one row off the lane that is next.
    fn advance(&mut self) -> Option<Run<'a, F>> {
        let Reverse((_, index)) = *self.heap.peek()?;
        let run = self.lanes.get_mut(index)?.take_run(1);
        self.reseat();
        run
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

/// How many rows [`Merge::skip_common`] compares at once: many as long as they are equal, then fewer.
const BLOCKS: [usize; 2] = [2048, 64];

impl<'a, F: Family> Lane<'a, F> {
    fn head(&self) -> Option<Prefix<F>> {
        self.row(self.at)
    }

    fn row(&self, row: usize) -> Option<Prefix<F>> {
        Some(Prefix::from_masked(*self.bits.get(row)?, *self.lens.get(row)?))
    }

    /// Goes on by so many rows, and past what is hidden then.
    fn pass(&mut self, rows: usize) {
        self.at = self.at.saturating_add(rows);
        self.pass_hidden();
    }

    fn pass_hidden(&mut self) {
        while let Some(&row) = self.hidden.get(self.next_hidden)
            && row <= self.at
        {
            self.at += usize::from(row == self.at);
            self.next_hidden += 1;
        }
    }

    /// How many of the next rows stand before `end`, at most `max`.
    fn rows_before(&self, end: Option<Prefix<F>>, max: usize) -> usize {
        let Some(end) = end else {
            return max;
        };
        let is_before = |rows: usize| self.row(self.at.saturating_add(rows)).is_some_and(|row| row < end);
        // Mostly all of them are, or few.
        if is_before(max - 1) {
            return max;
        }
        let (mut low, mut high) = (0, max);
        while low < high {
            let middle = low.midpoint(high);
            if is_before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn take_run(&mut self, max: usize) -> Option<Run<'a, F>> {
        let end = self.at.saturating_add(max).min(self.lens.len());
        let end = self.hidden.get(self.next_hidden).map_or(end, |row| end.min(*row));
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
        self.pass_hidden();
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
        if self.head()? != prefix || self.hidden.binary_search(&low).is_ok() {
            return None;
        }
        let index = match self.column {
            Column::One(index) => *index,
            Column::Each(indices) => *indices.get(low)?,
        };
        self.tags.get(usize::from(index)).copied()
    }

    /// The next rows, if as many stand together before `end` and none of them is hidden.
    fn block(&self, rows: usize, end: Option<Prefix<F>>) -> Option<(&'a [F::Bits], &'a [u8])> {
        let rows = self.at..self.at.checked_add(rows)?;
        if self.hidden.get(self.next_hidden).is_some_and(|row| *row < rows.end) {
            return None;
        }
        let block = (self.bits.get(rows.clone())?, self.lens.get(rows)?);
        let last = Prefix::from_masked(*block.0.last()?, *block.1.last()?);
        end.is_none_or(|end| last < end).then_some(block)
    }

    /// Whether rows of both that have the same prefix have the same tag set: both have but one, or they are one table.
    fn has_tags_of(&self, other: &Self) -> bool {
        match (self.column, other.column) {
            (Column::One(a), Column::One(b)) => {
                self.tags.get(usize::from(*a)) == other.tags.get(usize::from(*b))
            }
            (a, b) => core::ptr::eq(a, b),
        }
    }
}
