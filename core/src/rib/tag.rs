//! What a route carries besides its prefix: the communities its feeds gave it.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::wire::{Community, LargeCommunity};

/// Communities of a route: sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TagSet {
    standard: Box<[Community]>,
    large: Box<[LargeCommunity]>,
}

impl TagSet {
    /// The set of these communities, in whatever order they come.
    pub fn new(standard: Vec<Community>, large: Vec<LargeCommunity>) -> Self {
        Self { standard: sorted(standard), large: sorted(large) }
    }

    /// Standard communities (RFC 1997), ascending.
    pub fn standard(&self) -> &[Community] {
        &self.standard
    }

    /// Large communities (RFC 8092), ascending.
    pub fn large(&self) -> &[LargeCommunity] {
        &self.large
    }

    /// Whether there is no community at all.
    pub fn is_empty(&self) -> bool {
        self.standard.is_empty() && self.large.is_empty()
    }

    /// The communities of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::new([&*self.standard, &*other.standard].concat(), [&*self.large, &*other.large].concat())
    }
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Box<[T]> {
    items.sort_unstable();
    items.dedup();
    items.into_boxed_slice()
}

/// A tag set's number in one [`TagSpace`]. Two numbers of one space are equal if and only if the sets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TagId(u32);

impl TagId {
    /// As an index into tables kept by id; ids are given out from 0 without gaps.
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Numbers for the tag sets of one comparison, so that rows compare by number and each union is made once.
#[derive(Clone, Debug, Default)]
pub(crate) struct TagSpace {
    sets: Vec<Arc<TagSet>>,
    ids: BTreeMap<Arc<TagSet>, TagId>,
    unions: BTreeMap<(TagId, TagId), TagId>,
}

impl TagSpace {
    /// The number of `set`.
    pub(crate) fn intern(&mut self, set: &Arc<TagSet>) -> TagId {
        if let Some(&id) = self.ids.get(set) {
            return id;
        }
        // Every set costs more than the four octets of its number, so that memory ends long before numbers.
        let id = TagId(self.sets.len() as u32);
        self.sets.push(Arc::clone(set));
        self.ids.insert(Arc::clone(set), id);
        id
    }

    /// The number of the union of two sets of this space.
    pub(crate) fn union(&mut self, a: TagId, b: TagId) -> TagId {
        if a == b {
            return a;
        }
        let pair = (a.min(b), a.max(b));
        if let Some(&id) = self.unions.get(&pair) {
            return id;
        }
        let union = match (self.set(a), self.set(b)) {
            (Some(a), Some(b)) => Arc::new(a.union(b)),
            (Some(one), None) | (None, Some(one)) => Arc::clone(one),
            (None, None) => Arc::default(),
        };
        let id = self.intern(&union);
        self.unions.insert(pair, id);
        id
    }

    /// The set of a number that this space gave out.
    pub(crate) fn set(&self, id: TagId) -> Option<&Arc<TagSet>> {
        self.sets.get(id.index())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const fn large(global: u32) -> LargeCommunity {
        LargeCommunity { global, local1: 1, local2: 100 }
    }

    #[test]
    fn a_tag_set_does_not_depend_on_order_or_repetition() {
        let set = TagSet::new(vec![Community(2), Community(1), Community(2)], vec![]);
        assert_eq!(set.standard(), [Community(1), Community(2)]);
        assert_eq!(set, TagSet::new(vec![Community(1), Community(2)], vec![]));
        assert!(TagSet::new(vec![], vec![]).is_empty());
    }

    #[test]
    fn a_union_holds_what_either_holds_once() {
        let left = TagSet::new(vec![Community(1), Community(3)], vec![large(9)]);
        let right = TagSet::new(vec![Community(3), Community(2)], vec![large(8)]);
        let both = left.union(&right);
        assert_eq!(both.standard(), [Community(1), Community(2), Community(3)]);
        assert_eq!(both.large(), [large(8), large(9)]);
    }

    #[test]
    fn equal_sets_have_one_number_however_they_came_to_be() {
        let mut space = TagSpace::default();
        let one = space.intern(&Arc::new(TagSet::new(vec![Community(1)], vec![])));
        let two = space.intern(&Arc::new(TagSet::new(vec![Community(2)], vec![])));
        let both = space.intern(&Arc::new(TagSet::new(vec![Community(1), Community(2)], vec![])));
        assert_ne!(one, two);
        assert_eq!(space.union(one, two), both);
        assert_eq!(space.union(two, one), both);
        assert_eq!(space.union(both, one), both);
        assert_eq!(space.set(both).map(|set| set.standard().len()), Some(2));
    }
}
