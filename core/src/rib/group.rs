//! Update groups: peers that get the same feeds in the same bytes share one view and one image.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::shape::Shape;
use super::shaper::{Shaped, Shaper};
use super::{View, WireProfile};
use crate::ids::{ConnId, FeedId};

mod snapshot;

pub(crate) use snapshot::GroupsSnapshot;

/// What makes two peers equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// The feeds they get: sorted, none twice.
    pub feeds: Vec<FeedId>,
    /// What they get of these, and besides.
    pub shape: Arc<Shape>,
    /// How their UPDATEs are coded.
    pub profile: Arc<WireProfile>,
}

/// Names a group while it has a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(u64);

/// Peers that should all have the same.
#[derive(Clone, Debug)]
pub struct Group {
    key: GroupKey,
    current: Arc<View>,
    is_loaded: bool,
    over_limit: Option<usize>,
    members: BTreeSet<ConnId>,
}

impl Group {
    /// What makes its members equal.
    pub const fn key(&self) -> &GroupKey {
        &self.key
    }

    /// What every member should have.
    pub const fn current(&self) -> &Arc<View> {
        &self.current
    }

    /// Whether every feed of it has loaded, so that its end may be told (RFC 4724 2).
    pub const fn is_loaded(&self) -> bool {
        self.is_loaded
    }

    /// How many prefixes there are for its members, if these are more than they take.
    pub const fn over_limit(&self) -> Option<usize> {
        self.over_limit
    }

    /// The members, ascending.
    pub fn members(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.members.iter().copied()
    }

    fn take(&mut self, shaped: Shaped) {
        let Shaped { view, is_loaded, over_limit } = shaped;
        self.current = view;
        self.is_loaded = is_loaded;
        self.over_limit = over_limit;
    }
}

/// A group that was brought up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// The group.
    pub group: GroupId,
    /// What [`Group::over_limit`] was before.
    pub over_limit_before: Option<usize>,
    /// What [`Group::current`] was before.
    pub before: Arc<View>,
}

/// What a set of feeds adds up to now.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The tables.
    pub view: Arc<View>,
    /// Whether each of the feeds has loaded.
    pub is_loaded: bool,
}

/// All groups. **Invariant**: none is empty, and each connection is in at most one.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    by_id: BTreeMap<GroupId, Group>,
    by_key: BTreeMap<GroupKey, GroupId>,
    next: u64,
    shaper: Shaper,
}

impl Groups {
    /// The group with this id.
    pub fn find(&self, id: GroupId) -> Option<&Group> {
        self.by_id.get(&id)
    }

    /// Puts `conn` into the group of `key`; `desired` is asked for when that group is new. `before` is what `conn` had
    /// in another group: a new group goes on with what is still the same, and one that takes no more keeps it.
    pub fn join(
        &mut self,
        key: GroupKey,
        conn: ConnId,
        before: Option<&Arc<View>>,
        desired: impl FnOnce(&[FeedId]) -> Desired,
    ) -> GroupId {
        let id = if let Some(&id) = self.by_key.get(&key) {
            id
        } else {
            self.next += 1;
            let id = GroupId(self.next);
            let base = desired(&key.feeds);
            let Shaped { view, is_loaded, over_limit } = self.shaper.shape(&key, base, before);
            self.by_key.insert(key.clone(), id);
            let members = BTreeSet::new();
            self.by_id.insert(id, Group { key, current: view, is_loaded, over_limit, members });
            id
        };
        if let Some(group) = self.by_id.get_mut(&id) {
            group.members.insert(conn);
        }
        id
    }

    /// Takes `conn` out of its group.
    pub fn leave(&mut self, id: GroupId, conn: ConnId) {
        let Some(group) = self.by_id.get_mut(&id) else {
            return;
        };
        group.members.remove(&conn);
        if group.members.is_empty()
            && let Some(group) = self.by_id.remove(&id)
        {
            self.by_key.remove(&group.key);
            if !group.key.shape.filter.is_empty() {
                self.shaper.retain(&self.by_id.values());
            }
        }
    }

    /// `feed` has a new table, or has loaded: brings the groups that have it up to date and returns them. Nobody else
    /// is touched.
    pub fn update(&mut self, feed: FeedId, desired: impl Fn(&[FeedId]) -> Desired) -> Vec<Updated> {
        let mut updated = Vec::new();
        for (&id, group) in self.by_id.iter_mut().filter(|(_, group)| group.key.feeds.contains(&feed)) {
            let over_limit_before = group.over_limit;
            let shaped = self.shaper.shape(&group.key, desired(&group.key.feeds), Some(&group.current));
            let before = Arc::clone(&group.current);
            group.take(shaped);
            updated.push(Updated { group: id, over_limit_before, before });
        }
        updated
    }
}
