//! The thread that writes: text is made here, so that the daemon only hands over what it has.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

use bgplite_core::ids::ConnId;
use bgplite_core::record::{Call, Entry, Head, sent};
use bgplite_core::server::Chunk;
use bgplite_core::time::Instant;

use super::Options;
use super::segment::Segments;

/// What the daemon hands over.
#[derive(Debug)]
pub(super) enum Item {
    /// Begin a segment.
    Head(Box<Head>),
    /// Write a step.
    Entry(Entry),
    /// Write a step that was `poll_transmit`, with what it gave.
    Transmit(Instant, ConnId, Vec<Chunk>),
}

/// What both sides see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Bytes that wait to be written, roughly.
    pub(super) waiting: AtomicUsize,
    /// The segment is full: a head is wanted.
    pub(super) is_full: AtomicBool,
    /// Nothing more can be written.
    pub(super) is_stopped: AtomicBool,
}

pub(super) struct Writer {
    segments: Segments,
    file: BufWriter<File>,
    options: Options,
    shared: Arc<Shared>,
    /// Bytes in the segment, and those of its head.
    written: u64,
    head: u64,
    /// The next head was asked for.
    is_awaiting_head: bool,
}

impl Writer {
    /// Makes the directory and the first segment.
    pub(super) fn open(options: Options, shared: Arc<Shared>) -> io::Result<Self> {
        let mut segments = Segments::open(&options.dir)?;
        let file = segments.create(options.total_bytes.saturating_sub(options.segment_bytes))?;
        Ok(Self {
            segments,
            file: BufWriter::new(file),
            options,
            shared,
            written: 0,
            head: 0,
            is_awaiting_head: false,
        })
    }

    /// Writes until there is nothing more to come, or no place.
    pub(super) fn run(mut self, items: &Receiver<(usize, Item)>) {
        if let Err(error) = self.write_all(items) {
            self.shared.is_stopped.store(true, Ordering::Relaxed);
            let path = self.segments.path();
            let error = error.to_string();
            log::warn!(target: "bgplite", "event=record_stopped file={} error={error:?}", path.display());
        }
    }

    fn write_all(&mut self, items: &Receiver<(usize, Item)>) -> io::Result<()> {
        loop {
            let next = match items.try_recv() {
                Ok(next) => next,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    // While there is nothing else to do, so that a daemon that is killed loses only what has just
                    // happened.
                    self.file.flush()?;
                    let Ok(next) = items.recv() else { break };
                    // Waking up for each line would cost the daemon more than all the rest of it.
                    thread::sleep(GATHER);
                    next
                }
            };
            let (weight, item) = next;
            self.write(item)?;
            self.shared.waiting.fetch_sub(weight, Ordering::Relaxed);
        }
        self.file.flush()
    }

    fn write(&mut self, item: Item) -> io::Result<()> {
        match item {
            Item::Head(head) => {
                // The first segment is there already.
                if self.written > 0 {
                    self.file.flush()?;
                    let keep = self.options.total_bytes.saturating_sub(self.options.segment_bytes);
                    self.file = BufWriter::new(self.segments.create(keep)?);
                    self.written = 0;
                }
                self.write_line(&head)?;
                // A file without its head is of no use to anybody.
                self.file.flush()?;
                self.head = self.written;
                self.is_awaiting_head = false;
            }
            Item::Entry(entry) => self.write_line(&entry)?,
            Item::Transmit(t, conn, chunks) => {
                let out = sent(&chunks).into_iter().collect();
                self.write_line(&Entry { t, call: Call::Transmit { conn }, out })?;
            }
        }
        if !self.is_awaiting_head && self.written >= self.options.segment_bytes.max(2 * self.head) {
            self.is_awaiting_head = true;
            self.shared.is_full.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn write_line(&mut self, line: &impl serde::Serialize) -> io::Result<()> {
        let mut counted = Counted { out: &mut self.file, len: 0 };
        serde_json::to_writer(&mut counted, line)?;
        counted.write_all(b"\n")?;
        self.written += counted.len;
        Ok(())
    }
}

struct Counted<W> {
    out: W,
    len: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.out.write(bytes)?;
        self.len += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// How long lines gather before they are written: what a daemon that is killed may lose.
const GATHER: Duration = Duration::from_millis(5);
