//! The server under test: its configuration, its list files, its process.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use super::list::{self, Edit};
use super::port::{free_port, is_listening};
use super::process::Process;
use super::route::{Family, Prefix};
use super::wait_for;

/// The next hops that the configuration sets, so that neither depends on the transport.
pub(crate) const NEXT_HOP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const NEXT_HOP_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// How the feed is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Off,
    Exact,
}

/// Who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Anyone, served the default feed.
    Unknown,
    /// Only a peer that the configuration names, by its address and AS.
    Known { address: IpAddr, asn: u32 },
}

/// What a test chooses about the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    pub(crate) asn: u32,
    pub(crate) aggregate: Aggregate,
    pub(crate) admission: Admission,
}

/// A running server with its own list files.
pub(crate) struct Server {
    process: Process,
    dir: PathBuf,
    port: u16,
}

impl Server {
    /// Starts it in `dir` and waits until it listens on both loopback addresses.
    pub(crate) fn start(dir: &Path, spec: Spec) -> Self {
        list::install(dir);
        let port = free_port();
        let config = dir.join("bgplite.toml");
        fs::write(&config, spec.config(dir, port)).expect("the configuration can be written");
        let mut command = Command::new(binary());
        command.arg("serve").arg("--config").arg(&config);
        let mut process = Process::start("bgplite", dir, &mut command);
        wait_for("bgplite listens", || {
            process.assert_running();
            is_listening(port).then_some(())
        });
        Self { process, dir: dir.to_owned(), port }
    }

    /// Where a client finds it over the family's transport.
    pub(crate) fn address(&self, transport: Family) -> SocketAddr {
        let address = match transport {
            Family::V4 => IpAddr::from(Ipv4Addr::LOCALHOST),
            Family::V6 => IpAddr::from(Ipv6Addr::LOCALHOST),
        };
        SocketAddr::new(address, self.port)
    }

    /// The prefixes that its list file names now.
    pub(crate) fn list(&self, family: Family) -> BTreeSet<Prefix> {
        list::read(&self.dir, family)
    }

    /// Edits the family's list file and has it read again (SIGHUP).
    pub(crate) fn reload_with(&self, edit: Edit) {
        list::apply(&self.dir, edit);
        self.process.signal("HUP");
    }

    /// SIGTERM; the exit must be 0, within two seconds.
    pub(crate) fn stop(self) {
        self.terminate();
        self.assert_ends();
    }

    /// SIGTERM without waiting, for a test that reads the last bytes.
    pub(crate) fn terminate(&self) {
        self.process.signal("TERM");
    }

    /// It ends by itself with exit code 0, within two seconds. A second SIGTERM would mean "at once".
    pub(crate) fn assert_ends(mut self) {
        let status = self.process.wait(Duration::from_secs(2));
        let status = status.expect("bgplite ends within 2 s of SIGTERM");
        assert_eq!(status.code(), Some(0), "the exit code after SIGTERM");
    }
}

impl Spec {
    fn config(self, dir: &Path, port: u16) -> String {
        let asn = self.asn;
        let dir = dir.display();
        let (v4, v6) = (list::file_name(Family::V4), list::file_name(Family::V6));
        let aggregate = match self.aggregate {
            Aggregate::Off => "off",
            Aggregate::Exact => "exact",
        };
        let (unknown, peer) = match self.admission {
            Admission::Unknown => ("unknown_peers = \"default\"\ndefault_feed = \"ru\"", String::new()),
            Admission::Known { address, asn } => (
                "unknown_peers = \"refuse\"",
                format!("[[peer]]\nname = \"lab\"\naddress = \"{address}\"\nasn = {asn}\nfeeds = [\"ru\"]\n"),
            ),
        };
        format!(
            r#"[bgp]
asn = {asn}
router_id = "203.0.113.1"
listen = ["127.0.0.1:{port}", "[::1]:{port}"]
next_hop = "{NEXT_HOP}"
next_hop_v6 = "{NEXT_HOP_V6}"
{unknown}

[state]
dir = "{dir}/state"

[source.ru4]
kind = "file"
path = "{v4}"

[source.ru6]
kind = "file"
path = "{v6}"

[feed.ru]
expr = "ru4 + ru6"
community = "65010:100"
large_community = "65010:1:100"
aggregate = "{aggregate}"

{peer}"#
        )
    }
}

/// The binary under test.
fn binary() -> OsString {
    env::var_os("BGPLITE_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_bgplite").into())
}
