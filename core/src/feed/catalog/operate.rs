//! What an operator decides about a source or a feed.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use super::feed::{Feed, FeedChange};
use super::history::{self, NoVersion};
use super::key::{FeedKey, SourceKey};
use super::source::{Arrived, Candidate, Last, SourceOutcome};
use super::{Catalog, coverage};
use crate::coverage::{Feed as FeedFate, Source as Fate};
use crate::feed::FeedDelta;
use crate::ids::{FeedId, Serial, SourceId};

/// Why something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No source or feed, as the case may be, is called this.
    Unknown,
    /// The feed has no such version.
    Version(Serial),
    /// A sentence.
    Conflict(String),
}

impl Catalog {
    /// Asks a source now.
    pub(crate) fn refresh(&mut self, name: &str) -> Result<(), Refusal> {
        let id = self.find_source(name).ok_or(Refusal::Unknown)?;
        let source = self.sources.get(&id).ok_or(Refusal::Unknown)?;
        if !source.config.location.is_outside() {
            let problem = format!("source \"{name}\" stands in the configuration; there is nobody to ask");
            return Err(Refusal::Conflict(problem));
        }
        self.want(id);
        Ok(())
    }

    /// Serves what the guard of a source holds back.
    pub(crate) fn approve(&mut self, name: &str) -> Result<(SourceId, SourceOutcome), Refusal> {
        let (id, candidate) = self.take_candidate(name)?;
        let source = self.sources.get_mut(&id).ok_or(Refusal::Unknown)?;
        coverage::hit(Fate::Approved);
        let Candidate { list, body, validators, unix_secs, .. } = candidate;
        let (counts, bad) = (list.counts(), (list.bad, list.first_bad.clone()));
        let record = source.accept(Arrived { body, validators, unix_secs }, list);
        Ok((id, SourceOutcome::Fresh { record, counts, bad, is_superseding: false }))
    }

    /// Drops what the guard of a source holds back.
    pub(crate) fn reject(&mut self, name: &str) -> Result<(), Refusal> {
        let (id, candidate) = self.take_candidate(name)?;
        coverage::hit(Fate::Rejected);
        if let Some(source) = self.sources.get_mut(&id) {
            source.rejected = Some(candidate.list);
            source.last = Last::Rejected;
        }
        Ok(())
    }

    fn take_candidate(&mut self, name: &str) -> Result<(SourceId, Candidate), Refusal> {
        let id = self.find_source(name).ok_or(Refusal::Unknown)?;
        let source = self.sources.get_mut(&id).ok_or(Refusal::Unknown)?;
        let candidate = source.candidate.take().ok_or_else(|| {
            Refusal::Conflict(format!(
                "no body of source \"{name}\" is held back; there is nothing to decide"
            ))
        })?;
        Ok((id, candidate))
    }

    /// Goes back to an earlier version of a feed, as a new version, and stays there.
    pub(crate) fn roll_back(
        &mut self,
        name: &str,
        serial: Serial,
        unix_secs: u64,
    ) -> Result<FeedChange, Refusal> {
        let versions = self.feed_versions;
        let (id, feed) = self.find_feed_mut(name)?;
        let table = feed.version(serial)?;
        coverage::hit(FeedFate::RolledBack);
        let has_new_routes = !table.same_routes(&feed.table);
        feed.is_pinned = true;
        if has_new_routes {
            feed.serve(table.with_version(id, feed.next_serial()), unix_secs, versions);
        }
        Ok(FeedChange { record: Some(feed.record()), ..feed.change(id, has_new_routes) })
    }

    /// Lets a feed that was gone back follow its sources again.
    pub(crate) fn let_go(&mut self, name: &str, unix_secs: u64) -> Result<FeedChange, Refusal> {
        let (id, feed) = self.find_feed_mut(name)?;
        if !feed.is_pinned {
            let problem = format!("feed \"{name}\" follows its sources already");
            return Err(Refusal::Conflict(problem));
        }
        coverage::hit(FeedFate::LetGo);
        feed.is_pinned = false;
        let same = feed.change(id, false);
        let change = self.rebuild(unix_secs, id).unwrap_or(same);
        let feed = self.feeds.get(&id).ok_or(Refusal::Unknown)?;
        // Also where it was never complete: what the store has would be gone back for ever.
        Ok(FeedChange { record: Some(feed.record()), ..change })
    }

    /// What leads from one version of a feed to another.
    pub(crate) fn feed_diff(&self, name: &str, from: Serial, to: Serial) -> Result<FeedDelta, Refusal> {
        let id = self.find_feed(name).ok_or(Refusal::Unknown)?;
        let feed = self.feeds.get(&id).ok_or(Refusal::Unknown)?;
        Ok(history::delta(&feed.version(from)?, &feed.version(to)?))
    }

    /// The source that people call this.
    fn find_source(&self, name: &str) -> Option<SourceId> {
        if let Some(id) = self.source_ids.get(&SourceKey::Named(name.into())) {
            return Some(*id);
        }
        self.source_ids.iter().find(|(key, _)| is_called(key, name)).map(|(_, id)| *id)
    }

    fn find_feed(&self, name: &str) -> Option<FeedId> {
        if let Some(id) = self.feed_ids.get(&FeedKey::Named(name.into())) {
            return Some(*id);
        }
        self.feed_ids.iter().find(|(key, _)| is_called(key, name)).map(|(_, id)| *id)
    }

    fn find_feed_mut(&mut self, name: &str) -> Result<(FeedId, &mut Feed), Refusal> {
        let id = self.find_feed(name).ok_or(Refusal::Unknown)?;
        Ok((id, self.feeds.get_mut(&id).ok_or(Refusal::Unknown)?))
    }
}

/// Whether what has no name in the configuration is called this.
fn is_called(key: &impl core::fmt::Display, name: &str) -> bool {
    name.starts_with('@') && format!("{key}") == name
}

impl Feed {
    fn version(&self, serial: Serial) -> Result<Arc<crate::feed::FeedTable>, Refusal> {
        self.history.table(&self.table, serial).map_err(|error| match error {
            NoVersion::Unknown(serial) => Refusal::Version(serial),
            NoVersion::Damaged(serial) => Refusal::Conflict(format!(
                "the store's copy of version {serial} of feed \"{}\" is damaged; choose a later one",
                self.key
            )),
        })
    }
}
