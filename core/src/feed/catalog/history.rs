//! Versions of a feed, and the way from one to another.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::config::{Aggregate, Tag};
use crate::coverage;
use crate::feed::{FeedDelta, FeedPart, FeedTable, FeedVersion, PrefixSet, Routed};
use crate::ids::{FeedId, Serial};
use crate::rib::{AnyPrefix, Diff, Prefix, PrefixError, TagSet, V4, V6, View};

/// The present version and earlier ones, the newest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct History {
    versions: VecDeque<FeedVersion>,
}

/// Why a version cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoVersion {
    /// It is not kept, or never was.
    Unknown(Serial),
    /// What leads to it is not readable.
    Damaged(Serial),
}

impl History {
    pub(super) fn new(versions: Vec<FeedVersion>) -> Self {
        Self { versions: versions.into() }
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &FeedVersion> {
        self.versions.iter()
    }

    /// Notes that `new` follows `old`. Keeps `max` versions at most, and fewer where they differ in very much.
    pub(super) fn push(&mut self, old: &Arc<FeedTable>, new: &Arc<FeedTable>, unix_secs: u64, max: usize) {
        let has_old = self.versions.front().is_some_and(|front| front.serial == old.serial());
        self.versions.push_front(FeedVersion {
            serial: new.serial(),
            unix_secs,
            v4: new.count_v4(),
            v6: new.count_v6(),
            back: has_old.then(|| delta(new, old)),
        });
        if !has_old {
            self.versions.truncate(1);
        }
        let mut octets = 0_usize;
        let mut kept = 0;
        for version in self.versions.iter().take(max.max(1)) {
            if octets > MAX_OCTETS {
                break;
            }
            octets += version.back.as_ref().map_or(0, |back| back.text.len());
            kept += 1;
        }
        if kept < self.versions.len() {
            coverage::hit(coverage::Feed::Forgotten);
            self.versions.truncate(kept);
        }
        if let Some(oldest) = self.versions.back_mut() {
            oldest.back = None;
        }
    }

    /// The routes of an earlier version, as a table with its serial.
    pub(super) fn table(
        &self,
        current: &Arc<FeedTable>,
        serial: Serial,
    ) -> Result<Arc<FeedTable>, NoVersion> {
        if serial == current.serial() {
            return Ok(current.clone());
        }
        let mut changes = BTreeMap::new();
        for version in &self.versions {
            if version.serial == serial {
                let id = current.id();
                return Ok(Arc::new(apply(current, &changes, id, serial)));
            }
            let Some(back) = &version.back else { break };
            read(back, &mut changes).ok_or(NoVersion::Damaged(version.serial))?;
        }
        Err(NoVersion::Unknown(serial))
    }
}

/// What leads from one version to another.
pub(super) fn delta(from: &Arc<FeedTable>, to: &Arc<FeedTable>) -> FeedDelta {
    let mut text = String::new();
    if from.serial() != to.serial() {
        let [from, to] = [from, to].map(|table| View::new(Vec::from([table.clone()])));
        let diff = Diff::new(&from, &to);
        write_family::<V4>(&diff, &mut text);
        write_family::<V6>(&diff, &mut text);
    }
    FeedDelta { text }
}

fn write_family<F: Routed>(diff: &Diff<'_>, text: &mut String) {
    // Writing to a String cannot fail.
    for prefix in diff.withdraws::<F>() {
        let _ = writeln!(text, "- {prefix}");
    }
    for (prefix, tags) in diff.announces::<F>() {
        let _ = write!(text, "+ {prefix}");
        for tag in tags.standard() {
            let _ = write!(text, " {tag}");
        }
        for tag in tags.large() {
            let _ = write!(text, " {tag}");
        }
        text.push('\n');
    }
}

/// What becomes of a prefix: these tags, or it goes.
type Changes = BTreeMap<AnyPrefix, Option<Arc<TagSet>>>;

/// Adds the lines of a delta to those that come before it. `None` where a line is none.
fn read(delta: &FeedDelta, changes: &mut Changes) -> Option<()> {
    for line in delta.text.lines() {
        let (sign, rest) = line.split_once(' ')?;
        let mut words = rest.split(' ');
        let prefix = parse_prefix(words.next()?)?;
        let tags = match sign {
            "-" => None,
            "+" => {
                let (mut standard, mut large) = (Vec::new(), Vec::new());
                for word in words {
                    match word.parse().ok()? {
                        Tag::Standard(tag) => standard.push(tag),
                        Tag::Large(tag) => large.push(tag),
                    }
                }
                Some(Arc::new(TagSet::new(standard, large)))
            }
            _ => return None,
        };
        changes.insert(prefix, tags);
    }
    Some(())
}

/// The prefix parser, for lists that may have the default route.
fn parse_prefix(text: &str) -> Option<AnyPrefix> {
    match text.parse::<AnyPrefix>() {
        Ok(prefix) => Some(prefix),
        Err(PrefixError::DefaultRoute) if text.contains(':') => Prefix::new(0, 0).map(AnyPrefix::V6),
        Err(PrefixError::DefaultRoute) => Prefix::new(0, 0).map(AnyPrefix::V4),
        Err(_) => None,
    }
}

/// The routes of `table` with `changes`.
fn apply(table: &FeedTable, changes: &Changes, id: FeedId, serial: Serial) -> FeedTable {
    let mut parts = BTreeMap::<Arc<TagSet>, (Vec<Prefix<V4>>, Vec<Prefix<V6>>)>::new();
    for (prefix, tags) in table.routes::<V4>() {
        if !changes.contains_key(&AnyPrefix::V4(prefix)) {
            parts.entry(tags.clone()).or_default().0.push(prefix);
        }
    }
    for (prefix, tags) in table.routes::<V6>() {
        if !changes.contains_key(&AnyPrefix::V6(prefix)) {
            parts.entry(tags.clone()).or_default().1.push(prefix);
        }
    }
    for (prefix, tags) in changes {
        let Some(tags) = tags else { continue };
        let part = parts.entry(tags.clone()).or_default();
        match *prefix {
            AnyPrefix::V4(prefix) => part.0.push(prefix),
            AnyPrefix::V6(prefix) => part.1.push(prefix),
        }
    }
    let sets: Vec<_> = parts
        .into_iter()
        .map(|(tags, (v4, v6))| (tags, PrefixSet::from_prefixes(v4), PrefixSet::from_prefixes(v6)))
        .collect();
    let parts: Vec<FeedPart<'_>> =
        sets.iter().map(|(tags, set4, set6)| FeedPart { set4, set6, tags: tags.clone() }).collect();
    FeedTable::build(id, serial, &parts, Aggregate::Off)
}

/// Text of the deltas of one feed: beyond it, the oldest versions are forgotten, whatever is configured.
const MAX_OCTETS: usize = 16 << 20;

#[cfg(test)]
mod tests;
