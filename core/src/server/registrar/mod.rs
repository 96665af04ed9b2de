//! Registers, changes and removes peers: checked as a whole, stored, and only then in force and answered.
//!
//! One write is under way at a time. What is asked meanwhile waits, and goes out together as the next one.

mod apply;
mod staging;
mod status;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use self::staging::Staging;
use super::{
    Action, Command, CommandError, Notice, PeerChange, PeerRecord, Phase, Reply, RouteServer, StoreWrite,
};
use crate::coverage::{self, Registration};
use crate::ids::{PeerId, Ticket};
use crate::time::Instant;

pub use status::{PeerInfo, PeerOrigin, SessionInfo};

/// Commands that wait, and the write under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Registrar {
    waiting: VecDeque<Waiting>,
    under_way: Option<UnderWay>,
}

/// A command that has not been looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    ticket: Ticket,
    command: Command,
}

/// What the store is writing, and what to say when it has.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct UnderWay {
    write: Ticket,
    changes: Vec<PeerChange>,
    answers: Vec<(Ticket, Answer)>,
    happenings: Vec<(String, Happening)>,
}

/// An answer to a command that changed something, or that found the change under way.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Peer { id: PeerId, revision: u64, is_new: bool },
    Done,
}

/// What happened to a peer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Happening {
    Registered,
    Replaced,
    Approved,
    Removed,
    Forgotten,
}

impl RouteServer {
    pub(super) fn handle_peer_command(&mut self, now: Instant, ticket: Ticket, command: Command) {
        match command {
            Command::ResendPeer { id } => self.resend(ticket, id),
            Command::ResetPeer { id } => self.reset(now, ticket, id),
            command if self.registrar.waiting.len() < MAX_WAITING => {
                self.registrar.waiting.push_back(Waiting { ticket, command });
                self.commit(now);
            }
            _ => {
                coverage::hit(Registration::Busy);
                self.reply(ticket, Reply::Refused(CommandError::Busy));
            }
        }
    }

    /// Whether the answer to this write is the registrar's.
    pub(super) fn is_registration(&self, write: Ticket) -> bool {
        self.registrar.under_way.as_ref().is_some_and(|under_way| under_way.write == write)
    }

    /// The store has answered: what it has is in force from now on, and what it has not never was.
    pub(super) fn handle_registered(&mut self, now: Instant, write: Ticket, result: Result<(), String>) {
        let Some(under_way) = self.registrar.under_way.take() else { return };
        let UnderWay { changes, answers, happenings, .. } = under_way;
        self.writes_pending.remove(&write);
        match result {
            Ok(()) => {
                coverage::hit(Registration::Stored);
                self.apply(now, changes);
                for (peer, happening) in happenings {
                    self.notice(Notice::PeerChanged { peer, how: happening.how() });
                }
                for (ticket, answer) in answers {
                    self.reply(ticket, answer.into());
                }
            }
            Err(error) => {
                coverage::hit(Registration::StoreFailed);
                for (ticket, _) in answers {
                    self.reply(ticket, Reply::Refused(CommandError::Store(error.clone())));
                }
            }
        }
        self.commit(now);
    }

    /// What waits is not begun any more; what the store is writing is.
    pub(super) fn stop_registering(&mut self) {
        for Waiting { ticket, .. } in core::mem::take(&mut self.registrar.waiting) {
            coverage::hit(Registration::ShuttingDown);
            self.reply(ticket, Reply::Refused(CommandError::ShuttingDown));
        }
    }

    /// Looks at all that waits, one after the other, each as if those before were in force, and stores what comes of
    /// it in one write. A refusal is said at once; so is what changes nothing, unless something before it does.
    fn commit(&mut self, now: Instant) {
        if self.registrar.waiting.is_empty() || self.phase != Phase::Serving {
            return;
        }
        if self.registrar.under_way.is_some() {
            coverage::hit(Registration::Waits);
            return;
        }
        let unix_secs = self.unix_secs(now);
        let waiting = core::mem::take(&mut self.registrar.waiting);
        let mut staging = Staging::new(&self.registry, &self.config, &mut self.rng, unix_secs);
        let (mut answers, mut refusals) = (Vec::new(), Vec::new());
        for Waiting { ticket, command } in waiting {
            match staging.handle(command) {
                Ok(answer) => answers.push((ticket, answer)),
                Err(error) => refusals.push((ticket, error)),
            }
        }
        let (changes, happenings) = staging.finish();
        for (ticket, error) in refusals {
            coverage::hit(Registration::Refused);
            self.reply(ticket, Reply::Refused(error));
        }
        if changes.is_empty() {
            for (ticket, answer) in answers {
                coverage::hit(Registration::Unchanged);
                self.reply(ticket, answer.into());
            }
            return;
        }
        self.next_ticket += 1;
        let write = Ticket(self.next_ticket);
        self.writes_pending.insert(write);
        self.actions.push_back(Action::Store { ticket: write, write: StoreWrite::Peers(changes.clone()) });
        self.registrar.under_way = Some(UnderWay { write, changes, answers, happenings });
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Peer { id, revision, is_new } => Self::Peer { id, revision, is_new },
            Answer::Done => Self::Done,
        }
    }
}

impl Happening {
    const fn how(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Replaced => "replaced",
            Self::Approved => "approved",
            Self::Removed => "removed",
            Self::Forgotten => "forgotten",
        }
    }
}

/// Commands that wait for the write before theirs; one more is refused with [`CommandError::Busy`].
const MAX_WAITING: usize = 4096;

/// Removed peers that are remembered; when there are more, the one removed first is forgotten.
const MAX_REMOVED: usize = 10_000;
