//! The least of a BGP client: it opens, says it is alive, and counts what comes.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bgplite_core::config::Families;
use bgplite_core::ids::Asn;
use bgplite_core::rng::Rng;
use bgplite_core::session::{Session, SessionConfig};
use bgplite_core::wire::HEADER_LEN;
use smol::io::AsyncWriteExt;

/// The OPEN of client number `index`, which offers `families`, made by the same session that the server uses.
pub fn open(index: u32, families: Families) -> Vec<u8> {
    let config = SessionConfig {
        asn: Asn(65001),
        router_id: Ipv4Addr::from_bits(0x0A00_0001 + index),
        hold_secs: 0,
        families,
        open_delay: Duration::ZERO,
        send_hold: Duration::from_secs(480),
        max_received: None,
    };
    let mut session = Session::new(config, Rng::new(u64::from(index)), bgplite_core::time::Instant::ZERO);
    let mut bytes = Vec::new();
    session.poll_control(&mut bytes);
    bytes
}

/// A KEEPALIVE.
pub fn keepalive() -> Vec<u8> {
    [&[0xFF; 16][..], &[0, 19, 4]].concat()
}

/// Takes one whole dump from `server`: every octet until both families have said End-of-RIB.
pub fn record(server: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = connect(server)?;
    stream.write_all(&[open(0, Families::BOTH), keepalive()].concat())?;
    let (mut bytes, mut buffer, mut scanner) = (Vec::new(), vec![0; 1 << 16], Scanner::default());
    while scanner.ends < 2 {
        let len = read_some(&mut stream, &mut buffer)?;
        scanner.scan(&buffer[..len]);
        bytes.extend_from_slice(&buffer[..len]);
    }
    Ok(bytes)
}

/// Waits until a client that wants IPv6 alone has all of it: until every feed has loaded.
pub fn wait_loaded(server: SocketAddr) -> io::Result<()> {
    let mut stream = connect(server)?;
    stream.write_all(&[open(1, Families { v4: false, v6: true }), keepalive()].concat())?;
    let (mut buffer, mut scanner) = (vec![0; 1 << 16], Scanner::default());
    while scanner.ends < 1 {
        let len = read_some(&mut stream, &mut buffer)?;
        scanner.scan(&buffer[..len]);
    }
    Ok(())
}

/// The time from the KEEPALIVE that establishes a session to its last End-of-RIB, and the octets of it all.
pub fn time_dump(server: SocketAddr) -> io::Result<(Duration, usize)> {
    let mut stream = connect(server)?;
    stream.write_all(&open(2, Families::BOTH))?;
    // Their OPEN and KEEPALIVE come before ours is sent, so that the clock starts with Established.
    let (mut buffer, mut scanner, mut taken) = (vec![0; 1 << 20], Scanner::default(), 0);
    while scanner.frames < 2 {
        let len = read_some(&mut stream, &mut buffer)?;
        scanner.scan(&buffer[..len]);
        taken += len;
    }
    let start = Instant::now();
    stream.write_all(&keepalive())?;
    while scanner.ends < 2 {
        let len = read_some(&mut stream, &mut buffer)?;
        scanner.scan(&buffer[..len]);
        taken += len;
    }
    Ok((start.elapsed(), taken))
}

fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

fn read_some(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    match stream.read(buffer)? {
        0 => Err(io::Error::other("the server closed the connection before End-of-RIB")),
        len => Ok(len),
    }
}

/// Hops from header to header over a stream in pieces, and counts.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    header: Vec<u8>,
    /// Octets of the present message's body that are still to come.
    skip: usize,
    /// Messages begun.
    pub(crate) frames: usize,
    /// UPDATEs too short to hold a route: End-of-RIB.
    pub(crate) ends: usize,
}

impl Scanner {
    pub(crate) fn scan(&mut self, mut bytes: &[u8]) {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if bytes.is_empty() {
                return;
            }
            let taken = (HEADER_LEN - self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if let [.., high, low, kind] = self.header[..]
                && self.header.len() == HEADER_LEN
            {
                let len = usize::from(u16::from_be_bytes([high, low]));
                self.skip = len.saturating_sub(HEADER_LEN);
                self.frames += 1;
                self.ends += usize::from(kind == 2 && len <= 30);
                self.header.clear();
            }
        }
    }
}

/// `count` clients connect at once and each takes `len` octets. Returns the time from the first connect to the
/// last octet.
pub fn drain(server: SocketAddr, count: u32, len: usize) -> io::Result<Duration> {
    let executor = smol::LocalExecutor::new();
    let start = Instant::now();
    smol::block_on(executor.run(async {
        let tasks: Vec<_> = (0..count).map(|index| executor.spawn(drain_one(server, index, len))).collect();
        let mut streams = Vec::with_capacity(tasks.len());
        for task in tasks {
            streams.push(task.await?);
        }
        Ok(start.elapsed())
    }))
}

async fn drain_one(server: SocketAddr, index: u32, len: usize) -> io::Result<smol::Async<TcpStream>> {
    let mut stream = smol::Async::<TcpStream>::connect(server).await?;
    stream.get_ref().set_nodelay(true)?;
    stream.write_all(&[open(index, Families::BOTH), keepalive()].concat()).await?;
    let mut left = len;
    while left > 0 {
        stream.readable().await?;
        left -= SINK.with_borrow_mut(|sink| match stream.get_ref().read(sink) {
            Ok(0) => Err(io::Error::other(format!("client {index}: closed with {left} octets to come"))),
            Ok(len) => Ok(len.min(left)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        })?;
    }
    Ok(stream)
}

thread_local! {
    static SINK: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::new(vec![0; 1 << 18]);
}
