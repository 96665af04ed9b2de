//! One connection: one task with one socket, which reads for the core and writes what the core gives.

use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bgplite_core::ids::ConnId;
use bgplite_core::server::{Batch, Input};
use bgplite_core::session::Lost;
use smol::Async;

use crate::bell::Bell;
use crate::shell::Shell;

/// What the core wants of a connection.
#[derive(Debug, Default)]
pub(crate) struct Handle {
    /// From when the core says so until it is asked and has none.
    has_bytes: Cell<bool>,
    close: Cell<Option<Close>>,
    bell: Bell,
}

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// After what the core still has is written and the peer has closed.
    Flush,
    /// At once.
    Now,
}

impl Handle {
    /// The core has bytes to write.
    pub(crate) fn transmit(&self) {
        self.has_bytes.set(true);
        self.bell.ring();
    }

    /// The core wants the connection closed.
    pub(crate) fn close(&self, close: Close) {
        self.close.set(Some(close));
        self.bell.ring();
    }
}

/// Serves an accepted socket until it is closed, and tells the core so.
pub(crate) fn open(shell: &Rc<Shell>, stream: Async<TcpStream>, local: SocketAddr, remote: SocketAddr) {
    shell.open(|id, handle| {
        let shell = Rc::clone(shell);
        async move {
            shell.handle(Input::Connected { conn: id, local, remote });
            // The socket is closed when the connection has been awaited.
            let lost = Conn::new(Rc::clone(&shell), id, handle, stream).await;
            shell.forget(id);
            shell.handle(Input::Disconnected { conn: id, lost });
        }
    });
}

struct Conn {
    shell: Rc<Shell>,
    id: ConnId,
    handle: Rc<Handle>,
    stream: Async<TcpStream>,
    phase: Phase,
    /// Whether the socket may have bytes: known without asking the operating system.
    can_read: bool,
    /// Whether the socket may take bytes.
    can_write: bool,
    batch: Batch,
    /// Chunks of the batch that are written, and bytes of the next one.
    written: (usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The core gets what is read.
    Open,
    /// The core is done with it: the rest is written, what is read is dropped.
    Flushing,
    /// As above, and the peer has closed its side already.
    FlushingToClosed,
    /// Everything is written and our side is shut down; the peer's end is awaited.
    Draining,
}

/// What one attempt to read or write came to.
enum Step {
    /// Nothing can be done; the task is woken when something can.
    Idle,
    /// Something was done; there may be more.
    Progress,
    /// The connection has ended.
    Lost(Lost),
}

impl Future for Conn {
    type Output = Lost;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Lost> {
        let this = &mut *self;
        // While it runs it looks at the handle in every turn, and needs no waking.
        this.handle.bell.mute();
        for _ in 0..MAX_TURNS {
            match this.handle.close.get() {
                Some(Close::Now) => return Poll::Ready(Lost::Closed),
                Some(Close::Flush) if this.phase == Phase::Open => this.phase = Phase::Flushing,
                _ => {}
            }
            let read = this.read(cx);
            if let Step::Lost(lost) = read {
                return Poll::Ready(lost);
            }
            let write = this.write(cx);
            if let Step::Lost(lost) = write {
                return Poll::Ready(lost);
            }
            if matches!((read, write), (Step::Idle, Step::Idle)) {
                this.handle.bell.listen(cx);
                return Poll::Pending;
            }
        }
        // The others' turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Conn {
    fn new(shell: Rc<Shell>, id: ConnId, handle: Rc<Handle>, stream: Async<TcpStream>) -> Self {
        Self {
            shell,
            id,
            handle,
            stream,
            phase: Phase::Open,
            can_read: false,
            can_write: true,
            batch: Batch::new(),
            written: (0, 0),
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Step {
        if self.phase == Phase::FlushingToClosed {
            return Step::Idle;
        }
        if !self.can_read {
            match self.stream.poll_readable(cx) {
                Poll::Pending => return Step::Idle,
                Poll::Ready(Ok(())) => self.can_read = true,
                Poll::Ready(Err(error)) => return self.lost(&error),
            }
        }
        self.read_once()
    }

    fn read_once(&mut self) -> Step {
        let mut buffer = self.shell.buffer.borrow_mut();
        match self.stream.get_ref().read(&mut buffer) {
            Ok(0) => match self.phase {
                Phase::Open => return Step::Lost(Lost::Eof),
                Phase::Flushing | Phase::FlushingToClosed => self.phase = Phase::FlushingToClosed,
                Phase::Draining => return Step::Lost(Lost::Closed),
            },
            Ok(len) => {
                // A short read has emptied the socket; asking again would only be told so.
                self.can_read = len == buffer.len();
                if let (Phase::Open, Some(bytes)) = (self.phase, buffer.get(..len)) {
                    self.shell.handle(Input::Received { conn: self.id, bytes });
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.can_read = false,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return self.lost(&error),
        }
        Step::Progress
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Step {
        if self.phase == Phase::Draining {
            return Step::Idle;
        }
        if self.batch.is_empty() {
            if !self.handle.has_bytes.get() && self.phase == Phase::Open {
                return Step::Idle;
            }
            let has_bytes = self.shell.poll_transmit(self.id, &mut self.batch);
            self.handle.has_bytes.set(has_bytes);
            if !has_bytes {
                return self.written_all();
            }
        }
        if !self.can_write {
            match self.stream.poll_writable(cx) {
                Poll::Pending => return Step::Idle,
                Poll::Ready(Ok(())) => self.can_write = true,
                Poll::Ready(Err(error)) => return self.lost(&error),
            }
        }
        match self.write_once() {
            Ok(()) => {
                self.shell.handle(Input::Sent { conn: self.id });
                Step::Progress
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.can_write = false;
                Step::Progress
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Step::Progress,
            Err(error) => {
                self.read_rest();
                self.lost(&error)
            }
        }
    }

    /// The core has no more bytes.
    fn written_all(&mut self) -> Step {
        match self.phase {
            Phase::Open | Phase::Draining => Step::Idle,
            Phase::FlushingToClosed => Step::Lost(Lost::Closed),
            Phase::Flushing => {
                if self.stream.get_ref().shutdown(Shutdown::Write).is_err() {
                    return Step::Lost(Lost::Closed);
                }
                self.phase = Phase::Draining;
                Step::Progress
            }
        }
    }

    fn write_once(&mut self) -> io::Result<()> {
        let (first, offset) = self.written;
        let chunks = self.batch.chunks().get(first..).unwrap_or_default();
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut wanted = 0;
        for (index, (slice, chunk)) in slices.iter_mut().zip(chunks).enumerate() {
            let skip = if index == 0 { offset } else { 0 };
            let bytes = chunk.as_bytes().get(skip..).unwrap_or_default();
            *slice = IoSlice::new(bytes);
            wanted += bytes.len();
        }
        let used = chunks.len().min(MAX_SLICES);
        let mut stream = self.stream.get_ref();
        let len = stream.write_vectored(slices.get(..used).unwrap_or_default())?;
        if len == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        // The socket is full; asking again would only be told so.
        self.can_write = len == wanted;
        self.advance(len);
        Ok(())
    }

    /// `len` more bytes of the batch are written.
    fn advance(&mut self, mut len: usize) {
        let (mut index, mut offset) = self.written;
        while let Some(chunk) = self.batch.chunks().get(index) {
            let left = chunk.as_bytes().len() - offset;
            if len < left {
                self.written = (index, offset + len);
                return;
            }
            len -= left;
            (index, offset) = (index + 1, 0);
        }
        self.batch.clear();
        self.written = (0, 0);
    }

    /// The peer may have said why before it reset the connection.
    fn read_rest(&mut self) {
        self.can_read = true;
        for _ in 0..MAX_TURNS {
            if !self.can_read || matches!(self.read_once(), Step::Lost(_)) {
                return;
            }
        }
    }

    fn lost(&self, error: &io::Error) -> Step {
        Step::Lost(match self.phase {
            Phase::Open => Lost::Error(error.to_string()),
            Phase::Flushing | Phase::FlushingToClosed | Phase::Draining => Lost::Closed,
        })
    }
}

/// Reads and writes in a row before other connections have their turn.
const MAX_TURNS: usize = 16;
/// Chunks written with one call.
const MAX_SLICES: usize = 64;
