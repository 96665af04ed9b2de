//! The sources and feeds of the configuration, and what they hold now.
//!
//! Nothing here fetches: the server asks what to fetch and hands in what came of it. A failure is never an
//! empty list: only a usable body replaces what a source held.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::config::{Config, FeedConfig, Location, SourceConfig};
use crate::coverage::{self, Source as Fate};
use crate::feed::{
    BadLine, FeedPart, FeedTable, FetchOutcome, FetchRequest, ParsedList, PrefixSet, SourceRecord,
    Validators, parse_lines,
};
use crate::ids::{FeedId, Serial, SourceId};
use crate::rib::{AnyPrefix, Desired, TagSet, View};

mod snapshot;

pub(crate) use snapshot::CatalogSnapshot;

/// All sources and feeds.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    sources: BTreeMap<SourceId, Source>,
    feeds: BTreeMap<FeedId, Feed>,
    next_source: u32,
    next_feed: u32,
}

#[derive(Clone, Debug)]
struct Source {
    config: SourceConfig,
    held: Option<Held>,
    fetch: Fetch,
}

/// A source's last good body, parsed.
#[derive(Clone, Debug)]
struct Held {
    list: Arc<ParsedList>,
    serial: Serial,
}

/// One request at a time is under way for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fetch {
    Idle,
    Running,
    /// Somebody asked again meanwhile; what the running one brings may be older than that.
    RunningAndWanted,
}

#[derive(Clone, Debug)]
struct Feed {
    config: FeedConfig,
    table: Arc<FeedTable>,
    is_loaded: bool,
}

/// What came of a fetch.
#[derive(Debug, PartialEq, Eq)]
pub enum SourceOutcome {
    /// The source is gone from the configuration, or had not asked.
    Ignored,
    /// Usable, and as before.
    Unchanged {
        /// Lines that are no prefixes, where they differ from before: how many, and the first few.
        bad: Option<(usize, Vec<BadLine>)>,
    },
    /// Usable and new.
    Fresh {
        /// To be kept over restarts.
        record: SourceRecord,
        /// IPv4 and IPv6 prefixes in it.
        counts: (usize, usize),
        /// Lines that are no prefixes: how many, and the first few.
        bad: (usize, Vec<BadLine>),
    },
    /// Not usable.
    Failed {
        /// Why, with the place.
        error: String,
        /// Prefixes still held from before.
        kept: usize,
        /// Nothing is held, and the source is required.
        is_fatal: bool,
    },
}

/// A feed with a new table, or one that has loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedChange {
    /// The feed.
    pub id: FeedId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub serial: Serial,
    /// IPv4 and IPv6 prefixes in it.
    pub counts: (usize, usize),
    /// Whether its routes differ from before; otherwise it has just loaded.
    pub has_new_routes: bool,
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

impl Catalog {
    /// Takes the sources and feeds of `config`. What keeps its name keeps its id and what it holds. Returns the
    /// feeds that changed by it.
    pub fn replace(&mut self, config: &Config) -> Vec<FeedChange> {
        self.replace_sources(&config.sources);
        self.replace_feeds(&config.feeds);
        self.rebuild_all()
    }

    fn replace_sources(&mut self, configs: &[SourceConfig]) {
        let old = core::mem::take(&mut self.sources);
        let mut old: BTreeMap<String, (SourceId, Source)> =
            old.into_iter().map(|(id, source)| (source.config.name.clone(), (id, source))).collect();
        for config in configs {
            let (id, mut source) = old.remove(&config.name).unwrap_or_else(|| {
                self.next_source += 1;
                (
                    SourceId(self.next_source),
                    Source { config: config.clone(), held: None, fetch: Fetch::Idle },
                )
            });
            source.config = config.clone();
            if let Location::Inline { prefixes } = &config.location {
                source.hold_inline(prefixes);
            }
            self.sources.insert(id, source);
        }
    }

    fn replace_feeds(&mut self, configs: &[FeedConfig]) {
        let old = core::mem::take(&mut self.feeds);
        let mut old: BTreeMap<String, (FeedId, Feed)> =
            old.into_iter().map(|(id, feed)| (feed.config.name.clone(), (id, feed))).collect();
        for config in configs {
            let (id, mut feed) = old.remove(&config.name).unwrap_or_else(|| {
                self.next_feed += 1;
                let id = FeedId(self.next_feed);
                let table = Arc::new(FeedTable::build(id, Serial(0), &[], config.aggregate));
                (id, Feed { config: config.clone(), table, is_loaded: false })
            });
            feed.config = config.clone();
            self.feeds.insert(id, feed);
        }
    }

    /// Gives each source what the store kept of it. Returns the feeds that changed by it.
    pub fn restore(&mut self, records: &[SourceRecord]) -> (Vec<Restored>, Vec<FeedChange>) {
        let mut restored = Vec::new();
        for source in self.sources.values_mut().filter(|source| source.held.is_none()) {
            let Some(record) = records.iter().find(|record| record.name == source.config.name) else {
                continue;
            };
            coverage::hit(Fate::Restored);
            let list = parse_lines(&record.body);
            restored.push(Restored {
                name: record.name.clone(),
                unix_secs: record.unix_secs,
                prefixes: list.v4.len() + list.v6.len(),
            });
            source.held = Some(Held { list: Arc::new(list), serial: record.serial });
        }
        (restored, self.rebuild_all())
    }

    /// The sources that come from outside.
    pub fn fetchable(&self) -> impl Iterator<Item = SourceId> + use<'_> {
        let is_outside = |source: &Source| matches!(source.config.location, Location::File { .. });
        self.sources.iter().filter(move |(_, source)| is_outside(source)).map(|(&id, _)| id)
    }

    /// Wants a new body of a source: what to fetch now, or `None` while a fetch is under way (it will be
    /// repeated) and for sources that need none.
    pub fn want(&mut self, id: SourceId) -> Option<FetchRequest> {
        let source = self.sources.get_mut(&id)?;
        let Location::File { path } = &source.config.location else {
            return None;
        };
        if source.fetch != Fetch::Idle {
            coverage::hit(Fate::WantedMeanwhile);
            source.fetch = Fetch::RunningAndWanted;
            return None;
        }
        source.fetch = Fetch::Running;
        Some(FetchRequest::File { path: path.clone(), max_bytes: MAX_BODY_BYTES })
    }

    /// What came of a fetch; then, when it was wanted again meanwhile, the next one.
    pub fn handle_fetched(
        &mut self,
        id: SourceId,
        unix_secs: u64,
        outcome: FetchOutcome,
    ) -> (SourceOutcome, Option<FetchRequest>) {
        let Some(source) = self.sources.get_mut(&id).filter(|source| source.fetch != Fetch::Idle) else {
            coverage::hit(Fate::Ignored);
            return (SourceOutcome::Ignored, None);
        };
        let is_wanted = source.fetch == Fetch::RunningAndWanted;
        source.fetch = Fetch::Idle;
        let outcome = source.take(unix_secs, outcome);
        (outcome, if is_wanted { self.want(id) } else { None })
    }

    /// Rebuilds the feeds that contain a source; returns those that changed.
    pub fn rebuild_feeds_of(&mut self, source: SourceId) -> Vec<FeedChange> {
        let Some(source) = self.sources.get(&source) else {
            return Vec::new();
        };
        let has_source = |feed: &Feed| feed.config.expr.names(&source.config.name);
        let ids: Vec<FeedId> =
            self.feeds.iter().filter(|(_, feed)| has_source(feed)).map(|(&id, _)| id).collect();
        ids.into_iter().filter_map(|id| self.rebuild(id)).collect()
    }

    /// The name of a source, and where it comes from.
    pub fn describe_source(&self, id: SourceId) -> Option<(&str, &str)> {
        let source = self.sources.get(&id)?;
        Some((&source.config.name, source.config.location.describe()))
    }

    /// The ids of feeds by name, sorted, none twice; names that are no feeds are left out.
    pub fn find_feeds(&self, names: &[String]) -> Vec<FeedId> {
        let is_named = |feed: &Feed| names.contains(&feed.config.name);
        self.feeds.iter().filter(|(_, feed)| is_named(feed)).map(|(&id, _)| id).collect()
    }

    /// What these feeds add up to now.
    pub fn desired(&self, feeds: &[FeedId]) -> Desired {
        let found: Vec<&Feed> = feeds.iter().filter_map(|id| self.feeds.get(id)).collect();
        Desired {
            is_loaded: found.iter().all(|feed| feed.is_loaded),
            view: Arc::new(View::new(found.iter().map(|feed| feed.table.clone()).collect())),
        }
    }

    fn rebuild_all(&mut self) -> Vec<FeedChange> {
        let all: Vec<FeedId> = self.feeds.keys().copied().collect();
        all.into_iter().filter_map(|id| self.rebuild(id)).collect()
    }

    fn rebuild(&mut self, id: FeedId) -> Option<FeedChange> {
        let feed = self.feeds.get_mut(&id)?;
        let tags =
            Arc::new(TagSet::new(feed.config.communities.clone(), feed.config.large_communities.clone()));
        let sources = self.sources.values().filter(|source| feed.config.expr.names(&source.config.name));
        let mut parts = Vec::new();
        let mut is_loaded = true;
        for source in sources {
            match &source.held {
                Some(Held { list, .. }) => {
                    parts.push(FeedPart { set4: &list.v4, set6: &list.v6, tags: tags.clone() });
                }
                None => is_loaded = false,
            }
        }
        let serial = Serial(feed.table.serial().0 + 1);
        let table = FeedTable::build(id, serial, &parts, feed.config.aggregate);
        let has_new_routes = !table.same_routes(&feed.table);
        if has_new_routes {
            coverage::hit(coverage::Feed::NewRoutes);
            feed.table = Arc::new(table);
        } else if is_loaded == feed.is_loaded {
            coverage::hit(coverage::Feed::Nothing);
            return None;
        } else {
            coverage::hit(coverage::Feed::LoadedOnly);
        }
        feed.is_loaded = is_loaded;
        Some(FeedChange {
            id,
            name: feed.config.name.clone(),
            serial: feed.table.serial(),
            counts: (feed.table.count_v4(), feed.table.count_v6()),
            has_new_routes,
        })
    }
}

impl Source {
    fn hold_inline(&mut self, prefixes: &[AnyPrefix]) {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for prefix in prefixes {
            match *prefix {
                AnyPrefix::V4(prefix) => v4.push(prefix),
                AnyPrefix::V6(prefix) => v6.push(prefix),
            }
        }
        let list = ParsedList {
            v4: PrefixSet::from_prefixes(v4),
            v6: PrefixSet::from_prefixes(v6),
            ..ParsedList::default()
        };
        self.held = Some(Held { list: Arc::new(list), serial: Serial(0) });
    }

    fn take(&mut self, unix_secs: u64, outcome: FetchOutcome) -> SourceOutcome {
        let body = match outcome {
            FetchOutcome::Body(body) | FetchOutcome::Validated { body, .. } => body,
            FetchOutcome::Unchanged if self.held.is_some() => {
                coverage::hit(Fate::Unchanged);
                return SourceOutcome::Unchanged { bad: None };
            }
            FetchOutcome::Unchanged => {
                coverage::hit(Fate::UnchangedWithoutBody);
                return self.fail("the source says unchanged, but nothing is held".into());
            }
            FetchOutcome::Failed(error) | FetchOutcome::Busy { error, .. } => {
                coverage::hit(Fate::Failed);
                return self.fail(error);
            }
        };
        let list = parse_lines(&body);
        let good = list.v4.len() + list.v6.len();
        if list.bad > good || good == 0 {
            coverage::hit(if list.bad == 0 { Fate::Empty } else { Fate::Garbled });
            return self.fail(unusable(self.config.location.describe(), &list));
        }
        let bad = (list.bad, list.first_bad.clone());
        if let Some(old) = &mut self.held
            && (&old.list.v4, &old.list.v6) == (&list.v4, &list.v6)
        {
            coverage::hit(Fate::Same);
            let is_news = bad.0 > 0 && bad != (old.list.bad, old.list.first_bad.clone());
            old.list = Arc::new(list);
            return SourceOutcome::Unchanged { bad: is_news.then_some(bad) };
        }
        coverage::hit(if self.held.is_none() { Fate::First } else { Fate::Fresh });
        let serial = Serial(self.held.as_ref().map_or(0, |old| old.serial.0) + 1);
        let outcome = SourceOutcome::Fresh {
            record: SourceRecord {
                name: self.config.name.clone(),
                serial,
                unix_secs,
                validators: Validators::default(),
                body,
            },
            counts: (list.v4.len(), list.v6.len()),
            bad,
        };
        self.held = Some(Held { list: Arc::new(list), serial });
        outcome
    }

    fn fail(&self, error: String) -> SourceOutcome {
        let kept = self.held.as_ref().map_or(0, |held| held.list.v4.len() + held.list.v6.len());
        let is_fatal = self.config.required && self.held.is_none();
        coverage::hit(if is_fatal { Fate::Fatal } else { Fate::Survived });
        SourceOutcome::Failed { error, kept, is_fatal }
    }
}

/// Why a body with too little in it is not taken.
fn unusable(origin: &str, list: &ParsedList) -> String {
    match list.first_bad.first() {
        Some(bad) => {
            let good = list.v4.len() + list.v6.len();
            format!(
                "{origin}: {} lines are no prefixes and {good} are; the first is line {}: {bad}",
                list.bad, bad.line
            )
        }
        None => format!("{origin}: holds no prefix"),
    }
}

impl Location {
    /// The place, for messages.
    pub fn describe(&self) -> &str {
        match self {
            Self::File { path } => path,
            Self::Inline { .. } => "the configuration",
            Self::Http(location) => &location.url,
            Self::Ripestat { .. } | Self::Country { .. } => "RIPEstat",
        }
    }
}

/// A list of a million prefixes has about 20 MB.
const MAX_BODY_BYTES: u64 = 256 << 20;
