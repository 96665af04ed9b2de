//! What one established peer has been told, as plain data: views by the versions of their feeds, and a run as
//! what it is about and how much of it is out.

use alloc::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Outbound, Run};
use crate::config::Families;
use crate::ids::{FeedId, Serial};
use crate::rib::shelf::{Shelf, ViewKeys};
use crate::rib::{GroupId, ImageCache, Plan, WireProfile};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::server) struct OutboundSnapshot {
    pub(in crate::server) group: GroupId,
    told: ViewKeys,
    run: Option<RunSnapshot>,
    recoded: Families,
    gained: Families,
    refresh: Families,
    end_of_rib: Families,
    has_enhanced_refresh: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct RunSnapshot {
    target: ViewKeys,
    refresh: Families,
    resend: bool,
    #[serde(default)]
    withdraw_first: bool,
    profile: WireProfile,
    /// Octets of the run's image that are out.
    octets: usize,
}

impl Outbound {
    pub(in crate::server) fn snapshot(&self, images: &ImageCache, shelf: &mut Shelf) -> OutboundSnapshot {
        let run = self.run.as_ref().map(|run| RunSnapshot {
            target: shelf.put_view(&run.target),
            refresh: run.refresh,
            resend: run.resend,
            withdraw_first: run.withdraw_first,
            profile: WireProfile::clone(&run.profile),
            octets: images.position(&run.cursor),
        });
        OutboundSnapshot {
            group: self.group,
            told: shelf.put_view(&self.told),
            run,
            recoded: self.recoded,
            gained: self.gained,
            refresh: self.refresh,
            end_of_rib: self.end_of_rib,
            has_enhanced_refresh: self.has_enhanced_refresh,
        }
    }

    /// The outbound of a snapshot; otherwise the table that is missing.
    pub(in crate::server) fn restore(
        snapshot: OutboundSnapshot,
        images: &mut ImageCache,
        shelf: &mut Shelf,
    ) -> Result<Self, (FeedId, Serial)> {
        let told = shelf.find_view(&snapshot.told)?;
        let run = match snapshot.run {
            Some(RunSnapshot { target, refresh, resend, withdraw_first, profile, octets }) => {
                let (target, profile) = (shelf.find_view(&target)?, Arc::new(profile));
                let plan = Plan {
                    told: told.clone(),
                    current: target.clone(),
                    resend,
                    withdraw_first,
                    profile: profile.clone(),
                };
                let cursor = images.open_at(plan, octets);
                Some(Run { cursor, target, refresh, resend, withdraw_first, profile })
            }
            None => None,
        };
        Ok(Self {
            group: snapshot.group,
            told,
            run,
            recoded: snapshot.recoded,
            gained: snapshot.gained,
            refresh: snapshot.refresh,
            end_of_rib: snapshot.end_of_rib,
            has_enhanced_refresh: snapshot.has_enhanced_refresh,
        })
    }
}
