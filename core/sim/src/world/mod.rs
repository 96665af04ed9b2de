//! The deterministic world: one server that dies and comes back, clients that know no better, and a network, files
//! and a store that do their worst, all from one seed.
//!
//! | module | is |
//! |---|---|
//! | `incident` | what may happen, and what does under a seed |
//! | `setup`, `provide`, `wish`, `list` | who is there and what for, the configuration and its changes, the lists |
//! | `page`, `web` | lists in their forms, on disk and on the web; who asks for them how often |
//! | `operate`, `register` | what operators decide about sources and feeds; who registers which peer |
//! | `queue`, `link` | what is to happen when; connections and the bytes on them |
//! | `node`, `store` | the adapter around the server: performs actions, reports inputs |
//! | `client`, `act` | the clients; what an incident does |
//! | `oracle`, `stock`, `plan`, `net`, `table` | what each client should hold, without the core's code |
//! | `watch`, `rest` | the checkers: at every step, and once all is quiet |
//! | `trace` | the fingerprint of a run |
//! | `scenario`, `shrink` | a run to keep, and the shortest that shows the same |

mod act;
mod client;
mod incident;
mod link;
mod list;
mod net;
mod node;
mod operate;
mod oracle;
mod page;
mod plan;
mod provide;
mod queue;
mod register;
mod rest;
mod scenario;
mod setup;
mod shrink;
mod socket;
mod stock;
mod store;
mod table;
mod trace;
mod watch;
mod web;
mod wish;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bgplite_core::config::Config;
use bgplite_core::ids::ConnId;
use bgplite_core::rng::Rng;
use bgplite_core::server::Records;
use bgplite_core::time::{Duration, Instant};

pub use self::incident::{Fault, Incident, UnknownName, What, timeline};
pub use self::scenario::{Expect, Scenario};
pub use self::shrink::shrink;

use self::act::Line;
use self::client::Client;
use self::link::Link;
use self::node::Node;
use self::oracle::Oracle;
use self::queue::{Event, Queue};
use self::register::Ledger;
use self::store::Store;
use self::trace::Trace;
use self::web::Web;

/// What a run is made of, besides its seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// How many clients.
    pub clients: u32,
    /// For how long faults happen.
    pub faulty: Duration,
    /// How long it may take after the last fault until everybody has what it should.
    pub settle: Duration,
    /// Events after which the run just ends, as it is then.
    pub steps: u64,
    /// Mean time between incidents.
    pub every: Duration,
    /// Prefixes in a list, about.
    pub prefixes: u32,
    /// Which kinds of fault happen.
    pub faults: Vec<Fault>,
    /// How bytes arrive where nothing else is said.
    pub delivery: Delivery,
}

/// How bytes arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// All that is there, at once.
    #[default]
    Whole,
    /// One at a time.
    Bytes,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            clients: 8,
            faulty: Duration::from_secs(600),
            settle: Duration::from_secs(600),
            steps: u64::MAX,
            every: Duration::from_secs(5),
            prefixes: 60,
            faults: Fault::ALL.to_vec(),
            delivery: Delivery::Whole,
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The fingerprint of every input, action and byte.
    pub trace_hash: u64,
    /// The fingerprint of the tables that clients ended with.
    pub table_hash: u64,
    /// Virtual time that passed.
    pub time: Duration,
    /// Seconds that sessions were Established, all together.
    pub session_secs: u64,
    /// Events.
    pub steps: u64,
    /// Sessions that became Established.
    pub sessions: u64,
    /// Incidents that happened.
    pub incidents: usize,
    /// What was wrong, if anything.
    pub failure: Option<Failure>,
}

/// A claim that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// After how many events.
    pub step: u64,
    /// When.
    pub now: Instant,
    /// What.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} at {}: {}", self.step, self.now, self.what)
    }
}

/// Runs a seed with its own timeline.
pub fn run(seed: u64, params: &Params) -> Outcome {
    run_timeline(seed, params, &timeline(seed, params), None)
}

/// Runs a seed with a timeline; `sink` hears every event as a line.
pub fn run_timeline<'a>(
    seed: u64,
    params: &'a Params,
    incidents: &'a [Incident],
    sink: Option<&'a mut dyn FnMut(&str)>,
) -> Outcome {
    World::new(seed, params, incidents, sink).run()
}

struct World<'a> {
    params: &'a Params,
    incidents: &'a [Incident],
    now: Instant,
    queue: Queue,
    trace: Trace<'a>,
    /// For what the world decides by itself; incidents have their own.
    rng: Rng,
    node: Node,
    store: Store,
    /// How the store is: slow until, fails until.
    store_slow: Instant,
    store_fails: Instant,
    web: Web,
    /// What the operator has written last; in force after the next reload or start.
    config: Config,
    oracle: Oracle,
    clients: Vec<Client>,
    lines: Vec<Line>,
    /// Registrations that were acknowledged.
    ledger: Ledger,
    links: BTreeMap<ConnId, Link>,
    /// Connections whose writer has something to do.
    ready: BTreeSet<ConnId>,
    next_conn: u64,
    steps: u64,
    max_steps: u64,
    session_nanos: u128,
    sessions: u64,
    acted: usize,
    is_healed: bool,
    is_over: bool,
    table_hash: u64,
    failure: Option<Failure>,
}

impl<'a> World<'a> {
    fn new(
        seed: u64,
        params: &'a Params,
        incidents: &'a [Incident],
        sink: Option<&'a mut dyn FnMut(&str)>,
    ) -> Self {
        let mut rng = Rng::new(seed);
        let mut people = rng.fork();
        let people: Vec<_> = (0..params.clients).map(|index| setup::person(index, &mut people)).collect();
        let config = setup::config(&people, &mut rng.fork());
        let mut lists = rng.fork();
        let size = u64::from(params.prefixes) * if seed % LONG_EVERY == LONG_EVERY - 1 { LONG } else { 1 };
        let web = provide::web(&config, size.max(2), &mut lists);
        let oracle = Oracle::new(config.clone(), &Records::default(), |bytes| web.read(bytes));
        let now = START;
        let mut world = Self {
            params,
            incidents,
            now,
            queue: Queue::default(),
            trace: Trace::new(sink),
            node: Node::default(),
            store: Store::default(),
            store_slow: now,
            store_fails: now,
            web,
            config,
            oracle,
            lines: people.iter().map(|_| Line::default()).collect(),
            clients: people.into_iter().map(Client::new).collect(),
            ledger: Ledger::new(),
            links: BTreeMap::new(),
            ready: BTreeSet::new(),
            next_conn: 0,
            steps: 0,
            max_steps: params.steps,
            session_nanos: 0,
            sessions: 0,
            acted: 0,
            is_healed: false,
            is_over: false,
            table_hash: 0,
            failure: None,
            rng,
        };
        for (index, incident) in incidents.iter().enumerate() {
            world.queue.push(now + incident.at, Event::Incident(index));
        }
        world.queue.push(now + params.faulty, Event::Heal);
        world.queue.push(now, Event::Audit);
        world.queue.push(now, Event::Start);
        for index in 0..world.clients.len() {
            let wait = Duration::from_millis(world.rng.below(5_000));
            world.queue.push(now + wait, Event::Dial(index));
        }
        world
    }

    fn run(mut self) -> Outcome {
        let start = self.now;
        let mut at_once = 0_u32;
        while self.failure.is_none() && !self.is_over && self.steps < self.max_steps {
            let Some((at, event)) = self.queue.pop() else { break };
            at_once = if at > self.now { 0 } else { at_once + 1 };
            if at_once > MAX_AT_ONCE {
                self.fail(format!("{MAX_AT_ONCE} events and no time passes; now {event:?}"));
            }
            self.now = self.now.max(at);
            self.steps += 1;
            self.step(event);
            self.settle();
        }
        let open = self.links.values().filter_map(|link| link.up_since);
        self.session_nanos += open.map(|since| (self.now - since).as_nanos()).sum::<u128>();
        Outcome {
            trace_hash: self.trace.hash(),
            table_hash: self.table_hash,
            time: self.now - start,
            session_secs: u64::try_from(self.session_nanos / 1_000_000_000).unwrap_or(u64::MAX),
            steps: self.steps,
            sessions: self.sessions,
            incidents: self.acted,
            failure: self.failure,
        }
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Incident(index) => self.act(index),
            Event::ServerTimer => self.server_timer(),
            Event::ClientTimer(conn) => self.client_timer(conn),
            Event::Deliver(conn, direction) => self.deliver(conn, direction),
            Event::ClientLost(conn) => self.client_lost(conn),
            Event::ServerLost(conn) => self.server_lost(conn),
            Event::Dial(index) => self.dial(index),
            Event::Fetched { epoch, source, place, etag, is_in_time } => {
                self.fetched(epoch, source, place, etag, is_in_time);
            }
            Event::Stored { epoch } => self.stored(epoch),
            Event::Strange(conn) => self.strange(conn),
            Event::Start => self.start(),
            Event::Wake => self.wake(),
            Event::Audit => self.audit(),
            Event::Heal => self.heal(),
        }
    }

    /// The first thing that is wrong counts.
    fn fail(&mut self, what: String) {
        if self.failure.is_none() {
            self.say(format_args!("FAILURE {what}"));
            self.failure = Some(Failure { step: self.steps, now: self.now, what });
        }
    }

    fn check(&mut self, conn: ConnId, result: Result<(), String>) {
        if let Err(what) = result {
            let who = self.links.get(&conn).map(|link| link.remote.to_string()).unwrap_or_default();
            self.fail(format!("conn {conn} of {who}: {what}"));
        }
    }

    /// The wall clock.
    fn unix_secs(&self) -> u64 {
        EPOCH_SECS + self.now.as_nanos() / 1_000_000_000
    }

    fn say(&mut self, line: fmt::Arguments<'_>) {
        let now = self.now;
        self.trace.say(now, line);
    }
}

/// When the world begins: no clock of a machine starts at zero.
const START: Instant = Instant::from_nanos(1_000_000_000);
/// What the wall clock shows at the world's zero.
const EPOCH_SECS: u64 = 1_790_000_000;
/// Lists that fill messages are slow to reason about: one seed in so many has them.
const LONG_EVERY: u64 = 32;
/// And they are so many times longer.
const LONG: u64 = 40;

/// More events than this at one instant are a loop.
const MAX_AT_ONCE: u32 = 1_000_000;
