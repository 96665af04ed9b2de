//! A running server inside somebody's executor.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bgplite_core::record::Head;
use bgplite_core::server::{Command, CommandError, Reply, RouteServer};
use bgplite_host::clock::{self, Clock};
use bgplite_host::fetch::{Fetch, Standard};
use bgplite_host::record::{self, Recorder};
use bgplite_host::socket::BindError;
use bgplite_host::store::{self, Store};
use bgplite_host::{HostConfig, HostError, memory};
use smol::{LocalExecutor, Task, unblock};

use crate::control::Control;
use crate::deadline;
use crate::listener::{Bound, Listener, bind};
use crate::shell::{Shell, write_all};

/// How a server is started, beyond its configuration.
#[derive(Clone, Default)]
pub struct Options {
    /// Where it keeps its state; `None` is the store that the configuration names, in its `state_dir`.
    pub store: Option<Arc<dyn Store>>,
    /// Where bodies come from; `None` is files and web servers. See [`Fetch`] for a source of one's own.
    pub fetch: Option<Arc<dyn Fetch>>,
    /// Where its control socket is; `None` has none. A socket that is there is replaced.
    pub control: Option<PathBuf>,
    /// Seed of every random choice; `None` is another one each time.
    pub seed: Option<u64>,
    /// Where to record what the core is told and says; `None` does not.
    pub record: Option<record::Options>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("control", &self.control)
            .field("seed", &self.seed)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

/// A running server. Its tasks run in the executor it was started in; dropping it drops every connection
/// without a word, so [`shut_down`](Self::shut_down) first.
pub struct Server {
    shell: Rc<Shell>,
    executor: Rc<LocalExecutor<'static>>,
    store: Arc<dyn Store>,
    state_dir: PathBuf,
    listeners: RefCell<Vec<Listener>>,
    control: RefCell<Option<Control>>,
    _tasks: [Task<()>; 2],
}

/// Why a reload was refused. Nothing has changed.
#[derive(Debug)]
pub enum ReloadError {
    /// `state.dir` is another one.
    StateDir {
        /// The one in use.
        running: PathBuf,
    },
    /// A new endpoint cannot be listened on.
    Bind(BindError),
    /// A new endpoint and one in use exclude each other.
    Overlap {
        /// The new one.
        new: SocketAddr,
        /// The one in use.
        running: SocketAddr,
    },
    /// The core said no.
    Refused(CommandError),
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StateDir { running } => write!(
                f,
                "state.dir cannot change while the server runs: restart it, or write {} again",
                running.display()
            ),
            Self::Bind(error) => error.fmt(f),
            Self::Overlap { new, running } => write!(
                f,
                "cannot listen on {new} while {running} is listened on: restart the server to change from one to \
                 the other"
            ),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReloadError {}

impl Server {
    /// Binds every endpoint, opens the store and starts the server's tasks in `executor`, which the caller runs.
    /// Blocks while the store is opened.
    pub fn start(
        config: HostConfig,
        options: Options,
        executor: &Rc<LocalExecutor<'static>>,
    ) -> Result<Self, HostError> {
        let bound: Vec<Bound> =
            config.listen.iter().map(|address| bind(*address, config.ttl)).collect::<Result<_, _>>()?;
        let store = match options.store {
            Some(store) => store,
            None => store::open(config.store, &config.state_dir)?,
        };
        let loaded = store.load()?;
        for damage in &loaded.damaged {
            log::warn!(target: "bgplite", "event=store_damaged error={damage:?}");
        }
        let fetcher = options.fetch.unwrap_or_else(|| Arc::new(Standard));
        let clock = Clock::new();
        let seed = options.seed.unwrap_or_else(|| RandomState::new().hash_one(0));
        let now = clock.now();
        let recorder = match &options.record {
            Some(record) => {
                let (core, records) = (config.core.clone(), loaded.records.clone());
                let head = Head::start(core, records, seed, now, clock::unix_secs());
                Some(Recorder::open(record, head)?)
            }
            None => None,
        };
        let core = RouteServer::new(config.core, &loaded.records, seed, now, clock::unix_secs())?;
        drop(loaded);
        memory::release();
        let (shell, writes) = Shell::new(core, recorder, clock, config.ttl, fetcher, executor);
        let tasks = [
            executor.spawn(deadline::run(Rc::clone(&shell))),
            executor.spawn(write_all(Rc::clone(&shell), Arc::clone(&store), writes)),
        ];
        let listeners: Vec<Listener> =
            bound.into_iter().map(|bound| bound.accept(&shell, executor)).collect();
        shell.set_configured(Some(locals(&listeners)));
        shell.perform_all();
        let control = options.control.and_then(|path| control_at(&path, &shell, executor));
        Ok(Self {
            shell,
            executor: Rc::clone(executor),
            store,
            state_dir: config.state_dir,
            listeners: RefCell::new(listeners),
            control: RefCell::new(control),
            _tasks: tasks,
        })
    }

    /// The endpoints it listens on, with the ports that the operating system chose.
    pub fn endpoints(&self) -> Vec<SocketAddr> {
        self.listeners.borrow().iter().map(|listener| listener.local).collect()
    }

    /// A look at the core, between two of its steps.
    pub fn with_core<T>(&self, look: impl FnOnce(&RouteServer) -> T) -> T {
        self.shell.with_core(look)
    }

    /// Waits until the core cannot go on, and says why.
    pub async fn failed(&self) -> HostError {
        poll_fn(|cx| {
            self.shell.failure_bell.listen(cx);
            self.shell.take_failure().map_or(Poll::Pending, |reason| Poll::Ready(HostError::Core(reason)))
        })
        .await
    }

    /// Takes another configuration, whole or not at all: endpoints that are new are bound before anything
    /// changes, those that are gone are closed after.
    pub async fn reload(&self, config: HostConfig) -> Result<(), ReloadError> {
        if config.state_dir != self.state_dir {
            return Err(ReloadError::StateDir { running: self.state_dir.clone() });
        }
        let bound = self.bind_new(&config)?;
        let reply = self.shell.command(Command::Reload(Box::new(config.core))).recv().await;
        match reply {
            Ok(Reply::Reloaded { .. }) => {}
            Ok(Reply::Refused(error)) => return Err(ReloadError::Refused(error)),
            Ok(_) | Err(_) => return Err(ReloadError::Refused(CommandError::ShuttingDown)),
        }
        self.shell.ttl.set(config.ttl);
        let mut listeners = self.listeners.borrow_mut();
        listeners.retain(|listener| config.listen.contains(&listener.configured));
        listeners.extend(bound.into_iter().map(|bound| bound.accept(&self.shell, &self.executor)));
        self.shell.set_configured(Some(locals(&listeners)));
        Ok(())
    }

    fn bind_new(&self, config: &HostConfig) -> Result<Vec<Bound>, ReloadError> {
        let listeners = self.listeners.borrow();
        let is_new = |address: &&SocketAddr| !listeners.iter().any(|known| known.configured == **address);
        let bind_one = |address: &SocketAddr| {
            bind(*address, config.ttl).map_err(|error| {
                let running = listeners.iter().find(|known| {
                    known.local.port() == address.port() && known.local.is_ipv4() == address.is_ipv4()
                });
                match running {
                    Some(known) if error.error.kind() == std::io::ErrorKind::AddrInUse => {
                        ReloadError::Overlap { new: *address, running: known.configured }
                    }
                    _ => ReloadError::Bind(error),
                }
            })
        };
        config.listen.iter().filter(is_new).map(bind_one).collect()
    }

    /// Accepts no more, ends every session with Cease 6/2 carrying `text`, and closes the store. Ends when that
    /// is done, however long it takes: limit it.
    pub async fn shut_down(&self, text: &str) {
        self.listeners.borrow_mut().clear();
        self.shell.set_configured(None);
        self.control.borrow_mut().take();
        let reply = self.shell.command(Command::Shutdown { text: text.to_owned() });
        // An error is a core that forgot the ticket; there is nothing more to wait for.
        let _ = reply.recv().await;
        let store = Arc::clone(&self.store);
        if let Err(error) = unblock(move || store.close()).await {
            let error = error.to_string();
            log::error!(target: "bgplite", "event=store_failed error={error:?}");
        }
    }
}

fn locals(listeners: &[Listener]) -> Vec<SocketAddr> {
    listeners.iter().map(|listener| listener.local).collect()
}

/// A server without it serves peers all the same.
fn control_at(path: &Path, shell: &Rc<Shell>, executor: &Rc<LocalExecutor<'static>>) -> Option<Control> {
    match Control::listen(path, shell, executor) {
        Ok(control) => Some(control),
        Err(error) => {
            let (path, error) = (path.display(), error.to_string());
            log::warn!(
                target: "bgplite",
                "event=control_unavailable path={path} error={error:?} remedy=\"a shorter state.dir that this user may \
                 write to\""
            );
            None
        }
    }
}

impl Drop for Server {
    /// The tasks hold the shell, and the shell the tasks: cut here.
    fn drop(&mut self) {
        self.control.borrow_mut().take();
        self.shell.set_configured(None);
        self.shell.drop_conns();
        self.shell.stop_recording();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("shell", &self.shell).finish_non_exhaustive()
    }
}
