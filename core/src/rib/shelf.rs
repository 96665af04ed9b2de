//! Where a snapshot keeps feed tables: each version once, however many views share it.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::View;
use crate::feed::FeedTable;
use crate::ids::{FeedId, Serial};

/// A view by the versions of its feeds: what a snapshot has in a view's place.
pub(crate) type ViewKeys = Vec<(FeedId, Serial)>;

/// Feed tables by version, and the views made of them.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    tables: BTreeMap<(FeedId, Serial), Arc<FeedTable>>,
    views: BTreeMap<ViewKeys, Arc<View>>,
}

impl Shelf {
    /// The shelf of these tables.
    pub(crate) fn new(tables: Vec<Arc<FeedTable>>) -> Self {
        let tables = tables.into_iter().map(|table| ((table.id(), table.serial()), table)).collect();
        Self { tables, views: BTreeMap::new() }
    }

    /// Keeps a table and returns its key.
    pub(crate) fn put(&mut self, table: &Arc<FeedTable>) -> (FeedId, Serial) {
        let key = (table.id(), table.serial());
        self.tables.entry(key).or_insert_with(|| table.clone());
        key
    }

    /// Keeps the tables of a view and returns their keys.
    pub(crate) fn put_view(&mut self, view: &View) -> ViewKeys {
        view.tables().iter().map(|table| self.put(table)).collect()
    }

    /// The table with this key; without one, the key.
    pub(crate) fn find(&self, key: (FeedId, Serial)) -> Result<Arc<FeedTable>, (FeedId, Serial)> {
        self.tables.get(&key).cloned().ok_or(key)
    }

    /// The view of these tables, the same one for the same keys; without one of them, its key.
    pub(crate) fn find_view(&mut self, keys: &ViewKeys) -> Result<Arc<View>, (FeedId, Serial)> {
        if let Some(view) = self.views.get(keys) {
            return Ok(view.clone());
        }
        let tables = keys.iter().map(|&key| self.find(key)).collect::<Result<_, _>>()?;
        let view = Arc::new(View::new(tables));
        self.views.insert(keys.clone(), view.clone());
        Ok(view)
    }

    /// All tables, ascending by key.
    pub(crate) fn into_tables(self) -> Vec<Arc<FeedTable>> {
        self.tables.into_values().collect()
    }
}
