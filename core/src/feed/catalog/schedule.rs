//! When which source is asked. One request at a time for each source, and some at a time to web servers.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Catalog, Tick};
use crate::config::{Location, RipestatConfig, SourceConfig};
use crate::coverage::{self, Source as Fate};
use crate::feed::{FetchOutcome, FetchRequest, SourceOutcome};
use crate::ids::SourceId;
use crate::time::{Duration, Instant};

/// Where a source stands between two answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Schedule {
    pub(super) fetch: Fetch,
    /// When it is asked next; `None` while it is asked, and for one that is asked only on demand.
    pub(super) due: Option<Instant>,
    /// Failures since the last answer that was none.
    pub(super) failures: u32,
}

/// One request at a time is under way for a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fetch {
    #[default]
    Idle,
    /// As many requests to web servers are under way as there may be.
    Queued,
    Running,
    /// Somebody asked again meanwhile; what the running one brings may be older than that.
    RunningAndWanted,
    /// The source has another place or form by now: the answer is for nobody, and it is asked again after it.
    Outdated,
}

impl Catalog {
    /// Wants a new body of a source, now.
    pub(super) fn want(&mut self, id: SourceId) {
        let has_slot = self.has_slot();
        let Some(source) = self.sources.get_mut(&id).filter(|source| source.config.location.is_outside())
        else {
            return;
        };
        match source.schedule.fetch {
            Fetch::Idle => {}
            Fetch::Running => {
                coverage::hit(Fate::WantedMeanwhile);
                source.schedule.fetch = Fetch::RunningAndWanted;
                return;
            }
            Fetch::Queued | Fetch::RunningAndWanted | Fetch::Outdated => return,
        }
        if source.schedule.due.take().is_some() {
            self.moved.push(id);
        }
        if source.config.location.is_web() && !has_slot {
            coverage::hit(Fate::Queued);
            source.schedule.fetch = Fetch::Queued;
            self.queue.push_back(id);
            self.compact_queue();
        } else {
            self.ask(id);
        }
    }

    /// Wants every source that was made since, and lets those go that wait for a slot.
    fn advance(&mut self) {
        for id in core::mem::take(&mut self.new_sources) {
            self.want(id);
        }
        while self.has_slot() {
            let Some(id) = self.queue.pop_front() else { return };
            if self.sources.get(&id).is_some_and(|source| source.schedule.fetch == Fetch::Queued) {
                self.ask(id);
            }
        }
    }

    /// Hands out the request of a source.
    fn ask(&mut self, id: SourceId) {
        let Some(source) = self.sources.get_mut(&id) else { return };
        let validators = source.held.as_ref().map(|held| held.validators.clone()).unwrap_or_default();
        let Some(request) = super::request::request(&source.config, &self.ripestat, validators) else {
            return;
        };
        source.schedule.fetch = Fetch::Running;
        if source.config.location.is_web() {
            self.running.insert(id);
        }
        self.requests.push((id, request));
    }

    /// The deadline of a source has come.
    pub(crate) fn handle_due(&mut self, id: SourceId) {
        // One that was asked at this very moment has no deadline any more.
        if let Some(source) = self.sources.get_mut(&id)
            && source.schedule.due.take().is_some()
        {
            coverage::hit(Fate::Due);
            self.want(id);
        }
    }

    /// What came of a fetch. The source is asked again when it is time.
    pub fn handle_fetched(
        &mut self,
        tick: &mut Tick<'_>,
        id: SourceId,
        outcome: FetchOutcome,
    ) -> SourceOutcome {
        self.running.remove(&id);
        let Some(source) = self.sources.get_mut(&id) else {
            coverage::hit(Fate::Ignored);
            return SourceOutcome::Ignored { is_stale: true };
        };
        let is_wanted = match source.schedule.fetch {
            Fetch::Idle | Fetch::Queued => {
                coverage::hit(Fate::Ignored);
                return SourceOutcome::Ignored { is_stale: true };
            }
            Fetch::Outdated => {
                coverage::hit(Fate::Outdated);
                source.schedule.fetch = Fetch::Idle;
                self.want(id);
                return SourceOutcome::Ignored { is_stale: false };
            }
            Fetch::Running => false,
            Fetch::RunningAndWanted => true,
        };
        source.schedule.fetch = Fetch::Idle;
        let retry_secs = match &outcome {
            FetchOutcome::Busy { retry_secs, .. } => *retry_secs,
            _ => 0,
        };
        let outcome = source.take(tick.unix_secs, outcome, &self.ripestat);
        let wait = source.schedule.wait(tick, &source.config, &self.ripestat, &outcome, retry_secs);
        source.schedule.due = wait.map(|wait| tick.now + wait);
        self.moved.push(id);
        if is_wanted {
            self.want(id);
        }
        outcome
    }

    /// The requests to perform, each once.
    pub(crate) fn take_requests(&mut self) -> Vec<(SourceId, FetchRequest)> {
        self.advance();
        core::mem::take(&mut self.requests)
    }

    /// Deadlines that moved since this was asked last, with what they are now.
    pub(crate) fn take_moved(&mut self) -> Vec<(SourceId, Option<Instant>)> {
        let moved = core::mem::take(&mut self.moved);
        let due = |id: &SourceId| self.sources.get(id).and_then(|source| source.schedule.due);
        moved.into_iter().map(|id| (id, due(&id))).collect()
    }

    fn has_slot(&self) -> bool {
        self.running.len() < self.ripestat.parallel.max(1)
    }

    /// Sources that are gone leave their places: the queue is never much longer than there are sources.
    fn compact_queue(&mut self) {
        if self.queue.len() > 2 * self.sources.len() {
            let sources = &self.sources;
            self.queue.retain(|id| sources.contains_key(id));
        }
    }
}

impl Schedule {
    /// How long to wait after an answer; `None` until somebody asks.
    fn wait(
        &mut self,
        tick: &mut Tick<'_>,
        config: &SourceConfig,
        ripestat: &RipestatConfig,
        outcome: &SourceOutcome,
        retry_secs: u64,
    ) -> Option<Duration> {
        let every = config.interval(ripestat).map(|every| every.max(MIN_EVERY));
        if !outcome.is_failure() {
            self.failures = 0;
            return every.map(|every| tick.about(every));
        }
        let patience = match config.location {
            Location::File { .. } => MAX_FILE_BACK_OFF,
            _ => MAX_BACK_OFF,
        };
        let doublings = self.failures.min(MAX_DOUBLINGS);
        let back_off = FIRST_BACK_OFF.saturating_mul(1 << doublings).min(every.unwrap_or(patience));
        self.failures = self.failures.saturating_add(1);
        let asked = Duration::from_secs(retry_secs).min(MAX_RETRY);
        Some(tick.about(back_off).max(asked))
    }

    /// A request that is under way is for something else than the source is now.
    pub(super) fn outdate(&mut self) {
        if matches!(self.fetch, Fetch::Running | Fetch::RunningAndWanted) {
            self.fetch = Fetch::Outdated;
        }
    }
}

impl Tick<'_> {
    /// A tenth more or less, so that what began together does not stay together.
    fn about(&mut self, duration: Duration) -> Duration {
        let fraction = u32::try_from(self.rng.below(1 << 16)).unwrap_or(0);
        let tenth = duration / 10;
        duration.saturating_sub(tenth) + (tenth * 2).saturating_mul(fraction) / (1 << 16)
    }
}

/// Nothing is asked more often, whatever is configured.
const MIN_EVERY: Duration = Duration::from_secs(1);
/// The wait after a first failure; it doubles with each further one.
const FIRST_BACK_OFF: Duration = Duration::from_secs(10);
/// So often at most.
const MAX_DOUBLINGS: u32 = 20;
/// The longest wait after failures of a source without an interval.
const MAX_BACK_OFF: Duration = Duration::from_secs(600);
/// The same for a file, which costs nobody anything.
const MAX_FILE_BACK_OFF: Duration = Duration::from_secs(300);
/// The longest wait that a server may ask for.
const MAX_RETRY: Duration = Duration::from_secs(86_400);
