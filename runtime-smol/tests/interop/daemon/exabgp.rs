//! ExaBGP: it keeps no table, so what it received is replayed from the JSON that it writes to a helper.
//!
//! The helper must keep its own standard output open: ExaBGP takes a closed one for a death, and ends after
//! five.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{AsNumbers, Client, Export, Session, Setup, Unavailable};
use crate::lab::process::{Process, find_program};
use crate::lab::route::{Family, Prefix, Route, Routes, communities, large_communities, numbers};

pub(super) struct Exabgp {
    process: Process,
    events: PathBuf,
}

impl Exabgp {
    pub(super) fn start(setup: &Setup<'_>) -> Result<Self, Unavailable> {
        assert_eq!(setup.export, Export::Nothing, "ExaBGP keeps no routes to send");
        let missing = || Unavailable::missing("exabgp", "apt-get install exabgp");
        let exabgp = find_program("exabgp").ok_or_else(missing)?;
        let events = setup.dir.join("exabgp.json");
        let helper = setup.dir.join("exabgp.sh");
        fs::write(&helper, "exec 3>&1\nexec cat >\"$1\"\n").expect("the helper can be written");
        let file = setup.dir.join("exabgp.conf");
        fs::write(&file, config(setup, &helper, &events)).expect("the configuration can be written");
        let mut command = Command::new(exabgp);
        command.arg(file);
        // Neither a listening socket, nor a command pipe, nor another user.
        let settings = [
            ("exabgp.tcp.bind", ""),
            ("exabgp.api.cli", "false"),
            ("exabgp.api.ack", "false"),
            ("exabgp.daemon.drop", "false"),
            ("exabgp.log.destination", "stderr"),
        ];
        command.envs(settings);
        Ok(Self { process: Process::start("exabgp", setup.dir, &mut command), events })
    }

    /// Everything it has reported. The last line may still be half written.
    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.events).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Client for Exabgp {
    fn session(&mut self) -> Option<Session> {
        let events = self.events();
        let state = |event: &Value| Some(event.get("neighbor")?.get("state")?.as_str()?.to_owned());
        let changes: Vec<_> = events.iter().filter_map(|event| Some((state(event)?, event))).collect();
        let (last, event) = changes.last()?;
        let count = changes.iter().filter(|(state, _)| state == "up").count() as u64;
        let since_secs = event.get("time")?.to_string().split('.').next()?.parse().ok()?;
        (last == "up").then_some(Session { since_secs, count })
    }

    fn held(&mut self) -> usize {
        Family::BOTH.iter().map(|&family| self.routes(family).len()).sum()
    }

    fn routes(&mut self, family: Family) -> Routes {
        let name = match family {
            Family::V4 => "ipv4 unicast",
            Family::V6 => "ipv6 unicast",
        };
        let mut routes = Routes::new();
        for event in self.events() {
            let message = event.get("neighbor").and_then(|neighbor| neighbor.get("message")?.get("update"));
            if let Some(update) = message {
                replay(update, name, &mut routes);
            }
        }
        routes
    }

    fn assert_running(&mut self) {
        self.process.assert_running();
    }
}

/// Applies one UPDATE: `{"attribute": {..}, "announce": {family: {next hop: [..]}}, "withdraw": {family: [..]}}`.
fn replay(update: &Value, family: &str, routes: &mut Routes) {
    let part = |key: &str| update.get(key).and_then(|part| part.get(family));
    for prefix in part("withdraw").into_iter().flat_map(prefixes) {
        routes.remove(&prefix);
    }
    let attribute = |name: &str| {
        let value = update.get("attribute").and_then(|attributes| attributes.get(name));
        value.map(Value::to_string).unwrap_or_default()
    };
    for (next_hop, nlri) in part("announce").and_then(Value::as_object).into_iter().flatten() {
        // The End-of-RIB marker appears as a next hop named "null" in some versions.
        let Ok(next_hop) = next_hop.parse() else { continue };
        let route = Route {
            next_hop,
            as_path: numbers(&attribute("as-path")),
            communities: communities(&attribute("community")),
            large: large_communities(&attribute("large-community")),
        };
        routes.extend(prefixes(nlri).into_iter().map(|prefix| (prefix, route.clone())));
    }
}

fn prefixes(nlri: &Value) -> Vec<Prefix> {
    let prefix = |entry: &Value| Prefix::parse(entry.get("nlri")?.as_str()?);
    nlri.as_array().into_iter().flatten().filter_map(prefix).collect()
}

fn config(setup: &Setup<'_>, helper: &Path, events: &Path) -> String {
    let Setup { asn, .. } = *setup;
    let (server, port, local) = (setup.server.ip(), setup.server.port(), setup.local());
    let (helper, events) = (helper.display(), events.display());
    let (asn4, peer_as) = match setup.as_numbers {
        AsNumbers::FourOctet => ("enable", setup.server_asn),
        // RFC 6793 section 9: an old speaker knows a four-octet neighbor as AS_TRANS.
        AsNumbers::TwoOctet => ("disable", u16::try_from(setup.server_asn).map_or(23456, u32::from)),
    };
    format!(
        "process log {{
    run /bin/sh {helper} {events};
    encoder json;
}}
neighbor {server} {{
    router-id 10.0.0.6;
    local-address {local};
    local-as {asn};
    peer-as {peer_as};
    connect {port};
    capability {{ asn4 {asn4}; }}
    family {{ ipv4 unicast; ipv6 unicast; }}
    api {{
        processes [ log ];
        neighbor-changes;
        receive {{ parsed; update; }}
    }}
}}
"
    )
}
