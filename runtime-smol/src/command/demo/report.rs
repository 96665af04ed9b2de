//! What the demonstration says.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::client::{Client, Counts};

/// One row a client, and what all of them took.
pub(super) fn table(clients: &[Rc<Client>]) {
    println!(
        "{:>12}  {:<10}  {:>8}  {:>8}  {:>8}  {:>10}  {:>9}",
        "peer", "families", "IPv4", "IPv6", "UPDATEs", "bytes", "time"
    );
    for client in clients.iter().take(ROWS) {
        let Counts { v4, v6, updates, octets, .. } = client.counts();
        let (peer, families) = (format!("AS{}", client.asn), client.families.to_string());
        let time = client.synced().map_or_else(|| "-".to_owned(), millis);
        println!("{peer:>12}  {families:<10}  {v4:>8}  {v6:>8}  {updates:>8}  {octets:>10}  {time:>9}");
    }
    if clients.len() > ROWS {
        println!("{:>12}  and {} more like them", "...", clients.len() - ROWS);
    }
    let octets: usize = clients.iter().map(|client| client.counts().octets).sum();
    let prefixes: usize = clients.iter().map(|client| client.counts().held()).sum();
    let slowest = clients.iter().filter_map(|client| client.synced()).max().unwrap_or_default();
    println!(
        "\n{} clients hold {prefixes} prefixes, {octets} bytes in all; the last had everything after {}.",
        clients.len(),
        millis(slowest)
    );
}

/// What one replaced prefix cost every client.
pub(super) fn difference(
    clients: &[Rc<Client>],
    before: &[Counts],
    since: Instant,
    (gone, new): (&str, &str),
) {
    let (mut touched, mut silent, mut last) = (0, 0, Duration::ZERO);
    let mut most = Counts::default();
    for (client, before) in clients.iter().zip(before) {
        let after = client.counts();
        if after.octets == before.octets {
            silent += 1;
            continue;
        }
        touched += 1;
        most.updates = most.updates.max(after.updates - before.updates);
        most.announced = most.announced.max(after.announced - before.announced);
        most.withdrawn = most.withdrawn.max(after.withdrawn - before.withdrawn);
        most.octets = most.octets.max(after.octets - before.octets);
        last = last.max(client.updated().map_or(Duration::ZERO, |at| at.saturating_duration_since(since)));
    }
    println!("\nThen {gone} left the list and {new} came, and the configuration was reloaded:");
    println!(
        "{touched} clients got {} announcement and {} withdrawal each, in {} UPDATEs and {} bytes; the last after {}.",
        most.announced,
        most.withdrawn,
        most.updates,
        most.octets,
        millis(last)
    );
    if silent > 0 {
        println!("{silent} clients that take only IPv6 got not a byte.");
    }
}

/// The lines that bring a router on this machine up against the server.
pub(super) fn configurations(address: SocketAddr) {
    let (ip, port) = (address.ip(), address.port());
    println!("\nTry it with a router of your own on this machine (and --keep here). BIRD 2, as root:\n");
    println!(
        "  router id 10.0.0.99;
  protocol device {{ }}
  protocol bgp bgplite {{
    local {ip} port 17900 as 65099;
    neighbor {ip} port {port} as 65010;
    multihop;
    ipv4 {{ import all; export none; }};
    ipv6 {{ import all; export none; }};
  }}"
    );
    println!("\nFRR, in vtysh after \"configure terminal\":\n");
    println!(
        "  router bgp 65099
   bgp router-id 10.0.0.99
   no bgp ebgp-requires-policy
   neighbor {ip} remote-as 65010
   neighbor {ip} port {port}
   neighbor {ip} disable-connected-check
   address-family ipv6 unicast
    neighbor {ip} activate"
    );
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

/// Clients with a row of their own.
const ROWS: usize = 12;
