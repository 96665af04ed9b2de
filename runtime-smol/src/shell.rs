//! What all tasks share: the core, and what its actions need.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use bgplite_core::ids::{ConnId, SourceId, Ticket};
use bgplite_core::server::{Action, Batch, Command, FetchRequest, Input, Reply, RouteServer, StoreWrite};
use bgplite_host::clock::{self, Clock};
use bgplite_host::fetch::{Fetch, fetch_by};
use bgplite_host::record::Recorder;
use bgplite_host::store::Store;
use smol::channel::{Receiver, Sender, bounded};
use smol::lock::Semaphore;
use smol::{LocalExecutor, Task, unblock};

use crate::bell::Bell;
use crate::conn::{Close, Handle};
use crate::deadline::Deadline;
use crate::listener::{Listener, bind};

/// The core and the adapter's own state. Lives in an `Rc`; no borrow of a part outlives a call.
pub(crate) struct Shell {
    core: RefCell<RouteServer>,
    /// Takes down what the core is told and says, where somebody wants that.
    recorder: RefCell<Option<Recorder>>,
    pub(crate) clock: Clock,
    pub(crate) deadline: Deadline,
    /// TTL of connections from now on.
    pub(crate) ttl: Cell<u8>,
    /// Where every connection's bytes are read to, one at a time.
    pub(crate) buffer: RefCell<Box<[u8]>>,
    /// Weak, because its tasks hold the shell.
    executor: Weak<LocalExecutor<'static>>,
    conns: RefCell<BTreeMap<ConnId, Open>>,
    last_conn: Cell<u64>,
    last_ticket: Cell<u64>,
    /// Who waits for the answer to a command.
    replies: RefCell<BTreeMap<Ticket, Sender<Reply>>>,
    fetcher: Arc<dyn Fetch>,
    fetch_slots: Rc<Semaphore>,
    writes: Sender<(Ticket, StoreWrite)>,
    /// The endpoints of the configuration.
    configured: RefCell<Vec<SocketAddr>>,
    /// Where registered peers come in besides.
    wanted: RefCell<Vec<SocketAddr>>,
    /// What is listened on for them. Its tasks hold the shell.
    own_listeners: RefCell<Vec<Listener>>,
    /// Why the core cannot go on, and who waits for that.
    failure: RefCell<Option<String>>,
    pub(crate) failure_bell: Bell,
}

/// One open connection, as others see it.
struct Open {
    handle: Rc<Handle>,
    task: Task<()>,
}

/// Writes to the store that wait for the one under way.
pub(crate) type Writes = Receiver<(Ticket, StoreWrite)>;

impl Shell {
    /// The shell of a core, and the writes that [`write_all`] is to perform.
    pub(crate) fn new(
        core: RouteServer,
        recorder: Option<Recorder>,
        clock: Clock,
        ttl: u8,
        fetcher: Arc<dyn Fetch>,
        executor: &Rc<LocalExecutor<'static>>,
    ) -> (Rc<Self>, Writes) {
        let (writes, queue) = bounded(MAX_WRITES);
        let shell = Self {
            core: RefCell::new(core),
            recorder: RefCell::new(recorder),
            clock,
            deadline: Deadline::default(),
            ttl: Cell::new(ttl),
            buffer: RefCell::new(vec![0; READ_BYTES].into_boxed_slice()),
            executor: Rc::downgrade(executor),
            conns: RefCell::default(),
            last_conn: Cell::new(0),
            last_ticket: Cell::new(0),
            replies: RefCell::default(),
            fetcher,
            fetch_slots: Rc::new(Semaphore::new(MAX_FETCHES)),
            writes,
            configured: RefCell::default(),
            wanted: RefCell::default(),
            own_listeners: RefCell::default(),
            failure: RefCell::default(),
            failure_bell: Bell::default(),
        };
        (Rc::new(shell), queue)
    }

    /// Tells the core a fact and performs what follows from it.
    pub(crate) fn handle(self: &Rc<Self>, input: Input<'_>) {
        let now = self.clock.now();
        self.record(|recorder| recorder.handle_input(now, &input));
        self.core.borrow_mut().handle(now, input);
        self.perform_all();
    }

    /// Performs the actions that the core has ready.
    pub(crate) fn perform_all(self: &Rc<Self>) {
        loop {
            // The borrow ends with the statement: an action may look into the core.
            let Some(action) = self.core.borrow_mut().poll_action() else {
                break;
            };
            self.record(|recorder| recorder.handle_action(&action));
            self.perform(action);
        }
        self.record(|recorder| recorder.finish(self.clock.now(), &self.core.borrow()));
        self.arm();
    }

    /// More bytes for a connection; `false` when there are none until the core says so.
    pub(crate) fn poll_transmit(&self, conn: ConnId, batch: &mut Batch) -> bool {
        let now = self.clock.now();
        let has_bytes = self.core.borrow_mut().poll_transmit(now, conn, batch);
        self.record(|recorder| recorder.handle_transmit(now, conn, batch));
        self.arm();
        has_bytes
    }

    fn record(&self, note: impl FnOnce(&mut Recorder)) {
        if let Some(recorder) = &mut *self.recorder.borrow_mut() {
            note(recorder);
        }
    }

    /// Ends the recording, and waits a moment for its last lines.
    pub(crate) fn stop_recording(&self) {
        let recorder = self.recorder.borrow_mut().take();
        if let Some(recorder) = recorder {
            recorder.close();
        }
    }

    fn arm(&self) {
        let deadline = self.core.borrow().poll_timeout().map(|(at, _)| at);
        self.deadline.want(deadline);
    }

    /// A look at the core.
    pub(crate) fn with_core<T>(&self, look: impl FnOnce(&RouteServer) -> T) -> T {
        look(&self.core.borrow())
    }

    /// Asks the core for something; the answer comes through the channel.
    pub(crate) fn command(self: &Rc<Self>, command: Command) -> Receiver<Reply> {
        let ticket = Ticket(next(&self.last_ticket));
        let (sender, receiver) = bounded(1);
        self.replies.borrow_mut().insert(ticket, sender);
        self.handle(Input::Command { ticket, unix_secs: clock::unix_secs(), command });
        receiver
    }

    /// Why the core cannot go on, once.
    pub(crate) fn take_failure(&self) -> Option<String> {
        self.failure.borrow_mut().take()
    }

    /// Starts the task of a new connection. `run` gets its number and its handle.
    pub(crate) fn open<F>(self: &Rc<Self>, run: impl FnOnce(ConnId, Rc<Handle>) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        let Some(executor) = self.executor.upgrade() else {
            return;
        };
        let conn = ConnId(next(&self.last_conn));
        let handle = Rc::new(Handle::default());
        let task = executor.spawn(run(conn, Rc::clone(&handle)));
        self.conns.borrow_mut().insert(conn, Open { handle, task });
    }

    /// Forgets a connection, whose task ends by itself.
    pub(crate) fn forget(&self, conn: ConnId) {
        let open = self.conns.borrow_mut().remove(&conn);
        if let Some(open) = open {
            open.task.detach();
        }
    }

    /// Drops every connection at once, and tells nobody.
    pub(crate) fn drop_conns(&self) {
        let conns = std::mem::take(&mut *self.conns.borrow_mut());
        drop(conns);
    }

    /// Starts a task that ends by itself.
    fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        if let Some(executor) = self.executor.upgrade() {
            executor.spawn(future).detach();
        }
    }

    fn perform(self: &Rc<Self>, action: Action) {
        match action {
            Action::Transmit { conn } => self.tell(conn, Handle::transmit),
            Action::Close { conn, flush } => {
                let close = if flush { Close::Flush } else { Close::Now };
                self.tell(conn, |handle| handle.close(close));
            }
            Action::Fetch { source, request } => self.spawn(Rc::clone(self).fetch(source, request)),
            Action::Store { ticket, write } => self.store(ticket, write),
            Action::Reply { ticket, reply } => {
                let sender = self.replies.borrow_mut().remove(&ticket);
                if let Some(sender) = sender {
                    // The one who asked may have left.
                    let _ = sender.try_send(reply);
                }
            }
            Action::Notice(notice) => bgplite_host::log::notice(&notice),
            Action::Listen { endpoints } => self.listen(endpoints),
            Action::Fail { reason } => {
                *self.failure.borrow_mut() = Some(reason);
                self.failure_bell.ring();
            }
        }
    }

    /// Listens at these endpoints besides those of the configuration.
    fn listen(self: &Rc<Self>, endpoints: Vec<SocketAddr>) {
        *self.wanted.borrow_mut() = endpoints;
        self.listen_again();
    }

    /// Brings the endpoints of registered peers in line with what the core wants and the configuration has.
    pub(crate) fn listen_again(self: &Rc<Self>) {
        let Some(executor) = self.executor.upgrade() else {
            return;
        };
        let (wanted, configured) = (self.wanted.borrow(), self.configured.borrow());
        let mut own = self.own_listeners.borrow_mut();
        own.retain(|listener| wanted.contains(&listener.configured));
        for endpoint in wanted.iter() {
            let is_there = own.iter().any(|listener| listener.configured == *endpoint)
                || configured.iter().any(|known| reaches(*known, *endpoint));
            if is_there {
                continue;
            }
            match bind(*endpoint, self.ttl.get()) {
                Ok(bound) => {
                    log::info!(target: "bgplite", "event=listening listen={endpoint}");
                    own.push(bound.accept(self, &executor));
                }
                Err(error) => {
                    let error = error.to_string();
                    log::error!(target: "bgplite", "event=listen_failed listen={endpoint} error={error:?}");
                }
            }
        }
    }

    /// The endpoints of the configuration are these; `None` while nothing is to be accepted any more.
    pub(crate) fn set_configured(self: &Rc<Self>, endpoints: Option<Vec<SocketAddr>>) {
        let Some(endpoints) = endpoints else {
            self.wanted.borrow_mut().clear();
            self.own_listeners.borrow_mut().clear();
            return;
        };
        *self.configured.borrow_mut() = endpoints;
        self.listen_again();
    }

    fn tell(&self, conn: ConnId, tell: impl FnOnce(&Handle)) {
        if let Some(open) = self.conns.borrow().get(&conn) {
            tell(&open.handle);
        }
    }

    async fn fetch(self: Rc<Self>, source: SourceId, request: FetchRequest) {
        let _slot = self.fetch_slots.acquire().await;
        let fetcher = Arc::clone(&self.fetcher);
        let outcome = unblock(move || fetch_by(&*fetcher, &request)).await;
        self.handle(Input::Fetched { source, unix_secs: clock::unix_secs(), outcome });
    }

    fn store(self: &Rc<Self>, ticket: Ticket, write: StoreWrite) {
        if self.writes.try_send((ticket, write)).is_ok() {
            return;
        }
        let shell = Rc::clone(self);
        // Not from here: the core is still telling us what to do.
        self.spawn(async move {
            let result = Err(format!("{MAX_WRITES} writes to the store are waiting already"));
            shell.handle(Input::Stored { ticket, result });
        });
    }
}

impl fmt::Debug for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shell").field("conns", &self.conns.borrow().len()).finish_non_exhaustive()
    }
}

/// Performs the writes one after another, in the order in which the core asked.
pub(crate) async fn write_all(shell: Rc<Shell>, store: Arc<dyn Store>, writes: Writes) {
    while let Ok((ticket, write)) = writes.recv().await {
        let store = Arc::clone(&store);
        let result = unblock(move || store.write(&write)).await;
        shell.handle(Input::Stored { ticket, result: result.map_err(|error| error.to_string()) });
    }
}

/// Whether who connects to `endpoint` comes in at `listener`, which may be a wildcard of its family.
fn reaches(listener: SocketAddr, endpoint: SocketAddr) -> bool {
    let (there, here) = (listener.ip(), endpoint.ip());
    listener.port() == endpoint.port()
        && (there == here || there.is_unspecified() && there.is_ipv4() == here.is_ipv4())
}

fn next(counter: &Cell<u64>) -> u64 {
    counter.set(counter.get() + 1);
    counter.get()
}

/// Bytes read at once: sixteen of the longest messages without RFC 8654, or one with it.
const READ_BYTES: usize = 64 << 10;
/// Sources fetched at once: as many web requests as the configuration may allow, and some files.
const MAX_FETCHES: usize = 72;
/// Writes to the store that wait; one more is answered as failed.
const MAX_WRITES: usize = 4096;
