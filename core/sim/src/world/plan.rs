//! What a configuration and its peers ask for: sources and feeds by the names that the store has, and the bounds of each
//! source.

use std::collections::BTreeMap;

use bgplite_core::config::{Config, Expr, FeedConfig, Guard, SourceConfig, Subscription};

use super::net::Net;
use super::page::{covers, fnv};

/// The naive guard. (A trait, since the type is the core's.)
pub(crate) trait LetsIn {
    fn lets_in(&self, held: Option<&[Net]>, nets: &[Net]) -> bool;
}

impl LetsIn for Guard {
    fn lets_in(&self, held: Option<&[Net]>, nets: &[Net]) -> bool {
        let (new, old) = (nets.len(), held.map_or(0, <[Net]>::len));
        let is_too_few = new < self.min;
        let is_shrunk =
            old > new && self.max_shrink.is_some_and(|percent| (old - new) * 100 > old * percent as usize);
        // Of nothing, any percentage is nothing.
        let is_grown = held.is_some()
            && new > 1000
            && new > old
            && self.max_growth.is_some_and(|percent| (new - old) * 100 > old * percent as usize);
        let has_all = self.must_contain.iter().all(|&prefix| covers(nets, prefix.into()));
        let has_none = self.must_not_contain.iter().all(|&prefix| {
            let prefix = Net::from(prefix);
            nets.iter().all(|&net| !net.holds(prefix) && !prefix.holds(net))
        });
        !is_too_few && !is_shrunk && !is_grown && has_all && has_none
    }
}

/// The sources and the feeds that a configuration and these subscriptions ask for, by the names that the store has.
pub(crate) fn plans<'a>(
    config: &Config,
    subscriptions: impl Iterator<Item = &'a Subscription>,
) -> (BTreeMap<String, SourceConfig>, BTreeMap<String, FeedConfig>) {
    let mut sources: BTreeMap<String, SourceConfig> =
        config.sources.iter().map(|source| (source.name.clone(), source.clone())).collect();
    let mut feeds: BTreeMap<String, FeedConfig> =
        config.feeds.iter().map(|feed| (feed.name.clone(), feed.clone())).collect();
    let on_demand = |name: &String| {
        let mut source = SourceConfig::file(name.clone(), name.clone());
        // An AS or a country may have nothing from the start.
        source.guard.min = usize::from(name.starts_with("@url-"));
        source
    };
    for list in &config.asn_lists {
        let names: Vec<String> = list.asns.iter().map(|asn| format!("@as{asn}")).collect();
        if let Some(expr) = Expr::union_of(&names) {
            let mut feed = FeedConfig::new(list_name(&list.name), expr);
            feed.communities.clone_from(&list.communities);
            feed.large_communities.clone_from(&list.large_communities);
            feeds.insert(feed.name.clone(), feed);
        }
        for name in names {
            sources.entry(name.clone()).or_insert_with(|| on_demand(&name));
        }
    }
    let mut demanded: Vec<String> = Vec::new();
    for subscription in subscriptions {
        demanded.extend(subscription.asns.iter().map(|asn| format!("@as{asn}")));
        demanded.extend(subscription.countries.iter().map(|country| country_name(&country.to_string())));
        demanded.extend(subscription.urls.iter().map(|url| url_name(url)));
    }
    for name in demanded {
        sources.entry(name.clone()).or_insert_with(|| on_demand(&name));
        feeds.entry(name.clone()).or_insert_with(|| FeedConfig::new(name.clone(), Expr::source(name)));
    }
    (sources, feeds)
}

pub(crate) fn list_name(name: &str) -> String {
    format!("@list-{name}")
}

pub(crate) fn country_name(code: &str) -> String {
    format!("@{}", code.to_lowercase())
}

pub(crate) fn url_name(url: &str) -> String {
    format!("@url-{:016x}", fnv(url.as_bytes()))
}
