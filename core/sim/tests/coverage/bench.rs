//! A server on a bench: octets by hand on one side, actions on the other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bgplite_core::config::{
    AddressMatch, Aggregate, AsnMatch, Config, Expr, FeedConfig, NextHop, PeerConfig, SourceConfig,
    Subscription, UnknownPeers,
};
use bgplite_core::ids::{Asn, ConnId, SourceId, Ticket};
use bgplite_core::server::{
    Action, Batch, Command, FetchOutcome, Input, Notice, Records, Reply, RouteServer, SourceRecord,
};
use bgplite_core::session::{Lost, State};
use bgplite_core::time::{Duration, Instant};

/// Where everybody connects to.
pub(crate) const LOCAL: &str = "203.0.113.1:179";

/// A server, and what it did.
pub(crate) struct Bench {
    pub(crate) server: RouteServer,
    pub(crate) now: Instant,
    pub(crate) fetches: Vec<SourceId>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) failure: Option<String>,
    pub(crate) writes: Vec<Ticket>,
    /// What the server wrote to its store.
    pub(crate) records: Records,
    /// Connections the server asked to close.
    pub(crate) closed: BTreeSet<ConnId>,
    /// Octets the server wrote, by connection.
    pub(crate) wire: BTreeMap<ConnId, Vec<u8>>,
    next: u64,
}

impl Bench {
    pub(crate) fn new(config: Config) -> Self {
        Self::restarted(config, Vec::new())
    }

    pub(crate) fn restarted(config: Config, sources: Vec<SourceRecord>) -> Self {
        Self::with_records(config, &Records { sources, ..Records::default() })
    }

    pub(crate) fn with_records(config: Config, records: &Records) -> Self {
        let now = Instant::from_nanos(1);
        let mut bench = Self {
            server: RouteServer::new(config, records, 7, now, 0).unwrap(),
            now,
            fetches: Vec::new(),
            notices: Vec::new(),
            replies: Vec::new(),
            failure: None,
            writes: Vec::new(),
            records: Records::default(),
            closed: BTreeSet::new(),
            wire: BTreeMap::new(),
            next: 0,
        };
        bench.settle();
        bench
    }

    /// A server whose one file has this list.
    pub(crate) fn serving(config: Config, list: &str) -> Self {
        let mut bench = Self::new(config);
        bench.fetched(FetchOutcome::Body(Arc::from(list.as_bytes())));
        bench
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input);
        self.settle();
    }

    pub(crate) fn connect(&mut self, remote: &str) -> ConnId {
        self.next += 1;
        let conn = ConnId(self.next);
        let [local, remote]: [SocketAddr; 2] = [LOCAL, remote].map(|end| end.parse().unwrap());
        self.input(Input::Connected { conn, local, remote });
        conn
    }

    pub(crate) fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        self.input(Input::Received { conn, bytes });
    }

    pub(crate) fn lose(&mut self, conn: ConnId) {
        self.input(Input::Disconnected { conn, lost: Lost::Eof });
    }

    pub(crate) fn command(&mut self, command: Command) -> Reply {
        self.command_without_reply(command);
        self.replies.last().cloned().unwrap()
    }

    /// One that is answered later.
    pub(crate) fn command_without_reply(&mut self, command: Command) {
        self.next += 1;
        self.input(Input::Command { ticket: Ticket(self.next), unix_secs: 0, command });
    }

    pub(crate) fn reload(&mut self, config: Config) -> Reply {
        self.command(Command::Reload(Box::new(config)))
    }

    /// Answers the oldest fetch.
    pub(crate) fn fetched(&mut self, outcome: FetchOutcome) {
        let source = self.fetches.remove(0);
        self.input(Input::Fetched { source, unix_secs: 1_700_000_000, outcome });
    }

    pub(crate) fn body(&mut self, list: &str) {
        self.fetched(FetchOutcome::Body(Arc::from(list.as_bytes())));
    }

    /// A connection from `remote` that an OPEN and a KEEPALIVE brought to Established.
    pub(crate) fn establish(&mut self, remote: &str) -> ConnId {
        let conn = self.connect(remote);
        self.send(conn, &open(&BOTH));
        self.send(conn, &KEEPALIVE);
        assert_eq!(self.state(conn), Some(State::Established));
        conn
    }

    pub(crate) fn state(&self, conn: ConnId) -> Option<State> {
        self.server.peers().find(|peer| peer.conn == conn).map(|peer| peer.state)
    }

    /// One batch; its octets are the peer's. `false` when there is none.
    pub(crate) fn poll(&mut self, conn: ConnId) -> bool {
        let mut batch = Batch::new();
        let is_some = self.server.poll_transmit(self.now, conn, &mut batch);
        let wire = self.wire.entry(conn).or_default();
        batch.chunks().iter().for_each(|chunk| wire.extend_from_slice(chunk.as_bytes()));
        is_some
    }

    /// All that the server has to say to a peer that reads.
    pub(crate) fn read(&mut self, conn: ConnId) {
        while self.poll(conn) {
            self.input(Input::Sent { conn });
        }
    }

    /// Lets time pass, timer by timer.
    pub(crate) fn advance(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        while let Some((at, _)) = self.server.poll_timeout().filter(|(at, _)| *at <= end) {
            self.now = at;
            self.input(Input::Timeout);
        }
        self.now = end;
    }

    /// The code and subcode of the NOTIFICATION that ended the connection.
    pub(crate) fn notification(&mut self, conn: ConnId) -> Option<[u8; 2]> {
        self.read(conn);
        let mut rest = self.wire.get(&conn)?.as_slice();
        let mut last = None;
        while rest.len() >= 19 {
            let len = usize::from(u16::from_be_bytes([rest[16], rest[17]]));
            assert_eq!(last, None, "something follows a NOTIFICATION");
            if rest[18] == 3 {
                last = Some([rest[19], rest[20]]);
            }
            rest = &rest[len..];
        }
        last
    }

    fn settle(&mut self) {
        while let Some(action) = self.server.poll_action() {
            match action {
                Action::Transmit { .. } | Action::Listen { .. } => {}
                Action::Close { conn, .. } => drop(self.closed.insert(conn)),
                Action::Fetch { source, .. } => self.fetches.push(source),
                Action::Store { ticket, write } => {
                    self.records.apply(write);
                    self.writes.push(ticket);
                }
                Action::Reply { reply, .. } => self.replies.push(reply),
                Action::Notice(notice) => self.notices.push(notice),
                Action::Fail { reason } => self.failure = Some(reason),
            }
        }
    }
}

/// AS 65010, one feed of one file, for whoever connects.
pub(crate) fn config() -> Config {
    let mut config = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
    config.next_hop_v6 = NextHop::Address("2001:db8::1".parse().unwrap());
    config.sources.push(SourceConfig::file("ru", "ru.txt"));
    config.feeds.push(FeedConfig { aggregate: Aggregate::Off, ..FeedConfig::new("ru", Expr::source("ru")) });
    config.unknown_peers = UnknownPeers::Default { feed: "ru".into(), max: 3, max_per_address: 2 };
    config
}

/// AS 65001 at 198.51.100.7, with the feed.
pub(crate) fn home() -> PeerConfig {
    let address = AddressMatch::Prefix("198.51.100.7".parse().unwrap());
    let home = PeerConfig::new("home", address, AsnMatch::Is(Asn(65001)));
    PeerConfig { subscription: Subscription::feeds(["ru"]), ..home }
}

/// IPv4 and IPv6 unicast.
pub(crate) const BOTH: [&[u8]; 2] = [&[1, 4, 0, 1, 0, 1], &[1, 4, 0, 2, 0, 1]];
/// ASNs of four octets: 65001.
pub(crate) const FOUR_OCTETS: &[u8] = &[65, 4, 0, 0, 0xFD, 0xE9];
/// Enhanced route refresh.
pub(crate) const ENHANCED: &[u8] = &[70, 0];

/// The OPEN of AS 65001, 198.51.100.7, hold time 90 s, with these capabilities.
pub(crate) fn open(capabilities: &[&[u8]]) -> Vec<u8> {
    open_of(65001, [198, 51, 100, 7], capabilities)
}

pub(crate) fn open_of(asn: u16, router_id: [u8; 4], capabilities: &[&[u8]]) -> Vec<u8> {
    let capabilities = capabilities.concat();
    let len = u8::try_from(capabilities.len()).unwrap();
    let mut body = vec![4];
    body.extend(asn.to_be_bytes());
    body.extend([0, 90]);
    body.extend(router_id);
    body.extend([len + 2, 2, len]);
    body.extend(capabilities);
    message(1, &body)
}

/// A message of a type around a body.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![0xFF; 16];
    message.extend(u16::try_from(19 + body.len()).unwrap().to_be_bytes());
    message.push(kind);
    message.extend(body);
    message
}

pub(crate) const KEEPALIVE: [u8; 19] =
    [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 19, 4];

/// An UPDATE with these attributes and, or without, the prefix 10.0.0.0/8.
pub(crate) fn update(attributes: &[&[u8]], has_nlri: bool) -> Vec<u8> {
    let attributes = attributes.concat();
    let mut body = vec![0, 0];
    body.extend(u16::try_from(attributes.len()).unwrap().to_be_bytes());
    body.extend(attributes);
    if has_nlri {
        body.extend([8, 10]);
    }
    message(2, &body)
}
