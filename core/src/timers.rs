//! One deadline for a server with many timers: who is due next, and what for.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::ids::{ConnId, SourceId};
use crate::time::Instant;

/// Who has a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A connection.
    Conn(ConnId),
    /// A source, to be asked.
    Source(SourceId),
}

/// The next deadline of each owner, ordered. An owner has at most one entry: it knows its own timers.
#[derive(Clone, Debug)]
pub(crate) struct Timers<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_owner: BTreeMap<K, Instant>,
}

impl<K: Ord + Copy> Timers<K> {
    pub(crate) const fn new() -> Self {
        Self { by_time: BTreeSet::new(), by_owner: BTreeMap::new() }
    }

    /// Moves `owner` to `deadline`; `None` takes it out.
    pub(crate) fn set(&mut self, owner: K, deadline: Option<Instant>) {
        let old = match deadline {
            Some(at) => self.by_owner.insert(owner, at),
            None => self.by_owner.remove(&owner),
        };
        if old == deadline {
            return;
        }
        if let Some(at) = old {
            self.by_time.remove(&(at, owner));
        }
        if let Some(at) = deadline {
            self.by_time.insert((at, owner));
        }
    }

    /// Who has a deadline, and when.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, Instant)> + '_ {
        self.by_owner.iter().map(|(&owner, &at)| (owner, at))
    }

    pub(crate) fn next(&self) -> Option<(Instant, K)> {
        self.by_time.first().copied()
    }

    /// Takes out one owner whose deadline is at or before `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (at, owner) = self.next()?;
        if at > now {
            return None;
        }
        self.set(owner, None);
        Some(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_moved_later_is_due_only_then() {
        let mut timers = Timers::new();
        let at = Instant::from_nanos;
        timers.set('a', Some(at(5)));
        timers.set('b', Some(at(7)));
        timers.set('a', Some(at(9)));
        assert_eq!(timers.next(), Some((at(7), 'b')));
        assert_eq!(timers.pop_due(at(8)), Some('b'));
        assert_eq!(timers.pop_due(at(8)), None);
        timers.set('a', None);
        assert_eq!(timers.next(), None);
    }
}
