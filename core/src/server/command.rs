//! What the operator asks for: a new configuration as a difference, and the end.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::admission::cease;
use super::conn::{Conn, Owner};
use super::peer::Peer;
use super::{Action, Command, CommandError, Notice, Phase, Reply, RouteServer};
use crate::config::Config;
use crate::coverage::{self, Reload, Server};
use crate::ids::{ConnId, Ticket};
use crate::session::State;
use crate::time::Instant;
use crate::wire::Notification;

impl RouteServer {
    pub(super) fn handle_command(&mut self, now: Instant, ticket: Ticket, command: Command) {
        if self.phase != Phase::Serving {
            coverage::hit(Reload::ShuttingDown);
            self.reply(ticket, Reply::Refused(CommandError::ShuttingDown));
            return;
        }
        match command {
            Command::Reload(config) => {
                let reply = match config.check() {
                    Ok(()) => self.reload(now, *config),
                    Err(error) => {
                        coverage::hit(Reload::Unacceptable);
                        Reply::Refused(CommandError::Config(error))
                    }
                };
                self.reply(ticket, reply);
            }
            Command::Shutdown { text } => {
                coverage::hit(Server::Stopping);
                self.phase = Phase::Stopping(ticket);
                self.stop_registering();
                // RFC 4486: Administrative Shutdown, with a text for the other side (RFC 9003).
                self.close_all(now, &Notification::with_text(6, ADMINISTRATIVE_SHUTDOWN, &text));
            }
            Command::PutPeer { .. }
            | Command::SetPeer { .. }
            | Command::RemovePeer { .. }
            | Command::ApprovePeer { .. }
            | Command::ResendPeer { .. }
            | Command::ResetPeer { .. } => self.handle_peer_command(now, ticket, command),
            Command::RefreshSource { .. }
            | Command::ApproveSource { .. }
            | Command::RejectSource { .. }
            | Command::RollbackFeed { .. }
            | Command::ReleaseFeed { .. } => self.handle_source_command(now, ticket, command),
        }
    }

    /// Once all is flushed, says so.
    pub(super) fn finish_shutdown(&mut self) {
        if let Phase::Stopping(ticket) = self.phase
            && self.conns.is_empty()
            && self.writes_pending.is_empty()
        {
            coverage::hit(Server::Stopped);
            self.phase = Phase::Stopped;
            self.reply(ticket, Reply::ShutDown);
        }
    }

    /// Takes a checked configuration. Sessions that can stay do, and see only what differs.
    fn reload(&mut self, now: Instant, config: Config) -> Reply {
        let is_other_speaker = config.asn != self.config.asn || config.router_id != self.config.router_id;
        let changes = self.registry.replace(&config.peers);
        self.note_shadowed(&changes.shadowed);
        let old = core::mem::replace(&mut self.config, config);
        let fetching = self.replace_sources(now, &old.peers);
        let mut reset = 0;
        let ids: Vec<ConnId> = self.conns.keys().copied().collect();
        for id in ids {
            if let Some(notification) = self.reconsider(id, is_other_speaker) {
                reset += 1;
                self.close(id, notification);
                self.drive(now, id);
            }
        }
        for id in doubles(&self.conns, self.identities.values()) {
            reset += 1;
            self.close_double(now, id);
        }
        self.settle_sources(now);
        let peers = [changes.added, changes.changed, changes.removed];
        self.notice(Notice::Reloaded { peers, reset });
        Reply::Reloaded { peers, fetching }
    }

    pub(super) fn close_double(&mut self, now: Instant, id: ConnId) {
        coverage::hit(Reload::Double);
        self.close(id, cease(OTHER_CONFIGURATION_CHANGE));
        self.drive(now, id);
    }

    /// Brings one connection in line with the configuration; what to end it with where that is impossible.
    pub(super) fn reconsider(&mut self, id: ConnId, is_other_speaker: bool) -> Option<Notification> {
        let conn = self.conns.get(&id)?;
        if conn.session.state() == State::Closed {
            coverage::hit(Reload::Closed);
            return None;
        }
        if is_other_speaker {
            coverage::hit(Reload::OtherSpeaker);
            return Some(cease(OTHER_CONFIGURATION_CHANGE));
        }
        let Some(negotiated) = conn.session.negotiated().copied() else {
            coverage::hit(Reload::Unopened);
            return None;
        };
        let Ok(owner) = self.identify(conn, &negotiated) else {
            coverage::hit(Reload::Deconfigured);
            return Some(cease(PEER_DECONFIGURED));
        };
        self.rename(id, owner);
        let is_kept = self.subscribe_again(id);
        coverage::hit(if is_kept { Reload::Kept } else { Reload::Reset });
        (!is_kept).then(|| cease(OTHER_CONFIGURATION_CHANGE))
    }

    /// The connection may now be another entry's.
    fn rename(&mut self, id: ConnId, owner: Owner) {
        let Some(conn) = self.conns.get(&id) else {
            return;
        };
        let identity = owner.identity;
        if owner.peer == Peer::Unknown && !conn.is_unknown {
            // It is served already, so it stays even where no more would be let in.
            let address = conn.address();
            self.count_unknown(address, true);
        }
        if let Some(before) = self.own(id, owner) {
            self.disown(id, &before);
        }
        self.identities.entry(identity).or_default().insert(id);
    }

    fn subscribe_again(&mut self, id: ConnId) -> bool {
        let is_established = self.conns.get(&id).is_some_and(|conn| conn.outbound.is_some());
        !is_established || self.subscribe(id)
    }

    fn close_all(&mut self, now: Instant, notification: &Notification) {
        let ids: Vec<ConnId> = self.conns.keys().copied().collect();
        for id in ids {
            self.close(id, notification.clone());
            self.drive(now, id);
        }
    }

    pub(super) fn reply(&mut self, ticket: Ticket, reply: Reply) {
        self.actions.push_back(Action::Reply { ticket, reply });
    }
}

/// Connections beyond the first of peers that were several before a change made them one.
pub(super) fn doubles<'a>(
    conns: &BTreeMap<ConnId, Conn>,
    identities: impl Iterator<Item = &'a BTreeSet<ConnId>>,
) -> Vec<ConnId> {
    let mut doubles = Vec::new();
    for ids in identities {
        let is_established = |id: &&ConnId| conns.get(id).is_some_and(|conn| conn.outbound.is_some());
        let survivor = ids.iter().find(is_established).or(ids.first());
        doubles.extend(ids.iter().filter(|&id| Some(id) != survivor));
    }
    doubles
}

const ADMINISTRATIVE_SHUTDOWN: u8 = 2;
const PEER_DECONFIGURED: u8 = 3;
const OTHER_CONFIGURATION_CHANGE: u8 = 6;
