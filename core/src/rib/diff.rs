//! What must be said to bring a peer from what it was told to what it should have.

use alloc::sync::Arc;
use core::cmp::Ordering;

use super::merge::{Merge, Run, TagMap};
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
        let walk = Walk {
            told: Merge::new(self.told, &told, &[]),
            current: Merge::new(self.current, &current, &[]),
        };
        (walk, space)
    }
}

/// Two views side by side, of one family.
#[derive(Debug)]
pub(crate) struct Walk<'a, F: Routed> {
    pub(crate) told: Merge<'a, F>,
    pub(crate) current: Merge<'a, F>,
}

impl<'a, F: Routed> Walk<'a, F> {
    /// Routes of `current` that `told` has not, or not with these tags: at most `max`, which stand together.
    pub(crate) fn next_announce(&mut self, max: usize, space: &mut TagSpace) -> Option<Run<'a, F>> {
        loop {
            let Some(told) = self.told.peek() else {
                return self.current.next_run(max, space);
            };
            match told.cmp(&self.current.peek()?) {
                Ordering::Less => drop(self.told.next_prefix()),
                Ordering::Greater => return self.current.next_run(1, space),
                Ordering::Equal => {
                    let (_, old) = self.told.next(space)?;
                    let new = self.current.next_run(1, space)?;
                    if old != new.tag {
                        return Some(new);
                    }
                    self.told.skip_common(&mut self.current, true);
                }
            }
        }
    }

    /// Routes of `told` whose prefix `current` has not: at most `max`, which stand together.
    pub(crate) fn next_withdraw(&mut self, max: usize, space: &mut TagSpace) -> Option<Run<'a, F>> {
        loop {
            let Some(current) = self.current.peek() else {
                return self.told.next_run(max, space);
            };
            match current.cmp(&self.told.peek()?) {
                Ordering::Less => drop(self.current.next_prefix()),
                Ordering::Greater => return self.told.next_run(1, space),
                Ordering::Equal => {
                    self.told.next_prefix()?;
                    self.current.next_prefix()?;
                    self.told.skip_common(&mut self.current, false);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
