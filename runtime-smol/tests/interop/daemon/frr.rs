//! FRR's bgpd alone, without zebra, asked through `vtysh`.
//!
//! Without zebra it knows no interfaces: it takes every next hop as valid, and dials its own machine. It logs
//! a line per route about zebra, so only alerts are logged. Unlike the others it sends every route back to
//! the peer it came from unless a policy forbids it: see [`Export::Everything`].

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::{AsNumbers, Client, Export, Session, Setup, Unavailable};
use crate::lab::process::{Process, ask, find_program};
use crate::lab::route::{Family, Prefix, Route, Routes, communities, large_communities, numbers};

pub(super) struct Frr {
    process: Process,
    vtysh: PathBuf,
    sockets: PathBuf,
    server: String,
}

impl Frr {
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, Unavailable> {
        assert_eq!(setup.as_numbers, AsNumbers::FourOctet, "FRR always offers four-octet AS numbers");
        let missing = || Unavailable::missing("frr", "apt-get install frr");
        let bgpd = PathBuf::from("/usr/lib/frr/bgpd");
        let bgpd = bgpd.is_file().then_some(bgpd).ok_or_else(missing)?;
        let vtysh = find_program("vtysh").ok_or_else(missing)?;
        let file = setup.dir.join("frr.conf");
        fs::write(&file, config(setup)).expect("the configuration can be written");
        let mut command = Command::new(bgpd);
        command.args(["--no_kernel", "--no_zebra", "--skip_runas", "--bgp_port", "0", "--vty_port", "0"]);
        command.arg("--config_file").arg(file).arg("--vty_socket").arg(setup.dir);
        command.arg("--pid_file").arg(setup.dir.join("frr.pid"));
        Ok(Self {
            process: Process::start("frr", setup.dir, &mut command),
            vtysh,
            sockets: setup.dir.to_owned(),
            server: setup.server.ip().to_string(),
        })
    }

    fn ask(&self, question: &str) -> Option<Value> {
        let text =
            ask(Command::new(&self.vtysh).arg("--vty_socket").arg(&self.sockets).args(["-c", question]))?;
        serde_json::from_str(&text).ok()
    }

    /// The server's entry of `show bgp summary json`, once for each family.
    fn summaries(&self) -> Vec<Value> {
        let summary = self.ask("show bgp summary json").unwrap_or_default();
        let peer = |family: &str| Some(summary.get(family)?.get("peers")?.get(&self.server)?.clone());
        ["ipv4Unicast", "ipv6Unicast"].into_iter().filter_map(peer).collect()
    }
}

impl Client for Frr {
    fn session(&mut self) -> Option<Session> {
        let summaries = self.summaries();
        let peer = summaries.first()?;
        if peer.get("state")?.as_str()? != "Established" {
            return None;
        }
        Some(Session {
            since_secs: peer.get("peerUptimeEstablishedEpoch")?.as_u64()?,
            count: peer.get("connectionsEstablished")?.as_u64()?,
        })
    }

    fn held(&mut self) -> usize {
        let received = |peer: &Value| peer.get("pfxRcd").and_then(Value::as_u64);
        self.summaries().iter().filter_map(received).sum::<u64>() as usize
    }

    fn routes(&mut self, family: Family) -> Routes {
        let family = match family {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        };
        let table = self.ask(&format!("show bgp {family} unicast json detail")).unwrap_or_default();
        let routes = table.get("routes").and_then(Value::as_object);
        routes.into_iter().flatten().filter_map(|(prefix, paths)| parse_route(prefix, paths)).collect()
    }

    fn assert_running(&mut self) {
        self.process.assert_running();
    }
}

/// A prefix has a header object and then one object for each path: with one neighbor, one.
fn parse_route(prefix: &str, paths: &Value) -> Option<(Prefix, Route)> {
    let paths = paths.as_array()?.iter().filter(|path| path.get("aspath").is_some()).collect::<Vec<_>>();
    let [path] = paths[..] else { return None };
    let text = |key: &str| path.get(key).and_then(|value| value.get("string")?.as_str()).unwrap_or_default();
    let next_hop = path.get("nexthops")?.get(0)?.get("ip")?.as_str()?;
    let route = Route {
        next_hop: next_hop.parse().ok()?,
        as_path: numbers(text("aspath")),
        communities: communities(text("community")),
        large: large_communities(text("largeCommunity")),
    };
    Some((Prefix::parse(prefix)?, route))
}

fn config(setup: &Setup<'_>) -> String {
    let Setup { asn, server_asn, .. } = *setup;
    let (server, port, local) = (setup.server.ip(), setup.server.port(), setup.local());
    let export = match setup.export {
        Export::Nothing => format!("  neighbor {server} route-map nothing out\n"),
        Export::Everything => String::new(),
    };
    format!(
        "log stdout alerts
router bgp {asn}
 bgp router-id 10.0.0.3
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 neighbor {server} remote-as {server_asn}
 neighbor {server} port {port}
 neighbor {server} update-source {local}
 neighbor {server} disable-connected-check
 neighbor {server} timers connect 1
 address-family ipv4 unicast
  neighbor {server} activate
{export} exit-address-family
 address-family ipv6 unicast
  neighbor {server} activate
{export} exit-address-family
exit
route-map nothing deny 10
exit
"
    )
}
