//! Sources and feeds come and go: with the configuration, and with the subscriptions that need them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::feed::{Feed, Recipe};
use super::key::{FeedKey, SourceKey};
use super::source::Source;
use super::{Catalog, coverage};
use crate::config::{SourceConfig, Subscription};
use crate::coverage::Feed as Fate;
use crate::ids::{FeedId, SourceId};

/// The feeds that are there because of a subscription, each as often as it stands there.
pub(super) fn demanded(subscription: &Subscription) -> impl Iterator<Item = FeedKey> + '_ {
    let asns = subscription.asns.iter().map(|asn| FeedKey::Asn(*asn));
    let countries = subscription.countries.iter().map(|country| FeedKey::Country(*country));
    let urls = subscription.urls.iter().map(|url| FeedKey::Url(url.clone()));
    asns.chain(countries).chain(urls)
}

impl Catalog {
    /// A subscription needs its feeds from now on. New ones are asked for with the next
    /// `take_requests`.
    pub fn hold(&mut self, subscription: &Subscription) {
        for key in demanded(subscription) {
            let Some(source) = key.source() else { continue };
            let id = if let Some(&id) = self.feed_ids.get(&key) {
                id
            } else {
                coverage::hit(Fate::Demanded);
                self.add_feed(key, Recipe::single(source))
            };
            if let Some(feed) = self.feeds.get_mut(&id) {
                feed.holders += 1;
            }
        }
    }

    /// A subscription that was held needs its feeds no more. What nobody needs is forgotten.
    pub fn release(&mut self, subscription: &Subscription) {
        for key in demanded(subscription) {
            let Some(id) = self.feed_ids.get(&key) else { continue };
            let Some(feed) = self.feeds.get_mut(id) else { continue };
            feed.holders = feed.holders.saturating_sub(1);
            if feed.holders == 0 {
                coverage::hit(Fate::Undemanded);
                self.remove_feed(&key);
            }
        }
    }

    pub(super) fn add_source(&mut self, key: SourceKey, config: SourceConfig) -> SourceId {
        self.next_source += 1;
        let id = SourceId(self.next_source);
        self.source_ids.insert(key.clone(), id);
        self.sources.insert(id, Source::new(key, config));
        self.new_sources.push(id);
        id
    }

    pub(super) fn remove_source(&mut self, key: &SourceKey) {
        if let Some(id) = self.source_ids.remove(key) {
            self.sources.remove(&id);
            self.moved.push(id);
        }
    }

    pub(super) fn add_feed(&mut self, key: FeedKey, recipe: Recipe) -> FeedId {
        self.next_feed += 1;
        let id = FeedId(self.next_feed);
        let sources = recipe.sources();
        self.feed_ids.insert(key.clone(), id);
        self.feeds.insert(id, Feed::new(key, recipe, id));
        self.link(id, &sources);
        self.dirty.insert(id);
        id
    }

    pub(super) fn remove_feed(&mut self, key: &FeedKey) {
        if let Some(id) = self.feed_ids.remove(key)
            && let Some(feed) = self.feeds.remove(&id)
        {
            self.dirty.remove(&id);
            self.unlink(id, &feed.recipe.sources());
        }
    }

    /// The feed has these sources. Those that are not of the configuration are made.
    pub(super) fn link(&mut self, feed: FeedId, sources: &[SourceKey]) {
        for key in sources {
            let id = self.source_ids.get(key).copied();
            let id = id.or_else(|| Some(self.add_source(key.clone(), key.on_demand()?)));
            if let Some(source) = id.and_then(|id| self.sources.get_mut(&id)) {
                source.feeds.insert(feed);
            }
        }
    }

    /// The feed has these sources no more. Those that are not of the configuration go with their last feed.
    pub(super) fn unlink(&mut self, feed: FeedId, sources: &[SourceKey]) {
        for key in sources {
            let Some(source) = self.source_ids.get(key).and_then(|id| self.sources.get_mut(id)) else {
                continue;
            };
            source.feeds.remove(&feed);
            if source.feeds.is_empty() && !matches!(key, SourceKey::Named(_)) {
                self.remove_source(key);
            }
        }
    }

    /// The names of all sources.
    pub(crate) fn source_names(&self) -> Vec<String> {
        self.source_ids.keys().map(|key| format!("{key}")).collect()
    }

    /// The names of all feeds.
    pub(crate) fn feed_names(&self) -> Vec<String> {
        self.feed_ids.keys().map(|key| format!("{key}")).collect()
    }
}
