//! Who may connect, and which of two connections lives.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::collision::{self, Speaker, Survivor};
use super::conn::{Conn, Owner};
use super::peer::{NoPeer, Peer, Prospect};
use super::{Action, Phase, RouteServer};
use crate::config::{Families, UnknownPeers};
use crate::coverage::{self, Admission, Decision, Server};
use crate::ids::ConnId;
use crate::session::{Negotiated, Session, SessionConfig};
use crate::time::{Duration, Instant};
use crate::timers::Due;
use crate::wire::{Notification, RefreshKind, RouteRefresh};

impl RouteServer {
    pub(super) fn handle_connected(
        &mut self,
        now: Instant,
        id: ConnId,
        local: SocketAddr,
        remote: SocketAddr,
    ) {
        if self.conns.contains_key(&id) {
            self.stats.stale_inputs += 1;
            return;
        }
        self.stats.connections += 1;
        let is_overrun = self.conns.len() >= self.config.max_connections.saturating_add(MAX_LINGERING);
        if is_overrun || self.phase != Phase::Serving {
            coverage::hit(Admission::Dropped);
            self.stats.refused += 1;
            self.actions.push_back(Action::Close { conn: id, flush: false });
            return;
        }
        let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        let (local, remote) = (canonical(local), canonical(remote));
        let prospect = self.registry.prospect(local, remote.ip());
        let families = match prospect {
            Prospect::Known(families) => families,
            Prospect::Dormant | Prospect::Unknown => Families::BOTH,
        };
        let session = Session::new(
            SessionConfig {
                asn: self.config.asn,
                router_id: self.config.router_id,
                hold_secs: self.config.hold_secs,
                families,
                open_delay: self.config.open_delay,
                send_hold: self.config.send_hold,
                max_received: Some(self.config.max_received_prefixes),
            },
            self.rng.fork(),
            now,
        );
        let mut conn = Conn::new(local, remote, session);
        conn.expiry = (!matches!(prospect, Prospect::Known(_))).then(|| now + UNKNOWN_DEADLINE);
        if let Err(refusal) = self.admit(&mut conn, prospect) {
            self.stats.refused += 1;
            conn.session.close(refusal);
        }
        self.by_remote.entry(conn.address()).or_default().insert(id);
        self.conns.insert(id, conn);
        self.drive(now, id);
    }

    /// Whether a connection may stay until its OPEN tells more; otherwise the Cease it gets (RFC 4486).
    fn admit(&mut self, conn: &mut Conn, prospect: Prospect) -> Result<(), Notification> {
        if self.conns.len() >= self.config.max_connections {
            coverage::hit(Admission::Full);
            return Err(cease(OUT_OF_RESOURCES));
        }
        match prospect {
            Prospect::Known(_) => {
                coverage::hit(Admission::Registered);
                Ok(())
            }
            // Most likely one that is turned away by its OPEN, which therefore takes no unknown peer's place.
            Prospect::Dormant if self.config.unknown_peers != UnknownPeers::Refuse => {
                coverage::hit(Admission::Dormant);
                Ok(())
            }
            Prospect::Dormant | Prospect::Unknown => {
                self.admit_unknown(conn.address())?;
                conn.is_unknown = true;
                Ok(())
            }
        }
    }

    /// Counts one more connection of an unknown peer, if there may be one.
    fn admit_unknown(&mut self, address: IpAddr) -> Result<(), Notification> {
        let UnknownPeers::Default { max, max_per_address, .. } = &self.config.unknown_peers else {
            coverage::hit(Admission::UnknownRefused);
            return Err(cease(CONNECTION_REJECTED));
        };
        let here = self.unknown.get(&address).copied().unwrap_or(0);
        if self.unknown_total >= *max || here >= *max_per_address {
            coverage::hit(Admission::UnknownOverQuota);
            return Err(cease(OUT_OF_RESOURCES));
        }
        coverage::hit(Admission::UnknownWithinQuota);
        self.count_unknown(address, true);
        Ok(())
    }

    /// The OPEN tells who it is: refuses a stranger, a wrong ASN, and one of two connections.
    pub(super) fn handle_opened(&mut self, now: Instant, id: ConnId) {
        let Some(conn) = self.conns.get(&id) else { return };
        let Some(negotiated) = conn.session.negotiated().copied() else {
            return;
        };
        let (address, is_uncounted) = (conn.address(), !conn.is_unknown);
        let found = self.identify(conn, &negotiated).and_then(|owner| {
            if owner.peer == Peer::Unknown && is_uncounted {
                coverage::hit(Admission::UnknownAfterAll);
                self.admit_unknown(address)?;
            }
            Ok(owner)
        });
        match found {
            Ok(owner) => {
                let identity = owner.identity;
                self.own(id, owner);
                let others = self.identities.entry(identity).or_default();
                let rivals: Vec<ConnId> = others.iter().copied().collect();
                others.insert(id);
                self.collide(now, id, &negotiated, &rivals);
            }
            Err(refusal) => {
                self.stats.refused += 1;
                self.close(id, refusal);
            }
        }
    }

    /// Whose connection it is, by its endpoint, address and ASN, as configured now.
    pub(super) fn identify(&self, conn: &Conn, negotiated: &Negotiated) -> Result<Owner, Notification> {
        let address = conn.address();
        let peer = match self.registry.identify(conn.local, address, negotiated.asn) {
            Ok(id) => Peer::Registered(id),
            Err(NoPeer::Address) if self.config.unknown_peers != UnknownPeers::Refuse => Peer::Unknown,
            Err(NoPeer::Address) => {
                coverage::hit(Admission::IdentifiedStranger);
                return Err(cease(CONNECTION_REJECTED));
            }
            Err(NoPeer::Dormant) => {
                coverage::hit(Admission::IdentifiedDormant);
                return Err(cease(CONNECTION_REJECTED));
            }
            Err(NoPeer::Asn) => {
                coverage::hit(Admission::WrongAsn);
                // RFC 4271 6.2: Bad Peer AS.
                return Err(Notification::new(2, 2));
            }
        };
        let entry = self.entry_of(peer);
        if entry.is_some_and(|entry| entry.families.intersection(negotiated.families).is_empty()) {
            coverage::hit(Admission::NoFamily);
            return Err(cease(CONNECTION_REJECTED));
        }
        coverage::hit(match peer {
            Peer::Registered(_) => Admission::IdentifiedRegistered,
            Peer::Unknown => Admission::IdentifiedUnknown,
        });
        Ok(Owner {
            peer,
            identity: self.registry.identity(peer, address, negotiated),
            label: entry.map_or_else(|| address.to_string(), |entry| entry.name.clone()),
        })
    }

    /// The connection is this owner's; it counts as an unknown peer's only where it is one's.
    pub(super) fn own(&mut self, id: ConnId, owner: Owner) -> Option<Owner> {
        let conn = self.conns.get_mut(&id)?;
        let is_unknown = owner.peer == Peer::Unknown;
        if !is_unknown {
            conn.expiry = None;
        }
        let (was_unknown, address) = (conn.is_unknown, conn.address());
        conn.is_unknown = is_unknown;
        let before = conn.owner.replace(owner);
        // A deadline that is no more would stand before those of others.
        self.timers.set(Due::Conn(id), conn.next_timer().map(|(at, _)| at));
        if was_unknown && !is_unknown {
            self.count_unknown(address, false);
        }
        before
    }

    /// RFC 4271 6.8, against each other connection of the same peer.
    fn collide(&mut self, now: Instant, id: ConnId, negotiated: &Negotiated, rivals: &[ConnId]) {
        let local = Speaker { router_id: self.config.router_id, asn: self.config.asn };
        let remote = Speaker { router_id: negotiated.router_id, asn: negotiated.asn };
        for &rival in rivals {
            let Some(existing) = self.conns.get_mut(&rival) else {
                continue;
            };
            let survivor = collision::resolve(local, remote, existing.session.state());
            coverage::hit(Decision::Collision(existing.session.state(), survivor));
            match survivor {
                Survivor::New => self.close(rival, cease(COLLISION)),
                Survivor::Existing => {
                    // A peer that restarted without a word cannot know its old connection. A KEEPALIVE on it
                    // draws the reset that frees the way, so that its next attempt need not wait for our hold
                    // timer. One that restarted before it confirmed our OPEN has drawn none yet either.
                    existing.session.probe();
                    self.drive(now, rival);
                    self.close(id, cease(COLLISION));
                    return;
                }
            }
            self.drive(now, rival);
        }
    }

    /// RFC 2918, RFC 7313. The peer's own BoRR and EoRR frame routes that nobody keeps.
    pub(super) fn handle_refresh(&mut self, id: ConnId, refresh: RouteRefresh) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if refresh.kind == RefreshKind::Request
            && let Some(outbound) = &mut conn.outbound
        {
            coverage::hit(Server::RefreshRequest);
            outbound.handle_refresh(refresh.family);
            self.signal(id);
        } else {
            coverage::hit(Server::RefreshMark);
        }
    }

    /// Ends a session; what follows from that happens when its events are driven.
    pub(super) fn close(&mut self, id: ConnId, notification: Notification) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.session.close(notification);
        }
    }
}

/// A Cease (RFC 4486) without data.
pub(super) const fn cease(subcode: u8) -> Notification {
    Notification::new(6, subcode)
}

/// Connections beyond the cap that may wait for their refusal to be read.
const MAX_LINGERING: usize = 256;

/// How long an unknown peer may take to become Established: until then it is in others' way.
const UNKNOWN_DEADLINE: Duration = Duration::from_secs(60);

pub(super) const CONNECTION_REJECTED: u8 = 5;
const COLLISION: u8 = 7;
const OUT_OF_RESOURCES: u8 = 8;
