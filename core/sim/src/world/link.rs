//! One connection: two byte pipes, and the two ends that may have different ideas of it.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bgplite_core::rng::Rng;
use bgplite_core::server::Batch;
use bgplite_core::session::Session;
use bgplite_core::time::Instant;

use super::table::Table;
use super::watch::Watch;

/// Bytes on their way in one direction, between a writer's socket and a reader.
#[derive(Debug)]
pub(crate) struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// The writer has closed its side behind the bytes.
    pub(crate) is_finished: bool,
    /// A delivery stands in the queue.
    pub(crate) is_scheduled: bool,
    /// Nobody reads any more: what is written is gone.
    pub(crate) is_void: bool,
}

impl Pipe {
    fn new(capacity: usize) -> Self {
        let bytes = VecDeque::new();
        Self { bytes, capacity, is_finished: false, is_scheduled: false, is_void: false }
    }

    /// Takes as many bytes as there is room for; says how many.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        if self.is_void {
            return bytes.len();
        }
        let len = self.capacity.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend(bytes.iter().take(len));
        len
    }

    pub(crate) fn take(&mut self, max: usize) -> Vec<u8> {
        let len = self.bytes.len().min(max);
        self.bytes.drain(..len).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is something to deliver: bytes, or the end of them.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.bytes.is_empty() || self.is_finished
    }

    /// What is on its way is lost, and nothing will follow.
    pub(crate) fn cut(&mut self) {
        self.bytes.clear();
        self.is_finished = false;
        self.is_void = true;
    }
}

/// Where the server's adapter stands with a connection, as in a real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// The core is done with it: the rest is written, what is read is dropped.
    Flushing,
    /// As above, and the peer has closed its side already.
    FlushingToClosed,
    /// Everything is written and our side is shut down; the peer's end is awaited.
    Draining,
    /// The core has been told that it is gone.
    Gone,
}

/// What speaks at the client's end.
#[derive(Debug)]
pub(crate) enum Speaker {
    /// A real session, and the table of what it was told.
    Session { session: Box<Session>, table: Table, is_up: bool },
    /// Bytes by a script: a piece of this many at a time.
    Stranger { script: VecDeque<u8>, piece: usize },
}

/// One connection.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and most pairs occur")]
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) client: Option<usize>,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    /// When it came in.
    pub(crate) since: Instant,
    /// Nobody whom the server knew when it came in.
    pub(crate) is_nobody: bool,
    pub(crate) rng: Rng,
    pub(crate) up: Pipe,
    pub(crate) down: Pipe,
    pub(crate) watch: Watch,
    pub(crate) phase: Phase,
    /// The core has said that there are bytes, and has not been asked in vain since.
    pub(crate) has_bytes: bool,
    pub(crate) batch: Batch,
    /// Chunks of the batch that are written, and bytes of the next one.
    pub(crate) written: (usize, usize),
    pub(crate) speaker: Speaker,
    /// The client has closed, or was told that it is gone, or is no more.
    pub(crate) is_client_gone: bool,
    /// The client's host knows nothing of the connection: whoever sends to it is reset.
    pub(crate) is_client_ignorant: bool,
    /// The deadline that stands in the queue.
    pub(crate) armed: Option<Instant>,
    /// A batch is out, and the socket has been full.
    pub(crate) is_blocked: bool,
    /// Octets that come down to a client that lacks something, until the OPEN is whole.
    pub(crate) held_open: Option<Vec<u8>>,
    /// Something has happened to it that may cost the session.
    pub(crate) is_disturbed: bool,
    pub(crate) is_tainted: bool,
    /// Since when the server has called it Established.
    pub(crate) up_since: Option<Instant>,
}

impl Link {
    #[expect(clippy::too_many_arguments, reason = "each is a fact of its own")]
    pub(crate) fn new(
        client: Option<usize>,
        local: SocketAddr,
        remote: SocketAddr,
        speaker: Speaker,
        capacity: usize,
        watch: Watch,
        since: Instant,
        rng: Rng,
    ) -> Self {
        Self {
            client,
            local,
            remote,
            since,
            is_nobody: false,
            rng,
            up: Pipe::new(UP_OCTETS),
            down: Pipe::new(capacity),
            watch,
            phase: Phase::Open,
            has_bytes: false,
            batch: Batch::new(),
            written: (0, 0),
            speaker,
            is_client_gone: false,
            is_client_ignorant: false,
            armed: None,
            is_blocked: false,
            held_open: None,
            is_disturbed: false,
            is_tainted: false,
            up_since: None,
        }
    }

    /// The client's session believes that it is Established.
    pub(crate) const fn is_client_up(&self) -> bool {
        matches!(self.speaker, Speaker::Session { is_up: true, .. }) && !self.is_client_gone
    }

    /// Writes what fits of the batch that is out. `false` when the socket is full.
    pub(crate) fn write_batch(&mut self) -> bool {
        let (mut index, mut offset) = self.written;
        let mut has_written = false;
        while let Some(chunk) = self.batch.chunks().get(index) {
            let rest = chunk.as_bytes().get(offset..).unwrap_or_default();
            let len = self.down.write(rest);
            has_written |= len > 0;
            if len < rest.len() {
                self.written = (index, offset + len);
                return has_written;
            }
            (index, offset) = (index + 1, 0);
        }
        self.batch.clear();
        self.written = (0, 0);
        has_written
    }
}

/// What a client's socket holds: more than it ever says at once, but for floods.
const UP_OCTETS: usize = 1 << 20;
