//! OpenBGPD, asked through `bgpctl`.
//!
//! Its processes change root to their user's home and drop privileges, so it runs as root (or through
//! `sudo -n`), and the home must exist: a package makes it at boot, not at installation. It shows
//! Adj-RIB-In, so next hops need not resolve.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{AsNumbers, Client, Export, Session, Setup, Unavailable};
use crate::lab::is_root;
use crate::lab::port::free_port;
use crate::lab::process::{Process, ask, find_program};
use crate::lab::route::{Family, Prefix, Route, Routes, communities, large_communities, numbers};

/// Home of the user `_openbgpd` in Debian's package.
const HOME: &str = "/run/openbgpd";

pub(super) struct Openbgpd {
    process: Process,
    bgpctl: PathBuf,
    socket: PathBuf,
}

impl Openbgpd {
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, Unavailable> {
        assert_eq!(setup.as_numbers, AsNumbers::FourOctet, "only as a four-octet speaker");
        assert_eq!(setup.export, Export::Nothing, "OpenBGPD does not send a route back");
        let missing = || Unavailable::missing("openbgpd", "apt-get install openbgpd");
        // FRR's daemon has the same name, but bgpctl is OpenBGPD's alone.
        let bgpctl = find_program("bgpctl").ok_or_else(missing)?;
        let bgpd = bgpctl.with_file_name("bgpd");
        let root = || Unavailable { what: "openbgpd needs root".to_owned(), remedy: "run as root" };
        ask(as_root(Path::new("mkdir")).args(["-p", "-m", "755", HOME])).ok_or_else(root)?;

        let socket = setup.dir.join("openbgpd.sock");
        let file = setup.dir.join("openbgpd.conf");
        fs::write(&file, config(setup, &socket)).expect("the configuration can be written");
        // It refuses a configuration that others may read.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a file can be made private");
        let mut command = as_root(&bgpd);
        command.arg("-d").arg("-f").arg(file);
        Ok(Self { process: Process::start("openbgpd", setup.dir, &mut command), bgpctl, socket })
    }

    fn ask(&self, question: &[&str]) -> Option<Value> {
        let text = ask(as_root(&self.bgpctl).arg("-s").arg(&self.socket).arg("-j").args(question))?;
        serde_json::from_str(&text).ok()
    }

    fn neighbor(&self) -> Option<Value> {
        self.ask(&["show", "neighbor"])?.get("neighbors")?.get(0).cloned()
    }
}

impl Client for Openbgpd {
    fn session(&mut self) -> Option<Session> {
        let neighbor = self.neighbor()?;
        if neighbor.get("state")?.as_str()? != "Established" {
            return None;
        }
        // It tells the age only: against the clock that gives the same second, give or take one.
        let age_secs = neighbor.get("last_updown_sec")?.as_u64()?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
        let opens = neighbor.get("stats")?.get("message")?.get("received")?.get("open")?.as_u64()?;
        Some(Session { since_secs: now.as_secs().checked_sub(age_secs)?, count: opens })
    }

    fn held(&mut self) -> usize {
        let received = |value: Value| value.get("stats")?.get("prefixes")?.get("received")?.as_u64();
        self.neighbor().and_then(received).unwrap_or(0) as usize
    }

    fn routes(&mut self, family: Family) -> Routes {
        let family = match family {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        };
        let table = self.ask(&["show", "rib", family, "in", "detail"]).unwrap_or_default();
        let routes = table.get("rib").and_then(Value::as_array);
        routes.into_iter().flatten().filter_map(parse_route).collect()
    }

    fn assert_running(&mut self) {
        self.process.assert_running();
    }
}

fn parse_route(route: &Value) -> Option<(Prefix, Route)> {
    let text = |key: &str| route.get(key).and_then(Value::as_str);
    let list = |key: &str| route.get(key).map(Value::to_string).unwrap_or_default();
    let parsed = Route {
        next_hop: text("exit_nexthop")?.parse().ok()?,
        as_path: numbers(text("aspath")?),
        communities: communities(&list("communities")),
        large: large_communities(&list("large_communities")),
    };
    Some((Prefix::parse(text("prefix")?)?, parsed))
}

/// A command that root runs: through `sudo` when we are not root.
fn as_root(program: &Path) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg("-n").arg(program);
    command
}

fn config(setup: &Setup<'_>, socket: &Path) -> String {
    let Setup { asn, server_asn, .. } = *setup;
    let (server, port, local) = (setup.server.ip(), setup.server.port(), setup.local());
    let (listen, socket) = (free_port(), socket.display());
    format!(
        r#"AS {asn}
router-id 10.0.0.5
fib-update no
listen on {local} port {listen}
socket "{socket}"
neighbor {server} {{
    remote-as {server_asn}
    port {port}
    local-address {local}
    multihop 2
    announce IPv4 unicast
    announce IPv6 unicast
}}
allow from any
"#
    )
}
