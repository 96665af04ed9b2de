//! How much more than writing the bytes does the server cost?
//!
//! A thousand clients connect at once on loopback and each takes the Russian list, IPv4 and IPv6: from `bgplite`, then
//! from a trivial writer that pushes the very same bytes down connections opened the same way, in turn, several
//! rounds. Prints wall time, server CPU and peak memory of both, and the ratios of the medians.
//!
//! ```text
//! cargo build --release && cargo run --release -p bgplite-examples --bin fanout [CLIENTS [ROUNDS]]
//! ```

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bgplite_examples::client;
use bgplite_examples::daemon::{self, Daemon, Scratch};
use socket2::{Domain, Socket, Type};

const LIST: &str = concat!(
    include_str!("../../../testdata/lists/ru.v4.txt"),
    include_str!("../../../testdata/lists/ru.v6.txt")
);

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, address, path] = args.as_slice()
        && mode == "writer"
    {
        return write_to_all(address.parse().map_err(io::Error::other)?, Path::new(path));
    }
    let number = |index: usize, default: u32| match args.get(index) {
        Some(text) => text.parse().map_err(|_| io::Error::other(format!("{text} is no number"))),
        None => Ok(default),
    };
    compare(number(0, 1000)?, number(1, 7)?)
}

fn compare(clients: u32, rounds: u32) -> io::Result<()> {
    let scratch = Scratch::new("fanout")?;
    let bgplite = daemon::serve(&scratch, LIST)?;
    let stream = client::record(bgplite.address)?;
    let writer = start_writer(&scratch, &stream)?;
    println!("{clients} clients x {} octets, {rounds} rounds in turn", stream.len());
    let mut runs = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (server, runs) in [&bgplite, &writer].into_iter().zip(&mut runs) {
            let before = server.usage()?.cpu;
            let wall = client::drain(server.address, clients, stream.len())?;
            // Closing what the clients left is part of the work.
            std::thread::sleep(Duration::from_millis(300));
            runs.push((wall, server.usage()?.cpu.saturating_sub(before)));
        }
    }
    let [ours, trivial] = runs.map(median);
    for (name, (wall, cpu), server) in [("bgplite", ours, &bgplite), ("writer", trivial, &writer)] {
        let peak = server.usage()?.peak_kib;
        println!("{name:8} wall {:7.1} ms   cpu {:7.1} ms   peak memory {peak} KiB", ms(wall), ms(cpu));
    }
    println!("ratio    wall {:.2}x   cpu {:.2}x", ms(ours.0) / ms(trivial.0), ms(ours.1) / ms(trivial.1));
    Ok(())
}

fn median(mut runs: Vec<(Duration, Duration)>) -> (Duration, Duration) {
    let middle = runs.len() / 2;
    let wall = {
        runs.sort_by_key(|run| run.0);
        runs.get(middle).map_or(Duration::ZERO, |run| run.0)
    };
    let cpu = {
        runs.sort_by_key(|run| run.1);
        runs.get(middle).map_or(Duration::ZERO, |run| run.1)
    };
    (wall, cpu)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn start_writer(scratch: &Scratch, stream: &[u8]) -> io::Result<Daemon> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, daemon::free_port()?));
    let path = scratch.path().join("stream.bin");
    std::fs::write(&path, stream)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("writer").arg(address.to_string()).arg(path);
    Daemon::start(command, address)
}

/// The least that anybody can do: accept, write everything, next. It reads nothing and decides nothing.
fn write_to_all(address: SocketAddr, path: &Path) -> io::Result<()> {
    let bytes = std::fs::read(path)?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    let mut open = std::collections::VecDeque::new();
    loop {
        let (mut stream, _) = socket.accept()?;
        // A client that goes away early is its own affair.
        let _ = stream.write_all(&bytes);
        open.push_back(stream);
        if open.len() > 4096 {
            open.pop_front();
        }
    }
}
