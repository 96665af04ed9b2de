//! Sources and feeds: asks for bodies, takes them in, and brings the news to the peers it concerns.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{
    Action, Command, CommandError, FeedDelta, FeedStatus, FetchOutcome, Notice, Records, Reply, RouteServer,
    SourceStatus, StoreWrite,
};
use crate::config::PeerConfig;
use crate::coverage;
use crate::feed::catalog::{Refusal, Tick};
use crate::feed::{FeedChange, SourceOutcome};
use crate::ids::{Serial, SourceId, Ticket};
use crate::time::Instant;
use crate::timers::Due;

impl RouteServer {
    /// Takes the configuration's sources and those that its peers need.
    pub(super) fn demand_sources(&mut self) {
        self.catalog.replace(&self.config);
        for peer in &self.config.peers {
            self.catalog.hold(&peer.subscription);
        }
    }

    /// Gives all sources and feeds what the store kept, and asks for them.
    pub(super) fn start_sources(&mut self, now: Instant, records: &Records) {
        for source in self.catalog.restore(&records.sources, &records.feeds) {
            self.notice(Notice::SourceRestored {
                source: source.name,
                unix_secs: source.unix_secs,
                prefixes: source.prefixes,
            });
        }
        self.settle_sources(now);
    }

    /// Takes a new configuration's sources, and those that its peers need instead of the `old` ones. Returns how many
    /// sources are asked because of it.
    pub(super) fn replace_sources(&mut self, now: Instant, old: &[PeerConfig]) -> usize {
        let replaced = self.catalog.replace(&self.config);
        for peer in &self.config.peers {
            self.catalog.hold(&peer.subscription);
        }
        for peer in old {
            self.catalog.release(&peer.subscription);
        }
        for (source, outcome) in replaced.judged {
            self.tell(now, source, outcome);
        }
        replaced.asked
    }

    /// Does what follows when sources and feeds came, went, or were asked: rebuilds feeds and tells their peers, hands
    /// out requests, and sets deadlines.
    pub(super) fn settle_sources(&mut self, now: Instant) {
        let unix_secs = self.unix_secs(now);
        let changes = self.catalog.rebuild_dirty(unix_secs);
        self.spread(changes);
        for (source, request) in self.catalog.take_requests() {
            self.actions.push_back(Action::Fetch { source, request });
        }
        for (source, at) in self.catalog.take_moved() {
            self.timers.set(Due::Source(source), at);
        }
    }

    pub(super) fn handle_fetched(
        &mut self,
        now: Instant,
        source: SourceId,
        unix_secs: u64,
        outcome: FetchOutcome,
    ) {
        let mut tick = Tick { now, unix_secs, rng: &mut self.rng };
        let outcome = self.catalog.handle_fetched(&mut tick, source, outcome);
        self.tell(now, source, outcome);
    }

    /// Tells people, the store and the peers what came of a source.
    fn tell(&mut self, now: Instant, source: SourceId, outcome: SourceOutcome) {
        let Some((name, origin)) = self.catalog.describe_source(source) else {
            self.note_stale();
            return;
        };
        match outcome {
            SourceOutcome::Ignored { is_stale: true } => self.note_stale(),
            SourceOutcome::Ignored { is_stale: false } | SourceOutcome::Rejected => {}
            SourceOutcome::Unchanged { bad, is_superseding } => {
                self.tell_superseded(&name, is_superseding);
                if let Some((count, first)) = bad {
                    self.notice(Notice::SourceBadLines { source: name, origin, count, first });
                }
            }
            SourceOutcome::Fresh { record, counts: (v4, v6), bad: (count, first), is_superseding } => {
                self.tell_superseded(&name, is_superseding);
                self.notice(Notice::SourceLoaded { source: name.clone(), v4, v6 });
                if count > 0 {
                    self.notice(Notice::SourceBadLines { source: name, origin, count, first });
                }
                self.store(StoreWrite::Source(record));
                let changes = self.catalog.rebuild_feeds_of(self.unix_secs(now), source);
                self.spread(changes);
            }
            SourceOutcome::Held { reason, is_fatal: true, .. } => self.give_up(&name, &reason),
            SourceOutcome::Held { served, held, reason, is_news, is_fatal: false } => {
                if is_news {
                    self.notice(Notice::SourceHeld { source: name, served, held, reason });
                }
            }
            SourceOutcome::Failed { error, is_fatal: true, .. } => self.give_up(&name, &error),
            SourceOutcome::Failed { error, kept, is_fatal: false } => {
                self.notice(Notice::SourceFailed { source: name, error, kept });
            }
        }
    }

    fn tell_superseded(&mut self, name: &str, is_superseding: bool) {
        if is_superseding {
            self.notice(Notice::SourceReleased { source: name.into(), how: "superseded" });
        }
    }

    fn give_up(&mut self, name: &str, error: &str) {
        let reason = format!("source \"{name}\" is required and cannot be loaded: {error}");
        self.actions.push_back(Action::Fail { reason });
    }

    pub(super) fn handle_source_command(&mut self, now: Instant, ticket: Ticket, command: Command) {
        let unix_secs = self.unix_secs(now);
        let (kind, name, done) = match command {
            Command::RefreshSource { source } => {
                let done = self.catalog.refresh(&source);
                ("source", source, done)
            }
            Command::ApproveSource { source } => {
                let done = self.catalog.approve(&source).map(|(id, outcome)| {
                    self.notice(Notice::SourceReleased { source: source.clone(), how: "approved" });
                    self.tell(now, id, outcome);
                });
                ("source", source, done)
            }
            Command::RejectSource { source } => {
                let done = self.catalog.reject(&source).map(|()| {
                    self.notice(Notice::SourceReleased { source: source.clone(), how: "rejected" });
                });
                ("source", source, done)
            }
            Command::RollbackFeed { feed, serial } => {
                let change = self.catalog.roll_back(&feed, serial, unix_secs);
                let done = change.map(|change| self.tell_pinned(&feed, Some(serial), change));
                ("feed", feed, done)
            }
            Command::ReleaseFeed { feed } => {
                let change = self.catalog.let_go(&feed, unix_secs);
                let done = change.map(|change| self.tell_pinned(&feed, None, change));
                ("feed", feed, done)
            }
            _ => return,
        };
        let reply = match done {
            Ok(()) => Reply::Done,
            Err(refusal) => Reply::Refused(self.refused(kind, name, refusal)),
        };
        self.reply(ticket, reply);
    }

    fn tell_pinned(&mut self, feed: &str, to: Option<Serial>, change: FeedChange) {
        self.notice(Notice::FeedPinned { feed: feed.into(), to });
        self.spread(Vec::from([change]));
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

    /// Tells the store and the peers of changed feeds, and nobody else.
    pub(super) fn spread(&mut self, changes: Vec<FeedChange>) {
        for change in changes {
            self.handle_feed_changed(change.id);
            let FeedChange { name, serial, counts: (v4, v6), has_new_routes, record, .. } = change;
            if has_new_routes {
                self.notice(Notice::FeedChanged { feed: name, serial, v4, v6 });
            }
            if let Some(record) = record {
                self.store(StoreWrite::Feed(record));
            }
        }
    }

    fn store(&mut self, write: StoreWrite) {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.writes_pending.insert(ticket);
        self.actions.push_back(Action::Store { ticket, write });
    }

    /// Every source as it stands at `now`: those of the configuration first.
    pub fn sources(&self, now: Instant) -> Vec<SourceStatus> {
        self.catalog.source_statuses(now)
    }

    /// Every feed as it stands: those of the configuration first.
    pub fn feeds(&self) -> Vec<FeedStatus> {
        self.catalog.feed_statuses()
    }

    /// What leads from one version of a feed to another, either of which may be the newer one.
    pub fn feed_diff(&self, feed: &str, from: Serial, to: Serial) -> Result<FeedDelta, CommandError> {
        self.catalog.feed_diff(feed, from, to).map_err(|refusal| self.refused("feed", feed.into(), refusal))
    }

    fn refused(&self, kind: &'static str, name: String, refusal: Refusal) -> CommandError {
        match refusal {
            Refusal::Unknown => {
                let known =
                    if kind == "source" { self.catalog.source_names() } else { self.catalog.feed_names() };
                CommandError::not_found(kind, name, known.iter().map(String::as_str))
            }
            Refusal::Version(serial) => {
                CommandError::not_found("version", format!("{serial} of {name}"), core::iter::empty())
            }
            Refusal::Conflict(problem) => CommandError::Conflict(problem),
        }
    }
}
