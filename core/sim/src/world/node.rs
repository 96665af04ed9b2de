//! The adapter around the server: performs every action as its documentation says, and reports every input.

use std::collections::BTreeMap;

use bgplite_core::config::{Config, Families};
use bgplite_core::ids::{ConnId, Ticket};
use bgplite_core::server::{Action, Command, Input, Notice, Reply, RouteServer};
use bgplite_core::session::{DownReason, State};
use bgplite_core::time::{Duration, Instant};

use super::World;
use super::link::Phase;
use super::operate::Operation;
use super::oracle::Oracle;
use super::queue::Event;
use super::register::Wanted;
use super::web::Asking;

/// The server's process, while there is one.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) server: Option<RouteServer>,
    /// Grows with every start: answers to an earlier life are for nobody.
    pub(crate) epoch: u64,
    /// The deadline that stands in the queue.
    armed: Option<Instant>,
    pub(crate) is_asleep: bool,
    pub(crate) asleep_until: Instant,
    /// When a server that is down comes back.
    pub(crate) up_at: Instant,
    /// What is asked for, and how often it may be.
    pub(crate) asking: Asking,
    pub(crate) asked: BTreeMap<Ticket, Asked>,
    next_ticket: u64,
    /// It was asked to shut down.
    pub(crate) is_stopping: bool,
    /// A reload or a shutdown is being performed: sessions may end by it.
    pub(crate) is_excused: bool,
    /// Where registered peers come in, besides the configuration's endpoints.
    pub(super) endpoints: Vec<std::net::SocketAddr>,
    pub(super) remotes: BTreeMap<std::net::SocketAddr, ConnId>,
}

/// What a command asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    Reload,
    Nonsense,
    Shutdown,
    /// Something about sources and feeds.
    Operation(Operation),
    /// Something about a peer.
    Peer(Box<Wanted>),
}

impl World<'_> {
    pub(super) fn is_asleep(&self) -> bool {
        self.node.is_asleep
    }

    /// Puts an event for the server off until it is awake. `true` when it sleeps.
    pub(super) fn defer(&mut self, event: Event) -> bool {
        let is_asleep = self.is_asleep();
        if is_asleep {
            self.queue.push(self.node.asleep_until, event);
        }
        is_asleep
    }

    pub(super) fn start(&mut self) {
        if self.node.server.is_some() {
            return;
        }
        let seed = self.rng.next_u64();
        self.trace.word(1);
        let count = self.store.records().sources.len();
        self.say(format_args!("server starts with {count} stored records"));
        let records = self.store.records();
        self.oracle = Oracle::new(self.config.clone(), records, |bytes| self.web.read(bytes));
        self.restore_versions();
        match RouteServer::new(self.config.clone(), self.store.records(), seed, self.now, self.unix_secs()) {
            Ok(server) => {
                self.node = Node { server: Some(server), epoch: self.node.epoch + 1, ..Node::default() };
                self.check_registered();
            }
            Err(error) => self.fail(format!("the server does not start: {error}")),
        }
    }

    /// The process is gone; what it knew is lost.
    pub(super) fn stop(&mut self, down_for: Duration) {
        self.node.server = None;
        self.node.armed = None;
        self.node.epoch += 1;
        self.node.is_asleep = false;
        self.node.up_at = self.now + down_for;
        self.ready.clear();
        self.queue.push(self.node.up_at, Event::Start);
    }

    /// Gives the server a fact. Afterwards its next deadline lies in the future.
    pub(super) fn tell(&mut self, input: Input<'_>) {
        let now = self.now;
        let Some(server) = &mut self.node.server else { return };
        server.handle(now, input);
        if let Some((at, timer)) = server.poll_timeout().filter(|(at, _)| *at <= now) {
            self.fail(format!("after handle the deadline {timer:?} of {at} is still due"));
            return;
        }
        let next = server.poll_timeout().map(|(at, _)| at);
        let all = self.links.keys().flat_map(|conn| server.timers(*conn).map(|(at, _)| at));
        if let Some(first) = all.min().filter(|first| next.is_none_or(|next| next > *first)) {
            self.fail(format!("the deadline is {next:?}, and somebody has one at {first}"));
        }
    }

    /// Performs actions and writes bytes until the server has nothing more to do.
    pub(super) fn settle(&mut self) {
        if self.is_asleep() {
            return;
        }
        let mut budget = MAX_ACTIONS;
        while self.failure.is_none() {
            if let Some(action) = self.node.server.as_mut().and_then(RouteServer::poll_action) {
                self.perform(action);
                budget -= 1;
            } else if let Some(conn) = self.ready.pop_first() {
                self.pump(conn);
                budget -= 1;
            } else {
                break;
            }
            if budget == 0 {
                self.fail(format!("{MAX_ACTIONS} actions and writes in a row"));
            }
        }
        self.node.is_excused = false;
        let Some((at, _)) = self.node.server.as_ref().and_then(RouteServer::poll_timeout) else { return };
        if self.node.armed.is_none_or(|armed| armed > at) {
            self.node.armed = Some(at);
            self.queue.push(at, Event::ServerTimer);
        }
    }

    pub(super) fn server_timer(&mut self) {
        if self.defer(Event::ServerTimer) {
            return;
        }
        self.node.armed = None;
        let deadline = self.node.server.as_ref().and_then(RouteServer::poll_timeout);
        if deadline.is_some_and(|(at, _)| at <= self.now) {
            self.trace.word(2);
            if self.trace.is_heard() {
                self.say(format_args!("server timer {:?}", deadline.map(|(_, timer)| timer)));
            }
            self.tell(Input::Timeout);
        }
    }

    /// Ends its sleep before its time.
    pub(super) fn rouse(&mut self) {
        self.node.asleep_until = self.now;
        self.node.armed = None;
        self.wake();
    }

    pub(super) fn wake(&mut self) {
        let now = self.now;
        if self.node.asleep_until > now {
            return;
        }
        self.node.is_asleep = false;
        for link in self.links.values_mut() {
            link.watch.forgive(now);
        }
    }

    pub(super) fn stored(&mut self, epoch: u64) {
        if epoch != self.node.epoch || self.defer(Event::Stored { epoch }) {
            return;
        }
        let fails = self.store_fails > self.now;
        if let Some((ticket, result)) = self.store.finish(self.now, fails) {
            self.trace.word(4);
            self.say(format_args!("stored: {result:?}"));
            if self.oracle.peers == self.store.records().peers {
                self.tell(Input::Stored { ticket, result });
                return;
            }
            // What is durable is in force.
            self.excuse_changed();
            self.tell(Input::Stored { ticket, result });
            self.expect_all();
            self.check_survivors();
        }
    }

    /// The operator has written this configuration and asks for it.
    pub(super) fn reload(&mut self, config: Config) {
        let is_sound = config.check().is_ok();
        if is_sound {
            self.config = config.clone();
        }
        if self.node.server.is_none() {
            return;
        }
        self.trace.word(5);
        let ticket = self.ask(if is_sound { Asked::Reload } else { Asked::Nonsense });
        self.tell(Input::Command {
            ticket,
            unix_secs: self.unix_secs(),
            command: Command::Reload(Box::new(config.clone())),
        });
        if !is_sound || self.node.is_stopping {
            return;
        }
        self.node.is_excused = true;
        let before = self.oracle.config.clone();
        self.oracle.reload(config);
        self.allow_by_reload(&before);
        self.forget_sources();
        self.expect_all();
        self.check_survivors();
    }

    pub(super) fn shut_down(&mut self) {
        let ticket = self.ask(Asked::Shutdown);
        self.node.is_stopping = true;
        self.trace.word(6);
        self.tell(Input::Command {
            ticket,
            unix_secs: self.unix_secs(),
            command: Command::Shutdown { text: "back soon".into() },
        });
        self.node.is_excused = true;
    }

    pub(super) fn ask(&mut self, asked: Asked) -> Ticket {
        self.node.next_ticket += 1;
        let ticket = Ticket(self.node.next_ticket);
        self.node.asked.insert(ticket, asked);
        ticket
    }

    /// What each client should have may be another table now.
    pub(super) fn expect_all(&mut self) {
        for link in self.links.values_mut().filter(|link| link.watch.is_up) {
            let Some(far) = link.far_end() else { continue };
            let Some((entry, _)) = self.oracle.identify(&far) else { continue };
            let wish = self.oracle.wish(entry, &far, link.watch.families);
            link.watch.expect(&wish, &self.oracle.due(&wish));
        }
    }

    /// Nobody whom the configuration no longer knows has a session, and nobody has two.
    pub(super) fn check_survivors(&mut self) {
        let Some(server) = &self.node.server else { return };
        let mut seen = BTreeMap::new();
        let mut problem = None;
        for status in server.peers() {
            let is_open = matches!(status.state, State::OpenConfirm | State::Established);
            let Some(far) =
                self.links.get(&status.conn).and_then(super::link::Link::far_end).filter(|_| is_open)
            else {
                continue;
            };
            match self.oracle.identify(&far) {
                None => problem = Some(format!("{} survives although it is not configured", status.remote)),
                Some((_, identity)) if status.state == State::Established => {
                    if let Some(other) = seen.insert(identity, status.remote) {
                        problem = Some(format!("{other} and {} are one peer's sessions", status.remote));
                    }
                }
                Some(_) => {}
            }
        }
        if let Some(problem) = problem {
            self.fail(problem);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Transmit { conn } => {
                self.trace.word(7 << 32 | conn.0);
                let Some(link) = self.links.get_mut(&conn).filter(|link| link.phase != Phase::Gone) else {
                    return;
                };
                if std::mem::replace(&mut link.has_bytes, true) {
                    self.fail(format!("conn {conn} is signalled while its writer is at it"));
                }
                self.ready.insert(conn);
            }
            Action::Close { conn, flush } => {
                self.trace.word(8 << 32 | conn.0 << 1 | u64::from(flush));
                if self.trace.is_heard() {
                    self.say(format_args!("conn {conn} close flush={flush}"));
                }
                self.close(conn, flush);
            }
            Action::Fetch { source, request } => self.fetch(source, request),
            Action::Store { ticket, write } => {
                self.trace.word(9 << 32 | ticket.0);
                self.check_write(&write);
                let versions = self.versions_of(&write);
                self.store.write(ticket, write, versions);
                let slow = if self.store_slow > self.now { 5_000 } else { 20 };
                let at = self.now + Duration::from_millis(1 + self.rng.below(slow));
                self.queue.push(at, Event::Stored { epoch: self.node.epoch });
            }
            Action::Reply { ticket, reply } => self.reply(ticket, &reply),
            Action::Notice(notice) => self.note(notice),
            Action::Listen { endpoints } => self.node.endpoints = endpoints,
            Action::Fail { reason } => self.fail(format!("the server gives up: {reason}")),
        }
    }

    fn reply(&mut self, ticket: Ticket, reply: &Reply) {
        self.trace.word(11 << 32 | ticket.0);
        self.say(format_args!("reply {reply:?}"));
        match (self.node.asked.remove(&ticket), reply) {
            (Some(Asked::Shutdown), Reply::ShutDown) => {
                let conns: Vec<ConnId> = self.links.keys().copied().collect();
                for conn in conns {
                    if self.links.get(&conn).is_some_and(|link| link.phase != Phase::Gone) {
                        self.fail(format!("shut down, and conn {conn} is still there"));
                    }
                }
                let down_for = self.node.up_at - self.now;
                self.stop(down_for);
            }
            (Some(Asked::Reload), Reply::Reloaded { .. } | Reply::Refused(_))
            | (Some(Asked::Nonsense | Asked::Shutdown), Reply::Refused(_)) => {}
            (Some(Asked::Operation(operation)), reply) => self.operated(&operation, reply),
            (Some(Asked::Peer(wanted)), reply) => self.registered(&wanted, reply),
            (asked, reply) => self.fail(format!("{asked:?} is answered with {reply:?}")),
        }
    }

    fn note(&mut self, notice: Notice) {
        if self.trace.is_heard() {
            self.say(format_args!("notice {notice:?}"));
        }
        match notice {
            Notice::SessionUp { remote, hold_secs, families, .. } => {
                self.trace.word(12 << 32 | u64::from(hold_secs));
                if let Some(&conn) = self.node.remotes.get(&remote) {
                    self.session_up(conn, families);
                }
            }
            Notice::SessionDown { remote, established, reason, .. } => {
                self.trace.word(13 << 32 | u64::from(remote.port()));
                if let Some(&conn) = self.node.remotes.get(&remote) {
                    self.session_down(conn, established, &reason);
                }
            }
            _ => self.trace.word(14),
        }
    }

    fn session_up(&mut self, conn: ConnId, families: Families) {
        let now = self.now;
        self.sessions += 1;
        let Some(link) = self.links.get_mut(&conn) else { return };
        let Some(far) = link.far_end() else { return };
        link.up_since = Some(now);
        let Some((entry, identity)) = self.oracle.identify(&far) else {
            self.fail(format!("{} is served, and is not configured", far.address));
            return;
        };
        let wish = self.oracle.wish(entry, &far, families);
        link.watch.establish(families, &wish, &self.oracle.due(&wish));
        let others = self.links.iter().filter(|(other, link)| **other != conn && link.watch.is_up);
        let rival = others.into_iter().find(|(_, link)| {
            let other = link.far_end().and_then(|far| self.oracle.identify(&far));
            other.is_some_and(|(_, other)| other == identity)
        });
        if let Some((&rival, _)) = rival {
            self.fail(format!("conns {rival} and {conn} are one peer's sessions, both Established"));
        }
    }

    fn session_down(&mut self, conn: ConnId, established: bool, reason: &DownReason) {
        let now = self.now;
        let is_excused = self.node.is_excused;
        let Some(link) = self.links.get_mut(&conn) else { return };
        link.watch.is_up = false;
        if let Some(since) = link.up_since.take() {
            self.session_nanos += (now - since).as_nanos();
        }
        let is_blame = matches!(reason, DownReason::Sent(sent) if matches!(sent.code, 1 | 3 | 5 | 7));
        if is_blame && !link.is_tainted {
            self.fail(format!("conn {conn}: an honest client is blamed: {reason}"));
        } else if established && !link.is_disturbed && !is_excused {
            self.fail(format!("conn {conn}: a session is lost without a cause: {reason}"));
        }
    }
}

/// Actions and writes that may follow from one event: each is bounded by what there is to say to every client.
const MAX_ACTIONS: u32 = 1_000_000;
