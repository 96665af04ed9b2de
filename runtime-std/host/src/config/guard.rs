//! `guard = { … }` of a source: what is held back for an operator to look at.

use bgplite_core::config::Guard;
use bgplite_core::rib::AnyPrefix;

use super::error::FileError;
use super::reader::{Keys, Table};
use super::value;

type Result<T> = std::result::Result<T, FileError>;

pub(super) const GUARD: Keys =
    Keys { served: &["min", "max_shrink", "max_growth", "must_contain", "must_not_contain"], later: &[] };

/// A source's guard; every default without one.
pub(super) fn guard(source: &Table<'_>) -> Result<Guard> {
    let mut guard = Guard::default();
    let Some(value) = source.take("guard") else {
        return Ok(guard);
    };
    let table = value.table("a table, like { min = 1000, max_shrink = \"50%\" }")?;
    table.check_keys(&GUARD)?;
    if let Some(value) = table.take("min") {
        guard.min = value.number(0..=u64::from(u32::MAX))? as usize;
    }
    if let Some(value) = table.take("max_shrink") {
        guard.max_shrink = value::percent(&value)?;
    }
    if let Some(value) = table.take("max_growth") {
        guard.max_growth = value::percent(&value)?;
    }
    guard.must_contain = prefixes(&table, "must_contain")?;
    guard.must_not_contain = prefixes(&table, "must_not_contain")?;
    Ok(guard)
}

fn prefixes(table: &Table<'_>, key: &str) -> Result<Vec<AnyPrefix>> {
    let Some(value) = table.take(key) else {
        return Ok(Vec::new());
    };
    let items = value.items("an array of prefixes, like [\"192.0.2.0/24\"]")?;
    items.iter().map(value::prefix).collect()
}
