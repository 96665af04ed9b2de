//! Sources and feeds as they stand, for people.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::source::{Last, Size, Source};
use super::{Catalog, FeedKey, SourceKey};
use crate::ids::Serial;
use crate::time::Instant;

/// Where a source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// It has given nothing yet, and has not failed.
    Waiting,
    /// What it gave last is new and served.
    Fresh,
    /// What it gave last is as before, and served.
    Unchanged,
    /// What is served is older than its last answer: kept by the store from an earlier run, or from before it failed.
    Stale,
    /// It gave a body without a prefix, and nothing is served.
    Empty,
    /// It failed, and nothing is served.
    Failed,
    /// Its guard holds a body back; what it gave before is served.
    Held,
}

/// A source as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// Its name; `@as13335`, `@de` or `@url-` and a digest where it has none.
    pub name: String,
    /// `file`, `http`, `ripestat`, `country`, `inline`, or `url` for one that a peer brought.
    pub kind: &'static str,
    /// Where its bodies come from.
    pub origin: String,
    /// Where it stands.
    pub state: SourceState,
    /// Why its last answer was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Version of what is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<Serial>,
    /// When what is served was fetched, or last found to stand still, in seconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched_unix_secs: Option<u64>,
    /// IPv4 prefixes served.
    pub v4: usize,
    /// IPv6 prefixes served.
    pub v6: usize,
    /// What its guard holds back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldStatus>,
    /// Seconds until it is asked next; `None` while it is asked, and for one that is asked only on demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_fetch_secs: Option<u64>,
    /// Failures since its last usable answer.
    pub failures: u32,
    /// Sizes of the bodies that were served, the oldest first, at most 50.
    pub history: Vec<Size>,
}

/// A body that a guard holds back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldStatus {
    /// IPv4 prefixes in it.
    pub v4: usize,
    /// IPv6 prefixes in it.
    pub v6: usize,
    /// Which bound it breaks.
    pub reason: String,
    /// When it was fetched, in seconds since the Unix epoch.
    pub unix_secs: u64,
}

/// A feed as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedStatus {
    /// Its name; `@list-` and a list's name, `@as13335`, `@de` or `@url-` and a digest where it has none.
    pub name: String,
    /// `feed`, `list`, `asn`, `country` or `url`.
    pub kind: &'static str,
    /// Its version.
    pub serial: Serial,
    /// IPv4 prefixes in it.
    pub v4: usize,
    /// IPv6 prefixes in it.
    pub v6: usize,
    /// Whether all of its sources have given something once.
    pub is_loaded: bool,
    /// Whether one of its sources is neither fresh nor unchanged.
    pub is_stale: bool,
    /// Whether it was gone back, and does not follow its sources.
    pub is_pinned: bool,
    /// Its versions that are kept, the newest first.
    pub versions: Vec<VersionStatus>,
}

/// One version of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionStatus {
    /// Its number.
    pub serial: Serial,
    /// When it came to be, in seconds since the Unix epoch.
    pub unix_secs: u64,
    /// IPv4 prefixes in it.
    pub v4: usize,
    /// IPv6 prefixes in it.
    pub v6: usize,
}

impl Source {
    pub(super) fn state(&self) -> SourceState {
        if self.candidate.is_some() {
            return SourceState::Held;
        }
        match (&self.held, &self.last) {
            (Some(_), Last::Fresh) => SourceState::Fresh,
            (Some(_), Last::Unchanged) => SourceState::Unchanged,
            (Some(_), _) => SourceState::Stale,
            (None, Last::Empty(_)) => SourceState::Empty,
            (None, Last::Nothing) => SourceState::Waiting,
            (None, _) => SourceState::Failed,
        }
    }

    fn status(&self, now: Instant) -> SourceStatus {
        let held = self.held.as_ref();
        let (v4, v6) = held.map_or((0, 0), |held| held.list.counts());
        SourceStatus {
            name: format!("{}", self.key),
            kind: match &self.key {
                SourceKey::Url(_) => "url",
                _ => self.config.location.kind(),
            },
            origin: self.config.location.origin(),
            state: self.state(),
            error: match &self.last {
                Last::Failed(error) | Last::Empty(error) => Some(error.clone()),
                Last::Rejected => Some("it gives what an operator has rejected".into()),
                Last::Nothing | Last::Fresh | Last::Unchanged => None,
            },
            serial: held.map(|held| held.serial),
            // What stands in the configuration was never fetched.
            fetched_unix_secs: held.map(|held| held.unix_secs).filter(|_| self.config.location.is_outside()),
            v4,
            v6,
            held: self.candidate.as_ref().map(|candidate| {
                let (v4, v6) = candidate.list.counts();
                HeldStatus { v4, v6, reason: candidate.reason.clone(), unix_secs: candidate.unix_secs }
            }),
            next_fetch_secs: self.schedule.due.map(|due| due.saturating_since(now).as_secs()),
            failures: self.schedule.failures,
            history: self.sizes.iter().copied().collect(),
        }
    }
}

impl Catalog {
    /// Every source as it stands: those of the configuration first.
    pub(crate) fn source_statuses(&self, now: Instant) -> Vec<SourceStatus> {
        let ids = self.source_ids.values();
        ids.filter_map(|id| Some(self.sources.get(id)?.status(now))).collect()
    }

    /// Every feed as it stands: those of the configuration first.
    pub(crate) fn feed_statuses(&self) -> Vec<FeedStatus> {
        let ids = self.feed_ids.iter();
        ids.filter_map(|(key, id)| Some(self.feed_status(key, self.feeds.get(id)?))).collect()
    }

    fn feed_status(&self, key: &FeedKey, feed: &super::feed::Feed) -> FeedStatus {
        let is_current = |key: &SourceKey| {
            let source = self.source_ids.get(key).and_then(|id| self.sources.get(id));
            let state = source.map(Source::state);
            matches!(state, Some(SourceState::Fresh | SourceState::Unchanged))
        };
        FeedStatus {
            name: format!("{key}"),
            kind: key.kind(),
            serial: feed.table.serial(),
            v4: feed.table.count_v4(),
            v6: feed.table.count_v6(),
            is_loaded: feed.is_loaded,
            is_stale: !feed.recipe.sources().iter().all(is_current),
            is_pinned: feed.is_pinned,
            versions: feed
                .history
                .iter()
                .map(|version| VersionStatus {
                    serial: version.serial,
                    unix_secs: version.unix_secs,
                    v4: version.v4,
                    v6: version.v6,
                })
                .collect(),
        }
    }
}
