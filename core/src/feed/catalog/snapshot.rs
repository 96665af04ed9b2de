//! All sources and feeds as plain data. Their configurations are the server's own data.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Catalog, Feed, Fetch, Held, Source};
use crate::config::Config;
use crate::feed::ParsedList;
use crate::ids::{FeedId, Serial, SourceId};
use crate::rib::shelf::Shelf;
use crate::server::SnapshotError;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CatalogSnapshot {
    sources: Vec<SourceSnapshot>,
    feeds: Vec<FeedSnapshot>,
    next_source: u32,
    next_feed: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SourceSnapshot {
    id: SourceId,
    name: String,
    fetch: Fetch,
    /// Version of the last good body; `None` when there is none.
    serial: Option<Serial>,
    /// None or one: the last good body.
    #[serde(with = "crate::coding::shared")]
    list: Vec<Arc<ParsedList>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct FeedSnapshot {
    id: FeedId,
    name: String,
    serial: Serial,
    is_loaded: bool,
}

impl Catalog {
    pub(crate) fn snapshot(&self, shelf: &mut Shelf) -> CatalogSnapshot {
        let sources = self.sources.iter().map(|(&id, source)| SourceSnapshot {
            id,
            name: source.config.name.clone(),
            fetch: source.fetch,
            serial: source.held.as_ref().map(|held| held.serial),
            list: source.held.iter().map(|held| held.list.clone()).collect(),
        });
        let feeds = self.feeds.iter().map(|(&id, feed)| {
            let (_, serial) = shelf.put(&feed.table);
            FeedSnapshot { id, name: feed.config.name.clone(), serial, is_loaded: feed.is_loaded }
        });
        CatalogSnapshot {
            sources: sources.collect(),
            feeds: feeds.collect(),
            next_source: self.next_source,
            next_feed: self.next_feed,
        }
    }

    pub(crate) fn restore_snapshot(
        snapshot: CatalogSnapshot,
        config: &Config,
        shelf: &Shelf,
    ) -> Result<Self, SnapshotError> {
        let mut catalog =
            Self { next_source: snapshot.next_source, next_feed: snapshot.next_feed, ..Self::default() };
        for source in snapshot.sources {
            let entry = config.sources.iter().find(|entry| entry.name == source.name);
            let config = entry.cloned().ok_or(SnapshotError::Name(source.name))?;
            let held = source.serial.zip(source.list.into_iter().next());
            let held = held.map(|(serial, list)| Held { list, serial });
            catalog.sources.insert(source.id, Source { config, held, fetch: source.fetch });
        }
        for feed in snapshot.feeds {
            let entry = config.feeds.iter().find(|entry| entry.name == feed.name);
            let config = entry.cloned().ok_or(SnapshotError::Name(feed.name))?;
            let table = shelf.find((feed.id, feed.serial))?;
            catalog.feeds.insert(feed.id, Feed { config, table, is_loaded: feed.is_loaded });
        }
        Ok(catalog)
    }
}
