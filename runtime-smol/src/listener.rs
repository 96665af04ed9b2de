//! Accepts connections on one endpoint.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bgplite_host::socket::{self, BindError, Blocking};
use smol::{Async, LocalExecutor, Task, Timer, future};

use crate::conn;
use crate::shell::Shell;

/// A bound endpoint on which nothing is accepted yet.
#[derive(Debug)]
pub(crate) struct Bound {
    configured: SocketAddr,
    local: SocketAddr,
    socket: Async<TcpListener>,
}

/// An endpoint on which connections are accepted, until it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    /// As the configuration has it.
    pub(crate) configured: SocketAddr,
    /// As the operating system has it: with the port that it chose for port 0.
    pub(crate) local: SocketAddr,
    _task: Task<()>,
}

/// Binds an endpoint.
pub(crate) fn bind(address: SocketAddr, ttl: u8) -> Result<Bound, BindError> {
    let failed = |error| BindError { address, error };
    let socket = socket::listen(address, ttl, Blocking::No)?;
    let local = socket.local_addr().map_err(failed)?;
    let socket = Async::new(socket).map_err(failed)?;
    Ok(Bound { configured: address, local, socket })
}

impl Bound {
    /// Starts to accept.
    pub(crate) fn accept(self, shell: &Rc<Shell>, executor: &LocalExecutor<'static>) -> Listener {
        let Self { configured, local, socket } = self;
        let task = executor.spawn(accept_all(Rc::clone(shell), socket, local));
        Listener { configured, local, _task: task }
    }
}

async fn accept_all(shell: Rc<Shell>, socket: Async<TcpListener>, endpoint: SocketAddr) {
    let mut last_complaint: Option<Instant> = None;
    loop {
        let (stream, remote) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                if last_complaint.is_none_or(|last| last.elapsed() >= COMPLAINT_EVERY) {
                    last_complaint = Some(Instant::now());
                    let error = error.to_string();
                    log::error!(target: "bgplite", "event=accept_failed listen={endpoint} error={error:?}");
                }
                Timer::after(BACK_OFF).await;
                continue;
            }
        };
        let prepared = socket::prepare(stream.get_ref(), remote, shell.ttl.get());
        match prepared.and_then(|()| stream.get_ref().local_addr()) {
            Ok(local) => conn::open(&shell, stream, local, remote),
            // It is gone already.
            Err(error) => log::debug!(target: "bgplite", "remote={remote} event=accept_lost error={error}"),
        }
        // A storm of connections must not keep the others waiting.
        future::yield_now().await;
    }
}

/// Whether an error of `accept` says nothing about the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// How long nothing is accepted after the operating system could not: a full table of files stays full a while.
const BACK_OFF: Duration = Duration::from_millis(100);
/// How often that is logged.
const COMPLAINT_EVERY: Duration = Duration::from_secs(1);
