//! One client: the core's own session in client role, driven over a real socket.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bgplite_core::config::Families;
use bgplite_core::ids::Asn;
use bgplite_core::rib::AnyPrefix;
use bgplite_core::rng::Rng;
use bgplite_core::session::{Event, Session, SessionConfig};
use bgplite_core::wire::ReceivedUpdate;
use bgplite_host::clock::Clock;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::{Async, LocalExecutor, Timer, future};

/// A client and all it has been told.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) asn: Asn,
    pub(super) families: Families,
    held: RefCell<BTreeSet<AnyPrefix>>,
    counts: Cell<Counts>,
    /// When its connection was begun, and how long its first dump took: until the last End-of-RIB.
    started: Instant,
    synced: Cell<Option<Duration>>,
    /// When the last UPDATE came.
    updated: Cell<Option<Instant>>,
    is_closed: Cell<bool>,
}

/// What a client has received.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) v4: usize,
    pub(super) v6: usize,
    pub(super) updates: usize,
    pub(super) announced: usize,
    pub(super) withdrawn: usize,
    pub(super) octets: usize,
    ends: usize,
}

impl Counts {
    /// Prefixes held.
    pub(super) const fn held(&self) -> usize {
        self.v4 + self.v6
    }
}

impl Client {
    /// Connects client number `index`. Every kind of client there is, in turn.
    pub(super) fn start(index: u16, server: SocketAddr, executor: &LocalExecutor<'static>) -> Rc<Self> {
        let both = Families::BOTH;
        let (base, families) = match index % 4 {
            0 => (65_100, both),
            1 => (4_200_000_000, both),
            2 => (65_100, Families { v4: true, v6: false }),
            _ => (65_100, Families { v4: false, v6: true }),
        };
        let client = Rc::new(Self {
            asn: Asn(base + u32::from(index)),
            families,
            held: RefCell::default(),
            counts: Cell::default(),
            started: Instant::now(),
            synced: Cell::default(),
            updated: Cell::default(),
            is_closed: Cell::default(),
        });
        let running = Rc::clone(&client);
        executor
            .spawn(async move {
                // However it ends: the table shows what this client got.
                let _ = running.run(index, server).await;
                running.is_closed.set(true);
            })
            .detach();
        client
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts.get()
    }

    /// How long the first dump took.
    pub(super) fn synced(&self) -> Option<Duration> {
        self.synced.get()
    }

    pub(super) fn is_synced(&self) -> bool {
        self.synced.get().is_some()
    }

    /// When the last UPDATE came.
    pub(super) fn updated(&self) -> Option<Instant> {
        self.updated.get()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    pub(super) const fn has_v4(&self) -> bool {
        self.families.v4
    }

    /// Whether it holds this prefix, written as in a list.
    pub(super) fn has(&self, prefix: &str) -> bool {
        prefix.trim_end().parse().is_ok_and(|prefix| self.held.borrow().contains(&prefix))
    }

    async fn run(&self, index: u16, server: SocketAddr) -> std::io::Result<()> {
        let mut stream = Async::<TcpStream>::connect(server).await?;
        stream.get_ref().set_nodelay(true)?;
        let clock = Clock::new();
        let config = SessionConfig {
            asn: self.asn,
            router_id: Ipv4Addr::from_bits(0x0A00_0001 + u32::from(index)),
            hold_secs: 90,
            families: self.families,
            open_delay: Duration::ZERO,
            send_hold: Duration::from_secs(480),
            max_received: None,
        };
        let mut session = Session::new(config, Rng::new(u64::from(index)), clock.now());
        let mut buffer = vec![0; 1 << 16];
        loop {
            let mut bytes = Vec::new();
            session.poll_control(&mut bytes);
            stream.write_all(&bytes).await?;
            let deadline = session.poll_timeout().map_or(Duration::MAX, |(at, _)| at - clock.now());
            let due = async {
                Timer::after(deadline).await;
                Ok(None)
            };
            match future::or(async { stream.read(&mut buffer).await.map(Some) }, due).await? {
                Some(0) => return Ok(()),
                Some(len) => {
                    self.count(|counts| counts.octets += len);
                    session.handle_bytes(buffer.get(..len).unwrap_or_default());
                }
                None => session.handle_timeout(clock.now()),
            }
            while let Some(event) = session.poll_event(clock.now()) {
                match event {
                    Event::Update(update) => self.learn(&update),
                    Event::Down(_) => return Ok(()),
                    Event::Opened | Event::Established | Event::Refresh(_) => {}
                }
            }
        }
    }

    fn learn(&self, update: &ReceivedUpdate) {
        if update.end_of_rib().is_some() {
            self.count(|counts| counts.ends += 1);
            if self.counts().ends == usize::from(self.families.v4) + usize::from(self.families.v6) {
                self.synced.set(Some(self.started.elapsed()));
            }
            return;
        }
        let mut held = self.held.borrow_mut();
        let withdrawn_v4 = update.withdrawn_v4().map(AnyPrefix::V4);
        for prefix in withdrawn_v4.chain(update.withdrawn_v6().map(AnyPrefix::V6)) {
            held.remove(&prefix);
            self.count(|counts| counts.withdrawn += 1);
        }
        let announced_v4 = update.announced_v4().iter().copied().map(AnyPrefix::V4);
        let announced_v6 = update.announced_v6().iter().copied().map(AnyPrefix::V6);
        for prefix in announced_v4.chain(announced_v6) {
            held.insert(prefix);
            self.count(|counts| counts.announced += 1);
        }
        let v4 = held.iter().take_while(|prefix| matches!(prefix, AnyPrefix::V4(_))).count();
        self.count(|counts| {
            counts.updates += 1;
            counts.v4 = v4;
            counts.v6 = held.len() - v4;
        });
        self.updated.set(Some(Instant::now()));
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }
}
