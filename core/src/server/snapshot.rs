//! The whole server as plain data, and back: for logs that can be replayed from their middle.
//!
//! What follows from something else is left out and made again: indices, and encoded images.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::conn::{Conn, Owner};
use super::outbound::{Outbound, OutboundSnapshot};
use super::peer::{Registry, RegistrySnapshot};
use super::registrar::Registrar;
use super::{IDLE_IMAGE_BYTES, Phase, RouteServer, Stats};
use crate::config::{Config, ConfigError};
use crate::feed::FeedTable;
use crate::feed::catalog::{Catalog, CatalogSnapshot};
use crate::ids::{ConnId, FeedId, Serial, Ticket};
use crate::rib::group::GroupsSnapshot;
use crate::rib::shelf::Shelf;
use crate::rib::{Groups, ImageCache};
use crate::rng::Rng;
use crate::session::Session;
use crate::time::Instant;
use crate::timers::{Due, Timers};

/// All of a server between two of its steps. Cheap to take: tables and lists are shared with the server until it
/// is serialised. Holds each version of a feed once, however many peers were told it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    phase: Phase,
    rng: Rng,
    next_ticket: u64,
    writes_pending: BTreeSet<Ticket>,
    stats: Stats,
    #[serde(default)]
    wall_ahead_secs: u64,
    config: Config,
    registry: RegistrySnapshot,
    #[serde(default)]
    registrar: Registrar,
    catalog: CatalogSnapshot,
    groups: GroupsSnapshot,
    #[serde(with = "crate::coding::shared")]
    tables: Vec<Arc<FeedTable>>,
    timers: BTreeMap<ConnId, Instant>,
    conns: BTreeMap<ConnId, ConnSnapshot>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ConnSnapshot {
    local: SocketAddr,
    remote: SocketAddr,
    session: Session,
    is_unknown: bool,
    owner: Option<Owner>,
    outbound: Option<OutboundSnapshot>,
    is_signalled: bool,
    linger: Option<Instant>,
    was_established: bool,
    #[serde(default)]
    expiry: Option<Instant>,
}

/// Why a snapshot is no server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// The configuration in it is not acceptable.
    Config(ConfigError),
    /// It names a source or feed that its configuration has not.
    Name(String),
    /// It lacks this version of a feed.
    Table(FeedId, Serial),
    /// This connection is in a group that is not there.
    Group(ConnId),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Name(name) => write!(f, "the snapshot's configuration has no entry {name:?}"),
            Self::Table(feed, serial) => write!(f, "the snapshot lacks version {serial} of feed {feed}"),
            Self::Group(conn) => write!(f, "the snapshot lacks the group of connection {conn}"),
        }
    }
}

impl core::error::Error for SnapshotError {}

impl From<(FeedId, Serial)> for SnapshotError {
    fn from((feed, serial): (FeedId, Serial)) -> Self {
        Self::Table(feed, serial)
    }
}

/// Sources know their deadlines themselves.
const fn conn_of(due: Due) -> Option<ConnId> {
    match due {
        Due::Conn(conn) => Some(conn),
        Due::Source(_) => None,
    }
}

impl RouteServer {
    /// Everything that decides what the server does next. Actions that wait are no part of it: poll them first.
    pub fn snapshot(&self) -> Snapshot {
        debug_assert!(self.actions.is_empty(), "actions are polled before a snapshot");
        let mut shelf = Shelf::default();
        let conns = self.conns.iter().map(|(&id, conn)| {
            let outbound = conn.outbound.as_ref();
            let conn = ConnSnapshot {
                local: conn.local,
                remote: conn.remote,
                session: conn.session.clone(),
                is_unknown: conn.is_unknown,
                owner: conn.owner.clone(),
                outbound: outbound.map(|outbound| outbound.snapshot(&self.images, &mut shelf)),
                is_signalled: conn.is_signalled,
                linger: conn.linger,
                was_established: conn.was_established,
                expiry: conn.expiry,
            };
            (id, conn)
        });
        Snapshot {
            conns: conns.collect(),
            phase: self.phase,
            rng: self.rng.clone(),
            next_ticket: self.next_ticket,
            writes_pending: self.writes_pending.clone(),
            stats: self.stats,
            wall_ahead_secs: self.wall_ahead_secs,
            config: self.config.clone(),
            registry: self.registry.snapshot(),
            registrar: self.registrar.clone(),
            catalog: self.catalog.snapshot(&mut shelf),
            groups: self.groups.snapshot(&mut shelf),
            tables: shelf.into_tables(),
            timers: self.timers.iter().filter_map(|(due, at)| Some((conn_of(due)?, at))).collect(),
        }
    }

    /// The server of a snapshot. The same inputs from there give the same actions and bytes as they would have
    /// given the server it was taken of.
    pub fn restore(snapshot: Snapshot) -> Result<Self, SnapshotError> {
        snapshot.config.check().map_err(SnapshotError::Config)?;
        let mut shelf = Shelf::new(snapshot.tables);
        let registry = Registry::restore(snapshot.registry, &snapshot.config.peers);
        let mut server = Self {
            endpoints: registry.endpoints(),
            registry,
            catalog: Catalog::restore_snapshot(snapshot.catalog, &snapshot.config, &shelf)?,
            groups: Groups::restore(snapshot.groups, &mut shelf)?,
            rng: snapshot.rng,
            conns: BTreeMap::new(),
            identities: BTreeMap::new(),
            unknown: BTreeMap::new(),
            unknown_total: 0,
            by_remote: BTreeMap::new(),
            registrar: snapshot.registrar,
            images: ImageCache::new(IDLE_IMAGE_BYTES),
            timers: Timers::new(),
            actions: VecDeque::new(),
            next_ticket: snapshot.next_ticket,
            writes_pending: snapshot.writes_pending,
            phase: snapshot.phase,
            stats: snapshot.stats,
            wall_ahead_secs: snapshot.wall_ahead_secs,
            config: snapshot.config,
        };
        for (conn, at) in snapshot.timers {
            server.timers.set(Due::Conn(conn), Some(at));
        }
        for (source, at) in server.catalog.deadlines() {
            server.timers.set(Due::Source(source), Some(at));
        }
        for (id, conn) in snapshot.conns {
            server.restore_conn(id, conn, &mut shelf)?;
        }
        Ok(server)
    }

    /// Puts a connection back, and into every index that it was in.
    fn restore_conn(
        &mut self,
        id: ConnId,
        snapshot: ConnSnapshot,
        shelf: &mut Shelf,
    ) -> Result<(), SnapshotError> {
        let outbound = match snapshot.outbound {
            Some(outbound) if self.groups.rejoin(outbound.group, id) => {
                Some(Outbound::restore(outbound, &mut self.images, shelf)?)
            }
            Some(_) => return Err(SnapshotError::Group(id)),
            None => None,
        };
        let conn = Conn {
            local: snapshot.local,
            remote: snapshot.remote,
            session: snapshot.session,
            is_unknown: snapshot.is_unknown,
            owner: snapshot.owner,
            outbound,
            is_signalled: snapshot.is_signalled,
            linger: snapshot.linger,
            was_established: snapshot.was_established,
            expiry: snapshot.expiry,
        };
        if conn.is_unknown {
            self.count_unknown(conn.address(), true);
        }
        if let Some(owner) = &conn.owner {
            self.identities.entry(owner.identity).or_default().insert(id);
        }
        self.by_remote.entry(conn.address()).or_default().insert(id);
        self.conns.insert(id, conn);
        Ok(())
    }
}
