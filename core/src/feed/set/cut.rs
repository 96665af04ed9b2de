//! Sets of addresses cut out of each other. Prefixes of the left side are treated one by one and stay apart.

use alloc::vec::Vec;

use super::{PrefixSet, push_span};
use crate::feed::aggregate;
use crate::rib::{Bits, Family, Prefix, covering};

impl<F: Family> PrefixSet<F> {
    /// These prefixes without the addresses of `other`: each that overlaps is split into the fewest prefixes of
    /// what remains of it. Nothing is aggregated; equal remainders are one. Linear in both sets and the result, times
    /// the depth to which prefixes of `self` lie inside each other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return self.clone();
        }
        self.minus_disjoint(&aggregate(other))
    }

    /// [`Self::minus`] of prefixes of which none covers another, as [`aggregate`] gives them.
    pub(crate) fn minus_disjoint(&self, holes: &Self) -> Self {
        let mut rest = Vec::with_capacity(self.len());
        let mut from = 0;
        for prefix in self.iter() {
            from = holes.seek(from, |hole| hole.last() < prefix.bits());
            cut(prefix, holes.rows_from(from), &mut rest);
        }
        // Out of order only where prefixes lie inside each other: runs, which this sort merges.
        rest.sort();
        rest.dedup();
        Self::from_ascending(&rest)
    }

    /// The addresses that both sets cover, in the prefixes of either: of one here and one there, of which one covers
    /// the other, the longer one. Nothing is aggregated. Linear in both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.iter().peekable(), other.iter().peekable());
        // The last one passed on each side that no other there covers: in this order no other one can cover what
        // comes.
        let (mut left_top, mut right_top) = (None, None);
        let mut common = Vec::new();
        loop {
            let (a, b) = (left.peek().copied(), right.peek().copied());
            let Some(prefix) = a.into_iter().chain(b).min() else { break };
            let (is_left, is_right) = (a == Some(prefix), b == Some(prefix));
            if is_left {
                left.next();
                advance(&mut left_top, prefix);
            }
            if is_right {
                right.next();
                advance(&mut right_top, prefix);
            }
            let is_covered = |top: Option<Prefix<F>>| top.is_some_and(|top| top.covers(prefix));
            if is_covered(left_top) && is_covered(right_top) {
                common.push(prefix);
            }
            let is_over = |rest: Option<Prefix<F>>, top: Option<Prefix<F>>| {
                rest.is_none() && top.is_none_or(|top| top.last() < prefix.bits())
            };
            if is_over(a, left_top) || is_over(b, right_top) {
                break;
            }
        }
        Self::from_ascending(&common)
    }

    /// Whether every address of `prefix` is covered, by one member or by several together. Binary search, and linear
    /// in the members inside it.
    pub fn covers(&self, prefix: Prefix<F>) -> bool {
        if self.has_covering(prefix) {
            return true;
        }
        let mut next = prefix.bits();
        for member in self.rows_from(self.first_inside(prefix)) {
            if member.bits() > next {
                return false;
            }
            if member.last() >= prefix.last() {
                return true;
            }
            // Not past the last address: it ends before `prefix` does.
            next = member.last().successor().unwrap_or(next).max(next);
        }
        false
    }

    /// Whether any address of `prefix` is covered. Binary search.
    pub fn overlaps(&self, prefix: Prefix<F>) -> bool {
        let inside = self.rows_from(self.first_inside(prefix)).next();
        inside.is_some_and(|member| prefix.covers(member)) || self.has_covering(prefix)
    }

    fn has_covering(&self, prefix: Prefix<F>) -> bool {
        covering(self, prefix).next().is_some()
    }

    /// The row of the first member that is not before `prefix`.
    fn first_inside(&self, prefix: Prefix<F>) -> usize {
        let at_or_after = self.bits.partition_point(|&bits| bits < prefix.bits());
        self.seek(at_or_after, |member| member < prefix)
    }

    fn row(&self, row: usize) -> Option<Prefix<F>> {
        Some(Prefix::from_masked(*self.bits.get(row)?, *self.lens.get(row)?))
    }

    fn rows_from(&self, first: usize) -> impl Iterator<Item = Prefix<F>> + '_ {
        let bits = self.bits.get(first..).unwrap_or_default();
        let lens = self.lens.get(first..).unwrap_or_default();
        bits.iter().zip(lens).map(|(&bits, &len)| Prefix::from_masked(bits, len))
    }

    /// The first row at or after `from` that is not before, in steps that double and then halve again: a few for a
    /// row nearby, the logarithm of the way for one far off. `is_before` must hold up to some row and not after it.
    fn seek(&self, from: usize, is_before: impl Fn(Prefix<F>) -> bool) -> usize {
        let holds = |row| self.row(row).is_some_and(&is_before);
        if !holds(from) {
            return from;
        }
        // It holds at `low`, and not `step` after that.
        let (mut low, mut step) = (from, 1_usize);
        while holds(low.saturating_add(step)) {
            low = low.saturating_add(step);
            step = step.saturating_mul(2);
        }
        while step > 1 {
            step /= 2;
            if holds(low.saturating_add(step)) {
                low = low.saturating_add(step);
            }
        }
        low.saturating_add(1)
    }
}

/// What remains of `prefix` without `holes`, which are ascending and disjoint and begin with the first one that does
/// not end before it.
fn cut<F: Family>(prefix: Prefix<F>, holes: impl Iterator<Item = Prefix<F>>, out: &mut Vec<Prefix<F>>) {
    let mut next = Some(prefix.bits());
    for hole in holes.take_while(|hole| hole.bits() <= prefix.last()) {
        if hole.covers(prefix) {
            return;
        }
        if let (Some(first), Some(last)) = (next, hole.bits().predecessor()) {
            push_span(first, last, out);
        }
        next = hole.last().successor();
    }
    if let Some(first) = next {
        push_span(first, prefix.last(), out);
    }
}

/// `prefix` comes after `top` in its set: it takes its place unless it lies inside.
fn advance<F: Family>(top: &mut Option<Prefix<F>>, prefix: Prefix<F>) {
    if !top.is_some_and(|top| top.covers(prefix)) {
        *top = Some(prefix);
    }
}

#[cfg(test)]
mod tests;
