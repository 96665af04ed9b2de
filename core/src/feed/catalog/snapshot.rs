//! All sources and feeds as plain data. Their configurations are the server's own data.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Catalog;
use super::feed::{Feed, Recipe};
use super::history::History;
use super::key::{FeedKey, SourceKey};
use super::schedule::Schedule;
use super::source::{Candidate, Held, Last, Size, Source};
use crate::config::{Config, SourceConfig};
use crate::feed::ParsedList;
use crate::ids::{FeedId, Serial, SourceId};
use crate::rib::shelf::Shelf;
use crate::server::SnapshotError;
use crate::time::Instant;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CatalogSnapshot {
    sources: Vec<SourceSnapshot>,
    feeds: Vec<FeedSnapshot>,
    next_source: u32,
    next_feed: u32,
    queue: VecDeque<SourceId>,
    running: BTreeSet<SourceId>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SourceSnapshot {
    id: SourceId,
    key: SourceKey,
    held: Option<Held>,
    candidate: Option<Candidate>,
    /// None or one: what an operator dropped.
    #[serde(with = "crate::coding::shared")]
    rejected: Vec<Arc<ParsedList>>,
    last: Last,
    sizes: VecDeque<Size>,
    schedule: Schedule,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct FeedSnapshot {
    id: FeedId,
    key: FeedKey,
    serial: Serial,
    is_loaded: bool,
    is_pinned: bool,
    history: History,
    holders: usize,
}

impl Catalog {
    pub(crate) fn snapshot(&self, shelf: &mut Shelf) -> CatalogSnapshot {
        let sources = self.sources.iter().map(|(&id, source)| SourceSnapshot {
            id,
            key: source.key.clone(),
            held: source.held.clone(),
            candidate: source.candidate.clone(),
            rejected: source.rejected.iter().cloned().collect(),
            last: source.last.clone(),
            sizes: source.sizes.clone(),
            schedule: source.schedule.clone(),
        });
        let feeds = self.feeds.iter().map(|(&id, feed)| {
            let (_, serial) = shelf.put(&feed.table);
            FeedSnapshot {
                id,
                key: feed.key.clone(),
                serial,
                is_loaded: feed.is_loaded,
                is_pinned: feed.is_pinned,
                history: feed.history.clone(),
                holders: feed.holders,
            }
        });
        CatalogSnapshot {
            sources: sources.collect(),
            feeds: feeds.collect(),
            next_source: self.next_source,
            next_feed: self.next_feed,
            queue: self.queue.clone(),
            running: self.running.clone(),
        }
    }

    pub(crate) fn restore_snapshot(
        snapshot: CatalogSnapshot,
        config: &Config,
        shelf: &Shelf,
    ) -> Result<Self, SnapshotError> {
        let mut catalog = Self {
            ripestat: config.ripestat.clone(),
            feed_versions: config.feed_versions,
            queue: snapshot.queue,
            running: snapshot.running,
            ..Self::default()
        };
        for source in snapshot.sources {
            let config = source_config(&source.key, config)?;
            catalog.source_ids.insert(source.key.clone(), source.id);
            let restored = Source {
                held: source.held,
                candidate: source.candidate,
                rejected: source.rejected.into_iter().next(),
                last: source.last,
                sizes: source.sizes,
                schedule: source.schedule,
                key: source.key,
                config,
                feeds: BTreeSet::new(),
            };
            catalog.sources.insert(source.id, restored);
        }
        for feed in snapshot.feeds {
            let recipe = recipe(&feed.key, config)?;
            let sources = recipe.sources();
            catalog.feed_ids.insert(feed.key.clone(), feed.id);
            let restored = Feed {
                recipe,
                table: shelf.find((feed.id, feed.serial))?,
                is_loaded: feed.is_loaded,
                is_pinned: feed.is_pinned,
                history: feed.history,
                holders: feed.holders,
                key: feed.key,
            };
            catalog.feeds.insert(feed.id, restored);
            catalog.link(feed.id, &sources);
        }
        (catalog.next_source, catalog.next_feed) = (snapshot.next_source, snapshot.next_feed);
        // Linking makes no source: each stands in the snapshot.
        catalog.new_sources.clear();
        Ok(catalog)
    }

    /// The deadlines of all sources.
    pub(crate) fn deadlines(&self) -> impl Iterator<Item = (SourceId, Instant)> + '_ {
        self.sources.iter().filter_map(|(&id, source)| Some((id, source.schedule.due?)))
    }
}

fn source_config(key: &SourceKey, config: &Config) -> Result<SourceConfig, SnapshotError> {
    let entry = match key {
        SourceKey::Named(name) => config.sources.iter().find(|entry| entry.name == *name).cloned(),
        _ => key.on_demand(),
    };
    entry.ok_or_else(|| SnapshotError::Name(format!("{key}")))
}

fn recipe(key: &FeedKey, config: &Config) -> Result<Recipe, SnapshotError> {
    let recipe = match key {
        FeedKey::Named(name) => config.feeds.iter().find(|entry| entry.name == *name).map(Recipe::named),
        FeedKey::List(name) => config.asn_lists.iter().find(|entry| entry.name == *name).map(Recipe::list),
        FeedKey::Asn(_) | FeedKey::Country(_) | FeedKey::Url(_) => key.source().map(Recipe::single),
    };
    recipe.ok_or_else(|| SnapshotError::Name(format!("{key}")))
}
