//! One real server, and several connections of one peer: the collision logic (RFC 4271 6.8).
//!
//! The peer is a router that opens connections and may forget them: it reboots, or its network breaks, and it comes
//! again while the server still has the old one. It opens all of them, for the server dials nobody.

mod check;
mod event;
mod link;
mod settle;

use std::net::Ipv4Addr;

use bgplite_core::config::{
    AddressMatch, Aggregate, AsnMatch, Config, Expr, Families, FeedConfig, PeerConfig, SourceConfig,
    Subscription,
};
use bgplite_core::ids::{Asn, ConnId, Ticket};
use bgplite_core::server::{Action, Command, Input, Records, Reply, RouteServer};
use bgplite_core::session::SessionConfig;
use bgplite_core::time::{Duration, Instant};

pub use event::{CollisionEvent, LinkEvent};

use self::link::Link;
use super::canon::fingerprint;
use super::endpoint::Endpoint;
use super::pipe::Delivery;
use super::{Budget, Model, Outcome, Violation};

/// How the server's BGP identifier compares with the peer's, as unsigned numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The server's is lower: of two connections that wait for a KEEPALIVE the newer lives.
    Lower,
    /// The server's is higher: the older lives.
    Higher,
}

/// A server, and the connections of its one peer.
#[derive(Clone, Debug)]
pub struct Collision {
    options: Options,
    now: Instant,
    server: RouteServer,
    links: Vec<Link>,
    /// The last connection's number.
    last_conn: u64,
    /// Connections that may still be opened.
    connections: u8,
    budget: Budget,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
struct Options {
    rank: Rank,
    delivery: Delivery,
    hold_secs: u16,
    /// The fingerprint of the server before its first connection.
    empty: u64,
}

/// What the operator has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The peer is to be served.
    Serving,
    /// The peer is not in the configuration any more.
    Removed,
    /// The server is to stop.
    Stopping,
    /// It says that it has.
    Stopped,
}

impl Collision {
    /// A server that serves one prefix, and its peer's first connection, just accepted. At most `connections` are
    /// opened.
    pub fn new(rank: Rank, connections: u8, delivery: Delivery, budget: Budget) -> Self {
        let now = Instant::from_nanos(1);
        let mut options = Options { rank, delivery, hold_secs: 240, empty: 0 };
        let mut server = RouteServer::new(config(options, true), &Records::default(), 1, now, 0)
            .expect("this configuration is sound");
        // What it says about its sources is for people.
        // The store keeps the feed at once, and never fails.
        while let Some(action) = server.poll_action() {
            if let Action::Store { ticket, .. } = action {
                server.handle(now, Input::Stored { ticket, result: Ok(()) });
            }
        }
        options.empty = fingerprint(now, &server);
        let mut model = Self {
            options,
            now,
            server,
            links: Vec::new(),
            last_conn: 0,
            connections,
            budget,
            phase: Phase::Serving,
        };
        model.apply(CollisionEvent::Accept).expect("a first connection breaks nothing");
        model
    }

    /// The peer opens a connection.
    fn accept(&mut self) -> Result<(), Violation> {
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        let session = SessionConfig {
            asn: PEER_ASN,
            router_id: PEER_ROUTER_ID,
            hold_secs: self.options.hold_secs,
            families: FAMILIES,
            open_delay: Duration::ZERO,
            send_hold: Duration::from_secs(480),
            max_received: None,
        };
        self.links.push(Link::new(conn, Endpoint::new(session, self.last_conn, self.now)));
        let local = ([203, 0, 113, 1], 179).into();
        // The port says nothing to the server; one for all makes equal states look so.
        let remote = ([198, 51, 100, 7], 40_000).into();
        self.handle(Input::Connected { conn, local, remote })
    }

    /// Hands the server a fact, performs what it asks for, and holds what must hold then.
    fn handle(&mut self, input: Input<'_>) -> Result<(), Violation> {
        self.server.handle(self.now, input);
        if self.is_late() {
            return Err(Violation::DeadlineNotLater);
        }
        while let Some(action) = self.server.poll_action() {
            match action {
                Action::Transmit { conn } => {
                    if let Some(link) = self.link(conn) {
                        link.is_signalled = true;
                    }
                }
                Action::Close { conn, flush } => {
                    if let Some(link) = self.link(conn) {
                        link.ask_to_close(flush);
                    }
                }
                Action::Reply { reply: Reply::ShutDown, .. } => self.phase = Phase::Stopped,
                // All sources are inline; and people read nothing here.
                Action::Reply { .. }
                | Action::Fetch { .. }
                | Action::Listen { .. }
                | Action::Store { .. }
                | Action::Notice(_)
                | Action::Fail { .. } => {}
            }
        }
        self.check()
    }

    fn command(&mut self, command: Command) -> Result<(), Violation> {
        self.handle(Input::Command { ticket: Ticket(1), unix_secs: 0, command })
    }

    fn link(&mut self, conn: ConnId) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.conn == conn)
    }
}

impl Model for Collision {
    type Event = CollisionEvent;

    fn events(&self) -> Vec<CollisionEvent> {
        let mut events = Vec::new();
        if self.connections > 0 {
            events.push(CollisionEvent::Accept);
        }
        if self.budget.timers > 0 && self.server.poll_timeout().is_some() {
            events.push(CollisionEvent::ServerTimer);
        }
        if self.budget.faults > 0 && self.phase == Phase::Serving {
            events.extend([CollisionEvent::Shutdown, CollisionEvent::Remove]);
        }
        for link in &self.links {
            let all = link.events(self.budget);
            events.extend(all.map(|event| CollisionEvent::On(link.conn, event)));
        }
        events
    }

    fn apply(&mut self, event: CollisionEvent) -> Result<(), Violation> {
        match event {
            CollisionEvent::Accept => {
                self.connections = self.connections.saturating_sub(1);
                self.accept()?;
            }
            CollisionEvent::ServerTimer => {
                let at = self.server.poll_timeout().map_or(self.now, |(at, _)| at);
                self.now = self.now.max(at);
                self.budget.timer();
                self.handle(Input::Timeout)?;
            }
            CollisionEvent::Shutdown => {
                self.budget.fault();
                self.phase = Phase::Stopping;
                self.command(Command::Shutdown { text: "maintenance".into() })?;
            }
            CollisionEvent::Remove => {
                self.budget.fault();
                self.phase = Phase::Removed;
                self.command(Command::Reload(Box::new(config(self.options, false))))?;
            }
            CollisionEvent::On(conn, event) => self.apply_to_link(conn, event)?,
        }
        self.links.retain(|link| !link.is_over());
        let is_idle = self.links.is_empty() && self.phase == Phase::Serving;
        if is_idle && fingerprint(self.now, &self.server) != self.options.empty {
            return Err(Violation::Leaked);
        }
        Ok(())
    }

    fn settle(self, trace: &mut Vec<CollisionEvent>) -> Result<(), Violation> {
        settle::settle(self, trace)
    }

    fn outcome(&self) -> Outcome {
        if self.links.iter().any(|link| self.is_established(link)) {
            Outcome::Established
        } else if self.links.is_empty() {
            Outcome::Closed
        } else {
            Outcome::Between
        }
    }

    fn now(&self) -> Instant {
        self.now
    }
}

/// AS 65010 serves one prefix to one peer, or to none.
fn config(options: Options, has_peer: bool) -> Config {
    let router_id = match options.rank {
        Rank::Lower => Ipv4Addr::new(9, 255, 255, 255),
        Rank::Higher => Ipv4Addr::new(10, 0, 1, 0),
    };
    let mut config = Config::new(Asn(65010), router_id);
    config.hold_secs = options.hold_secs;
    let prefixes = vec![FEED.parse().expect("a prefix")];
    config.sources.push(SourceConfig::inline("s", prefixes));
    config.feeds.push(FeedConfig { aggregate: Aggregate::Off, ..FeedConfig::new("f", Expr::source("s")) });
    if has_peer {
        let address = AddressMatch::Prefix("198.51.100.7/32".parse().expect("an address"));
        config.peers.push(PeerConfig {
            subscription: Subscription::feeds(["f"]),
            families: FAMILIES,
            ..PeerConfig::new("p", address, AsnMatch::Is(PEER_ASN))
        });
    }
    config
}

const PEER_ASN: Asn = Asn(65001);
const PEER_ROUTER_ID: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 255);
const FAMILIES: Families = Families { v4: true, v6: false };
/// All that is served.
const FEED: &str = "192.0.2.0/24";
