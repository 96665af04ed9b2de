//! What operators decide about sources and feeds, and whether the server's answers fit what the model knows.

use std::rc::Rc;

use bgplite_core::ids::{ConnId, Serial};
use bgplite_core::rng::Rng;
use bgplite_core::server::{Command, CommandError, Input, Reply, StoreWrite};

use super::World;
use super::incident::{Incident, What};
use super::node::Asked;
use super::stock::rows_of;

/// A decision, and whether the model thinks that it can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    text: String,
    is_fine: bool,
}

impl World<'_> {
    pub(super) fn operate(&mut self, incident: &Incident) {
        if self.node.server.is_none() || self.node.is_stopping {
            return;
        }
        let mut rng = Rng::new(incident.salt);
        let stock = &mut self.oracle.stock;
        let sources: Vec<String> = stock.outside().cloned().collect();
        let feeds: Vec<String> = stock.feeds().map(|(name, _)| name.clone()).collect();
        let pick = |names: &[String], who: usize| {
            let name = who.checked_rem(names.len()).and_then(|index| names.get(index));
            name.cloned().unwrap_or_default()
        };
        let is_nowhere = rng.below(16) == 0;
        let who = incident.who as usize;
        let mut source = if is_nowhere { "nowhere".into() } else { pick(&sources, who) };
        let feed = if is_nowhere { "nowhere".into() } else { pick(&feeds, who) };
        if matches!(incident.what, What::Approve | What::Reject)
            && let Some(held) = stock.outside().find(|name| stock.is_held_back(name))
            && !is_nowhere
        {
            source.clone_from(held);
        }
        let (command, is_fine) = match incident.what {
            What::AskNow => {
                let is_fine = stock.has(&source);
                self.allow(&source);
                (Command::RefreshSource { source }, is_fine)
            }
            What::Approve => {
                let is_fine = stock.approve(&source);
                (Command::ApproveSource { source }, is_fine)
            }
            What::Reject => {
                let is_fine = stock.reject(&source);
                (Command::RejectSource { source }, is_fine)
            }
            What::GoBack => {
                let versions = stock.feed(&feed).map(|feed| feed.versions.as_slice()).unwrap_or_default();
                let known = (rng.below(16) as usize)
                    .checked_rem(versions.len())
                    .and_then(|index| versions.get(index))
                    .map(|(serial, _)| *serial);
                let serial = known.unwrap_or(1 << 40);
                let is_fine = stock.go_back(&feed, serial);
                (Command::RollbackFeed { feed, serial: Serial(serial) }, is_fine)
            }
            _ => {
                let is_fine = stock.release(&feed);
                (Command::ReleaseFeed { feed }, is_fine)
            }
        };
        self.oracle.forget();
        let operation = Operation { text: format!("{command:?}"), is_fine };
        let ticket = self.ask(Asked::Operation(operation));
        let unix_secs = self.unix_secs();
        self.tell(Input::Command { ticket, unix_secs, command });
        self.expect_all();
    }

    /// An operator who has seen enough asks for everything.
    pub(super) fn ask_for_all(&mut self) {
        let sources: Vec<String> = self.oracle.stock.outside().cloned().collect();
        for source in sources {
            self.allow(&source);
            let command = Command::RefreshSource { source };
            let operation = Operation { text: format!("{command:?}"), is_fine: true };
            let ticket = self.ask(Asked::Operation(operation));
            let unix_secs = self.unix_secs();
            self.tell(Input::Command { ticket, unix_secs, command });
        }
    }

    pub(super) fn operated(&mut self, operation: &Operation, reply: &Reply) {
        let is_right = match reply {
            Reply::Done => operation.is_fine,
            Reply::Refused(CommandError::Conflict(_) | CommandError::NotFound { .. }) => !operation.is_fine,
            _ => false,
        };
        if !is_right {
            let expected = if operation.is_fine { "be done" } else { "be refused" };
            self.fail(format!("{} should {expected}, and the answer is {reply:?}", operation.text));
        }
    }

    /// A version of a feed goes to the store: it is what is served, and can be gone back to.
    pub(super) fn check_write(&mut self, write: &StoreWrite) {
        let StoreWrite::Feed(record) = write else { return };
        let Some(feed) = self.oracle.stock.feed_mut(&record.name) else {
            self.fail(format!("feed {} is stored, and nobody has it", record.name));
            return;
        };
        let rows = rows_of(&record.table);
        let is_right = rows == *feed.rows && record.is_pinned == feed.is_pinned;
        let serial = record.table.serial().0;
        if feed.versions.first().is_none_or(|(newest, _)| *newest != serial) {
            feed.versions.insert(0, (serial, Rc::new(rows)));
        }
        let is_kept = |serial: u64| record.versions.iter().any(|version| version.serial.0 == serial);
        feed.versions.retain(|(serial, _)| is_kept(*serial));
        let counts = record.versions.iter().map(|version| version.v4 + version.v6);
        let is_counted = feed.versions.is_empty()
            || record.versions.len() != feed.versions.len()
            || counts.eq(feed.versions.iter().map(|(_, rows)| rows.len()));
        if !is_right || !is_counted {
            self.fail(format!("feed {} is stored otherwise than it is served", record.name));
        } else if record.versions.len() > self.oracle.config.feed_versions {
            self.fail(format!("feed {} has {} versions", record.name, record.versions.len()));
        }
    }

    /// After a start: the versions that the store had.
    pub(super) fn restore_versions(&mut self) {
        for (name, versions) in self.store.versions() {
            if let Some(feed) = self.oracle.stock.feed_mut(name) {
                feed.versions.clone_from(versions);
            }
        }
    }

    /// The versions of a feed as the model knows them, for the store to keep.
    pub(super) fn versions_of(&self, write: &StoreWrite) -> super::store::Versions {
        match write {
            StoreWrite::Feed(record) => {
                self.oracle.stock.feed(&record.name).map(|feed| feed.versions.clone()).unwrap_or_default()
            }
            StoreWrite::Source(_) | StoreWrite::Peers(_) => Vec::new(),
        }
    }

    /// The connections whose peer's name this is.
    pub(super) fn conns_named(&self, name: &str) -> Vec<ConnId> {
        let is_its = |link: &super::link::Link| {
            let identity = link.far_end().and_then(|far| self.oracle.identify(&far));
            identity.is_some_and(|(_, (known, _))| known.as_deref() == Some(name))
        };
        self.links.iter().filter(|(_, link)| is_its(link)).map(|(conn, _)| *conn).collect()
    }
}
