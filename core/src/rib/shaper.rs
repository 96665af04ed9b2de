//! Makes what the feeds have into what a group of peers should have.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::group::{Desired, Group, GroupKey};
use super::shape::{Shape, cut};
use super::shelf::Shelf;
use super::{V4, V6, View, limit};
use crate::config::{Families, OnLimit, Tag};
use crate::coverage::{self, Shape as Fate};
use crate::feed::FeedTable;
use crate::feed::table::Hides;
use crate::ids::{FeedId, Serial};

/// The cut of a view. Feeds have lower numbers.
const CUT: FeedId = FeedId(u32::MAX);
/// What is left of a view with a limit.
const TRIMMED: FeedId = FeedId(u32::MAX - 1);
/// The filtered table of a feed has the feed's number and this bit.
const FILTERED: u32 = 1 << 31;

/// Derives tables from those of feeds. The same filter of the same feed is one table for all groups.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shaper {
    filtered: BTreeMap<FeedId, BTreeMap<Vec<Tag>, Filtered>>,
    /// The version of the table derived last. No two have the same, whatever they derive from.
    serial: u64,
}

#[derive(Clone, Debug)]
struct Filtered {
    /// The version of the feed that it was made of.
    base: Serial,
    table: Arc<FeedTable>,
}

/// What a group should have now.
#[derive(Debug)]
pub(crate) struct Shaped {
    pub(crate) view: Arc<View>,
    pub(crate) is_loaded: bool,
    /// How many prefixes there are for it, if these are more than it takes.
    pub(crate) over_limit: Option<usize>,
}

impl Shaper {
    /// The view of a group's peers. `before` is what they had: what is still the same is the same table, so that
    /// nothing is said of it.
    pub(crate) fn shape(&mut self, key: &GroupKey, base: Desired, before: Option<&Arc<View>>) -> Shaped {
        let shape = &*key.shape;
        let mut view = base.view;
        if !shape.filter.is_empty() {
            let tables = view.tables().iter().map(|table| self.filter(table, shape)).collect();
            view = Arc::new(View::new(tables));
        }
        if shape.cuts()
            && let Some(cut) = self.cut(&view, shape, before.and_then(|before| before.cut()))
        {
            view = Arc::new(View::new(view.tables().iter().cloned().chain([cut]).collect()));
        }
        let shaped = Shaped { view, is_loaded: base.is_loaded, over_limit: None };
        let Some((max, on_limit)) = shape.limit else {
            return shaped;
        };
        let families = key.profile.served();
        let max = max as usize;
        let over_limit = limit::excess(&shaped.view, families, max);
        match on_limit {
            _ if over_limit.is_none() => shaped,
            OnLimit::Trim => {
                Shaped { view: self.trim(&shaped.view, key, families, before), over_limit, ..shaped }
            }
            OnLimit::Hold => {
                let held = before.filter(|before| limit::excess(before, families, max).is_none());
                coverage::hit(if held.is_some() { Fate::Held } else { Fate::HeldBackAltogether });
                Shaped {
                    view: held.cloned().unwrap_or_default(),
                    is_loaded: shaped.is_loaded && held.is_some(),
                    over_limit,
                }
            }
        }
    }

    fn filter(&mut self, table: &Arc<FeedTable>, shape: &Shape) -> Arc<FeedTable> {
        let feed = self.filtered.entry(table.id()).or_default();
        let known = feed.get(&*shape.filter);
        if let Some(known) = known.filter(|known| known.base == table.serial()) {
            coverage::hit(Fate::FilteredBefore);
            return Arc::clone(&known.table);
        }
        let (id, serial) = (FeedId(table.id().0 | FILTERED), Serial(self.serial + 1));
        let made = table.filtered(id, serial, |tags| shape.passes(tags));
        let alike = made.as_ref().zip(known).filter(|(made, known)| known.table.same_routes(made));
        let filtered = if let Some((_, known)) = alike {
            coverage::hit(Fate::FilteredAlike);
            Arc::clone(&known.table)
        } else if let Some(made) = made {
            coverage::hit(Fate::Filtered);
            self.serial += 1;
            Arc::new(made)
        } else {
            coverage::hit(Fate::AllPass);
            Arc::clone(table)
        };
        let entry = Filtered { base: table.serial(), table: Arc::clone(&filtered) };
        feed.insert(shape.filter.clone(), entry);
        filtered
    }

    /// The cut of a view; `None` where nothing is to be cut.
    fn cut(&mut self, view: &View, shape: &Shape, before: Option<&Arc<FeedTable>>) -> Option<Arc<FeedTable>> {
        let (v4, v6) = (cut::<V4>(view, shape), cut::<V6>(view, shape));
        let routes = FeedTable::from_routes(CUT, Serial(self.serial + 1), &v4.routes, &v6.routes);
        let cut = routes.hiding(Hides { v4: v4.hides, v6: v6.hides });
        if cut.is_void() {
            coverage::hit(Fate::NothingToCut);
            return None;
        }
        if let Some(before) = before.filter(|before| before.same_routes(&cut) && before.same_hides(&cut)) {
            coverage::hit(Fate::CutAlike);
            return Some(Arc::clone(before));
        }
        coverage::hit(Fate::Cut);
        self.serial += 1;
        Some(Arc::new(cut))
    }

    fn trim(
        &mut self,
        view: &View,
        key: &GroupKey,
        families: Families,
        before: Option<&Arc<View>>,
    ) -> Arc<View> {
        let max = key.shape.limit.map_or(0, |(max, _)| max as usize);
        let (v4, v6) = limit::trim(view, &key.shape, families, max);
        let trimmed = FeedTable::from_routes(TRIMMED, Serial(self.serial + 1), &v4, &v6);
        let is_alike = |before: &&Arc<View>| match before.tables() {
            [table] => table.id() == TRIMMED && table.same_routes(&trimmed),
            _ => false,
        };
        if let Some(before) = before.filter(is_alike) {
            coverage::hit(Fate::TrimmedAlike);
            return Arc::clone(before);
        }
        coverage::hit(Fate::Trimmed);
        self.serial += 1;
        Arc::new(View::new(Vec::from([Arc::new(trimmed)])))
    }

    /// Forgets what no group uses any more.
    pub(crate) fn retain<'a>(&mut self, groups: &(impl Iterator<Item = &'a Group> + Clone)) {
        let uses = |feed: FeedId, filter: &[Tag]| {
            let mut groups = groups.clone();
            groups.any(|group| *group.key().shape.filter == *filter && group.key().feeds.contains(&feed))
        };
        self.filtered.retain(|feed, filters| {
            filters.retain(|filter, _| uses(*feed, filter));
            !filters.is_empty()
        });
    }

    pub(crate) fn snapshot(&self, shelf: &mut Shelf) -> ShaperSnapshot {
        let filters =
            self.filtered.iter().flat_map(|(feed, filters)| filters.iter().map(move |one| (*feed, one)));
        let filtered = filters.map(|(feed, (filter, filtered))| FilteredSnapshot {
            feed,
            filter: filter.clone(),
            base: filtered.base,
            table: shelf.put(&filtered.table),
        });
        ShaperSnapshot { filtered: filtered.collect(), serial: self.serial }
    }

    /// The shaper of a snapshot; otherwise the table that is missing.
    pub(crate) fn restore(snapshot: ShaperSnapshot, shelf: &Shelf) -> Result<Self, (FeedId, Serial)> {
        let mut shaper = Self { serial: snapshot.serial, ..Self::default() };
        for FilteredSnapshot { feed, filter, base, table } in snapshot.filtered {
            let filtered = Filtered { base, table: shelf.find(table)? };
            shaper.filtered.entry(feed).or_default().insert(filter, filtered);
        }
        Ok(shaper)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ShaperSnapshot {
    filtered: Vec<FilteredSnapshot>,
    serial: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct FilteredSnapshot {
    feed: FeedId,
    filter: Vec<Tag>,
    base: Serial,
    table: (FeedId, Serial),
}

#[cfg(test)]
mod tests;
