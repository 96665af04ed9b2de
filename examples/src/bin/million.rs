//! A million prefixes to one client: how long from Established to the last octet?
//!
//! Starts `bgplite` anew for each round, so that no round finds bytes that an earlier one encoded, waits until the
//! list is loaded, and measures at the client: from sending the KEEPALIVE that establishes the session until the
//! last octet has arrived. That is a little more than what the server sees.
//!
//! ```text
//! cargo build --release && cargo run --release -p bgplite-examples --bin million [PREFIXES [ROUNDS]]
//! ```

use std::fmt::Write;
use std::io;
use std::net::Ipv4Addr;
use std::time::Instant;

use bgplite_examples::client;
use bgplite_examples::daemon::{self, Scratch};

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u32| match args.get(index) {
        Some(text) => text.parse().map_err(|_| io::Error::other(format!("{text} is no number"))),
        None => Ok(default),
    };
    let (prefixes, rounds) = (number(0, 1_000_000)?, number(1, 5)?);
    let list = list(prefixes);
    println!("{prefixes} prefixes, {} octets of text, {rounds} rounds", list.len());
    let mut cold = Vec::new();
    for round in 0..rounds {
        let scratch = Scratch::new(&format!("million-{round}"))?;
        let start = Instant::now();
        let server = daemon::serve(&scratch, &list)?;
        // This client makes nobody encode an IPv4 route.
        client::wait_loaded(server.address)?;
        let loaded = start.elapsed();
        let (first, len) = client::time_dump(server.address)?;
        let (again, _) = client::time_dump(server.address)?;
        println!(
            "round {round}: start to loaded {:6.1} ms   first client {:5.2} ms   second client {:5.2} ms   {len} octets",
            loaded.as_secs_f64() * 1e3,
            first.as_secs_f64() * 1e3,
            again.as_secs_f64() * 1e3,
        );
        cold.push(first);
    }
    cold.sort();
    if let Some(median) = cold.get(cold.len() / 2) {
        println!("median of the first clients: {:.2} ms", median.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// Every other /24 of the address space from 1.0.0.0 on, so that none can be merged.
fn list(prefixes: u32) -> String {
    let mut list = String::new();
    for index in 0..prefixes {
        let _ = writeln!(list, "{}/24", Ipv4Addr::from_bits(0x0100_0000 + (index << 9)));
    }
    list
}
