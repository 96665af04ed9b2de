//! Ports that nobody else uses.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range that Linux gives to outgoing connections (32768 on), so that no client's own socket can
/// take a port between our look and the daemon's bind.
const FIRST: u16 = 20_000;
const SPAN: u16 = 12_000;

/// A TCP port free on every loopback address, never handed out twice by this process.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two suites at once start at different places.
    let start = (std::process::id() % 120) as u16 * 100;
    (0..SPAN)
        .map(|_| FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % SPAN)
        .find(|&port| {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
                && TcpListener::bind((Ipv6Addr::LOCALHOST, port)).is_ok()
        })
        .expect("a port is free on 127.0.0.1 and ::1 (has this machine IPv6 on loopback?)")
}

/// Whether a socket listens on the port over IPv4 and one over IPv6, seen from outside: a connection made
/// to find out would be one more peer to the server.
pub(crate) fn is_listening(port: u16) -> bool {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().all(|table| {
        let table = fs::read_to_string(table).unwrap_or_default();
        table.lines().any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let (local, state) = (fields.next(), fields.nth(1));
            // State 0A is LISTEN; ports are hexadecimal after the last colon.
            state == Some("0A") && local.is_some_and(|local| local.ends_with(&format!(":{port:04X}")))
        })
    })
}
