//! Update groups: peers that get the same feeds in the same bytes share one view and one image.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::{ConnId, FeedId};
use crate::rib::{View, WireProfile};

mod snapshot;

pub(crate) use snapshot::GroupsSnapshot;

/// What makes two peers equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// The feeds they get: sorted, none twice.
    pub feeds: Vec<FeedId>,
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
}

impl Groups {
    /// The group with this id.
    pub fn find(&self, id: GroupId) -> Option<&Group> {
        self.by_id.get(&id)
    }

    /// Puts `conn` into the group of `key`; `desired` is asked for when that group is new.
    pub fn join(
        &mut self,
        key: GroupKey,
        conn: ConnId,
        desired: impl FnOnce(&[FeedId]) -> Desired,
    ) -> GroupId {
        let id = if let Some(&id) = self.by_key.get(&key) {
            id
        } else {
            self.next += 1;
            let id = GroupId(self.next);
            let Desired { view, is_loaded } = desired(&key.feeds);
            self.by_key.insert(key.clone(), id);
            self.by_id.insert(id, Group { key, current: view, is_loaded, members: BTreeSet::new() });
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
        }
    }

    /// `feed` has a new table, or has loaded: brings the groups that have it up to date and returns their
    /// members. Nobody else is touched.
    pub fn update(&mut self, feed: FeedId, desired: impl Fn(&[FeedId]) -> Desired) -> Vec<ConnId> {
        let mut touched = Vec::new();
        for group in self.by_id.values_mut().filter(|group| group.key.feeds.contains(&feed)) {
            let Desired { view, is_loaded } = desired(&group.key.feeds);
            group.current = view;
            group.is_loaded = is_loaded;
            touched.extend(&group.members);
        }
        touched
    }
}
