//! A version of a feed: its routes and their tags, immutable, shared by every peer that has it.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{PrefixSet, aggregate};
use crate::config::Aggregate;
use crate::ids::{FeedId, Serial};
use crate::rib::tag::{TagId, TagSpace};
use crate::rib::{Family, Prefix, TagSet, V4, V6};

mod derived;
mod json;

pub(crate) use derived::Hides;

/// What one source gives to a feed.
#[derive(Clone, Debug)]
pub struct FeedPart<'a> {
    /// Its IPv4 prefixes.
    pub set4: &'a PrefixSet<V4>,
    /// Its IPv6 prefixes.
    pub set6: &'a PrefixSet<V6>,
    /// What each of them is tagged with.
    pub tags: Arc<TagSet>,
}

/// One version of a feed.
#[derive(Clone, Debug)]
pub struct FeedTable {
    id: FeedId,
    serial: Serial,
    v4: RouteTable<V4>,
    v6: RouteTable<V6>,
    /// Ascending, each in use by at least one row: equal content has equal form.
    tags: Box<[Arc<TagSet>]>,
    /// What it hides in the other tables of its view, if it is a cut.
    hides: Option<Box<Hides>>,
}

impl FeedTable {
    /// The feed that these parts make. A prefix in several parts has the tags of all of them. Aggregation
    /// keeps, for every tag set, exactly the addresses it had: it joins and drops only among equal ones.
    ///
    /// A table holds up to [`MAX_TAG_SETS`] different tag sets; beyond these, the rest share the union of
    /// theirs.
    pub fn build(id: FeedId, serial: Serial, parts: &[FeedPart<'_>], aggregate: Aggregate) -> Self {
        let mut space = TagSpace::default();
        let tags: Vec<TagId> = parts.iter().map(|part| space.intern(&part.tags)).collect();
        let tagged = |tag: &TagId| *tag;
        let sets4: Vec<_> = parts.iter().map(|part| part.set4).zip(tags.iter().map(tagged)).collect();
        let sets6: Vec<_> = parts.iter().map(|part| part.set6).zip(tags.iter().map(tagged)).collect();
        let rows4 = Rows::build(&sets4, aggregate, &mut space);
        let rows6 = Rows::build(&sets6, aggregate, &mut space);
        let used = rows4.used().chain(rows6.used()).collect();
        let canon = Canon::new(&space, used, MAX_TAG_SETS);
        Self {
            id,
            serial,
            v4: rows4.into_table(&canon),
            v6: rows6.into_table(&canon),
            tags: canon.sets.into_boxed_slice(),
            hides: None,
        }
    }

    /// The feed.
    pub const fn id(&self) -> FeedId {
        self.id
    }

    /// Its version.
    pub const fn serial(&self) -> Serial {
        self.serial
    }

    /// How many IPv4 routes.
    pub fn count_v4(&self) -> usize {
        self.v4.len()
    }

    /// How many IPv6 routes.
    pub fn count_v6(&self) -> usize {
        self.v6.len()
    }

    /// The routes of one family.
    pub fn table<F: Routed>(&self) -> &RouteTable<F> {
        F::table(self)
    }

    /// The routes of one family with their tags, ascending.
    pub fn routes<F: Routed>(&self) -> impl Iterator<Item = (Prefix<F>, &Arc<TagSet>)> {
        let table = self.table::<F>();
        let rows = table.prefixes.iter().enumerate();
        rows.filter_map(move |(row, prefix)| Some((prefix, self.tags.get(table.tag_index(row))?)))
    }

    /// Whether both hold the same routes with the same tags, whatever their ids and versions.
    pub fn same_routes(&self, other: &Self) -> bool {
        self.tags == other.tags && self.v4 == other.v4 && self.v6 == other.v6
    }

    /// The same routes as another version, or as another feed's.
    pub(crate) fn with_version(&self, id: FeedId, serial: Serial) -> Self {
        Self { id, serial, ..self.clone() }
    }

    /// The tag sets that rows refer to by index.
    pub(crate) fn tags(&self) -> &[Arc<TagSet>] {
        &self.tags
    }
}

/// A family that a [`FeedTable`] has routes of.
pub trait Routed: Family {
    /// The routes of this family.
    fn table(feed: &FeedTable) -> &RouteTable<Self>;

    /// What the table hides of this family in the other tables of its view, if it is a cut.
    #[doc(hidden)]
    fn hides(feed: &FeedTable) -> Option<&PrefixSet<Self>>;
}

impl Routed for V4 {
    fn table(feed: &FeedTable) -> &RouteTable<Self> {
        &feed.v4
    }

    fn hides(feed: &FeedTable) -> Option<&PrefixSet<Self>> {
        feed.hides.as_ref().map(|hides| &hides.v4)
    }
}

impl Routed for V6 {
    fn table(feed: &FeedTable) -> &RouteTable<Self> {
        &feed.v6
    }

    fn hides(feed: &FeedTable) -> Option<&PrefixSet<Self>> {
        feed.hides.as_ref().map(|hides| &hides.v6)
    }
}

/// The routes of one family: prefixes, and for each the index of its tag set. 7 octets an IPv4 route and 19
/// an IPv6 one; two less where all share one tag set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable<F: Family> {
    prefixes: PrefixSet<F>,
    column: Column,
}

impl<F: Family> RouteTable<F> {
    /// How many routes.
    pub fn len(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    /// The prefixes of the routes.
    pub const fn prefixes(&self) -> &PrefixSet<F> {
        &self.prefixes
    }

    /// The tag index of each row.
    pub(crate) const fn column(&self) -> &Column {
        &self.column
    }

    fn tag_index(&self, row: usize) -> usize {
        match &self.column {
            Column::One(index) => usize::from(*index),
            Column::Each(indices) => indices.get(row).copied().map_or(0, usize::from),
        }
    }
}

/// Tag indices of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// All rows have this one.
    One(u16),
    /// One a row; at least two differ.
    Each(Box<[u16]>),
}

impl Column {
    /// Of these indices, in the form that fits them.
    fn new(indices: Box<[u16]>) -> Self {
        let first = indices.first().copied().unwrap_or(0);
        if indices.iter().all(|index| *index == first) { Self::One(first) } else { Self::Each(indices) }
    }
}

/// How many different tag sets a feed holds apart.
pub const MAX_TAG_SETS: usize = 1 << 16;

/// A table in the making: tags are numbers of a space.
struct Rows<F: Family> {
    prefixes: PrefixSet<F>,
    tags: RowTags,
}

enum RowTags {
    One(TagId),
    Each(Vec<TagId>),
}

impl<F: Family> Rows<F> {
    fn build(sets: &[(&PrefixSet<F>, TagId)], policy: Aggregate, space: &mut TagSpace) -> Self {
        let full: Vec<_> = sets.iter().filter(|(set, _)| !set.is_empty()).collect();
        let Some(&&(_, first)) = full.first() else {
            return Self::from_routes(&[]);
        };
        if full.iter().all(|(_, tag)| *tag == first) {
            let union = PrefixSet::union(&full.iter().map(|(set, _)| *set).collect::<Vec<_>>());
            return Self {
                prefixes: match policy {
                    Aggregate::Off => union,
                    Aggregate::Exact => aggregate(&union),
                },
                tags: RowTags::One(first),
            };
        }
        let routes = full.iter().flat_map(|(set, tag)| set.iter().map(move |prefix| (prefix, *tag)));
        let routes = join(routes.collect(), space);
        match policy {
            Aggregate::Off => Self::from_routes(&routes),
            Aggregate::Exact => Self::from_routes(&join(aggregate_by_tag(&routes), space)),
        }
    }

    fn from_routes(routes: &[(Prefix<F>, TagId)]) -> Self {
        let prefixes: Vec<_> = routes.iter().map(|(prefix, _)| *prefix).collect();
        Self {
            prefixes: PrefixSet::from_ascending(&prefixes),
            tags: RowTags::Each(routes.iter().map(|(_, tag)| *tag).collect()),
        }
    }

    fn used(&self) -> impl Iterator<Item = TagId> {
        let tags = match &self.tags {
            RowTags::One(tag) => core::slice::from_ref(tag),
            RowTags::Each(tags) => tags,
        };
        tags.iter().copied()
    }

    fn into_table(self, canon: &Canon) -> RouteTable<F> {
        let column = match self.tags {
            RowTags::One(tag) => Column::One(canon.index(tag)),
            RowTags::Each(tags) => Column::new(tags.iter().map(|tag| canon.index(*tag)).collect()),
        };
        RouteTable { prefixes: self.prefixes, column }
    }
}

/// Ascending routes, each prefix once with the tags of all its occurrences.
fn join<F: Family>(mut routes: Vec<(Prefix<F>, TagId)>, space: &mut TagSpace) -> Vec<(Prefix<F>, TagId)> {
    // The stable sort finds the ascending runs and only merges them.
    routes.sort_by_key(|(prefix, _)| *prefix);
    routes.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = space.union(kept.1, next.1);
        }
        same
    });
    routes
}

/// The routes of each tag set aggregated by themselves, one tag set after the other. Two of these may come to
/// the same prefix.
fn aggregate_by_tag<F: Family>(routes: &[(Prefix<F>, TagId)]) -> Vec<(Prefix<F>, TagId)> {
    let mut groups: BTreeMap<TagId, Vec<Prefix<F>>> = BTreeMap::new();
    for (prefix, tag) in routes {
        groups.entry(*tag).or_default().push(*prefix);
    }
    let mut out = Vec::with_capacity(routes.len());
    for (tag, prefixes) in groups {
        let fewest = aggregate(&PrefixSet::from_ascending(&prefixes));
        out.extend(fewest.iter().map(|prefix| (prefix, tag)));
    }
    out
}

/// The one order of tag sets that follows from the routes alone, and each set's place in it.
struct Canon {
    sets: Vec<Arc<TagSet>>,
    places: BTreeMap<TagId, u16>,
}

impl Canon {
    fn new(space: &TagSpace, used: BTreeSet<TagId>, limit: usize) -> Self {
        let mut sets: Vec<_> = used.into_iter().filter_map(|id| Some((space.set(id)?, id))).collect();
        sets.sort_unstable();
        let mut canon = Self { sets: Vec::new(), places: BTreeMap::new() };
        for (set, id) in sets {
            match canon.sets.last_mut() {
                Some(last) if canon.places.len() >= limit => *last = Arc::new(last.union(set)),
                _ => canon.sets.push(Arc::clone(set)),
            }
            canon.places.insert(id, canon.sets.len().saturating_sub(1) as u16);
        }
        canon
    }

    fn index(&self, tag: TagId) -> u16 {
        self.places.get(&tag).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
