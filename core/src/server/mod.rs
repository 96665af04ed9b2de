//! The route server: every decision between a socket and a set of prefixes.

mod action;
mod admission;
mod batch;
mod collision;
mod command;
mod conn;
mod input;
mod notice;
mod outbound;
mod peer;
mod registrar;
mod registration;
mod snapshot;
mod source;
mod stats;
mod subscribe;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

pub use crate::feed::{
    FeedDelta, FeedRecord, FeedStatus, FeedVersion, FetchOutcome, FetchRequest, HttpRequest, SourceRecord,
    SourceState, SourceStatus, Validators,
};
pub use action::{Action, Records, StoreWrite};
pub use batch::{Batch, Chunk};
pub use conn::Timer;
pub use input::{Command, CommandError, Input, Reply};
pub use notice::{Level, Notice};
pub use registrar::{PeerInfo, PeerOrigin, SessionInfo};
pub use registration::{PeerChange, PeerRecord, PeerSpec, PeerState};
use serde::{Deserialize, Serialize};
pub use snapshot::{Snapshot, SnapshotError};
pub use stats::{PeerStatus, Stats};

pub(crate) use collision::Survivor;

use self::admission::{CONNECTION_REJECTED, cease};
use self::conn::{Conn, Owner};
use self::peer::{Identity, Peer, Registry};
use self::registrar::Registrar;
use crate::config::{Config, ConfigError};
use crate::coverage;
use crate::feed::Catalog;
use crate::ids::{ConnId, Ticket};
use crate::rib::{Groups, ImageCache};
use crate::rng::Rng;
use crate::session::{DownReason, Event, Lost, Sending};
use crate::time::{Duration, Instant};
use crate::timers::{Due, Timers};

/// The feed server as a state machine.
///
/// An adapter calls [`handle`](Self::handle) with each fact as it happens, then performs every
/// [`poll_action`](Self::poll_action), then sets its one timer to [`poll_timeout`](Self::poll_timeout). When an
/// [`Action::Transmit`] names a connection, it calls [`poll_transmit`](Self::poll_transmit) and writes, again and
/// again until that returns `false`. Nothing here blocks, and no input can fail.
#[derive(Clone, Debug)]
pub struct RouteServer {
    config: Config,
    rng: Rng,
    conns: BTreeMap<ConnId, Conn>,
    /// The connections of each peer that have come as far as an OPEN and are not closed.
    identities: BTreeMap<Identity, BTreeSet<ConnId>>,
    /// Connections of unknown peers, by address.
    unknown: BTreeMap<IpAddr, usize>,
    unknown_total: usize,
    /// All connections, by address.
    by_remote: BTreeMap<IpAddr, BTreeSet<ConnId>>,
    registry: Registry,
    /// Where registered peers come in, as the adapter was told last.
    endpoints: Vec<SocketAddr>,
    registrar: Registrar,
    catalog: Catalog,
    groups: Groups,
    images: ImageCache,
    timers: Timers<Due>,
    actions: VecDeque<Action>,
    next_ticket: u64,
    writes_pending: BTreeSet<Ticket>,
    phase: Phase,
    stats: Stats,
    /// What the wall clock, in seconds since the Unix epoch, is ahead of ours.
    wall_ahead_secs: u64,
}

/// Whether the end has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Serving,
    /// Every session is closed; the command with this ticket is answered when all is flushed.
    Stopping(Ticket),
    Stopped,
}

impl RouteServer {
    /// A server that serves what the store kept until its sources answer, and asks for all of them at once.
    ///
    /// `records` is what the store has kept; `unix_secs` the wall clock at `now`, which is shown to people and never
    /// compared. The same `seed` and the same inputs give the same actions and bytes.
    pub fn new(
        config: Config,
        records: &Records,
        seed: u64,
        now: Instant,
        unix_secs: u64,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let mut server = Self {
            rng: Rng::new(seed),
            conns: BTreeMap::new(),
            identities: BTreeMap::new(),
            unknown: BTreeMap::new(),
            unknown_total: 0,
            by_remote: BTreeMap::new(),
            registry: Registry::default(),
            endpoints: Vec::new(),
            registrar: Registrar::default(),
            catalog: Catalog::default(),
            groups: Groups::default(),
            images: ImageCache::new(IDLE_IMAGE_BYTES),
            timers: Timers::new(),
            actions: VecDeque::new(),
            next_ticket: 0,
            writes_pending: BTreeSet::new(),
            phase: Phase::Serving,
            stats: Stats::default(),
            wall_ahead_secs: ahead_secs(now, unix_secs),
            config,
        };
        server.demand_sources();
        server.start_registry(&records.peers);
        server.start_sources(now, records);
        Ok(server)
    }

    /// Takes in one fact, then fires every timer that is due. Afterwards the next deadline is later than `now`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Timeout => {}
            Input::Connected { conn, local, remote } => self.handle_connected(now, conn, local, remote),
            Input::Received { conn, bytes } => self.handle_received(now, conn, bytes),
            Input::Sent { conn } => self.handle_sent(now, conn),
            Input::Disconnected { conn, lost } => self.handle_disconnected(now, conn, lost),
            Input::Command { ticket, unix_secs, command } => {
                self.wall_ahead_secs = ahead_secs(now, unix_secs);
                self.handle_command(now, ticket, command);
            }
            Input::Fetched { source, unix_secs, outcome } => {
                self.wall_ahead_secs = ahead_secs(now, unix_secs);
                self.handle_fetched(now, source, unix_secs, outcome);
            }
            Input::Stored { ticket, result } if self.is_registration(ticket) => {
                self.handle_registered(now, ticket, result);
            }
            Input::Stored { ticket, result } => self.handle_stored(ticket, result),
        }
        while let Some(due) = self.timers.pop_due(now) {
            match due {
                Due::Conn(conn) => self.handle_due(now, conn),
                Due::Source(source) => self.catalog.handle_due(source),
            }
        }
        self.settle_sources(now);
        self.finish_shutdown();
    }

    /// The next effect to perform.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Fills `batch` with what comes next on this connection, about [`Config::batch_bytes`] at most; the batch before
    /// it must have been written. `false` when there is nothing: the next [`Action::Transmit`] says when there
    /// is. May change [`poll_timeout`](Self::poll_timeout).
    pub fn poll_transmit(&mut self, now: Instant, conn: ConnId, batch: &mut Batch) -> bool {
        batch.clear();
        let Some(state) = self.conns.get_mut(&conn) else {
            return false;
        };
        if state.session.has_control() {
            let mut bytes = Vec::new();
            state.session.poll_control(&mut bytes);
            batch.push(Chunk::Owned(bytes));
        }
        if let Some(outbound) = &mut state.outbound
            && let Some(group) = self.groups.find(outbound.group)
        {
            outbound.poll(group, &mut self.images, batch, self.config.batch_bytes);
        }
        state.is_signalled = !batch.is_empty();
        let sending = if batch.is_empty() { Sending::Done } else { Sending::Progress };
        state.session.handle_sending(now, sending);
        self.timers.set(Due::Conn(conn), state.next_timer().map(|(at, _)| at));
        self.stats.batches += u64::from(!batch.is_empty());
        self.stats.bytes_sent += batch.len() as u64;
        !batch.is_empty()
    }

    /// When to call [`handle`](Self::handle) with [`Input::Timeout`], and what for.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        match self.timers.next()? {
            (_, Due::Conn(conn)) => self.conns.get(&conn)?.next_timer(),
            (at, Due::Source(_)) => Some((at, Timer::Source)),
        }
    }

    fn handle_received(&mut self, now: Instant, id: ConnId, bytes: &[u8]) {
        let Some(conn) = self.conns.get_mut(&id) else {
            self.note_stale();
            return;
        };
        self.stats.bytes_received += bytes.len() as u64;
        conn.session.handle_bytes(bytes);
        self.drive(now, id);
    }

    fn handle_sent(&mut self, now: Instant, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else {
            self.note_stale();
            return;
        };
        conn.session.handle_sending(now, Sending::Progress);
        self.timers.set(Due::Conn(id), conn.next_timer().map(|(at, _)| at));
    }

    fn handle_disconnected(&mut self, now: Instant, id: ConnId, lost: Lost) {
        let Some(conn) = self.conns.get_mut(&id) else {
            self.note_stale();
            return;
        };
        conn.session.handle_disconnected(lost);
        self.drive(now, id);
        self.forget(id);
    }

    /// A deadline of this connection has come.
    fn handle_due(&mut self, now: Instant, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if conn.linger.is_some_and(|at| at <= now) {
            conn.linger = None;
            coverage::hit(coverage::Server::LingerExpired);
            self.actions.push_back(Action::Close { conn: id, flush: false });
        }
        conn.session.handle_timeout(now);
        if conn.expires().is_some_and(|at| at <= now) {
            coverage::hit(coverage::Admission::UnknownExpired);
            self.stats.refused += 1;
            conn.session.close(cease(CONNECTION_REJECTED));
        }
        self.drive(now, id);
    }

    /// Lets a session's events happen, one after the other, until it has no more.
    fn drive(&mut self, now: Instant, id: ConnId) {
        while let Some(event) = self.conns.get_mut(&id).and_then(|conn| conn.session.poll_event(now)) {
            match event {
                Event::Opened => self.handle_opened(now, id),
                Event::Established => {
                    self.handle_established(id);
                    self.note_session(now, id);
                }
                Event::Update(update) => {
                    self.stats.updates_received += 1;
                    self.stats.attribute_faults += update.faults.len() as u64;
                }
                Event::Refresh(refresh) => self.handle_refresh(id, refresh),
                Event::Down(reason) => self.handle_down(now, id, reason),
            }
        }
        let Some(conn) = self.conns.get(&id) else { return };
        self.timers.set(Due::Conn(id), conn.next_timer().map(|(at, _)| at));
        if conn.session.has_control() {
            self.signal(id);
        }
    }

    /// A session is over: lets go of what it held and closes its connection.
    fn handle_down(&mut self, now: Instant, id: ConnId, reason: DownReason) {
        self.note_session(now, id);
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let peer = conn.label();
        if let Some(outbound) = conn.outbound.take() {
            self.groups.leave(outbound.group, id);
            outbound.close(&mut self.images);
        }
        let (owner, established, remote) = (conn.owner.take(), conn.was_established, conn.remote);
        match &reason {
            DownReason::Lost(_) => {}
            DownReason::SendHoldExpired => self.actions.push_back(Action::Close { conn: id, flush: false }),
            DownReason::Sent(_) | DownReason::Received(_) => {
                conn.linger = Some(now + LINGER);
                self.actions.push_back(Action::Close { conn: id, flush: true });
            }
        }
        if let Some(owner) = owner {
            self.disown(id, &owner);
        }
        self.stats.established -= usize::from(established);
        self.notice(Notice::SessionDown { peer, remote, established, reason });
    }

    /// The connection no longer counts as this owner's.
    fn disown(&mut self, id: ConnId, owner: &Owner) {
        if let Some(conns) = self.identities.get_mut(&owner.identity) {
            conns.remove(&id);
            if conns.is_empty() {
                self.identities.remove(&owner.identity);
            }
        }
    }

    /// The connection is no more.
    fn forget(&mut self, id: ConnId) {
        self.timers.set(Due::Conn(id), None);
        let Some(conn) = self.conns.remove(&id) else {
            return;
        };
        if conn.is_unknown {
            self.count_unknown(conn.address(), false);
        }
        if let Some(conns) = self.by_remote.get_mut(&conn.address()) {
            conns.remove(&id);
            if conns.is_empty() {
                self.by_remote.remove(&conn.address());
            }
        }
    }

    /// One connection of an unknown peer more, or less.
    fn count_unknown(&mut self, address: IpAddr, is_one_more: bool) {
        let count = self.unknown.entry(address).or_default();
        if is_one_more {
            self.unknown_total += 1;
            *count += 1;
            return;
        }
        self.unknown_total = self.unknown_total.saturating_sub(1);
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.unknown.remove(&address);
        }
    }

    /// A session of a peer that we know began, or ends.
    fn note_session(&mut self, now: Instant, id: ConnId) {
        let Some(conn) = self.conns.get(&id) else { return };
        if conn.was_established
            && let Some(Owner { peer: Peer::Registered(peer), .. }) = conn.owner
        {
            let unix_secs = self.unix_secs(now);
            self.registry.note_session(peer, unix_secs);
        }
    }

    /// Tells the adapter, once, that there may be bytes for a connection.
    fn signal(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id)
            && !conn.is_signalled
        {
            conn.is_signalled = true;
            self.actions.push_back(Action::Transmit { conn: id });
        }
    }

    /// An input named something gone.
    fn note_stale(&mut self) {
        coverage::hit(coverage::Server::StaleInput);
        self.stats.stale_inputs += 1;
    }

    /// The wall clock, in seconds since the Unix epoch: for people, never compared.
    fn unix_secs(&self, now: Instant) -> u64 {
        self.wall_ahead_secs.saturating_add(now.saturating_since(Instant::ZERO).as_secs())
    }

    fn notice(&mut self, notice: Notice) {
        self.actions.push_back(Action::Notice(notice));
    }
}

fn ahead_secs(now: Instant, unix_secs: u64) -> u64 {
    unix_secs.saturating_sub(now.saturating_since(Instant::ZERO).as_secs())
}

/// How much one batch holds where the configuration says nothing else.
pub const BATCH_BYTES: usize = 256 << 10;

/// How long a closed connection may take to swallow its last bytes, the NOTIFICATION among them.
const LINGER: Duration = Duration::from_secs(1);

/// Encoded UPDATEs that nobody is writing are kept up to this many bytes, for the next peer of their group.
const IDLE_IMAGE_BYTES: usize = 8 << 20;
