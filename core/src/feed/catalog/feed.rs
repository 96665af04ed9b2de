//! One feed: what it is made of, the version that is served, and those before.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Catalog;
use super::history::History;
use super::key::{FeedKey, SourceKey};
use super::source::Source;
use crate::config::{Aggregate, AsnListConfig, Expr, FeedConfig};
use crate::coverage::{self, Feed as Fate};
use crate::feed::{FeedPart, FeedRecord, FeedTable, evaluate};
use crate::ids::{FeedId, Serial, SourceId};
use crate::rib::TagSet;
use crate::wire::{Community, LargeCommunity};

#[derive(Clone, Debug)]
pub(super) struct Feed {
    pub(super) key: FeedKey,
    pub(super) recipe: Recipe,
    /// The version that is served.
    pub(super) table: Arc<FeedTable>,
    /// Whether it was complete once: from then on it keeps its last complete version until it is complete again.
    pub(super) is_loaded: bool,
    /// Gone back to by hand: it does not follow its sources.
    pub(super) is_pinned: bool,
    pub(super) history: History,
    /// How many subscriptions need it, where it is not of the configuration.
    pub(super) holders: usize,
}

/// What a feed is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) content: Content,
    communities: Vec<Community>,
    large_communities: Vec<LargeCommunity>,
    aggregate: Aggregate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Sources of the configuration.
    Expr(Expr),
    /// The union of sources that are there because they are asked for.
    Union(Vec<SourceKey>),
}

/// A feed with a new table, or one that has loaded.
#[derive(Clone, Debug)]
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
    /// To be kept over restarts. One that was never complete follows from what is kept of its sources.
    pub record: Option<FeedRecord>,
}

impl Recipe {
    pub(super) fn named(config: &FeedConfig) -> Self {
        Self {
            content: Content::Expr(config.expr.clone()),
            communities: config.communities.clone(),
            large_communities: config.large_communities.clone(),
            aggregate: config.aggregate,
        }
    }

    pub(super) fn list(config: &AsnListConfig) -> Self {
        let mut asns = config.asns.clone();
        asns.sort_unstable();
        asns.dedup();
        Self {
            content: Content::Union(asns.into_iter().map(SourceKey::Asn).collect()),
            communities: config.communities.clone(),
            large_communities: config.large_communities.clone(),
            aggregate: Aggregate::default(),
        }
    }

    pub(super) fn single(source: SourceKey) -> Self {
        Self {
            content: Content::Union(Vec::from([source])),
            communities: Vec::new(),
            large_communities: Vec::new(),
            aggregate: Aggregate::default(),
        }
    }

    /// The sources it needs, each as often as it stands there.
    pub(super) fn sources(&self) -> Vec<SourceKey> {
        match &self.content {
            Content::Expr(expr) => {
                expr.sources().into_iter().map(|name| SourceKey::Named(name.into())).collect()
            }
            Content::Union(sources) => sources.clone(),
        }
    }

    /// The table that the sources make now, and whether all of them were there.
    fn build(&self, id: FeedId, serial: Serial, sources: &Sources<'_>) -> (FeedTable, bool) {
        let own = TagSet::new(self.communities.clone(), self.large_communities.clone());
        match &self.content {
            Content::Expr(expr) => {
                let lookup = |name: &str| sources.part(&SourceKey::Named(name.into()), &own);
                let evaluated = evaluate(expr, &lookup);
                let parts = evaluated.parts.iter();
                let parts: Vec<_> = parts
                    .map(|part| FeedPart { set4: &part.set4, set6: &part.set6, tags: part.tags.clone() })
                    .collect();
                (FeedTable::build(id, serial, &parts, self.aggregate), evaluated.is_complete)
            }
            Content::Union(keys) => {
                let parts: Vec<_> = keys.iter().filter_map(|key| sources.part(key, &own)).collect();
                (FeedTable::build(id, serial, &parts, self.aggregate), parts.len() == keys.len())
            }
        }
    }
}

/// Where the sources of a feed are found.
struct Sources<'a> {
    by_id: &'a BTreeMap<SourceId, Source>,
    ids: &'a BTreeMap<SourceKey, SourceId>,
}

impl<'a> Sources<'a> {
    /// What a source gives, tagged as it is and as the feed is.
    fn part(&self, key: &SourceKey, own: &TagSet) -> Option<FeedPart<'a>> {
        let source = self.by_id.get(self.ids.get(key)?)?;
        let list = &source.held.as_ref()?.list;
        let config = &source.config;
        let tags = own.union(&TagSet::new(config.communities.clone(), config.large_communities.clone()));
        Some(FeedPart { set4: &list.v4, set6: &list.v6, tags: Arc::new(tags) })
    }
}

impl Feed {
    pub(super) fn new(key: FeedKey, recipe: Recipe, id: FeedId) -> Self {
        let table = Arc::new(FeedTable::build(id, Serial(0), &[], recipe.aggregate));
        Self {
            key,
            recipe,
            table,
            is_loaded: false,
            is_pinned: false,
            history: History::default(),
            holders: 0,
        }
    }

    /// Takes what the store kept, if nothing has been served yet.
    pub(super) fn restore(&mut self, id: FeedId, record: &FeedRecord) {
        if self.table.serial() == Serial(0) {
            coverage::hit(Fate::Restored);
            self.table = Arc::new(record.table.with_version(id, record.table.serial()));
            self.history = History::new(record.versions.clone());
            (self.is_loaded, self.is_pinned) = (true, record.is_pinned);
        }
    }

    /// Serves a table as the next version.
    pub(super) fn serve(&mut self, table: FeedTable, unix_secs: u64, versions: usize) {
        let table = Arc::new(table);
        self.history.push(&self.table, &table, unix_secs, versions);
        self.table = table;
    }

    pub(super) fn next_serial(&self) -> Serial {
        Serial(self.table.serial().0 + 1)
    }

    pub(super) fn change(&self, id: FeedId, has_new_routes: bool) -> FeedChange {
        FeedChange {
            id,
            name: format!("{}", self.key),
            serial: self.table.serial(),
            counts: (self.table.count_v4(), self.table.count_v6()),
            has_new_routes,
            record: self.is_loaded.then(|| self.record()),
        }
    }

    pub(super) fn record(&self) -> FeedRecord {
        FeedRecord {
            name: format!("{}", self.key),
            table: self.table.clone(),
            versions: self.history.iter().cloned().collect(),
            is_pinned: self.is_pinned,
        }
    }
}

impl Catalog {
    /// Rebuilds the feeds that contain a source; returns those that changed.
    pub fn rebuild_feeds_of(&mut self, unix_secs: u64, source: SourceId) -> Vec<FeedChange> {
        let feeds = self.sources.get(&source).map(|source| source.feeds.clone()).unwrap_or_default();
        feeds.into_iter().filter_map(|id| self.rebuild(unix_secs, id)).collect()
    }

    /// Brings a feed in line with its sources.
    pub(super) fn rebuild(&mut self, unix_secs: u64, id: FeedId) -> Option<FeedChange> {
        let feed = self.feeds.get_mut(&id)?;
        if feed.is_pinned {
            coverage::hit(Fate::Pinned);
            return None;
        }
        let sources = Sources { by_id: &self.sources, ids: &self.source_ids };
        let (table, is_complete) = feed.recipe.build(id, feed.next_serial(), &sources);
        if feed.is_loaded && !is_complete {
            coverage::hit(Fate::KeptComplete);
            return None;
        }
        let has_new_routes = !table.same_routes(&feed.table);
        let has_loaded = is_complete && !feed.is_loaded;
        feed.is_loaded = is_complete;
        if has_new_routes {
            coverage::hit(Fate::NewRoutes);
            feed.serve(table, unix_secs, self.feed_versions);
        } else if has_loaded {
            coverage::hit(Fate::LoadedOnly);
        } else {
            coverage::hit(Fate::Nothing);
            return None;
        }
        Some(feed.change(id, has_new_routes))
    }
}
