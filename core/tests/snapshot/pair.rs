//! Two servers that get the same calls, one of them anew from JSON before each, and clients made of real sessions.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use bgplite_core::config::{
    AddressMatch, Aggregate, AsnMatch, Config, Expr, Families, FeedConfig, NextHop, PeerConfig, SourceConfig,
    Subscription, UnknownPeers,
};
use bgplite_core::ids::{Asn, ConnId, PeerId, Serial, SourceId, Ticket};
use bgplite_core::record::{Call, action};
use bgplite_core::rng::Rng;
use bgplite_core::server::{
    Action, Batch, Chunk, Command, FetchOutcome, PeerSpec, PeerState, Records, RouteServer, Snapshot,
};
use bgplite_core::session::{Lost, Session, SessionConfig};
use bgplite_core::time::{Duration, Instant};
use bgplite_core::wire::AfiSafi;

pub(crate) struct Pair {
    /// The one that is left alone.
    pub(crate) kept: RouteServer,
    restored: RouteServer,
    now: Instant,
    clients: BTreeMap<ConnId, Client>,
    fetches: Vec<SourceId>,
    writes: Vec<Ticket>,
    next: u64,
}

struct Client {
    session: Session,
    /// Said and not yet delivered.
    said: Vec<u8>,
    received: usize,
    is_signalled: bool,
    close: Option<bool>,
}

/// Two file sources, two feeds, two peers, and strangers.
pub(crate) fn config() -> Config {
    let mut config = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
    // A snapshot has the way to each version, and there is one before every step.
    config.feed_versions = 3;
    config.next_hop_v6 = NextHop::Address("2001:db8::1".parse().unwrap());
    config.unknown_peers = UnknownPeers::Default { feed: "one".into(), max: 3, max_per_address: 2 };
    for (name, tag) in [("one", "65010:1"), ("two", "65010:2")] {
        config.sources.push(SourceConfig::file(name, name));
        config.feeds.push(FeedConfig {
            communities: vec![tag.parse().unwrap()],
            aggregate: Aggregate::Off,
            ..FeedConfig::new(name, Expr::source(name))
        });
    }
    config.sources[1].every = Some(Duration::from_secs(20));
    for (name, last) in [("a", 1), ("b", 2)] {
        let address = AddressMatch::Prefix(IpAddr::from([198, 51, 100, last]).into());
        let asn = AsnMatch::Is(Asn(65000 + u32::from(last)));
        let subscription = Subscription::feeds(["one", "two"]);
        config.peers.push(PeerConfig { subscription, ..PeerConfig::new(name, address, asn) });
    }
    config
}

impl Pair {
    pub(crate) fn new(seed: u64) -> Self {
        let now = Instant::from_nanos(1);
        let new = || RouteServer::new(config(), &Records::default(), seed, now, 0).unwrap();
        let mut pair = Self {
            kept: new(),
            restored: new(),
            now,
            clients: BTreeMap::new(),
            fetches: Vec::new(),
            writes: Vec::new(),
            next: 0,
        };
        while pair.restored.poll_action().is_some() {}
        let actions: Vec<Action> = std::iter::from_fn(|| pair.kept.poll_action()).collect();
        pair.perform(actions);
        pair
    }

    /// The same call to both; what they do must be the same. Returns the bytes it gave.
    pub(crate) fn step(&mut self, call: &Call) -> Vec<u8> {
        let json = serde_json::to_string(&self.restored.snapshot()).unwrap();
        assert_eq!(json, serde_json::to_string(&self.kept.snapshot()).unwrap(), "before {call:?}");
        let snapshot: Snapshot = serde_json::from_str(&json).unwrap();
        self.restored = RouteServer::restore(snapshot).unwrap();
        let (actions, bytes) = apply(&mut self.kept, self.now, call);
        let (others, other_bytes) = apply(&mut self.restored, self.now, call);
        let lines = |actions: &[Action]| actions.iter().map(action).collect::<Vec<_>>();
        assert_eq!(lines(&actions), lines(&others), "after {call:?}");
        assert!(bytes == other_bytes, "other bytes after {call:?}");
        assert_eq!(self.kept.poll_timeout(), self.restored.poll_timeout());
        self.perform(actions);
        bytes
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Transmit { conn } => self.with(conn, |client| client.is_signalled = true),
                Action::Close { conn, flush } => self.with(conn, |client| client.close = Some(flush)),
                Action::Fetch { source, .. } => self.fetches.push(source),
                Action::Store { ticket, .. } => self.writes.push(ticket),
                Action::Listen { .. } | Action::Reply { .. } | Action::Notice(_) | Action::Fail { .. } => {}
            }
        }
    }

    fn with(&mut self, conn: ConnId, act: impl FnOnce(&mut Client)) {
        if let Some(client) = self.clients.get_mut(&conn) {
            act(client);
        }
    }

    pub(crate) fn conns(&self) -> Vec<ConnId> {
        self.clients.keys().copied().collect()
    }

    pub(crate) fn received(&self, conn: ConnId) -> usize {
        self.clients[&conn].received
    }

    fn pick(&self, rng: &mut Rng) -> Option<ConnId> {
        let conns = self.conns();
        conns.get(usize::try_from(rng.below(conns.len() as u64)).unwrap()).copied()
    }

    /// 1 is peer a, 2 is peer b, others are strangers.
    pub(crate) fn connect(&mut self, last: u8) {
        self.next += 1;
        let conn = ConnId(self.next);
        let config = SessionConfig {
            asn: Asn(65000 + u32::from(last)),
            router_id: Ipv4Addr::new(10, 0, 0, last),
            hold_secs: 90,
            families: Families::BOTH,
            open_delay: Duration::ZERO,
            send_hold: Duration::from_secs(480),
            max_received: None,
        };
        let session = Session::new(config, Rng::new(self.next), self.now);
        let client = Client { session, said: Vec::new(), received: 0, is_signalled: false, close: None };
        self.clients.insert(conn, client);
        let remote = (Ipv4Addr::new(198, 51, 100, last), 40_000).into();
        self.step(&Call::Connected { conn, local: "203.0.113.1:179".parse().unwrap(), remote });
    }

    /// Some of what a client has said arrives.
    pub(crate) fn deliver(&mut self, rng: &mut Rng) {
        let Some(conn) = self.pick(rng) else { return };
        let client = self.clients.get_mut(&conn).unwrap();
        client.session.poll_control(&mut client.said);
        let len = client.said.len() as u64;
        let part = if rng.below(2) == 0 { len } else { rng.below(len + 1) };
        let bytes: Vec<u8> = client.said.drain(..usize::try_from(part).unwrap()).collect();
        if !bytes.is_empty() {
            self.step(&Call::Received { conn, bytes });
        }
    }

    pub(crate) fn transmit(&mut self, rng: &mut Rng) {
        if let Some(conn) = self.pick(rng)
            && (self.clients[&conn].is_signalled || self.clients[&conn].close.is_some())
        {
            self.take(conn);
        }
    }

    /// One batch goes to a client.
    pub(crate) fn take(&mut self, conn: ConnId) -> usize {
        let bytes = self.step(&Call::Transmit { conn });
        let now = self.now;
        self.with(conn, |client| {
            client.is_signalled = !bytes.is_empty();
            client.received += bytes.len();
            client.session.handle_bytes(&bytes);
            while client.session.poll_event(now).is_some() {}
        });
        bytes.len()
    }

    pub(crate) fn sent(&mut self, rng: &mut Rng) {
        if let Some(conn) = self.pick(rng) {
            self.step(&Call::Sent { conn });
        }
    }

    pub(crate) fn advance(&mut self, duration: Duration) {
        self.now = self.now + duration;
        let now = self.now;
        for client in self.clients.values_mut() {
            client.session.handle_timeout(now);
            while client.session.poll_event(now).is_some() {}
        }
        self.step(&Call::Timeout);
    }

    pub(crate) fn reload(&mut self, config: Config) {
        self.next += 1;
        self.step(&Call::Reload { ticket: Ticket(self.next), unix_secs: 0, config: Box::new(config) });
    }

    /// Registers, changes or removes one of a few peers, by a few names.
    pub(crate) fn ask_about_peers(&mut self, rng: &mut Rng) {
        let ids: Vec<PeerId> = self.kept.registered().map(|info| info.id).collect();
        let id = ids.get(usize::try_from(rng.below(ids.len() as u64)).unwrap()).copied();
        let id = id.unwrap_or(PeerId(1));
        let last = u8::try_from(1 + rng.below(4)).unwrap();
        let address = AddressMatch::Prefix(IpAddr::from([198, 51, 100, last]).into());
        let asn = if rng.below(3) == 0 { AsnMatch::Any } else { AsnMatch::Is(Asn(65000 + u32::from(last))) };
        let feeds = [&["one"][..], &["two"], &["one", "two"]][usize::try_from(rng.below(3)).unwrap()];
        let subscription = Subscription::feeds(feeds.iter().copied());
        let name = (rng.below(2) == 0).then(|| format!("n{}", rng.below(3)));
        let spec = Box::new(PeerSpec { name, subscription, ..PeerSpec::new(address, asn) });
        let command = match rng.below(8) {
            0 | 1 => Command::PutPeer { spec, state: PeerState::Approved },
            2 => Command::PutPeer { spec, state: PeerState::Pending },
            3 => Command::SetPeer { id, revision: None, spec },
            4 => Command::RemovePeer { id },
            5 => Command::ApprovePeer { id },
            6 => Command::ResendPeer { id },
            _ => Command::ResetPeer { id },
        };
        self.next += 1;
        let ticket = Ticket(self.next);
        self.step(&Call::Command { ticket, unix_secs: self.next, command: Box::new(command) });
    }

    /// An operator decides about a source or a feed.
    pub(crate) fn operate(&mut self, rng: &mut Rng) {
        let name = if rng.below(2) == 0 { "one" } else { "two" };
        let (source, feed) = (name.to_owned(), name.to_owned());
        let command = match rng.below(5) {
            0 => Command::RefreshSource { source },
            1 => Command::ApproveSource { source },
            2 => Command::RejectSource { source },
            3 => Command::RollbackFeed { feed, serial: Serial(1 + rng.below(6)) },
            _ => Command::ReleaseFeed { feed },
        };
        self.next += 1;
        let ticket = Ticket(self.next);
        self.step(&Call::Command { ticket, unix_secs: self.next, command: Box::new(command) });
    }

    pub(crate) fn shut_down(&mut self) {
        self.step(&Call::Shutdown { ticket: Ticket(0), unix_secs: 0, text: "maintenance".into() });
    }

    pub(crate) fn answer_fetch(&mut self, body: &str) {
        if let Some(source) = self.fetches.pop() {
            let outcome = match body {
                "" => FetchOutcome::Failed("no such file".into()),
                body => FetchOutcome::Body(body.as_bytes().into()),
            };
            self.step(&Call::Fetched { source, unix_secs: 1, outcome });
        }
    }

    pub(crate) fn answer_store(&mut self, is_failed: bool) {
        if let Some(ticket) = self.writes.pop() {
            self.step(&Call::Stored { ticket, error: is_failed.then(|| "disk full".into()) });
        }
    }

    pub(crate) fn refresh(&mut self, rng: &mut Rng, family: AfiSafi) {
        if let Some(conn) = self.pick(rng) {
            self.with(conn, |client| client.session.refresh(family));
        }
    }

    pub(crate) fn disconnect(&mut self, rng: &mut Rng) {
        if let Some(conn) = self.pick(rng) {
            self.lose(conn, Lost::Eof);
        }
    }

    /// What the server wants closed is closed, in the order of connections.
    pub(crate) fn hang_up(&mut self) {
        for conn in self.conns() {
            let close = self.clients[&conn].close;
            match close {
                Some(true) if self.take(conn) > 0 => {}
                Some(_) => self.lose(conn, Lost::Closed),
                None => {}
            }
        }
    }

    fn lose(&mut self, conn: ConnId, lost: Lost) {
        self.clients.remove(&conn);
        self.step(&Call::Disconnected { conn, lost });
    }

    /// Everybody's OPEN and KEEPALIVE go to and fro, and no route.
    pub(crate) fn settle_opens(&mut self) {
        for conn in self.conns() {
            for _ in 0..2 {
                let client = self.clients.get_mut(&conn).unwrap();
                let mut bytes = Vec::new();
                client.session.poll_control(&mut bytes);
                self.step(&Call::Received { conn, bytes });
                if self.clients[&conn].session.negotiated().is_none() {
                    self.take(conn);
                }
            }
        }
    }
}

fn apply(server: &mut RouteServer, now: Instant, call: &Call) -> (Vec<Action>, Vec<u8>) {
    let mut batch = Batch::new();
    match (call, call.input()) {
        (_, Some(input)) => server.handle(now, input),
        (Call::Transmit { conn }, None) => drop(server.poll_transmit(now, *conn, &mut batch)),
        (other, None) => panic!("{other:?} is no call"),
    }
    let actions = std::iter::from_fn(|| server.poll_action()).collect();
    (actions, batch.chunks().iter().flat_map(Chunk::as_bytes).copied().collect())
}
