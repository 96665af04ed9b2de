//! How a peer's view differs from its feeds: its own prefixes, its filter, what it never gets, and how much it takes.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{AnyPrefix, Family, Prefix, TagSet, V4, V6, View, overlap};
use crate::config::{OnLimit, Subscription, Tag};
use crate::feed::{PrefixSet, Routed, aggregate};

/// All that decides which routes of its feeds a peer gets, and which more. Peers of equal feeds and shapes have equal
/// views. The default one changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Shape {
    /// The peer's own prefixes: ascending, none twice. They have no tags, so that there are none where there is a filter.
    pub prefixes: Vec<AnyPrefix>,
    /// Addresses that it never gets, in the fewest prefixes, ascending.
    pub exclude: Vec<AnyPrefix>,
    /// If there is any, routes go out only with one of these: ascending, none twice.
    pub filter: Vec<Tag>,
    /// Addresses of the peer and of ours that its routes would cover, ascending.
    pub holes: Vec<IpAddr>,
    /// How many prefixes it takes, and what happens to more.
    pub limit: Option<(u32, OnLimit)>,
}

/// A family that a [`Shape`] knows the prefixes of.
pub(crate) trait Shaped: Routed {
    /// The prefix, if it is of this family.
    fn of(prefix: AnyPrefix) -> Option<Prefix<Self>>;
}

impl Shaped for V4 {
    fn of(prefix: AnyPrefix) -> Option<Prefix<Self>> {
        match prefix {
            AnyPrefix::V4(prefix) => Some(prefix),
            AnyPrefix::V6(_) => None,
        }
    }
}

impl Shaped for V6 {
    fn of(prefix: AnyPrefix) -> Option<Prefix<Self>> {
        match prefix {
            AnyPrefix::V6(prefix) => Some(prefix),
            AnyPrefix::V4(_) => None,
        }
    }
}

impl Shape {
    /// What a subscription asks for, as yet without holes.
    pub fn new(subscription: &Subscription) -> Self {
        let sorted = |prefixes: &[AnyPrefix]| {
            let mut prefixes = prefixes.to_vec();
            prefixes.sort_unstable();
            prefixes.dedup();
            prefixes
        };
        let mut filter = subscription.communities.clone();
        filter.sort_unstable();
        filter.dedup();
        let exclude = sorted(&subscription.exclude);
        let fewest4 = fewest::<V4>(&exclude).into_iter().map(AnyPrefix::V4);
        let fewest6 = fewest::<V6>(&exclude).into_iter().map(AnyPrefix::V6);
        Self {
            prefixes: if filter.is_empty() { sorted(&subscription.prefixes) } else { Vec::new() },
            exclude: fewest4.chain(fewest6).collect(),
            filter,
            holes: Vec::new(),
            limit: subscription.max_prefixes.map(|max| (max, subscription.on_limit)),
        }
    }

    /// Those of `addresses` that routes would go out for if there were no holes: ascending, none twice. `base` is what
    /// the feeds have.
    pub fn holes(&self, base: &View, addresses: impl IntoIterator<Item = IpAddr>) -> Vec<IpAddr> {
        let mut holes: Vec<IpAddr> = addresses.into_iter().filter(|one| self.covers(base, *one)).collect();
        holes.sort_unstable();
        holes.dedup();
        holes
    }

    /// Whether a route for this address would go out if there were no holes and no limit: a few searches a feed.
    fn covers(&self, base: &View, address: IpAddr) -> bool {
        match AnyPrefix::from(address) {
            AnyPrefix::V4(host) => self.covers_host(base, host),
            AnyPrefix::V6(host) => self.covers_host(base, host),
        }
    }

    fn covers_host<F: Shaped>(&self, base: &View, host: Prefix<F>) -> bool {
        let has = |prefixes: &[AnyPrefix]| {
            prefixes.iter().any(|prefix| F::of(*prefix).is_some_and(|one| one.covers(host)))
        };
        let in_feed = || {
            base.tables().iter().any(|feed| {
                let mut rows = overlap::covering(feed.table::<F>().prefixes(), host);
                rows.any(|row| {
                    self.filter.is_empty() || feed.tags_of::<F>(row).is_some_and(|set| self.passes(set))
                })
            })
        };
        (has(&self.prefixes) || in_feed()) && !has(&self.exclude)
    }

    /// Whether a route with these tags passes the filter.
    pub fn passes(&self, tags: &TagSet) -> bool {
        let is_held = |tag: &Tag| match tag {
            Tag::Standard(tag) => tags.standard().binary_search(tag).is_ok(),
            Tag::Large(tag) => tags.large().binary_search(tag).is_ok(),
        };
        self.filter.is_empty() || self.filter.iter().any(is_held)
    }

    /// Whether it adds prefixes to feeds or takes addresses from them.
    pub(crate) const fn cuts(&self) -> bool {
        !(self.prefixes.is_empty() && self.exclude.is_empty() && self.holes.is_empty())
    }

    /// The addresses of a family that never go out: ascending, none covers another.
    pub(crate) fn away<F: Shaped>(&self) -> Vec<Prefix<F>> {
        if self.holes.is_empty() {
            return self.exclude.iter().filter_map(|prefix| F::of(*prefix)).collect();
        }
        let holes = self.holes.iter().map(|address| AnyPrefix::from(*address));
        let all: Vec<AnyPrefix> = self.exclude.iter().copied().chain(holes).collect();
        fewest(&all)
    }

    /// What is left of the peer's own prefixes of a family, in whatever order.
    pub(crate) fn own<F: Shaped>(&self, away: &[Prefix<F>]) -> Vec<Prefix<F>> {
        let mut own = Vec::new();
        for prefix in self.prefixes.iter().filter_map(|prefix| F::of(*prefix)) {
            overlap::rest(prefix, away, &mut |rest| own.push(rest));
        }
        own
    }
}

fn fewest<F: Shaped>(prefixes: &[AnyPrefix]) -> Vec<Prefix<F>> {
    let of_family = prefixes.iter().filter_map(|prefix| F::of(*prefix)).collect();
    aggregate(&PrefixSet::from_prefixes(of_family)).iter().collect()
}

/// What a cut hides of one family, and the routes that it has instead.
pub(crate) struct Cut<F: Family> {
    pub(crate) hides: PrefixSet<F>,
    pub(crate) routes: Vec<(Prefix<F>, Arc<TagSet>)>,
}

/// Cuts the addresses out of the tables of a view that a shape's peers never get, and puts their own prefixes in.
/// Costs a few searches a table for each of the addresses, and what overlaps.
pub(crate) fn cut<F: Shaped>(view: &View, shape: &Shape) -> Cut<F> {
    let away = shape.away::<F>();
    let (mut hides, mut routes) = (Vec::new(), Vec::new());
    for feed in view.tables() {
        let prefixes = feed.table::<F>().prefixes();
        let mut rows: Vec<usize> = Vec::new();
        for one in &away {
            rows.extend(overlap::covering(prefixes, *one));
            rows.extend(overlap::inside(prefixes, *one));
        }
        rows.sort_unstable();
        rows.dedup();
        for row in rows {
            if let (Some(prefix), Some(tags)) = (overlap::at(prefixes, row), feed.tags_of::<F>(row)) {
                hides.push(prefix);
                overlap::rest(prefix, &away, &mut |rest| routes.push((rest, Arc::clone(tags))));
            }
        }
    }
    let untagged = Arc::<TagSet>::default();
    routes.extend(shape.own(&away).into_iter().map(|prefix| (prefix, Arc::clone(&untagged))));
    Cut { hides: PrefixSet::from_prefixes(hides), routes }
}

#[cfg(test)]
mod tests;
