//! The sources and feeds that there are, and what they hold now: those of the configuration, and those that are
//! there because a subscription needs them.
//!
//! Nothing here fetches: the server hands out what to fetch and brings in what came of it. A failure is never an
//! empty list: only a usable body within the bounds of its guard replaces what a source held.

mod demand;
mod feed;
mod guard;
mod history;
mod key;
mod operate;
mod request;
mod schedule;
mod snapshot;
mod source;
mod status;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub use feed::FeedChange;
pub use key::{FeedKey, SourceKey};
pub use source::{Size, SourceOutcome};
pub use status::{FeedStatus, HeldStatus, SourceState, SourceStatus, VersionStatus};

pub(crate) use operate::Refusal;
pub(crate) use snapshot::CatalogSnapshot;

use self::feed::{Feed, Recipe};
use self::schedule::Fetch;
use self::source::{Arrived, Candidate, Source};
use crate::config::{Config, RipestatConfig, SourceConfig, Subscription};
use crate::coverage::{self, Source as Fate};
use crate::feed::{FeedRecord, FetchRequest, SourceRecord, Validators, parse};
use crate::ids::{FeedId, SourceId};
use crate::rib::{Desired, View};
use crate::rng::Rng;
use crate::time::Instant;

/// All sources and feeds. **Invariant**: a source that the configuration does not name has at least one feed, and a
/// feed that it does not name has at least one holder.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    sources: BTreeMap<SourceId, Source>,
    source_ids: BTreeMap<SourceKey, SourceId>,
    feeds: BTreeMap<FeedId, Feed>,
    feed_ids: BTreeMap<FeedKey, FeedId>,
    next_source: u32,
    next_feed: u32,
    ripestat: RipestatConfig,
    feed_versions: usize,
    /// Sources that wait until fewer requests to web servers are under way. Some may be gone.
    queue: VecDeque<SourceId>,
    /// Sources with a request to a web server under way. Some may be gone: their requests count all the same.
    running: BTreeSet<SourceId>,
    /// Made since, and not yet asked.
    new_sources: Vec<SourceId>,
    /// To be rebuilt.
    dirty: BTreeSet<FeedId>,
    /// To be performed.
    requests: Vec<(SourceId, FetchRequest)>,
    /// Sources whose deadline is another one.
    moved: Vec<SourceId>,
}

/// The moment at which something happens, and the chance that it happens with.
#[derive(Debug)]
pub struct Tick<'a> {
    /// By the core's clock.
    pub now: Instant,
    /// By the wall's, in seconds since the Unix epoch.
    pub unix_secs: u64,
    /// For jitter.
    pub rng: &'a mut Rng,
}

/// A source that starts with what the store kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The source.
    pub name: String,
    /// When the body was fetched, in seconds since the Unix epoch.
    pub unix_secs: u64,
    /// Prefixes in it.
    pub prefixes: usize,
}

/// What a new configuration did.
#[derive(Debug, Default)]
pub struct Replaced {
    /// How many sources are asked because of it.
    pub asked: usize,
    /// What became of bodies that were held back, where their bounds or their form are others now.
    pub judged: Vec<(SourceId, SourceOutcome)>,
}

impl Catalog {
    /// Takes the sources, lists and feeds of `config`. What keeps its name keeps its id and what it holds. The feeds
    /// are rebuilt by [`rebuild_dirty`](Self::rebuild_dirty).
    pub fn replace(&mut self, config: &Config) -> Replaced {
        let is_other_ripestat = {
            let (old, new) = (&self.ripestat, &config.ripestat);
            (&old.url, &old.source_app, old.asn_data) != (&new.url, &new.source_app, new.asn_data)
        };
        self.ripestat = config.ripestat.clone();
        self.feed_versions = config.feed_versions;
        let mut replaced = Replaced::default();
        if is_other_ripestat {
            self.outdate_ripestat();
        }
        self.replace_sources(&config.sources, &mut replaced);
        self.replace_feeds(config);
        let is_wanted = |source: &&Source| {
            let location = &source.config.location;
            location.is_outside() && source.config.interval(&self.ripestat).is_none()
                || is_other_ripestat && source.is_ripestat()
                || source.schedule.fetch == Fetch::Outdated
        };
        let wanted =
            self.source_ids.values().filter(|id| self.sources.get(id).as_ref().is_some_and(is_wanted));
        self.new_sources.extend(wanted);
        self.new_sources.sort_unstable();
        self.new_sources.dedup();
        let is_outside =
            |id: &&SourceId| self.sources.get(id).is_some_and(|source| source.config.location.is_outside());
        replaced.asked = self.new_sources.iter().filter(is_outside).count();
        replaced
    }

    fn replace_sources(&mut self, configs: &[SourceConfig], replaced: &mut Replaced) {
        let names: BTreeSet<&str> = configs.iter().map(|config| config.name.as_str()).collect();
        let is_gone =
            |key: &&SourceKey| matches!(key, SourceKey::Named(name) if !names.contains(name.as_str()));
        let gone: Vec<SourceKey> = self.source_ids.keys().filter(is_gone).cloned().collect();
        for key in gone {
            self.remove_source(&key);
        }
        for config in configs {
            let key = SourceKey::Named(config.name.clone());
            match self.source_ids.get(&key) {
                Some(&id) => self.replace_source(id, config, replaced),
                None => drop(self.add_source(key, config.clone())),
            }
        }
    }

    /// A source that stays has another configuration, perhaps.
    fn replace_source(&mut self, id: SourceId, config: &SourceConfig, replaced: &mut Replaced) {
        let Some(source) = self.sources.get_mut(&id).filter(|source| source.config != *config) else {
            return;
        };
        let old = core::mem::replace(&mut source.config, config.clone());
        let is_other_place = old.location != config.location;
        let is_other_form = (&old.format, old.default_route) != (&config.format, config.default_route);
        self.dirty.extend(&source.feeds);
        self.new_sources.push(id);
        source.hold_inline();
        if is_other_place {
            coverage::hit(Fate::Moved);
            source.candidate = None;
        }
        if is_other_place || is_other_form {
            source.forget_validators();
            source.schedule.outdate();
        }
        if is_other_place || is_other_form || old.guard != config.guard {
            source.rejected = None;
            if let Some(candidate) = source.candidate.take() {
                coverage::hit(Fate::JudgedAgain);
                let outcome = source.judge_again(&candidate, &self.ripestat);
                replaced.judged.push((id, outcome));
            }
        }
    }

    /// RIPEstat is asked elsewhere, or for something else.
    fn outdate_ripestat(&mut self) {
        for source in self.sources.values_mut().filter(|source| source.is_ripestat()) {
            source.forget_validators();
            source.schedule.outdate();
        }
    }

    fn replace_feeds(&mut self, config: &Config) {
        let named = config.feeds.iter().map(|feed| (FeedKey::Named(feed.name.clone()), Recipe::named(feed)));
        let lists =
            config.asn_lists.iter().map(|list| (FeedKey::List(list.name.clone()), Recipe::list(list)));
        let recipes: BTreeMap<FeedKey, Recipe> = named.chain(lists).collect();
        let is_gone = |key: &&FeedKey| key.source().is_none() && !recipes.contains_key(key);
        let gone: Vec<FeedKey> = self.feed_ids.keys().filter(is_gone).cloned().collect();
        // In the order of the configuration, so that ids do not depend on names.
        let named = config.feeds.iter().map(|feed| FeedKey::Named(feed.name.clone()));
        let lists = config.asn_lists.iter().map(|list| FeedKey::List(list.name.clone()));
        for key in named.chain(lists) {
            let Some(recipe) = recipes.get(&key) else { continue };
            match self.feed_ids.get(&key) {
                Some(&id) => self.replace_feed(id, recipe),
                None => drop(self.add_feed(key, recipe.clone())),
            }
        }
        for key in gone {
            self.remove_feed(&key);
        }
    }

    fn replace_feed(&mut self, id: FeedId, recipe: &Recipe) {
        // Also where nothing differs: its sources may be other ones of the same names.
        self.dirty.insert(id);
        self.link(id, &recipe.sources());
        let old = self.feeds.get_mut(&id).map(|feed| core::mem::replace(&mut feed.recipe, recipe.clone()));
        let kept = recipe.sources();
        let old = old.map(|old| old.sources()).unwrap_or_default();
        let unused: Vec<SourceKey> = old.into_iter().filter(|key| !kept.contains(key)).collect();
        self.unlink(id, &unused);
    }

    /// Gives each source and feed what the store kept of it. To be called before anything is rebuilt. Returns the
    /// sources of the configuration that start with it.
    pub fn restore(&mut self, sources: &[SourceRecord], feeds: &[FeedRecord]) -> Vec<Restored> {
        let records: BTreeMap<&str, &SourceRecord> =
            sources.iter().map(|record| (record.name.as_str(), record)).collect();
        let mut restored = Vec::new();
        for source in self.sources.values_mut() {
            let name = format!("{}", source.key);
            let Some(record) = records.get(name.as_str()) else { continue };
            let is_named = matches!(source.key, SourceKey::Named(_));
            if let Some(prefixes) = source.restore(record, &self.ripestat)
                && is_named
            {
                restored.push(Restored { name, unix_secs: record.unix_secs, prefixes });
            }
        }
        let records: BTreeMap<&str, &FeedRecord> =
            feeds.iter().map(|record| (record.name.as_str(), record)).collect();
        for (&id, feed) in &mut self.feeds {
            if let Some(record) = records.get(format!("{}", feed.key).as_str()) {
                feed.restore(id, record);
            }
        }
        restored
    }

    /// Rebuilds every feed whose recipe or sources may be others; returns those that changed.
    pub fn rebuild_dirty(&mut self, unix_secs: u64) -> Vec<FeedChange> {
        let dirty = core::mem::take(&mut self.dirty);
        dirty.into_iter().filter_map(|id| self.rebuild(unix_secs, id)).collect()
    }

    /// The name of a source, and where it comes from.
    pub fn describe_source(&self, id: SourceId) -> Option<(String, String)> {
        let source = self.sources.get(&id)?;
        Some((format!("{}", source.key), source.config.location.origin()))
    }

    /// The feeds that a subscription asks for, ascending, none twice. Names that are no feeds are left out.
    pub fn find_feeds(&self, subscription: &Subscription) -> Vec<FeedId> {
        let named = subscription.feeds.iter().map(|name| FeedKey::Named(name.clone()));
        let lists = subscription.lists.iter().map(|name| FeedKey::List(name.clone()));
        let keys = named.chain(lists).chain(demand::demanded(subscription));
        let mut ids: Vec<FeedId> = keys.filter_map(|key| self.feed_ids.get(&key).copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The feed of the configuration with this name, if there is one.
    pub fn find_named(&self, name: &str) -> Vec<FeedId> {
        self.feed_ids.get(&FeedKey::Named(name.into())).copied().into_iter().collect()
    }

    /// What these feeds add up to now.
    pub fn desired(&self, feeds: &[FeedId]) -> Desired {
        let found: Vec<&Feed> = feeds.iter().filter_map(|id| self.feeds.get(id)).collect();
        Desired {
            is_loaded: found.iter().all(|feed| feed.is_loaded),
            view: Arc::new(View::new(found.iter().map(|feed| feed.table.clone()).collect())),
        }
    }
}

impl Source {
    fn is_ripestat(&self) -> bool {
        matches!(self.config.location.kind(), "ripestat" | "country")
    }

    /// What is held is not what its server would call unchanged.
    fn forget_validators(&mut self) {
        if let Some(held) = &mut self.held {
            held.validators = Validators::default();
        }
    }

    /// A body that was held back, after its bounds or its form became others.
    fn judge_again(&mut self, candidate: &Candidate, ripestat: &RipestatConfig) -> SourceOutcome {
        let Candidate { body, validators, unix_secs, .. } = candidate.clone();
        let format = self.config.body_format(ripestat);
        match parse(&format, &body, self.config.default_route).ok().filter(|list| list.bad <= list.total()) {
            Some(list) => {
                let outcome = self.judge(Arrived { body, validators, unix_secs }, list);
                // It was dropped already, and is pointless only if it is served now.
                match outcome {
                    SourceOutcome::Fresh { record, counts, bad, .. } => {
                        SourceOutcome::Fresh { record, counts, bad, is_superseding: true }
                    }
                    SourceOutcome::Held { served, held, reason, is_fatal, .. } => {
                        let is_news = reason != candidate.reason;
                        SourceOutcome::Held { served, held, reason, is_news, is_fatal }
                    }
                    outcome => outcome,
                }
            }
            None => SourceOutcome::Unchanged { bad: None, is_superseding: true },
        }
    }
}
