//! GoBGP, asked through `gobgp`.
//!
//! Its API repeats a whole MP_REACH_NLRI at every route that came in it: 145 MB for this list. As text it is
//! small, but still takes seconds, so the table is asked for only when it is known to be complete. It waits
//! five seconds before it dials.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::{AsNumbers, Client, Export, Session, Setup, Unavailable};
use crate::lab::port::free_port;
use crate::lab::process::{Process, ask, find_program};
use crate::lab::route::{Family, Prefix, Route, Routes, communities, large_communities, numbers};

pub(super) struct Gobgp {
    process: Process,
    client: PathBuf,
    port: u16,
    server: String,
}

impl Gobgp {
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, Unavailable> {
        assert_eq!(setup.as_numbers, AsNumbers::FourOctet, "GoBGP always offers four-octet AS numbers");
        assert_eq!(setup.export, Export::Nothing, "GoBGP does not send a route back");
        let missing = || Unavailable::missing("gobgpd", "apt-get install gobgpd");
        let gobgpd = find_program("gobgpd").ok_or_else(missing)?;
        let client = find_program("gobgp").ok_or_else(missing)?;
        let file = setup.dir.join("gobgp.toml");
        fs::write(&file, config(setup)).expect("the configuration can be written");
        let port = free_port();
        let mut command = Command::new(gobgpd);
        command.arg("--config-file").arg(file).arg("--api-hosts").arg(format!("127.0.0.1:{port}"));
        command.arg("--pprof-disable");
        let process = Process::start("gobgp", setup.dir, &mut command);
        Ok(Self { process, client, port, server: setup.server.ip().to_string() })
    }

    fn ask(&self, question: &[&str]) -> Option<String> {
        ask(Command::new(&self.client).args(["-u", "127.0.0.1", "-p", &self.port.to_string()]).args(question))
    }
}

impl Client for Gobgp {
    fn session(&mut self) -> Option<Session> {
        const ESTABLISHED: u64 = 6;
        let text = self.ask(&["-j", "neighbor"])?;
        let neighbors: Value = serde_json::from_str(&text).ok()?;
        let neighbor = neighbors.get(0)?;
        let state = neighbor.get("state")?;
        if state.get("session_state")?.as_u64()? != ESTABLISHED {
            return None;
        }
        let uptime = neighbor.get("timers")?.get("state")?.get("uptime")?;
        let flops = state.get("flops").and_then(Value::as_u64).unwrap_or(0);
        Some(Session { since_secs: uptime.get("seconds")?.as_u64()?, count: flops + 1 })
    }

    fn held(&mut self) -> usize {
        // ::1 65010 00:00:06 Establ      |    17872     17872
        let text = self.ask(&["neighbor"]).unwrap_or_default();
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(&self.server));
        let received = line.and_then(|line| line.split_once('|')?.1.split_whitespace().next()?.parse().ok());
        received.unwrap_or(0)
    }

    fn routes(&mut self, family: Family) -> Routes {
        let family = match family {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        };
        let text = self.ask(&["neighbor", &self.server, "adj-in", "-a", family]).unwrap_or_default();
        text.lines().filter_map(parse_route).collect()
    }

    fn has(&mut self, prefix: Prefix) -> bool {
        // Network not in table
        let text = prefix.to_string();
        let answer = self.ask(&["global", "rib", "-a", option(prefix.family()), &text]);
        answer.is_some_and(|answer| answer.contains(&text))
    }

    fn assert_running(&mut self) {
        self.process.assert_running();
    }
}

/// The family for the option `-a`.
const fn option(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

/// `ID PREFIX NEXT_HOP AS... AGE [{Origin: i} {Communities: 1:2} {LargeCommunity: [ 1:2:3]}]`
fn parse_route(line: &str) -> Option<(Prefix, Route)> {
    let (columns, attributes) = line.split_once('[')?;
    let columns: Vec<&str> = columns.split_whitespace().collect();
    let [_id, prefix, next_hop, path @ .., _age] = &columns[..] else {
        return None;
    };
    let attribute = |name: &str| {
        let rest = attributes.split_once(&format!("{{{name}: "))?.1;
        Some(rest.split_once('}')?.0)
    };
    let route = Route {
        next_hop: next_hop.parse().ok()?,
        as_path: numbers(&path.join(" ")),
        communities: communities(attribute("Communities").unwrap_or_default()),
        large: large_communities(attribute("LargeCommunity").unwrap_or_default()),
    };
    Some((Prefix::parse(prefix)?, route))
}

fn config(setup: &Setup<'_>) -> String {
    let Setup { asn, server_asn, .. } = *setup;
    let (server, port, local) = (setup.server.ip(), setup.server.port(), setup.local());
    format!(
        r#"[global.config]
as = {asn}
router-id = "10.0.0.4"
port = -1

[[neighbors]]
[neighbors.config]
neighbor-address = "{server}"
peer-as = {server_asn}
[neighbors.transport.config]
remote-port = {port}
local-address = "{local}"
[neighbors.timers.config]
connect-retry = 1
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv4-unicast"
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv6-unicast"
"#
    )
}
