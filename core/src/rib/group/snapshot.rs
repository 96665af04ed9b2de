//! All groups as plain data. Who is in which is the connections' own data.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Group, GroupId, GroupKey, Groups};
use crate::ids::{ConnId, FeedId, Serial};
use crate::rib::WireProfile;
use crate::rib::shape::Shape;
use crate::rib::shaper::{Shaper, ShaperSnapshot};
use crate::rib::shelf::{Shelf, ViewKeys};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GroupsSnapshot {
    groups: Vec<GroupSnapshot>,
    next: u64,
    #[serde(default)]
    shaper: ShaperSnapshot,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct GroupSnapshot {
    id: GroupId,
    feeds: Vec<FeedId>,
    #[serde(default)]
    shape: Shape,
    profile: WireProfile,
    current: ViewKeys,
    is_loaded: bool,
    #[serde(default)]
    over_limit: Option<usize>,
}

impl Groups {
    pub(crate) fn snapshot(&self, shelf: &mut Shelf) -> GroupsSnapshot {
        let groups = self.by_id.iter().map(|(&id, group)| GroupSnapshot {
            id,
            feeds: group.key.feeds.clone(),
            shape: Shape::clone(&group.key.shape),
            profile: WireProfile::clone(&group.key.profile),
            current: shelf.put_view(&group.current),
            is_loaded: group.is_loaded,
            over_limit: group.over_limit,
        });
        let groups = groups.collect();
        GroupsSnapshot { groups, next: self.next, shaper: self.shaper.snapshot(shelf) }
    }

    /// The groups of a snapshot, without members; otherwise the table that is missing.
    pub(crate) fn restore(snapshot: GroupsSnapshot, shelf: &mut Shelf) -> Result<Self, (FeedId, Serial)> {
        let shaper = Shaper::restore(snapshot.shaper, shelf)?;
        let mut groups = Self { next: snapshot.next, shaper, ..Self::default() };
        for group in snapshot.groups {
            let key = GroupKey {
                feeds: group.feeds,
                shape: Arc::new(group.shape),
                profile: Arc::new(group.profile),
            };
            groups.by_key.insert(key.clone(), group.id);
            let current = shelf.find_view(&group.current)?;
            let group_with_none = Group {
                key,
                current,
                is_loaded: group.is_loaded,
                over_limit: group.over_limit,
                members: BTreeSet::new(),
            };
            groups.by_id.insert(group.id, group_with_none);
        }
        Ok(groups)
    }

    /// Puts `conn` back into the group it was in; `false` when there is none such.
    pub(crate) fn rejoin(&mut self, id: GroupId, conn: ConnId) -> bool {
        self.by_id.get_mut(&id).is_some_and(|group| group.members.insert(conn))
    }
}
