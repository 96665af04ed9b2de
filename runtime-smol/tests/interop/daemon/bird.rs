//! BIRD 2, asked through `birdc`.
//!
//! It opens a listening socket even when it only dials, so it gets a port of its own. Received routes stay
//! in the table though their next hop is unreachable, so nothing needs to resolve.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{AsNumbers, Client, Export, Session, Setup, Unavailable};
use crate::lab::port::free_port;
use crate::lab::process::{Process, ask, find_program};
use crate::lab::route::{Family, Prefix, Route, Routes, communities, large_communities, numbers};

pub(super) struct Bird {
    process: Process,
    birdc: PathBuf,
    socket: PathBuf,
}

impl Bird {
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, Unavailable> {
        let missing = || Unavailable::missing("bird", "apt-get install bird2");
        let bird = find_program("bird").ok_or_else(missing)?;
        let birdc = find_program("birdc").ok_or_else(missing)?;
        let file = setup.dir.join("bird.conf");
        fs::write(&file, config(setup)).expect("the configuration can be written");
        let socket = setup.dir.join("bird.ctl");
        let mut command = Command::new(bird);
        command.arg("-f").arg("-c").arg(file).arg("-s").arg(&socket);
        command.arg("-P").arg(setup.dir.join("bird.pid"));
        Ok(Self { process: Process::start("bird", setup.dir, &mut command), birdc, socket })
    }

    fn ask(&self, question: &str) -> Option<String> {
        ask(Command::new(&self.birdc).arg("-r").arg("-s").arg(&self.socket).arg(question))
    }
}

impl Client for Bird {
    fn session(&mut self) -> Option<Session> {
        // server     BGP        ---        up     1795454587    Established
        let text = self.ask("show protocols server")?;
        let line = text.lines().find(|line| line.starts_with("server") && line.contains("Established"))?;
        let since_secs = line.split_whitespace().nth(4)?.parse().ok()?;
        let log = fs::read_to_string(self.process.log()).ok()?;
        let count = log.lines().filter(|line| line.contains("BGP session established")).count();
        Some(Session { since_secs, count: count as u64 })
    }

    fn held(&mut self) -> usize {
        // Total: 17872 of 17872 routes for 17872 networks in 2 tables
        let text = self.ask("show route protocol server count").unwrap_or_default();
        let total = text.lines().find_map(|line| line.strip_prefix("Total: "));
        total.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    fn routes(&mut self, family: Family) -> Routes {
        let table = match family {
            Family::V4 => "master4",
            Family::V6 => "master6",
        };
        let text = self.ask(&format!("show route table {table} protocol server all")).unwrap_or_default();
        parse_routes(&text)
    }

    fn assert_running(&mut self) {
        self.process.assert_running();
    }
}

/// A line that starts with a prefix opens a route; indented lines are its attributes.
fn parse_routes(text: &str) -> Routes {
    let mut routes = Routes::new();
    let mut current = None;
    for line in text.lines() {
        if let Some(prefix) = line.split_whitespace().next().and_then(Prefix::parse) {
            current = Some(prefix);
        }
        let (Some(prefix), Some((key, value))) = (current, line.trim_start().split_once(": ")) else {
            continue;
        };
        let unset = Route {
            next_hop: std::net::Ipv4Addr::UNSPECIFIED.into(),
            as_path: Vec::new(),
            communities: Vec::new(),
            large: Vec::new(),
        };
        let route = routes.entry(prefix).or_insert(unset);
        match key {
            "BGP.next_hop" => route.next_hop = value.parse().expect("BIRD shows one next hop"),
            "BGP.as_path" => route.as_path = numbers(value),
            "BGP.community" => route.communities = communities(value),
            "BGP.large_community" => route.large = large_communities(value),
            _ => {}
        }
    }
    routes
}

fn config(setup: &Setup<'_>) -> String {
    let Setup { asn, server_asn, .. } = *setup;
    let (local, port) = (setup.local(), free_port());
    let (server, server_port) = (setup.server.ip(), setup.server.port());
    let as4 = match setup.as_numbers {
        AsNumbers::FourOctet => "on",
        AsNumbers::TwoOctet => "off",
    };
    // An old speaker sees a four-octet server as AS 23456, a new one as itself: BIRD takes any here.
    let neighbor_as = match setup.as_numbers {
        AsNumbers::FourOctet => format!("as {server_asn}"),
        AsNumbers::TwoOctet => "external".to_owned(),
    };
    let export = match setup.export {
        Export::Nothing => "none",
        Export::Everything => "all",
    };
    format!(
        r#"router id 10.0.0.2;
log stderr all;
timeformat protocol "%s";
protocol device {{ scan time 3600; }}
protocol bgp server {{
    debug {{ states, events }};
    local {local} port {port} as {asn};
    neighbor {server} port {server_port} {neighbor_as};
    multihop;
    connect delay time 1;
    connect retry time 1;
    error wait time 1, 2;
    enable as4 {as4};
    ipv4 {{ import all; export {export}; }};
    ipv6 {{ import all; export {export}; }};
}}
"#
    )
}
