//! A program as a child process: started, measured from outside, ended.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A child that listens on `address`. Killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

/// What the operating system charged a process.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// User and system time.
    pub cpu: Duration,
    /// The most memory it ever held, in KiB.
    pub peak_kib: u64,
}

impl Daemon {
    /// Starts `command` and waits until `address` accepts connections.
    pub fn start(mut command: Command, address: SocketAddr) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).spawn()?;
        let mut daemon = Self { child, address };
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match TcpStream::connect(address) {
                Ok(_) => return Ok(daemon),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => {}
            }
            if let Some(status) = daemon.child.try_wait()? {
                return Err(io::Error::other(format!("the server ended at once: {status}")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it holds in memory now, in KiB.
    pub fn resident_kib(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0))
    }

    /// What it has used so far.
    pub fn usage(&self) -> io::Result<Usage> {
        let proc = PathBuf::from(format!("/proc/{}", self.child.id()));
        // Each thread's first field is the time it ran, in nanoseconds; stat has ticks of 10 ms only.
        let mut nanos = 0;
        for task in fs::read_dir(proc.join("task"))? {
            let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos +=
                schedstat.split_whitespace().next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        }
        let status = fs::read_to_string(proc.join("status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak_kib = peak.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        Ok(Usage { cpu: Duration::from_nanos(nanos), peak_kib })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// An empty directory of this process, removed when dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// `name` tells two of one process apart.
    pub fn new(name: &str) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("bgplite-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The daemon `bgplite`, which stands beside the running program.
pub fn bgplite() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("bgplite");
    if path.exists() {
        return Ok(path);
    }
    Err(io::Error::other(format!(
        "{} is not there: build it first with the same profile (cargo build --release)",
        path.display()
    )))
}

/// Starts `bgplite serve` with one list, served to whoever connects.
pub fn serve(scratch: &Scratch, list: &str) -> io::Result<Daemon> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    fs::write(scratch.path().join("list.txt"), list)?;
    let config = format!(
        r#"
[bgp]
asn = 65010
router_id = "203.0.113.1"
listen = ["{address}"]
next_hop_v6 = "2001:db8::1"
unknown_peers = "default"
default_feed = "list"
max_unknown_peers = 20000
max_unknown_per_address = 20000

[limits]
connections = 10000

[state]
dir = "state"

[log]
level = "warn"

[source.list]
kind = "file"
path = "list.txt"
required = true

[feed.list]
expr = "list"
community = "65010:100"
large_community = "65010:1:100"
aggregate = "off"
"#
    );
    let path = scratch.path().join("bgplite.toml");
    fs::write(&path, config)?;
    let mut command = Command::new(bgplite()?);
    command.arg("serve").arg("--config").arg(path);
    Daemon::start(command, address)
}
