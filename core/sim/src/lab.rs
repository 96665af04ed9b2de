//! One server, its clients, and what lies between.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use bgplite_core::config::Config;
use bgplite_core::ids::{ConnId, SourceId, Ticket};
use bgplite_core::record::Digest;
use bgplite_core::server::{
    Action, Batch, Command, FetchOutcome, FetchRequest, HttpRequest, Input, Notice, Records, Reply,
    RouteServer, StoreWrite, Validators,
};
use bgplite_core::session::Lost;
use bgplite_core::time::{Duration, Instant};

use crate::{Client, ClientConfig};

/// A route server and its clients in virtual time.
#[derive(Debug)]
pub struct Lab {
    /// The server under test.
    pub server: RouteServer,
    /// The virtual clock.
    pub now: Instant,
    /// Everything the server had to say to people.
    pub notices: Vec<Notice>,
    /// Answers to commands.
    pub replies: Vec<(Ticket, Reply)>,
    /// What the server wrote to its store.
    pub stored: Records,
    /// What files hold; a missing one is an error to whoever reads it.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What the server asked for, and when. URLs are files of that name, and have an ETag.
    pub fetches: Vec<(Instant, FetchRequest)>,
    /// Why the server could not start.
    pub failure: Option<String>,
    /// Where registered peers come in, besides the configuration's endpoints.
    pub endpoints: Vec<SocketAddr>,
    /// Whether what is written waits until [`store`](Self::store) says what became of it.
    pub is_store_slow: bool,
    /// What waits.
    pub writes: VecDeque<(Ticket, StoreWrite)>,
    /// The wall clock of commands, in seconds since the Unix epoch.
    pub unix_secs: u64,
    links: BTreeMap<ConnId, Link>,
    next_conn: u64,
    next_ticket: u64,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fault a test may switch on, or where the link stands"
)]
/// One connection: the adapter's end, and the client's.
#[derive(Debug)]
struct Link {
    client: Client,
    /// The server has bytes for it.
    is_signalled: bool,
    /// A batch is out and the client takes nothing.
    is_stalled: bool,
    held: Option<Batch>,
    batches: usize,
    close: Option<bool>,
    is_gone: bool,
    is_mute: bool,
    /// Octets from the server, in order, as they were written.
    wire: Vec<u8>,
}

impl Lab {
    /// A server that has just started. Files it asks for are read when the world [`run`](Self::run)s.
    pub fn new(config: Config, seed: u64) -> Self {
        let files = BTreeMap::new();
        Self::restarted(config, seed, files, &Records::default())
    }

    /// A server with files, and with what an earlier one had stored.
    pub fn restarted(config: Config, seed: u64, files: BTreeMap<String, Vec<u8>>, records: &Records) -> Self {
        let now = Instant::from_nanos(1);
        let server =
            RouteServer::new(config, records, seed, now, 0).expect("a test's configuration is sound");
        Self {
            server,
            now,
            notices: Vec::new(),
            replies: Vec::new(),
            stored: records.clone(),
            files,
            fetches: Vec::new(),
            failure: None,
            endpoints: Vec::new(),
            is_store_slow: false,
            writes: VecDeque::new(),
            unix_secs: 0,
            links: BTreeMap::new(),
            next_conn: 0,
            next_ticket: 0,
        }
    }

    /// A client connects from `remote` to `local`.
    pub fn connect(&mut self, local: &str, remote: &str, config: &ClientConfig) -> ConnId {
        let conn = self.accept(local, remote, config);
        self.run();
        conn
    }

    /// As [`connect`](Self::connect), and nothing flows yet.
    pub fn accept(&mut self, local: &str, remote: &str, config: &ClientConfig) -> ConnId {
        self.next_conn += 1;
        let conn = ConnId(self.next_conn);
        let client = Client::new(config, self.next_conn, self.now);
        let link = Link {
            client,
            is_signalled: false,
            is_stalled: false,
            held: None,
            batches: 0,
            close: None,
            is_gone: false,
            is_mute: false,
            wire: Vec::new(),
        };
        self.links.insert(conn, link);
        let parse = |text: &str| -> SocketAddr { text.parse().expect("an address with a port") };
        let (local, remote) = (parse(local), parse(remote));
        self.server.handle(self.now, Input::Connected { conn, local, remote });
        conn
    }

    /// The client's end of a connection.
    pub fn client(&self, conn: ConnId) -> &Client {
        &self.links[&conn].client
    }

    /// The client's end of a connection, to make it act; then [`run`](Self::run).
    pub fn client_mut(&mut self, conn: ConnId) -> &mut Client {
        &mut self.link(conn).client
    }

    /// Every octet the server wrote on a connection.
    pub fn wire(&self, conn: ConnId) -> &[u8] {
        &self.links[&conn].wire
    }

    /// How many batches the server handed out for a connection.
    pub fn batches(&self, conn: ConnId) -> usize {
        self.links[&conn].batches
    }

    /// Whether the connection still stands.
    pub fn is_open(&self, conn: ConnId) -> bool {
        !self.links[&conn].is_gone
    }

    /// The client stops reading, or reads on.
    pub fn stall(&mut self, conn: ConnId, is_stalled: bool) {
        self.link(conn).is_stalled = is_stalled;
    }

    /// The client says nothing by itself any more, and hears nothing: what arrives is counted as taken.
    pub fn mute(&mut self, conn: ConnId) {
        self.link(conn).is_mute = true;
    }

    /// The connection breaks, and the world forgets it.
    pub fn drop_link(&mut self, conn: ConnId) {
        if self.is_open(conn) {
            self.disconnect(conn, Lost::Eof);
        }
        self.links.remove(&conn);
    }

    /// Octets arrive at the server that no session wrote.
    pub fn inject(&mut self, conn: ConnId, bytes: &[u8]) {
        self.server.handle(self.now, Input::Received { conn, bytes });
        self.run();
    }

    /// The connection breaks.
    pub fn disconnect(&mut self, conn: ConnId, lost: Lost) {
        self.link(conn).is_gone = true;
        self.server.handle(self.now, Input::Disconnected { conn, lost });
        self.run();
    }

    /// The operator asks for something.
    pub fn command(&mut self, command: Command) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.server.handle(self.now, Input::Command { ticket, unix_secs: self.unix_secs, command });
        self.run();
        ticket
    }

    /// What the server said to a command, if it has.
    pub fn reply(&self, ticket: Ticket) -> Option<&Reply> {
        self.replies.iter().find(|(of, _)| *of == ticket).map(|(_, reply)| reply)
    }

    /// The oldest write that waits is durable, or has failed.
    pub fn store(&mut self, result: Result<(), String>) {
        let (ticket, write) = self.writes.pop_front().expect("a write waits");
        if result.is_ok() {
            self.stored.apply(write);
        }
        self.server.handle(self.now, Input::Stored { ticket, result });
        self.run();
    }

    /// Lets everything happen that can happen without time passing.
    pub fn run(&mut self) {
        loop {
            let mut is_quiet = self.perform_actions();
            let conns: Vec<ConnId> = self.links.keys().copied().collect();
            for conn in conns {
                is_quiet &= !self.deliver_to_server(conn);
                is_quiet &= !self.deliver_to_client(conn);
            }
            if is_quiet {
                return;
            }
        }
    }

    /// Lets `duration` pass, timer by timer, on both ends.
    pub fn advance(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.run();
            let server = self.server.poll_timeout().map(|(at, _)| at);
            let clients = self.links.values().filter(|link| !link.is_gone && !link.is_mute);
            let client =
                clients.filter_map(|link| link.client.session.poll_timeout()).map(|(at, _)| at).min();
            let Some(next) = server.into_iter().chain(client).min().filter(|&at| at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.server.handle(self.now, Input::Timeout);
            let after = self.server.poll_timeout().map(|(at, _)| at);
            assert!(
                after.is_none_or(|at| at > self.now),
                "a deadline that is due stays: {after:?} at {}",
                self.now
            );
            for link in self.links.values_mut().filter(|link| !link.is_gone && !link.is_mute) {
                link.client.session.handle_timeout(self.now);
                link.client.drive(self.now);
            }
        }
        self.now = end;
    }

    /// Whether every established client that reads has been told all it should have.
    pub fn is_in_sync(&self) -> bool {
        self.server.peers().filter(|peer| !self.links[&peer.conn].is_stalled).all(|peer| peer.is_in_sync)
    }

    fn link(&mut self, conn: ConnId) -> &mut Link {
        self.links.get_mut(&conn).expect("the test made this connection")
    }

    /// `true` when there was none.
    fn perform_actions(&mut self) -> bool {
        let mut is_quiet = true;
        while let Some(action) = self.server.poll_action() {
            is_quiet = false;
            match action {
                Action::Transmit { conn } => self.link(conn).is_signalled = true,
                Action::Close { conn, flush } => self.link(conn).close = Some(flush),
                Action::Fetch { source, request } => self.fetch(source, &request),
                Action::Store { ticket, write } if self.is_store_slow => {
                    self.writes.push_back((ticket, write));
                }
                Action::Store { ticket, write } => {
                    self.stored.apply(write);
                    self.server.handle(self.now, Input::Stored { ticket, result: Ok(()) });
                }
                Action::Reply { ticket, reply } => self.replies.push((ticket, reply)),
                Action::Notice(notice) => self.notices.push(notice),
                Action::Listen { endpoints } => self.endpoints = endpoints,
                Action::Fail { reason } => self.failure = Some(reason),
            }
        }
        is_quiet
    }

    fn fetch(&mut self, source: SourceId, request: &FetchRequest) {
        self.fetches.push((self.now, request.clone()));
        let outcome = match request {
            FetchRequest::File { path, .. } => match self.files.get(path) {
                Some(body) => FetchOutcome::Body(Arc::from(body.as_slice())),
                None => FetchOutcome::Failed(format!("{path}: no such file")),
            },
            FetchRequest::Http(HttpRequest { url, validators, .. }) => match self.files.get(url) {
                Some(body) => {
                    let etag = Some(format!("\"{:016x}\"", digest(body)));
                    if validators.etag == etag {
                        FetchOutcome::Unchanged
                    } else {
                        let validators = Validators { etag, last_modified: None };
                        FetchOutcome::Validated { body: Arc::from(body.as_slice()), validators }
                    }
                }
                None => FetchOutcome::Failed(format!("{url}: 404 Not Found")),
            },
        };
        let unix_secs = self.now.as_nanos() / 1_000_000_000;
        self.server.handle(self.now, Input::Fetched { source, unix_secs, outcome });
    }

    /// `true` when something moved.
    fn deliver_to_server(&mut self, conn: ConnId) -> bool {
        let now = self.now;
        let link = self.link(conn);
        if link.is_gone || link.is_mute {
            return false;
        }
        let mut bytes = Vec::new();
        link.client.session.poll_control(&mut bytes);
        let is_over = link.client.down.is_some() && link.close.is_none();
        if !bytes.is_empty() {
            self.server.handle(now, Input::Received { conn, bytes: &bytes });
        }
        if is_over {
            self.link(conn).is_gone = true;
            self.server.handle(now, Input::Disconnected { conn, lost: Lost::Eof });
        }
        is_over || !bytes.is_empty()
    }

    /// `true` when something moved.
    fn deliver_to_client(&mut self, conn: ConnId) -> bool {
        let now = self.now;
        let Some(link) = self.links.get_mut(&conn) else {
            return false;
        };
        if link.is_gone {
            return false;
        }
        if link.close == Some(false) {
            return self.hang_up(conn);
        }
        if link.is_stalled && link.held.is_some() {
            return false;
        }
        if let Some(batch) = link.held.take() {
            link.take_in(now, &batch);
            self.server.handle(now, Input::Sent { conn });
            return true;
        }
        if !link.is_signalled && link.close.is_none() {
            return false;
        }
        let mut batch = Batch::new();
        if self.server.poll_transmit(now, conn, &mut batch) {
            link.batches += 1;
            link.held = Some(batch);
            return true;
        }
        let was_signalled = std::mem::take(&mut link.is_signalled);
        if link.close == Some(true) {
            return self.hang_up(conn);
        }
        was_signalled
    }

    fn hang_up(&mut self, conn: ConnId) -> bool {
        let now = self.now;
        let link = self.link(conn);
        link.is_gone = true;
        link.client.session.handle_disconnected(Lost::Eof);
        link.client.drive(now);
        self.server.handle(now, Input::Disconnected { conn, lost: Lost::Closed });
        true
    }
}

impl Link {
    fn take_in(&mut self, now: Instant, batch: &Batch) {
        for chunk in batch.chunks() {
            self.wire.extend_from_slice(chunk.as_bytes());
            if !self.is_mute {
                self.client.handle_bytes(now, chunk.as_bytes());
            }
        }
    }
}

fn digest(body: &[u8]) -> u64 {
    let mut digest = Digest::default();
    digest.write(body);
    digest.finish()
}
