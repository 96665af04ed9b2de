//! The daemon's side: takes notes while the core works, and never waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use bgplite_core::ids::ConnId;
use bgplite_core::record::{Call, Entry, Head, Origin, action};
use bgplite_core::server::{Action, Batch, FetchOutcome, Input, RouteServer};
use bgplite_core::time::Instant;

use super::writer::{Item, Shared, Writer};
use super::{Options, RecordError};
use crate::clock;

/// Records one core.
///
/// The adapter calls [`handle_input`](Self::handle_input) before it gives an input to the core,
/// [`handle_action`](Self::handle_action) with each action it polls, and [`finish`](Self::finish) when there are no
/// more; and [`handle_transmit`](Self::handle_transmit) after each `poll_transmit`. The actions that a new core has ready
/// belong to the head: no input comes before them.
#[derive(Debug)]
pub struct Recorder {
    /// `None` once recording has stopped.
    items: Option<Sender<(usize, Item)>>,
    shared: Arc<Shared>,
    done: Receiver<()>,
    /// What the present step is, until it is finished.
    current: Option<Item>,
    step: u64,
}

impl Recorder {
    /// Makes the first segment and starts the thread that writes. `head` is of a core that is about to be made.
    pub fn open(options: &Options, head: Head) -> Result<Self, RecordError> {
        let fault = |error| RecordError::new(&options.dir, error);
        let shared = Arc::new(Shared::default());
        let writer = Writer::open(options.clone(), Arc::clone(&shared)).map_err(fault)?;
        let (items, queue) = mpsc::channel();
        let (running, done) = mpsc::channel();
        let run = move || {
            // Dropped when the thread ends: that is what `close` waits for.
            let _running: Sender<()> = running;
            writer.run(&queue);
        };
        thread::Builder::new().name("record".to_owned()).spawn(run).map_err(fault)?;
        let current = Some(Item::Head(Box::new(head)));
        Ok(Self { items: Some(items), shared, done, current, step: 0 })
    }

    /// The core is about to get this.
    pub fn handle_input(&mut self, now: Instant, input: &Input<'_>) {
        if self.items.is_some() {
            self.current = Some(Item::Entry(Entry { t: now, call: Call::from(input), out: Vec::new() }));
        }
    }

    /// The core wants this done.
    pub fn handle_action(&mut self, done: &Action) {
        match &mut self.current {
            Some(Item::Entry(entry)) => entry.out.push(action(done)),
            Some(Item::Head(head)) => {
                if let Origin::Start { out, .. } = &mut head.from {
                    out.push(action(done));
                }
            }
            Some(Item::Transmit(..)) | None => {}
        }
    }

    /// The core has no more to say about the input.
    pub fn finish(&mut self, now: Instant, core: &RouteServer) {
        let Some(item) = self.current.take() else {
            return;
        };
        self.step += u64::from(matches!(item, Item::Entry(_)));
        self.send(item);
        if self.shared.is_full.swap(false, Ordering::Relaxed) && self.items.is_some() {
            let head = Head::snapshot(core, self.step, now, clock::unix_secs());
            self.send(Item::Head(Box::new(head)));
        }
    }

    /// The core was asked for bytes and gave these.
    pub fn handle_transmit(&mut self, now: Instant, conn: ConnId, batch: &Batch) {
        if self.items.is_some() {
            self.step += 1;
            self.send(Item::Transmit(now, conn, batch.chunks().to_vec()));
        }
    }

    /// Waits until all is written, or a second has passed.
    pub fn close(mut self) {
        self.items = None;
        // It never sends: what ends the waiting is that it is gone.
        let _ = self.done.recv_timeout(CLOSE_LIMIT);
    }

    fn send(&mut self, item: Item) {
        let Some(items) = &self.items else { return };
        if self.shared.is_stopped.load(Ordering::Relaxed) {
            // The writer has said why.
            self.items = None;
            return;
        }
        let weight = weight(&item);
        let waiting = self.shared.waiting.fetch_add(weight, Ordering::Relaxed);
        if waiting > MAX_WAITING_BYTES {
            log::warn!(
                target: "bgplite",
                "event=record_stopped error=\"the disk is too slow: {waiting} bytes wait to be recorded\""
            );
            self.items = None;
            return;
        }
        if items.send((weight, item)).is_err() {
            self.items = None;
        }
    }
}

/// What an item keeps in memory while it waits, at most: an image may be shared with others.
fn weight(item: &Item) -> usize {
    let own = match item {
        Item::Head(_) => 0,
        Item::Entry(Entry { call, out, .. }) => {
            let call = match call {
                Call::Received { bytes, .. } => bytes.len(),
                Call::Fetched { outcome: FetchOutcome::Body(body), .. } => body.len(),
                _ => 0,
            };
            call + out.iter().map(String::len).sum::<usize>()
        }
        Item::Transmit(_, _, chunks) => chunks.iter().map(|chunk| chunk.as_bytes().len()).sum(),
    };
    size_of::<Item>() + own
}

/// What may wait to be written. More stops the recording, which must not stop the server.
const MAX_WAITING_BYTES: usize = 128 << 20;

/// How long the end of the daemon may wait for the last lines.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use bgplite_core::server::Records;

    use super::*;

    #[test]
    fn a_disk_that_is_too_slow_stops_the_recording_and_not_the_server() {
        let (items, queue) = mpsc::channel();
        let (_running, done) = mpsc::channel();
        let shared = Arc::default();
        let mut recorder = Recorder { items: Some(items), shared, done, current: None, step: 0 };
        let config =
            bgplite_core::config::Config::new(bgplite_core::ids::Asn(65010), [203, 0, 113, 1].into());
        let core = RouteServer::new(config, &Records::default(), 1, Instant::ZERO, 0).unwrap();
        let bytes = vec![0; 1 << 20];
        for _ in 0..1000 {
            recorder.handle_input(Instant::ZERO, &Input::Received { conn: ConnId(1), bytes: &bytes });
            recorder.handle_action(&Action::Transmit { conn: ConnId(1) });
            recorder.finish(Instant::ZERO, &core);
            recorder.handle_transmit(Instant::ZERO, ConnId(1), &Batch::new());
        }
        assert!(recorder.items.is_none());
        let waiting = queue.try_iter().filter(|(_, item)| matches!(item, Item::Entry(_))).count();
        assert!((100..=129).contains(&waiting), "{waiting} MB wait");
    }
}
