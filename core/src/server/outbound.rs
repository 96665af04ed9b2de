//! What one established peer has been told, and what it is being told.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::config::Families;
use crate::coverage::{self, Outbound as Path, Shape};
use crate::rib::{Cursor, Group, GroupId, ImageCache, Plan, Progress, View, WireProfile, limit};
use crate::server::{Batch, Chunk};
use crate::wire::{AfiSafi, Attribute, RefreshKind, RouteRefresh, Update, WireParams};

mod snapshot;

pub(super) use snapshot::OutboundSnapshot;

/// A peer's Adj-RIB-Out: the view it was told, never a table of its own.
///
/// One run is on its way at most: from `told` to what the group had when the run began. Whatever changes
/// meanwhile, how often so ever, is one difference afterwards.
#[derive(Clone, Debug)]
pub(super) struct Outbound {
    pub(super) group: GroupId,
    told: Arc<View>,
    run: Option<Run>,
    /// Families of which all must be said again, since their next hop changed.
    recoded: Families,
    /// Families that the peer was told nothing of, since they had no next hop before.
    gained: Families,
    /// Families whose routes the peer asked for again.
    refresh: Families,
    /// Families whose End-of-RIB is still to be said.
    end_of_rib: Families,
    has_enhanced_refresh: bool,
}

#[derive(Clone, Debug)]
struct Run {
    cursor: Cursor,
    target: Arc<View>,
    /// Families whose refresh this run is.
    refresh: Families,
    /// With `told` and `target`, what the cursor's [`Plan`] was made of.
    resend: bool,
    withdraw_first: bool,
    profile: Arc<WireProfile>,
}

impl Outbound {
    pub(super) fn new(group: GroupId, families: Families, has_enhanced_refresh: bool) -> Self {
        Self {
            group,
            told: Arc::new(View::empty()),
            run: None,
            recoded: Families::NONE,
            gained: Families::NONE,
            refresh: Families::NONE,
            end_of_rib: families,
            has_enhanced_refresh,
        }
    }

    /// What the peer has been told in full.
    pub(super) const fn told(&self) -> &Arc<View> {
        &self.told
    }

    /// Whether the peer has been told all that `group` has.
    pub(super) fn is_in_sync(&self, group: &Group) -> bool {
        let is_said = self.recoded.union(self.gained).union(self.refresh).is_empty();
        self.run.is_none() && is_said && self.told == *group.current()
    }

    /// The peer moved to another group, where routes of the families `recoded` look different, and those of the
    /// families `gained` are said for the first time.
    pub(super) fn handle_regroup(&mut self, group: GroupId, recoded: Families, gained: Families) {
        coverage::hit(if self.run.is_some() { Path::RegroupDuringRun } else { Path::RegroupBetweenRuns });
        self.group = group;
        if self.run.is_none() && self.told.tables().is_empty() {
            // Nothing has been said, so nothing need be said again.
            return;
        }
        self.recoded = self.recoded.union(recoded);
        self.gained = self.gained.union(gained);
    }

    /// The peer asks for a family again. However often it asks, one refresh runs and one waits.
    pub(super) fn handle_refresh(&mut self, family: AfiSafi) {
        coverage::hit(match &self.run {
            _ if !self.refresh.is_empty() => Path::RefreshAgain,
            Some(_) => Path::RefreshDuringRun,
            None => Path::RefreshBetweenRuns,
        });
        self.refresh.v4 |= family == AfiSafi::IPV4_UNICAST;
        self.refresh.v6 |= family == AfiSafi::IPV6_UNICAST;
    }

    /// Gives up the run; the peer is gone.
    pub(super) fn close(self, images: &mut ImageCache) {
        coverage::hit(if self.run.is_some() { Path::ClosedDuringRun } else { Path::ClosedBetweenRuns });
        if let Some(run) = self.run {
            images.close(run.cursor);
        }
    }

    /// Adds up to about `budget` bytes to `batch`; nothing when all is said.
    pub(super) fn poll(&mut self, group: &Group, images: &mut ImageCache, batch: &mut Batch, budget: usize) {
        while batch.len() < budget {
            if let Some(mut run) = self.run.take() {
                match images.poll(&mut run.cursor, batch, budget - batch.len()) {
                    Progress::More => self.run = Some(run),
                    Progress::Done => self.finish(run, images, batch),
                }
            } else if !self.start(group, images, batch) {
                return;
            }
        }
    }

    /// Begins the next thing to say; `false` when there is none.
    fn start(&mut self, group: &Group, images: &mut ImageCache, batch: &mut Batch) -> bool {
        let profile = &group.key().profile;
        if self.told != *group.current() {
            coverage::hit(Path::Difference);
            let profile = narrowed(profile, profile.families.difference(self.gained));
            self.run(group, images, profile, false, Families::NONE);
            return true;
        }
        let unsaid = core::mem::take(&mut self.recoded).union(core::mem::take(&mut self.gained));
        if !unsaid.is_empty() {
            coverage::hit(Path::Recoded);
            self.run(group, images, narrowed(profile, unsaid), true, Families::NONE);
            return true;
        }
        if !self.refresh.is_empty() {
            let refresh = core::mem::take(&mut self.refresh);
            coverage::hit(if self.has_enhanced_refresh {
                Path::RefreshMarked
            } else {
                Path::RefreshUnmarked
            });
            self.mark(refresh, RefreshKind::Begin, batch);
            self.run(group, images, narrowed(profile, refresh), true, refresh);
            return true;
        }
        if group.is_loaded() && !self.end_of_rib.is_empty() {
            coverage::hit(Path::EndOfRib);
            push_end_of_rib(core::mem::take(&mut self.end_of_rib), batch);
            return true;
        }
        coverage::hit(if self.end_of_rib.is_empty() { Path::Silent } else { Path::EndOfRibHeld });
        false
    }

    fn run(
        &mut self,
        group: &Group,
        images: &mut ImageCache,
        profile: Arc<WireProfile>,
        resend: bool,
        refresh: Families,
    ) {
        let target = group.current().clone();
        let withdraw_first = self.must_withdraw_first(group);
        let plan = Plan {
            told: self.told.clone(),
            current: target.clone(),
            resend,
            withdraw_first,
            profile: profile.clone(),
        };
        self.run = Some(Run { cursor: images.open(plan), target, refresh, resend, withdraw_first, profile });
    }

    /// Whether the peer would have more than it takes for a moment, if withdrawals came last as they do otherwise. To
    /// be without a route for that moment is then the lesser evil: beyond its limit, a router drops the session.
    fn must_withdraw_first(&self, group: &Group) -> bool {
        let Some((max, _)) = group.key().shape.limit else {
            return false;
        };
        let families = group.key().profile.served();
        let must = limit::is_exceeded_between(&self.told, group.current(), families, max as usize);
        if must {
            coverage::hit(Shape::WithdrawFirst);
        }
        must
    }

    fn finish(&mut self, run: Run, images: &mut ImageCache, batch: &mut Batch) {
        images.close(run.cursor);
        self.told = run.target;
        self.mark(run.refresh, RefreshKind::End, batch);
    }

    /// RFC 7313 4: a refresh stands between BoRR and EoRR, where both sides know them.
    fn mark(&self, families: Families, kind: RefreshKind, batch: &mut Batch) {
        if self.has_enhanced_refresh {
            let mut bytes = Vec::new();
            for family in families.iter() {
                RouteRefresh { family, kind }.encode(&mut bytes);
            }
            batch.push(Chunk::Owned(bytes));
        }
    }
}

/// The profile for these families alone.
fn narrowed(profile: &Arc<WireProfile>, families: Families) -> Arc<WireProfile> {
    let families = profile.families.intersection(families);
    if families == profile.families {
        return Arc::clone(profile);
    }
    Arc::new(WireProfile { families, ..WireProfile::clone(profile) })
}

/// RFC 4724 2: an UPDATE without content for IPv4, an empty MP_UNREACH_NLRI for IPv6.
fn push_end_of_rib(families: Families, batch: &mut Batch) {
    let mut bytes = Vec::new();
    for family in families.iter() {
        let mut update = Update::default();
        if family == AfiSafi::IPV6_UNICAST {
            update.attributes.push(Attribute::MpUnreach { prefixes: Vec::new() });
        }
        update.encode(WireParams::default(), &mut bytes);
    }
    batch.push(Chunk::Owned(bytes));
}
