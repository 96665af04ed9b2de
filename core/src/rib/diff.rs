//! What must be said to bring a peer from what it was told to what it should have.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::merge::{Common, Merge, Run, Side, TagMap};
use super::tag::{TagSet, TagSpace};
use super::{Prefix, View};
use crate::feed::Routed;

/// The difference of two views.
#[derive(Debug)]
pub struct Diff<'a> {
    told: &'a View,
    current: &'a View,
}

impl<'a> Diff<'a> {
    /// The difference from `told` to `current`.
    pub const fn new(told: &'a View, current: &'a View) -> Self {
        Self { told, current }
    }

    /// What to announce, ascending: routes that are new, or whose tags differ.
    pub fn announces<F: Routed>(&self) -> impl Iterator<Item = (Prefix<F>, Arc<TagSet>)> + use<'a, F> {
        let (mut walk, mut space) = self.walk::<F>();
        core::iter::from_fn(move || {
            let run = walk.next_announce(1, &mut space)?;
            let tags = space.set(run.tag).cloned().unwrap_or_default();
            Some((run.first()?, tags))
        })
    }

    /// What to withdraw, ascending: prefixes that are no more.
    pub fn withdraws<F: Routed>(&self) -> impl Iterator<Item = Prefix<F>> + use<'a, F> {
        let (mut walk, mut space) = self.walk::<F>();
        core::iter::from_fn(move || walk.next_withdraw(1, &mut space)?.first())
    }

    fn walk<F: Routed>(&self) -> (Walk<'a, F>, TagSpace) {
        let mut space = TagSpace::default();
        let told = TagMap::new(self.told, &mut space);
        let current = TagMap::new(self.current, &mut space);
        let side = |view, tags| Side { view, tags, at: &[] };
        let walk = Walk::new(&side(self.told, &told), &side(self.current, &current));
        (walk, space)
    }
}

/// Two views side by side, of one family. Tables that both have, and that show the same rows in both, are not walked:
/// the time follows from the size of those that differ.
#[derive(Debug)]
pub(crate) struct Walk<'a, F: Routed> {
    told: Merge<'a, F>,
    current: Merge<'a, F>,
    common: Common<'a, F>,
}

impl<'a, F: Routed> Walk<'a, F> {
    pub(crate) fn new(told: &Side<'a, '_>, current: &Side<'a, '_>) -> Self {
        let nothing = View::empty();
        let is_alike = told.view.hides_as::<F>(current.view);
        let in_told = if is_alike { told.view } else { &nothing };
        let in_current = if is_alike { current.view } else { &nothing };
        Self {
            told: Merge::new(told, in_current),
            current: Merge::new(current, in_told),
            common: Common::new(current, in_told),
        }
    }

    /// Where the walk stands in the tables of either view.
    pub(crate) fn save(&self, told_at: &mut Vec<usize>, current_at: &mut Vec<usize>) {
        told_at.clear();
        told_at.extend(self.told.positions());
        current_at.clear();
        current_at.extend(self.current.positions());
    }

    /// Routes of `current` that `told` has not, or not with these tags: at most `max`, which stand together.
    pub(crate) fn next_announce(&mut self, max: usize, space: &mut TagSpace) -> Option<Run<'a, F>> {
        if !self.common.is_empty() {
            return self.next_announce_beside_common(space);
        }
        loop {
            let Some(told) = self.told.peek() else {
                return self.current.next_run(max, space);
            };
            match told.cmp(&self.current.peek()?) {
                Ordering::Less => drop(self.told.next_prefix()),
                Ordering::Greater => return self.current.next_run(1, space),
                Ordering::Equal => {
                    let old = self.told.next_run(1, space)?;
                    let new = self.current.next_run(1, space)?;
                    if old.tag != new.tag {
                        return Some(new);
                    }
                    self.told.skip_common(&mut self.current, true);
                }
            }
        }
    }

    /// The same where the tables in common may have the prefix too. One that is gone from the others is then
    /// still there, with fewer tags.
    fn next_announce_beside_common(&mut self, space: &mut TagSpace) -> Option<Run<'a, F>> {
        loop {
            let order = match (self.told.peek(), self.current.peek()) {
                (Some(told), Some(current)) => told.cmp(&current),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return None,
            };
            let old = if order.is_le() { self.told.next_run(1, space) } else { None };
            let new = if order.is_ge() { self.current.next_run(1, space) } else { None };
            let run = new.or(old)?;
            let common = self.common.find(run.first()?, space);
            let mut with_common = |run: Option<Run<'a, F>>| match (run, common) {
                (Some(run), Some(common)) => Some(space.union(run.tag, common)),
                (Some(run), None) => Some(run.tag),
                (None, common) => common,
            };
            let old_tag = with_common(old);
            match with_common(new) {
                Some(tag) if old_tag != Some(tag) => return Some(Run { tag, ..run }),
                _ => self.told.skip_common(&mut self.current, true),
            }
        }
    }

    /// Routes of `told` whose prefix `current` has not: at most `max`, which stand together.
    pub(crate) fn next_withdraw(&mut self, max: usize, space: &mut TagSpace) -> Option<Run<'a, F>> {
        loop {
            match (self.told.peek()?, self.current.peek()) {
                (_, None) if self.common.is_empty() => return self.told.next_run(max, space),
                (told, Some(current)) if current < told => drop(self.current.next_prefix()),
                (told, Some(current)) if current == told => {
                    self.told.next_prefix()?;
                    self.current.next_prefix()?;
                    self.told.skip_common(&mut self.current, false);
                }
                _ => {
                    let run = self.told.next_run(1, space)?;
                    if self.common.find(run.first()?, space).is_none() {
                        return Some(run);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
