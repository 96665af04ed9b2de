//! Serves the control socket. What can be asked there is in [`bgplite_host::control`].

use std::cell::Cell;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::Duration;

use bgplite_core::server::{CommandError, Reply};
use bgplite_host::control::{
    self, Ask, IDLE_SECS, MAX_CLIENTS, MAX_LINE, MAX_UNDER_WAY, Outcome, Refusal, Request,
};
use smol::channel::{Receiver, Sender, bounded};
use smol::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use smol::{Async, LocalExecutor, Task, Timer, future};

use crate::shell::Shell;

/// A socket that is served until this is dropped.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
    _task: Task<()>,
}

impl Control {
    /// Listens at `path`, in the place of what is there: the caller has the state directory to itself.
    pub(crate) fn listen(
        path: &Path,
        shell: &Rc<Shell>,
        executor: &Rc<LocalExecutor<'static>>,
    ) -> io::Result<Self> {
        let listener = Async::new(bind(path)?)?;
        let task = executor.spawn(accept_all(Rc::clone(shell), listener, Rc::downgrade(executor)));
        Ok(Self { path: path.to_owned(), _task: task })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // One that stays is replaced by the next daemon.
        let _ = fs::remove_file(&self.path);
    }
}

/// A listening socket that nobody else may connect to, from its first moment on.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let dir = path.parent().unwrap_or(Path::new("."));
    // In a directory that only we may enter it gets its mode, and then its name.
    let nest = dir.join(".control");
    match fs::remove_dir_all(&nest) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(&nest)?;
    let egg = nest.join("s");
    let bound = UnixListener::bind(&egg).and_then(|listener| {
        fs::set_permissions(&egg, Permissions::from_mode(0o600))?;
        fs::rename(&egg, path)?;
        Ok(listener)
    });
    let _ = fs::remove_dir_all(&nest);
    bound
}

async fn accept_all(shell: Rc<Shell>, listener: Async<UnixListener>, executor: Weak<LocalExecutor<'static>>) {
    let clients = Rc::new(Cell::new(0));
    // Dropped with this task: it ends the clients of a server that is gone.
    let mut tasks: Vec<Task<()>> = Vec::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                log::debug!(target: "bgplite", "event=control_accept_failed error={error:?}");
                Timer::after(BACK_OFF).await;
                continue;
            }
        };
        tasks.retain(|task| !task.is_finished());
        if clients.get() >= MAX_CLIENTS {
            let refusal = Refusal::new(format!("{MAX_CLIENTS} clients are connected already"));
            // One that does not even take a line need not have it.
            let _ = io::Write::write(&mut stream.get_ref(), &control::answer_line(0, Err(refusal)));
            continue;
        }
        let Some(executor) = executor.upgrade() else { return };
        let present = Present::new(&clients);
        let shell = Rc::clone(&shell);
        tasks.push(executor.spawn(async move {
            serve(&shell, &stream).await;
            drop(present);
        }));
    }
}

/// Counts a client as long as it is there.
struct Present(Rc<Cell<usize>>);

impl Present {
    fn new(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// An answer that is there, or on its way.
enum Pending {
    Ready(u64, Outcome),
    Reply(u64, Receiver<Reply>),
}

async fn serve(shell: &Rc<Shell>, stream: &Async<UnixStream>) {
    let (sender, receiver) = bounded(MAX_UNDER_WAY);
    let read = read_all(shell, stream, sender);
    let write = async {
        if write_all(stream, receiver).await.is_err() {
            // Ends the reading, too.
            let _ = stream.get_ref().shutdown(std::net::Shutdown::Both);
        }
    };
    future::zip(read, write).await;
}

/// Takes requests until the client says no more. Each is given to the core at once; answers come in their order.
async fn read_all(shell: &Rc<Shell>, stream: &Async<UnixStream>, answers: Sender<Pending>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        let mut limited = (&mut reader).take((MAX_LINE + 1 - line.len()) as u64);
        let read = async { Some(limited.read_until(b'\n', &mut line).await) };
        let silence = async {
            Timer::after(Duration::from_secs(IDLE_SECS)).await;
            None
        };
        match future::or(read, silence).await {
            // It waits for us.
            None if !answers.is_empty() => continue,
            None | Some(Ok(0) | Err(_)) => return,
            Some(Ok(_)) => {}
        }
        let is_whole = line.ends_with(b"\n");
        let pending = if is_whole {
            ask(shell, &line)
        } else {
            let refusal = Refusal::new(format!("the line has no end, or more than {MAX_LINE} octets"));
            Pending::Ready(0, Err(refusal))
        };
        line.clear();
        if answers.send(pending).await.is_err() || !is_whole {
            return;
        }
    }
}

fn ask(shell: &Rc<Shell>, line: &[u8]) -> Pending {
    match Request::parse(line) {
        Ok(Request { id, ask: Ask::Command(command) }) => Pending::Reply(id, shell.command(*command)),
        Ok(Request { id, ask: Ask::Query(query) }) => {
            let now = shell.clock.now();
            Pending::Ready(id, shell.with_core(|core| control::answer(core, now, &query)))
        }
        Err((id, refusal)) => Pending::Ready(id, Err(refusal)),
    }
}

async fn write_all(mut stream: &Async<UnixStream>, answers: Receiver<Pending>) -> io::Result<()> {
    while let Ok(pending) = answers.recv().await {
        let (id, outcome) = match pending {
            Pending::Ready(id, outcome) => (id, outcome),
            Pending::Reply(id, reply) => {
                // A core that is gone has forgotten the ticket.
                let reply = reply.recv().await.unwrap_or(Reply::Refused(CommandError::ShuttingDown));
                (id, control::outcome(reply))
            }
        };
        let line = control::answer_line(id, outcome);
        for piece in line.chunks(PIECE) {
            let written = stream.write_all(piece);
            let late = async {
                Timer::after(Duration::from_secs(IDLE_SECS)).await;
                Err(io::ErrorKind::TimedOut.into())
            };
            future::or(written, late).await?;
        }
    }
    Ok(())
}

/// How long nothing is accepted after the operating system could not.
const BACK_OFF: Duration = Duration::from_millis(100);
/// What a client must take in time, in octets.
const PIECE: usize = 64 << 10;
