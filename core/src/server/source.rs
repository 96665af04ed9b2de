//! Sources and feeds: asks for bodies, takes them in, and brings the news to the peers it concerns.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{
    Action, Command, CommandError, FetchOutcome, Notice, Reply, RouteServer, SourceRecord, StoreWrite,
};
use crate::coverage;
use crate::feed::{FeedChange, SourceOutcome};
use crate::ids::{SourceId, Ticket};
use crate::time::Instant;

impl RouteServer {
    /// Takes the configuration's sources, gives them what the store kept, and asks for all of them.
    pub(super) fn start_sources(&mut self, records: &[SourceRecord]) {
        let mut changes = self.catalog.replace(&self.config);
        let (restored, more) = self.catalog.restore(records);
        for source in restored {
            self.notice(Notice::SourceRestored {
                source: source.name,
                unix_secs: source.unix_secs,
                prefixes: source.prefixes,
            });
        }
        changes.extend(more);
        self.spread(changes);
        self.fetch_all();
    }

    /// Wants a new body of every source that comes from outside; returns how many those are.
    pub(super) fn fetch_all(&mut self) -> usize {
        let sources: Vec<SourceId> = self.catalog.fetchable().collect();
        for &source in &sources {
            if let Some(request) = self.catalog.want(source) {
                self.actions.push_back(Action::Fetch { source, request });
            }
        }
        sources.len()
    }

    pub(super) fn handle_fetched(&mut self, source: SourceId, unix_secs: u64, outcome: FetchOutcome) {
        let (outcome, again) = self.catalog.handle_fetched(source, unix_secs, outcome);
        if let Some(request) = again {
            self.actions.push_back(Action::Fetch { source, request });
        }
        let Some((name, origin)) = self.catalog.describe_source(source) else {
            self.note_stale();
            return;
        };
        let (name, origin) = (String::from(name), String::from(origin));
        match outcome {
            SourceOutcome::Ignored => self.note_stale(),
            SourceOutcome::Unchanged { bad: None } => {}
            SourceOutcome::Unchanged { bad: Some((count, first)) } => {
                self.notice(Notice::SourceBadLines { source: name, origin, count, first });
            }
            SourceOutcome::Fresh { record, counts: (v4, v6), bad: (count, first) } => {
                self.notice(Notice::SourceLoaded { source: name.clone(), v4, v6 });
                if count > 0 {
                    self.notice(Notice::SourceBadLines { source: name, origin, count, first });
                }
                self.store(StoreWrite::Source(record));
                let changes = self.catalog.rebuild_feeds_of(source);
                self.spread(changes);
            }
            SourceOutcome::Failed { error, kept: _, is_fatal: true } => {
                let reason = format!("source \"{name}\" is required and cannot be loaded: {error}");
                self.actions.push_back(Action::Fail { reason });
            }
            SourceOutcome::Failed { error, kept, is_fatal: false } => {
                self.notice(Notice::SourceFailed { source: name, error, kept });
            }
        }
    }

    pub(super) fn handle_source_command(&mut self, _now: Instant, ticket: Ticket, command: Command) {
        let (kind, name) = match command {
            Command::RefreshSource { source }
            | Command::ApproveSource { source }
            | Command::RejectSource { source } => ("source", source),
            Command::RollbackFeed { feed, .. } | Command::ReleaseFeed { feed } => ("feed", feed),
            _ => return,
        };
        self.reply(ticket, Reply::Refused(CommandError::NotFound { kind, name }));
    }

    pub(super) fn handle_stored(&mut self, ticket: Ticket, result: Result<(), String>) {
        if !self.writes_pending.remove(&ticket) {
            self.stats.stale_inputs += 1;
            return;
        }
        if let Err(error) = result {
            coverage::hit(coverage::Server::StoreFailed);
            self.notice(Notice::StoreFailed { error });
        }
    }

    /// Tells the peers of changed feeds, and nobody else.
    pub(super) fn spread(&mut self, changes: Vec<FeedChange>) {
        for change in changes {
            self.handle_feed_changed(change.id);
            if change.has_new_routes {
                let FeedChange { name, serial, counts: (v4, v6), .. } = change;
                self.notice(Notice::FeedChanged { feed: name, serial, v4, v6 });
            }
        }
    }

    fn store(&mut self, write: StoreWrite) {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.writes_pending.insert(ticket);
        self.actions.push_back(Action::Store { ticket, write });
    }
}
