//! Many clients at once, each from an address of its own, that only count what comes.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bgplite_core::config::Families;
use smol::Async;
use smol::io::AsyncWriteExt as _;
use socket2::{Domain, Socket, Type};

use crate::client::{self, Scanner};

/// Clients that are connected and read. They live until the process ends.
#[derive(Debug)]
pub struct Crowd {
    tallies: Arc<Vec<Tally>>,
    start: Instant,
}

/// What one client has got.
#[derive(Debug, Default)]
struct Tally {
    octets: AtomicU64,
    messages: AtomicU64,
    ends: AtomicU64,
    /// Nanoseconds from the crowd's start to the last octet.
    last: AtomicU64,
    is_closed: AtomicU64,
}

/// What some clients have got together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Octets.
    pub octets: u64,
    /// Messages of any kind.
    pub messages: u64,
}

impl Crowd {
    /// Connects one client from each of `addresses` and waits until each has had both End-of-RIBs.
    pub fn gather(server: SocketAddr, addresses: Vec<Ipv4Addr>) -> io::Result<Self> {
        let tallies: Arc<Vec<Tally>> = Arc::new(addresses.iter().map(|_| Tally::default()).collect());
        let crowd = Self { tallies: Arc::clone(&tallies), start: Instant::now() };
        let start = crowd.start;
        thread::spawn(move || {
            let executor = smol::LocalExecutor::new();
            smol::block_on(executor.run(async {
                let mut tasks = Vec::new();
                for (index, address) in addresses.into_iter().enumerate() {
                    let tallies = Arc::clone(&tallies);
                    tasks.push(executor.spawn(async move {
                        let Some(tally) = tallies.get(index) else { return };
                        if let Err(error) = take(server, address, index as u32, tally, start).await {
                            eprintln!("client {address}: {error}");
                        }
                        tally.is_closed.store(1, Ordering::Release);
                    }));
                }
                for task in tasks {
                    task.await;
                }
            }));
        });
        crowd.wait(|tally| tally.ends.load(Ordering::Acquire) >= 2, Duration::from_secs(60))?;
        Ok(crowd)
    }

    /// What the clients of a range of indices have got so far.
    pub fn sum(&self, range: std::ops::Range<usize>) -> Sum {
        let tallies = self.tallies.get(range).unwrap_or_default();
        tallies.iter().fold(Sum::default(), |sum, tally| Sum {
            octets: sum.octets + tally.octets.load(Ordering::Acquire),
            messages: sum.messages + tally.messages.load(Ordering::Acquire),
        })
    }

    /// The fewest and the most messages that one client of a range has got so far.
    pub fn messages(&self, range: std::ops::Range<usize>) -> (u64, u64) {
        let tallies = self.tallies.get(range).unwrap_or_default();
        let messages = tallies.iter().map(|tally| tally.messages.load(Ordering::Acquire));
        (messages.clone().min().unwrap_or(0), messages.max().unwrap_or(0))
    }

    /// When the last octet came to one of a range.
    pub fn last(&self, range: std::ops::Range<usize>) -> Instant {
        let tallies = self.tallies.get(range).unwrap_or_default();
        let nanos = tallies.iter().map(|tally| tally.last.load(Ordering::Acquire)).max().unwrap_or(0);
        self.start + Duration::from_nanos(nanos)
    }

    /// Waits until nothing has come to anybody for as long as `quiet`.
    pub fn settle(&self, quiet: Duration) {
        loop {
            let before = self.sum(0..self.tallies.len());
            thread::sleep(quiet);
            if self.sum(0..self.tallies.len()) == before {
                return;
            }
        }
    }

    fn wait(&self, is_done: impl Fn(&Tally) -> bool, patience: Duration) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let waiting = self.tallies.iter().filter(|tally| !is_done(tally)).count();
            let closed =
                self.tallies.iter().filter(|tally| tally.is_closed.load(Ordering::Acquire) > 0).count();
            if closed > 0 {
                return Err(io::Error::other(format!("{closed} clients lost their connections")));
            }
            if waiting == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{waiting} clients still wait after {patience:?}")));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

async fn take(
    server: SocketAddr,
    address: Ipv4Addr,
    index: u32,
    tally: &Tally,
    start: Instant,
) -> io::Result<()> {
    let mut stream = connect(server, address)?;
    stream.write_all(&[client::open(index, Families::BOTH), client::keepalive()].concat()).await?;
    let mut scanner = Scanner::default();
    let mut buffer = vec![0; 1 << 16];
    loop {
        stream.readable().await?;
        match stream.get_ref().read(&mut buffer) {
            Ok(0) => return Err(io::Error::other("the server closed the connection")),
            Ok(len) => {
                scanner.scan(buffer.get(..len).unwrap_or_default());
                tally.octets.fetch_add(len as u64, Ordering::AcqRel);
                tally.messages.store(scanner.frames as u64, Ordering::Release);
                tally.ends.store(scanner.ends as u64, Ordering::Release);
                let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
                tally.last.store(nanos, Ordering::Release);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Blocks, which on loopback is no time at all.
fn connect(server: SocketAddr, address: Ipv4Addr) -> io::Result<Async<TcpStream>> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((address, 0)).into())?;
    socket.connect(&server.into())?;
    socket.set_tcp_nodelay(true)?;
    Async::new(TcpStream::from(socket))
}
