//! A `bgplite` process and a client made of plain sockets and literal bytes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "each test target uses its part")]

pub(crate) mod web;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// A directory that is removed with the test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("bgplite-smol-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A configuration with one inline feed for everybody, on `listen`; `more` is appended.
pub(crate) fn config(listen: &str, more: &str) -> String {
    format!(
        "[bgp]\nasn = 65010\nrouter_id = \"203.0.113.1\"\nlisten = [\"{listen}\"]\nopen_delay = \"0s\"\n\
         next_hop = \"192.0.2.254\"\nmax_unknown_per_address = 100\n[state]\ndir = \"state\"\n\
         [source.list]\nkind = \"file\"\npath = \"list.txt\"\n\
         [feed.ru]\nexpr = \"list\"\n{more}"
    )
}

pub(crate) fn bgplite(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bgplite")).args(arguments).output().unwrap()
}

/// A running daemon; killed with the test.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it and waits until it listens.
    pub(crate) fn start(dir: &Scratch, config: &Path) -> Self {
        Self::start_with(dir, config, "true")
    }

    /// The same, after a command of the shell has changed what it inherits, or its arguments (`set --`).
    pub(crate) fn start_with(dir: &Scratch, config: &Path, before: &str) -> Self {
        let log = dir.0.join("log");
        let script = format!("{before} && exec \"$0\" serve --config \"$@\"");
        let child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_bgplite"), config.to_str().unwrap()])
            .stderr(Stdio::from(fs::File::create(&log).unwrap()))
            .spawn()
            .unwrap();
        let daemon = Self { child, log };
        daemon.wait_for("event=started");
        daemon
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the log has `text`, and gives its line.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(Instant::now() < deadline, "no {text} in\n{log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The endpoints it said it listens on.
    pub(crate) fn endpoints(&self) -> Vec<SocketAddr> {
        let line = self.wait_for("event=started");
        let (_, listen) = line.split_once("listen=").unwrap();
        listen.split(',').map(|endpoint| endpoint.parse().unwrap()).collect()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for its end: exit code, and how long it took.
    pub(crate) fn wait(&mut self) -> (Option<i32>, Duration) {
        let started = Instant::now();
        let status = self.child.wait().unwrap();
        (status.code(), started.elapsed())
    }

    /// Resident memory in kilobytes.
    pub(crate) fn resident_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the daemon's log:\n{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// OPEN: version 4, AS 65001, hold time 90, identifier 10.9.9.9, capabilities: IPv4 unicast, four-octet AS.
pub(crate) const OPEN: [u8; 43] = *b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\
    \x00\x2B\x01\x04\xFD\xE9\x00\x5A\x0A\x09\x09\x09\x0E\
    \x02\x0C\x01\x04\x00\x01\x00\x01\x41\x04\x00\x00\xFD\xE9";
/// KEEPALIVE.
pub(crate) const KEEPALIVE: [u8; 19] =
    *b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x13\x04";

/// The far end of one connection.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(stream)
    }

    /// Connects and says all that a client says, with a BGP identifier of its own.
    pub(crate) fn establish(server: SocketAddr) -> Self {
        static LAST: AtomicU8 = AtomicU8::new(0);
        let mut open = OPEN;
        open[27] = LAST.fetch_add(1, Ordering::Relaxed);
        let mut client = Self::connect(server);
        client.send(&open);
        client.send(&KEEPALIVE);
        assert_eq!(client.message().unwrap().0, 1, "OPEN");
        assert_eq!(client.message().unwrap().0, 4, "KEEPALIVE");
        client
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The next message's type and body; `None` when the server has closed.
    pub(crate) fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut header = [0; 19];
        let first = self.0.read(&mut header).unwrap();
        if first == 0 {
            return None;
        }
        self.0.read_exact(&mut header[first..]).unwrap();
        assert_eq!(header[..16], [0xFF; 16]);
        let len = usize::from(header[16]) << 8 | usize::from(header[17]);
        let mut body = vec![0; len - 19];
        self.0.read_exact(&mut body).unwrap();
        Some((header[18], body))
    }

    /// The IPv4 prefixes withdrawn and announced up to and with the next End-of-RIB, or in the next UPDATE.
    pub(crate) fn update(&mut self) -> (Vec<String>, Vec<String>) {
        loop {
            let (kind, body) = self.message().expect("the session ended");
            if kind == 2 {
                let withdrawn = usize::from(body[0]) << 8 | usize::from(body[1]);
                let rest = &body[2 + withdrawn..];
                let attributes = usize::from(rest[0]) << 8 | usize::from(rest[1]);
                return (prefixes(&body[2..2 + withdrawn]), prefixes(&rest[2 + attributes..]));
            }
        }
    }
}

fn prefixes(mut nlri: &[u8]) -> Vec<String> {
    let mut prefixes = Vec::new();
    while let Some((&len, rest)) = nlri.split_first() {
        let (bytes, rest) = rest.split_at(usize::from(len).div_ceil(8));
        let mut address = [0; 4];
        address[..bytes.len()].copy_from_slice(bytes);
        let [a, b, c, d] = address;
        prefixes.push(format!("{a}.{b}.{c}.{d}/{len}"));
        nlri = rest;
    }
    prefixes
}
