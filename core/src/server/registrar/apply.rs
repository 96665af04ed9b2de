//! Brings changes of peers into force: for their own connections, and for nobody else's.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{CommandError, Notice, PeerChange, PeerRecord, Reply, RouteServer};
use crate::config::{PeerConfig, Subscription};
use crate::coverage::{self, Registration};
use crate::ids::{ConnId, PeerId, Ticket};
use crate::server::admission::cease;
use crate::server::command::doubles;
use crate::server::peer::{Identity, Peer, matches, single_address};
use crate::server::{Action, PeerState};
use crate::time::Instant;

impl RouteServer {
    /// Takes the peers that the store has kept, and those of the configuration.
    pub(in crate::server) fn start_registry(&mut self, records: &[PeerRecord]) {
        self.registry.load(records);
        let shadowed = self.registry.replace(&self.config.peers).shadowed;
        self.note_shadowed(&shadowed);
        for record in records {
            self.demand(wanted(record));
        }
        self.listen();
    }

    /// Says where registered peers come in, if that has changed.
    fn listen(&mut self) {
        let endpoints = self.registry.endpoints();
        if endpoints != self.endpoints {
            coverage::hit(Registration::Endpoints);
            self.endpoints.clone_from(&endpoints);
            self.actions.push_back(Action::Listen { endpoints });
        }
    }

    /// Says that configured peers stand in the place of these.
    pub(in crate::server) fn note_shadowed(&mut self, names: &[String]) {
        for name in names {
            coverage::hit(Registration::Shadowed);
            self.notice(Notice::PeerChanged { peer: name.clone(), how: "shadowed" });
        }
    }

    /// Puts changes in force that the store has.
    pub(super) fn apply(&mut self, now: Instant, changes: Vec<PeerChange>) {
        let mut touched = BTreeSet::new();
        let ids: Vec<PeerId> = changes.iter().map(PeerChange::id).collect();
        let mut lost = Vec::new();
        for change in &changes {
            touched.extend(self.conns_of(change.id()));
            lost.extend(self.registry.record(change.id()).and_then(wanted).cloned());
            if let PeerChange::Put(record) = change {
                touched.extend(self.conns_at(&record.peer));
                self.demand(wanted(record));
            }
        }
        self.registry.apply(changes);
        self.listen();
        for conn in touched {
            if let Some(notification) = self.reconsider(conn, false) {
                self.close(conn, notification);
                self.drive(now, conn);
            }
        }
        for id in ids {
            let of_it = Identity::all_of(Peer::Registered(id));
            for conn in doubles(&self.conns, self.identities.range(of_it).map(|(_, conns)| conns)) {
                self.close_double(now, conn);
            }
        }
        for subscription in lost {
            self.undemand(&subscription);
        }
    }

    /// What a registered peer asks for is wanted from now on, whether it is connected or not.
    fn demand(&mut self, subscription: Option<&Subscription>) {
        if let Some(subscription) = subscription {
            self.catalog.hold(subscription);
        }
    }

    /// What was wanted is not any more; after those who had it have let go of it.
    fn undemand(&mut self, subscription: &Subscription) {
        self.catalog.release(subscription);
    }

    /// Sends a peer all of its routes again.
    pub(super) fn resend(&mut self, ticket: Ticket, id: PeerId) {
        let mut is_any = false;
        for id in self.conns_of(id) {
            if let Some(conn) = self.conns.get_mut(&id)
                && let (Some(outbound), Some(negotiated)) = (&mut conn.outbound, conn.session.negotiated())
            {
                is_any = true;
                for family in negotiated.families.iter() {
                    outbound.handle_refresh(family);
                }
                self.signal(id);
            }
        }
        self.reply_about(ticket, id, is_any, Registration::Resent);
    }

    /// Ends a peer's session; RFC 4486: Administrative Reset.
    pub(super) fn reset(&mut self, now: Instant, ticket: Ticket, id: PeerId) {
        let conns = self.conns_of(id);
        for &conn in &conns {
            self.close(conn, cease(ADMINISTRATIVE_RESET));
            self.drive(now, conn);
        }
        self.reply_about(ticket, id, !conns.is_empty(), Registration::Reset);
    }

    fn reply_about(&mut self, ticket: Ticket, id: PeerId, is_done: bool, done: Registration) {
        let reply = match self.registry.find(id) {
            Some(_) if is_done => {
                coverage::hit(done);
                Reply::Done
            }
            Some(peer) => {
                coverage::hit(Registration::NoSession);
                Reply::Refused(CommandError::Conflict(format!("peer {:?} has no session", peer.name)))
            }
            None => {
                coverage::hit(Registration::NotFound);
                Reply::Refused(CommandError::not_found("peer", id.to_string(), core::iter::empty()))
            }
        };
        self.reply(ticket, reply);
    }

    /// The connections of a peer that have come as far as an OPEN and are not closed.
    pub(super) fn conns_of(&self, id: PeerId) -> Vec<ConnId> {
        let of_it = self.identities.range(Identity::all_of(Peer::Registered(id)));
        of_it.flat_map(|(_, conns)| conns).copied().collect()
    }

    /// The connections that may be this peer's, whoever's they are now.
    fn conns_at(&self, peer: &PeerConfig) -> Vec<ConnId> {
        let (here, all) = match single_address(peer.address) {
            Some(address) => (self.by_remote.get(&address), None),
            None => (None, Some(self.conns.keys())),
        };
        let ids = here.into_iter().flatten().chain(all.into_iter().flatten());
        let is_its =
            |id: &&ConnId| self.conns.get(id).is_some_and(|conn| matches(peer, conn.local, conn.address()));
        ids.filter(is_its).copied().collect()
    }
}

/// What a peer makes us ask for: one that is not let in, nothing.
fn wanted(record: &PeerRecord) -> Option<&Subscription> {
    (record.state == PeerState::Approved).then_some(&record.peer.subscription)
}

impl PeerChange {
    /// The peer that it is about.
    pub const fn id(&self) -> PeerId {
        match self {
            Self::Put(record) => record.id,
            Self::Forget(id) => *id,
        }
    }
}

const ADMINISTRATIVE_RESET: u8 = 4;
