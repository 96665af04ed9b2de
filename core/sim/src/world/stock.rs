//! What every source holds and what every feed comes to, by the plainest means: lists, joined, split and counted one
//! by one. It reads the configuration and shares nothing else with the core.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bgplite_core::config::{
    Aggregate, Config, Expr, FeedConfig, Guard, Location, SourceConfig, Subscription,
};
use bgplite_core::feed::FeedTable;
use bgplite_core::rib::{TagSet, V4, V6};
use bgplite_core::server::Records;
use bgplite_core::wire::{Community, LargeCommunity};

use super::net::{Gone, Net, fewest};
use super::page::Said;
use super::plan::{LetsIn, plans};
use super::table::Tags;

/// Prefixes and their tags, each prefix once.
pub(crate) type Rows = BTreeMap<Net, Rc<Tags>>;

/// All sources and feeds that somebody asks for.
#[derive(Debug, Default)]
pub(crate) struct Stock {
    sources: BTreeMap<String, Source>,
    feeds: BTreeMap<String, Feed>,
    /// Feeds that are others than when this was last asked for.
    changed: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Source {
    held: Option<Rc<Vec<Net>>>,
    /// What the guard holds back.
    candidate: Option<Rc<Vec<Net>>>,
    /// What an operator does not want to see again.
    rejected: Option<Rc<Vec<Net>>>,
    guard: Guard,
    tags: Tags,
    is_inline: bool,
}

/// What a feed comes to.
#[derive(Debug)]
pub(crate) struct Feed {
    plan: FeedConfig,
    /// What is served.
    pub(crate) rows: Rc<Rows>,
    pub(crate) is_loaded: bool,
    /// An operator went back to an earlier version.
    pub(crate) is_pinned: bool,
    /// Versions that can be gone back to, the newest first.
    pub(crate) versions: Vec<(u64, Rc<Rows>)>,
}

/// What came of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is served from now on.
    Taken,
    /// It is what is served.
    Same,
    /// The guard holds it back.
    Held,
    /// An operator has dropped it before, or nobody asks any more.
    Dropped,
    /// It is of no use.
    Failed,
}

impl Stock {
    /// After a start with what the store kept; `read` says what a body says.
    pub(crate) fn new<'a>(
        config: &Config,
        subscriptions: impl Iterator<Item = &'a Subscription>,
        records: &Records,
        read: impl Fn(&[u8]) -> Rc<Said>,
    ) -> Self {
        let mut stock = Self::default();
        let (sources, feeds) = plans(config, subscriptions);
        let others = stock.take_sources(sources);
        for record in &records.sources {
            if let Some(source) = stock.sources.get_mut(&record.name).filter(|source| !source.is_inline)
                && let Said::List { nets, .. } = &*read(&record.body)
            {
                source.held = Some(Rc::new(nets.clone()));
            }
        }
        for record in &records.feeds {
            let Some(plan) = feeds.get(&record.name) else { continue };
            let rows = Rc::new(rows_of(&record.table));
            let feed = Feed {
                plan: plan.clone(),
                rows,
                is_loaded: true,
                is_pinned: record.is_pinned,
                versions: Vec::new(),
            };
            stock.feeds.insert(record.name.clone(), feed);
        }
        stock.take_feeds(feeds, &others);
        stock
    }

    /// Another configuration, or other subscriptions.
    pub(crate) fn plan<'a>(
        &mut self,
        config: &Config,
        subscriptions: impl Iterator<Item = &'a Subscription>,
    ) {
        let (sources, feeds) = plans(config, subscriptions);
        let others = self.take_sources(sources);
        self.take_feeds(feeds, &others);
    }

    /// Returns the sources that are others now.
    fn take_sources(&mut self, plans: BTreeMap<String, SourceConfig>) -> BTreeSet<String> {
        let mut others: BTreeSet<String> = self.sources.keys().cloned().collect();
        others.retain(|name| !plans.contains_key(name));
        self.sources.retain(|name, _| plans.contains_key(name));
        for (name, plan) in plans {
            let is_new = !self.sources.contains_key(&name);
            let source = self.sources.entry(name.clone()).or_default();
            let before = (source.held.clone(), std::mem::take(&mut source.tags));
            source.tags = tags(&plan.communities, &plan.large_communities);
            if source.guard != plan.guard {
                source.guard = plan.guard;
                source.judge_again();
            }
            if let Location::Inline { prefixes } = &plan.location {
                source.is_inline = true;
                source.held = Some(sorted(prefixes.iter().map(|&prefix| Net::from(prefix)).collect()));
            }
            if is_new || before != (source.held.clone(), source.tags.clone()) {
                others.insert(name);
            }
        }
        others
    }

    fn take_feeds(&mut self, plans: BTreeMap<String, FeedConfig>, others: &BTreeSet<String>) {
        self.feeds.retain(|name, _| plans.contains_key(name));
        for (name, plan) in plans {
            let has_other = plan.expr.sources().into_iter().any(|source| others.contains(source));
            match self.feeds.get_mut(&name) {
                Some(feed) if feed.plan == plan && !has_other => continue,
                Some(feed) => feed.plan = plan,
                None => {
                    let feed = Feed {
                        plan,
                        rows: Rc::default(),
                        is_loaded: false,
                        is_pinned: false,
                        versions: Vec::new(),
                    };
                    self.feeds.insert(name.clone(), feed);
                    self.changed.insert(name.clone());
                }
            }
            self.rebuild(&name);
        }
    }

    pub(crate) fn feed(&self, name: &str) -> Option<&Feed> {
        self.feeds.get(name)
    }

    pub(crate) fn feed_mut(&mut self, name: &str) -> Option<&mut Feed> {
        self.feeds.get_mut(name)
    }

    /// The feeds that are others than when this was last asked for.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }

    pub(crate) fn feeds(&self) -> impl Iterator<Item = (&String, &Feed)> {
        self.feeds.iter()
    }

    /// Sources that come from outside.
    pub(crate) fn outside(&self) -> impl Iterator<Item = &String> {
        self.sources.iter().filter(|(_, source)| !source.is_inline).map(|(name, _)| name)
    }

    /// Whether what a source says now is served, held back, or dropped by an operator.
    pub(crate) fn knows(&self, name: &str, said: &Said) -> bool {
        let Some(source) = self.sources.get(name) else { return true };
        let known = [&source.held, &source.candidate, &source.rejected];
        match said {
            Said::List { nets, .. } => known.into_iter().flatten().any(|known| **known == *nets),
            Said::Nothing => true,
        }
    }

    pub(crate) fn has(&self, source: &str) -> bool {
        self.sources.contains_key(source)
    }

    /// Whether a body is held of which the web server may say that it is unchanged.
    pub(crate) fn holds(&self, source: &str) -> bool {
        self.sources.get(source).is_some_and(|source| source.held.is_some())
    }

    /// Whether every source of a feed is there, or waits for an operator.
    pub(crate) fn is_waiting_for_operator(&self, feed: &str) -> bool {
        let Some(feed) = self.feeds.get(feed) else { return false };
        let mut sources = feed.plan.expr.sources().into_iter().filter_map(|name| self.sources.get(name));
        sources
            .any(|source| source.held.is_none() && (source.candidate.is_some() || source.rejected.is_some()))
    }

    /// A source said this.
    pub(crate) fn hear(&mut self, name: &str, said: &Said) -> Heard {
        let Some(source) = self.sources.get_mut(name) else { return Heard::Dropped };
        let Said::List { nets, bad } = said else { return Heard::Failed };
        if *bad > nets.len() {
            return Heard::Failed;
        }
        if source.held.as_ref().is_some_and(|held| **held == *nets) {
            source.candidate = None;
            return Heard::Same;
        }
        if source.rejected.as_ref().is_some_and(|rejected| **rejected == *nets) {
            return Heard::Dropped;
        }
        if source.held.is_none() && nets.is_empty() && source.guard.min > 0 {
            return Heard::Failed;
        }
        if !source.guard.lets_in(source.held.as_deref().map(Vec::as_slice), nets) {
            source.candidate = Some(Rc::new(nets.clone()));
            return Heard::Held;
        }
        source.take(Rc::new(nets.clone()));
        self.rebuild_feeds_of(name);
        Heard::Taken
    }

    /// A web server says that its body stands. `false` when there is none.
    pub(crate) fn stands(&mut self, name: &str) -> bool {
        let Some(source) = self.sources.get_mut(name) else { return false };
        if source.held.is_some() {
            source.candidate = None;
        }
        source.held.is_some()
    }

    /// What the guard holds back is taken. `false` when there is nothing.
    pub(crate) fn approve(&mut self, name: &str) -> bool {
        let Some(source) = self.sources.get_mut(name) else { return false };
        let Some(candidate) = source.candidate.take() else { return false };
        source.take(candidate);
        self.rebuild_feeds_of(name);
        true
    }

    /// What the guard holds back is dropped. `false` when there is nothing.
    pub(crate) fn reject(&mut self, name: &str) -> bool {
        let Some(source) = self.sources.get_mut(name) else { return false };
        let Some(candidate) = source.candidate.take() else { return false };
        source.rejected = Some(candidate);
        true
    }

    pub(crate) fn is_held_back(&self, name: &str) -> bool {
        self.sources.get(name).is_some_and(|source| source.candidate.is_some())
    }

    /// Goes back to a version. `false` when it is not there.
    pub(crate) fn go_back(&mut self, name: &str, serial: u64) -> bool {
        let Some(feed) = self.feeds.get_mut(name) else { return false };
        let found = feed.versions.iter().find(|(known, _)| *known == serial);
        let Some(rows) = found.map(|(_, rows)| Rc::clone(rows)) else { return false };
        feed.rows = rows;
        feed.is_pinned = true;
        self.changed.insert(name.to_owned());
        true
    }

    pub(crate) fn release(&mut self, name: &str) -> bool {
        let Some(feed) = self.feeds.get_mut(name).filter(|feed| feed.is_pinned) else { return false };
        feed.is_pinned = false;
        self.rebuild(name);
        true
    }

    fn rebuild_feeds_of(&mut self, source: &str) {
        let of_it = |(name, feed): (&String, &Feed)| feed.plan.expr.names(source).then(|| name.clone());
        let names: Vec<String> = self.feeds.iter().filter_map(of_it).collect();
        for name in names {
            self.rebuild(&name);
        }
    }

    /// A feed that is not complete keeps what it had when it was.
    fn rebuild(&mut self, name: &str) {
        let Some(plan) = self.feeds.get(name).map(|feed| feed.plan.clone()) else { return };
        let names = plan.expr.sources();
        let is_complete = names.iter().all(|&name| self.holds(name));
        let rows = Rc::new(self.build(&plan));
        let Some(feed) = self.feeds.get_mut(name) else { return };
        if feed.is_pinned || (!is_complete && feed.is_loaded) {
            return;
        }
        if feed.rows != rows || feed.is_loaded != is_complete {
            (feed.rows, feed.is_loaded) = (rows, is_complete);
            self.changed.insert(name.to_owned());
        }
    }

    fn build(&self, plan: &FeedConfig) -> Rows {
        let own = tags(&plan.communities, &plan.large_communities);
        let mut rows = Rows::new();
        for (net, tags) in self.certain(&plan.expr, &own) {
            add(&mut rows, net, &tags);
        }
        if plan.aggregate == Aggregate::Off {
            return rows;
        }
        let mut by_tags: Vec<(Rc<Tags>, Vec<Net>)> = Vec::new();
        for (net, tags) in rows {
            match by_tags.iter_mut().find(|(known, _)| *known == tags) {
                Some((_, nets)) => nets.push(net),
                None => by_tags.push((tags, vec![net])),
            }
        }
        let mut rows = Rows::new();
        for (tags, nets) in by_tags {
            for net in fewest(&nets) {
                add(&mut rows, net, &tags);
            }
        }
        rows
    }

    /// What is certainly in an expression, whatever its missing sources will say.
    fn certain(&self, expr: &Expr, own: &Tags) -> Vec<(Net, Rc<Tags>)> {
        match expr {
            Expr::Source(name) => {
                let Some(source) = self.sources.get(name) else { return Vec::new() };
                let tags = Rc::new(source.tags.union(own));
                source.held.iter().flat_map(|held| held.iter().map(|&net| (net, Rc::clone(&tags)))).collect()
            }
            Expr::Union(left, right) => {
                let mut all = self.certain(left, own);
                all.extend(self.certain(right, own));
                all
            }
            Expr::Minus(left, right) => {
                let Some(gone) = self.possible(right) else { return Vec::new() };
                let gone = Gone::new(&gone);
                let left = self.certain(left, own).into_iter();
                let split = |(net, tags): (Net, Rc<Tags>)| {
                    gone.rest(net).into_iter().map(move |net| (net, Rc::clone(&tags)))
                };
                left.flat_map(split).collect()
            }
            Expr::Intersect(left, right) => {
                let others: BTreeSet<Net> =
                    self.certain(right, own).into_iter().map(|(net, _)| net).collect();
                let mut both = Vec::new();
                for (net, tags) in self.certain(left, own) {
                    both.extend(common(net, &others).into_iter().map(|net| (net, Rc::clone(&tags))));
                }
                both
            }
        }
    }

    /// What may be in an expression; `None` for everything.
    fn possible(&self, expr: &Expr) -> Option<Vec<Net>> {
        let certain = |expr| self.certain(expr, &Tags::default()).into_iter().map(|(net, _)| net).collect();
        match expr {
            Expr::Source(name) => self.sources.get(name)?.held.as_ref().map(|held| held.to_vec()),
            Expr::Union(left, right) => {
                let mut all = self.possible(left)?;
                all.extend(self.possible(right)?);
                Some(all)
            }
            Expr::Minus(left, right) => {
                let gone: Vec<Net> = certain(right);
                let gone = Gone::new(&gone);
                Some(self.possible(left)?.into_iter().flat_map(|net| gone.rest(net)).collect())
            }
            Expr::Intersect(left, right) => match (self.possible(left), self.possible(right)) {
                (Some(left), Some(right)) => {
                    let right: BTreeSet<Net> = right.into_iter().collect();
                    Some(left.into_iter().flat_map(|net| common(net, &right)).collect())
                }
                (one, other) => one.or(other),
            },
        }
    }
}

impl Source {
    /// After its bounds became others.
    fn judge_again(&mut self) {
        self.rejected = None;
        if let Some(candidate) = self.candidate.take() {
            if self.guard.lets_in(self.held.as_deref().map(Vec::as_slice), &candidate) {
                self.take(candidate);
            } else {
                self.candidate = Some(candidate);
            }
        }
    }

    fn take(&mut self, nets: Rc<Vec<Net>>) {
        self.held = Some(nets);
        (self.candidate, self.rejected) = (None, None);
    }
}

/// The addresses of a prefix that are in others too: itself where one of them covers it, and those that it covers.
fn common(net: Net, others: &BTreeSet<Net>) -> Vec<Net> {
    let is_covered = (1..net.len).any(|len| others.contains(&Net::new(net.v6, net.bits, len)));
    let inside = others.range(net..).take_while(|other| net.holds(**other));
    is_covered.then_some(net).into_iter().chain(inside.copied()).collect()
}

/// Puts a prefix into a table, where its tags join those that are there.
pub(crate) fn add(rows: &mut Rows, net: Net, tags: &Rc<Tags>) {
    let slot = rows.entry(net).or_insert_with(|| Rc::clone(tags));
    if *slot != *tags {
        *slot = Rc::new(slot.union(tags));
    }
}

fn sorted(mut nets: Vec<Net>) -> Rc<Vec<Net>> {
    nets.sort_unstable();
    nets.dedup();
    Rc::new(nets)
}

pub(crate) fn tags(communities: &[Community], large: &[LargeCommunity]) -> Tags {
    let standard = communities.iter().map(|community| community.0).collect();
    let large = large.iter().map(|c| [c.global, c.local1, c.local2]).collect();
    Tags { standard, large }.union(&Tags::default())
}

/// The routes of a table that the store kept.
pub(crate) fn rows_of(table: &FeedTable) -> Rows {
    let of = |set: &TagSet| Rc::new(tags(set.standard(), set.large()));
    let v4 = table.routes::<V4>().map(|(prefix, set)| (Net::from(prefix), of(set)));
    v4.chain(table.routes::<V6>().map(|(prefix, set)| (Net::from(prefix), of(set)))).collect()
}
