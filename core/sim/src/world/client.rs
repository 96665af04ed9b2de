//! The clients' side: connecting, again and again, and the real session with the plainest of tables.

use std::net::SocketAddr;

use bgplite_core::ids::ConnId;
use bgplite_core::rng::Rng;
use bgplite_core::session::{DownReason, Event as SessionEvent, Lost, Session, SessionConfig};
use bgplite_core::time::Duration;
use bgplite_core::wire::{MAX_EXTENDED_LEN, Open, frame};

use super::act::Line;
use super::link::{Link, Phase, Speaker};
use super::queue::{Direction, Event};
use super::setup::Person;
use super::table::{Change, Table};
use super::watch::Watch;
use super::{Delivery, World};

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) person: Person,
    /// How long to wait before the next attempt.
    backoff: Duration,
    is_dialing: bool,
}

impl Client {
    pub(crate) const fn new(person: Person) -> Self {
        Self { person, backoff: FIRST_BACKOFF, is_dialing: true }
    }
}

const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LAST_BACKOFF: Duration = Duration::from_secs(30);

impl World<'_> {
    /// Time for a client to connect, if it has no connection.
    pub(super) fn dial(&mut self, index: usize) {
        let (now, is_asleep) = (self.now, self.is_asleep());
        let Some((client, line)) = self.clients.get_mut(index).zip(self.lines.get(index)) else { return };
        client.is_dialing = false;
        if self.links.values().any(|link| link.client == Some(index) && !link.is_client_gone) {
            return;
        }
        if line.vanished > now {
            client.is_dialing = true;
            self.queue.push(line.vanished, Event::Dial(index));
        } else if line.refused > now || self.node.server.is_none() {
            self.dial_later(index);
        } else if is_asleep {
            client.is_dialing = true;
            self.queue.push(self.node.asleep_until, Event::Dial(index));
        } else {
            self.connect(index);
        }
    }

    pub(super) fn dial_later(&mut self, index: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        if std::mem::replace(&mut client.is_dialing, true) {
            return;
        }
        let wait = self.rng.jitter(client.backoff);
        client.backoff = (client.backoff * 2).min(LAST_BACKOFF);
        self.queue.push(self.now + wait, Event::Dial(index));
    }

    /// A connection of this client, whether or not it has one.
    pub(super) fn connect(&mut self, index: usize) {
        let Some(client) = self.clients.get(index) else { return };
        let Person { address, local, asn, router_id, families, hold_secs, ref lacks } = client.person;
        let config = SessionConfig {
            asn,
            router_id,
            hold_secs,
            families,
            open_delay: Duration::ZERO,
            send_hold: Duration::from_secs(480),
            max_received: None,
        };
        let has_all = lacks.is_empty();
        let mut rng = self.rng.fork();
        let session = Box::new(Session::new(config, rng.fork(), self.now));
        let speaker = Speaker::Session { session, table: Table::new(), is_up: false };
        let conn = self.link(Some(index), local, address.to_canonical().into(), speaker, rng);
        let is_troubled = self.lines.get(index).is_some_and(|line| line.is_troubled(self.now));
        if let Some(link) = self.links.get_mut(&conn) {
            link.is_disturbed = is_troubled;
            link.held_open = (!has_all).then(Vec::new);
        }
        self.accept(conn);
        self.output(conn);
    }

    pub(super) fn link(
        &mut self,
        client: Option<usize>,
        local: SocketAddr,
        address: super::act::Address,
        speaker: Speaker,
        mut rng: Rng,
    ) -> ConnId {
        self.next_conn += 1;
        let conn = ConnId(self.next_conn);
        let remote = SocketAddr::new(address.0, (1024 + self.next_conn % 60_000) as u16);
        let capacity = [64, 512, 4096, 65_536][rng.below(4) as usize];
        let watch = Watch::new(self.config.asn, self.config.batch_bytes);
        let link = Link::new(client, local, remote, speaker, capacity, watch, self.now, rng);
        self.links.insert(conn, link);
        conn
    }

    pub(super) fn client_timer(&mut self, conn: ConnId) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&conn) else { return };
        link.armed = None;
        let Speaker::Session { session, .. } = &mut link.speaker else { return };
        if session.poll_timeout().is_some_and(|(at, _)| at <= now) {
            session.handle_timeout(now);
            self.drive(conn);
        }
        self.output(conn);
    }

    /// Lets what the client's session has to tell happen.
    pub(super) fn drive(&mut self, conn: ConnId) {
        let now = self.now;
        loop {
            let Some(link) = self.links.get_mut(&conn) else { return };
            let Speaker::Session { session, table, is_up } = &mut link.speaker else { return };
            match session.poll_event(now) {
                None => return,
                Some(SessionEvent::Established) => {
                    *is_up = true;
                    if let Some(client) = link.client.and_then(|index| self.clients.get_mut(index)) {
                        client.backoff = FIRST_BACKOFF;
                    }
                }
                Some(SessionEvent::Update(update)) => Change::new(&update).apply(table),
                Some(SessionEvent::Opened | SessionEvent::Refresh(_)) => {}
                Some(SessionEvent::Down(reason)) => {
                    *is_up = false;
                    self.client_down(conn, &reason);
                    return;
                }
            }
        }
    }

    fn client_down(&mut self, conn: ConnId, reason: &DownReason) {
        let Some(link) = self.links.get_mut(&conn) else { return };
        let is_tainted = link.is_tainted;
        if self.trace.is_heard() {
            self.say(format_args!("conn {conn} client is down: {reason}"));
        }
        let is_blame = matches!(reason, DownReason::Sent(sent) if matches!(sent.code, 1 | 3 | 5 | 7));
        if is_blame && !is_tainted {
            self.fail(format!("conn {conn}: the client objects to what the server says: {reason}"));
        }
        self.output(conn);
        let Some(link) = self.links.get_mut(&conn) else { return };
        link.is_client_gone = true;
        link.down.cut();
        link.up.is_finished = !link.up.is_void;
        let client = link.client;
        self.schedule(conn, Direction::Up);
        self.bury(conn);
        if let Some(index) = client {
            self.dial_later(index);
        }
    }

    /// Sends what the client's session has to send, and sets its timer.
    pub(super) fn output(&mut self, conn: ConnId) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&conn) else { return };
        let person = link.client.and_then(|index| self.clients.get(index)).map(|client| &client.person);
        let Speaker::Session { session, .. } = &mut link.speaker else { return };
        let mut bytes = Vec::new();
        session.poll_control(&mut bytes);
        if let Some((at, _)) = session.poll_timeout()
            && link.armed.is_none_or(|armed| armed > at)
        {
            link.armed = Some(at);
            self.queue.push(at, Event::ClientTimer(conn));
        }
        if bytes.is_empty() {
            return;
        }
        if link.watch.ours.is_none()
            && let Some(person) = person
        {
            bytes = without(&bytes, &person.lacks);
        }
        let is_garbled =
            link.client.and_then(|index| self.lines.get(index)).is_some_and(|line| line.garbled > now);
        if is_garbled && link.rng.below(2) == 0 {
            super::act::mutate(&mut bytes, &mut link.rng);
            link.taint();
        }
        self.send_up(conn, &bytes);
    }

    /// Bytes go up from the client's end.
    pub(super) fn send_up(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(link) = self.links.get_mut(&conn) else { return };
        link.up.write(bytes);
        if link.phase == Phase::Gone {
            // The server's host answers with a reset, once it is there to answer.
            let at = self.now.max(self.node.up_at) + Duration::from_millis(5);
            self.queue.push(at, Event::ClientLost(conn));
        }
        self.schedule(conn, Direction::Up);
    }

    /// Puts the next delivery into the queue, if there is something to deliver.
    pub(super) fn schedule(&mut self, conn: ConnId, direction: Direction) {
        let Some(link) = self.links.get_mut(&conn) else { return };
        let line = link.client.and_then(|index| self.lines.get(index));
        let latency = line.map_or(FAST, |line| line.latency(self.now));
        let pipe = if direction == Direction::Up { &mut link.up } else { &mut link.down };
        if pipe.is_waiting() && !std::mem::replace(&mut pipe.is_scheduled, true) {
            self.queue.push(self.now + latency, Event::Deliver(conn, direction));
        }
    }

    pub(super) fn deliver(&mut self, conn: ConnId, direction: Direction) {
        let event = Event::Deliver(conn, direction);
        if direction == Direction::Up && self.defer(event.clone()) {
            return;
        }
        let now = self.now;
        let Some(link) = self.links.get_mut(&conn) else { return };
        let line = link.client.and_then(|index| self.lines.get(index)).cloned().unwrap_or_default();
        let until = line.blocked_until(direction == Direction::Down, link.is_client_ignorant);
        if until > now {
            self.queue.push(until, event);
            return;
        }
        let (max, gap) = self.piece(conn, direction, &line);
        let Some(link) = self.links.get_mut(&conn) else { return };
        let pipe = if direction == Direction::Up { &mut link.up } else { &mut link.down };
        pipe.is_scheduled = false;
        let bytes = pipe.take(max);
        let is_end = bytes.is_empty() && pipe.is_finished;
        if pipe.len() > 0 || (pipe.is_finished && !is_end) {
            pipe.is_scheduled = true;
            self.queue.push(now + gap, event);
        }
        match direction {
            Direction::Up if is_end => self.end_of_up(conn),
            Direction::Up if bytes.is_empty() => {}
            Direction::Up => self.receive(conn, &bytes),
            Direction::Down => self.receive_down(conn, &bytes, is_end),
        }
    }

    /// How many bytes arrive at most, and when the next ones do.
    fn piece(&mut self, conn: ConnId, direction: Direction, line: &Line) -> (usize, Duration) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&conn) else { return (0, FAST) };
        if direction == Direction::Down && line.slow > now {
            return (line.rate.max(1), Duration::from_millis(100));
        }
        if line.segmented > now {
            return (1 + link.rng.below(line.segment as u64) as usize, Duration::from_micros(50));
        }
        match self.params.delivery {
            Delivery::Whole => (usize::MAX, FAST),
            Delivery::Bytes => (1, Duration::from_nanos(100)),
        }
    }

    fn end_of_up(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn) else { return };
        link.up.is_finished = false;
        match link.phase {
            Phase::Open => self.lose(conn, Lost::Eof),
            Phase::Flushing => link.phase = Phase::FlushingToClosed,
            Phase::Draining => self.lose(conn, Lost::Closed),
            Phase::FlushingToClosed | Phase::Gone => {}
        }
    }

    fn receive_down(&mut self, conn: ConnId, bytes: &[u8], is_end: bool) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&conn) else { return };
        if link.phase != Phase::Gone {
            self.ready.insert(conn);
        }
        if link.is_client_ignorant {
            self.queue.push(now, Event::ServerLost(conn));
            return;
        }
        if link.is_client_gone {
            return;
        }
        let lacks = link.client.and_then(|index| self.clients.get(index)).map(|client| &client.person.lacks);
        let Speaker::Session { session, .. } = &mut link.speaker else {
            if is_end {
                self.client_lost(conn);
            }
            return;
        };
        match (&mut link.held_open, lacks) {
            (Some(held), Some(lacks)) => {
                held.extend_from_slice(bytes);
                let first = frame(held, MAX_EXTENDED_LEN);
                if !matches!(first, Ok(None)) || is_end {
                    session.handle_bytes(&without(held, lacks));
                    link.held_open = None;
                }
            }
            _ => session.handle_bytes(bytes),
        }
        self.drive(conn);
        self.output(conn);
        if is_end {
            self.client_lost(conn);
        }
    }

    /// The client is told that the connection is no more.
    pub(super) fn client_lost(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn).filter(|link| !link.is_client_gone) else { return };
        match &mut link.speaker {
            Speaker::Session { session, .. } => {
                session.handle_disconnected(Lost::Eof);
                self.drive(conn);
            }
            Speaker::Stranger { .. } => {
                link.is_client_gone = true;
                link.down.cut();
                link.up.is_finished = !link.up.is_void;
                self.schedule(conn, Direction::Up);
                self.bury(conn);
            }
        }
    }

    /// A reset is on its way to the client; nothing else is any more.
    pub(super) fn reset_client(&mut self, conn: ConnId) {
        if let Some(link) = self.links.get_mut(&conn) {
            link.down.cut();
            self.queue.push(self.now + Duration::from_millis(5), Event::ClientLost(conn));
        }
    }

    pub(super) fn server_lost(&mut self, conn: ConnId) {
        if !self.defer(Event::ServerLost(conn)) {
            self.lose(conn, Lost::Error("connection reset by peer".into()));
            if self.is_healed {
                self.reset_client(conn);
            }
        }
    }

    /// Forgets a connection that both ends have forgotten.
    pub(super) fn bury(&mut self, conn: ConnId) {
        let is_dead =
            self.links.get(&conn).is_some_and(|link| link.phase == Phase::Gone && link.is_client_gone);
        if is_dead {
            self.links.remove(&conn);
            self.ready.remove(&conn);
        }
    }
}

impl Link {
    /// From here on nothing that the client says is its own fault.
    pub(crate) const fn taint(&mut self) {
        self.is_tainted = true;
        self.is_disturbed = true;
        self.watch.is_tainted = true;
    }
}

/// The bytes of a speaker, its OPEN without these capabilities.
fn without(bytes: &[u8], lacks: &[u8]) -> Vec<u8> {
    let Ok(Some(first)) = frame(bytes, MAX_EXTENDED_LEN) else { return bytes.to_vec() };
    let Ok(mut open) = Open::decode(first.body) else { return bytes.to_vec() };
    open.capabilities.retain(|capability| !lacks.contains(&capability.code()));
    let mut out = Vec::new();
    open.encode(&mut out);
    out.extend_from_slice(bytes.get(first.len..).unwrap_or_default());
    out
}

/// What a local network takes.
const FAST: Duration = Duration::from_micros(500);
