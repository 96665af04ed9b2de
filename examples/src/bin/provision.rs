//! What changes cost: of a list, of one peer's subscription, of ten thousand registered peers.
//!
//! ```text
//! cargo build --release && cargo run --release -p bgplite-examples --bin provision [delta|subscription|registered [sled|file]]
//! ```
//!
//! Everything is seen from outside, by clients on loopback and through the control socket, so that each time holds the
//! way of the question to the daemon, the reading of the file and the client's own wake-up too.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command as Process;
use std::time::{Duration, Instant};

use bgplite_core::config::{AddressMatch, AsnMatch, Subscription};
use bgplite_core::ids::{Asn, PeerId};
use bgplite_core::server::{Command, PeerSpec, PeerState};
use bgplite_examples::crowd::Crowd;
use bgplite_examples::daemon::{self, Daemon, Scratch};
use bgplite_host::control::{Ask, Client, SOCKET};

const RU: &str = include_str!("../../../testdata/lists/ru.v4.txt");

fn main() -> io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("delta") => delta(),
        Some("subscription") => subscription(),
        Some("registered") => registered(),
        None => {
            delta()?;
            subscription()?;
            registered()
        }
        Some(other) => Err(io::Error::other(format!("{other} is no measurement"))),
    }
}

/// One prefix comes and goes in a list of 100,000; half of the peers have it.
fn delta() -> io::Result<()> {
    const HALF: usize = 1000;
    let scratch = Scratch::new("provision-delta")?;
    let list: String = (0..100_000_u32).fold(String::new(), |mut list, index| {
        let _ = writeln!(list, "{}/24", Ipv4Addr::from_bits(0x0B00_0000 + (index << 9)));
        list
    });
    let daemon = serve(
        &scratch,
        &[("big", &list), ("other", RU)],
        &[("one", "127.1.0.0/16", "big"), ("two", "127.2.0.0/16", "other")],
    )?;
    let addresses = |net: u32| (0..HALF as u32).map(move |n| Ipv4Addr::from_bits(net + 256 + n));
    let crowd =
        Crowd::gather(daemon.address, addresses(0x7F01_0000).chain(addresses(0x7F02_0000)).collect())?;
    crowd.settle(Duration::from_millis(300));
    let mut control = connect(&scratch)?;
    let mut times = Vec::new();
    for round in 0..10 {
        let body = if round % 2 == 0 { format!("{list}10.99.0.0/24\n") } else { list.clone() };
        fs::write(scratch.path().join("big.txt"), body)?;
        let (mine, others) = (crowd.messages(0..HALF), crowd.sum(HALF..2 * HALF));
        let start = Instant::now();
        ask(&mut control, Command::RefreshSource { source: "big".into() })?;
        crowd.settle(Duration::from_millis(200));
        let (fewest, most) = crowd.messages(0..HALF);
        if (fewest - mine.0, most - mine.1) != (1, 1) || crowd.sum(HALF..2 * HALF) != others {
            return Err(io::Error::other(format!(
                "subscribers got {} to {} messages instead of 1, others {} octets",
                fewest - mine.0,
                most - mine.1,
                crowd.sum(HALF..2 * HALF).octets - others.octets
            )));
        }
        times.push(crowd.last(0..HALF).saturating_duration_since(start));
    }
    show("one prefix of 100,000: one UPDATE each to 1,000, not an octet to 1,000 others", times);
    Ok(())
}

/// One peer of a hundred asks for a list, and for nothing again.
fn subscription() -> io::Result<()> {
    const OTHERS: usize = 100;
    let scratch = Scratch::new("provision-subscription")?;
    let daemon = serve(&scratch, &[("ru", RU)], &[("others", "127.1.0.0/16", "ru")])?;
    let mut control = connect(&scratch)?;
    let me = Ipv4Addr::new(127, 3, 0, 1);
    let spec = |feeds: &[&str]| {
        let mut spec =
            PeerSpec::new(AddressMatch::Prefix(std::net::IpAddr::from(me).into()), AsnMatch::Is(Asn(65001)));
        spec.subscription = Subscription::feeds(feeds.iter().copied());
        Box::new(spec)
    };
    let put = ask(&mut control, Command::PutPeer { spec: spec(&[]), state: PeerState::Approved })?;
    let id = put.get("id").and_then(bgplite_host::control::Value::as_u64).map(PeerId);
    let id = id.ok_or_else(|| io::Error::other(format!("no id in {put}")))?;
    let mut addresses = vec![me];
    addresses.extend((0..OTHERS as u32).map(|n| Ipv4Addr::from_bits(0x7F01_0100 + n)));
    let crowd = Crowd::gather(daemon.address, addresses)?;
    crowd.settle(Duration::from_millis(300));
    let others = crowd.sum(1..1 + OTHERS);
    let (mut replies, mut times) = (Vec::new(), Vec::new());
    for round in 0..10 {
        let feeds: &[&str] = if round % 2 == 0 { &["ru"] } else { &[] };
        let start = Instant::now();
        ask(&mut control, Command::SetPeer { id, revision: None, spec: spec(feeds) })?;
        let replied = Instant::now();
        crowd.settle(Duration::from_millis(200));
        replies.push(replied - start);
        times.push(crowd.last(0..1).saturating_duration_since(replied));
    }
    if crowd.sum(1..1 + OTHERS) != others {
        return Err(io::Error::other("others got something"));
    }
    show("12,424 prefixes come or go: from the question to the reply, durable", replies);
    show("12,424 prefixes come or go: from the reply to the last octet", times);
    Ok(())
}

/// Ten thousand registered peers that never connect, and a thousand that do.
fn registered() -> io::Result<()> {
    const PEERS: u32 = 10_000;
    let scratch = Scratch::new("provision-registered")?;
    let files = [("ru", RU)];
    let peers = [("others", "127.1.0.0/16", "ru")];
    let start = Instant::now();
    let daemon = serve(&scratch, &files, &peers)?;
    let mut control = connect(&scratch)?;
    let empty_start = start.elapsed();
    let begin = Instant::now();
    let (mut sent, mut answered) = (0, 0);
    while answered < PEERS {
        while sent < PEERS && sent - answered < 48 {
            let address = std::net::IpAddr::from(Ipv4Addr::from_bits(0x0A00_0000 + sent));
            let mut spec = PeerSpec::new(AddressMatch::Prefix(address.into()), AsnMatch::Is(Asn(65001)));
            spec.subscription = Subscription::feeds(["ru"]);
            let command = Command::PutPeer { spec: Box::new(spec), state: PeerState::Approved };
            control.send(Ask::Command(Box::new(command))).map_err(other)?;
            sent += 1;
        }
        control.receive().map_err(other)?.1.map_err(|refusal| io::Error::other(refusal.to_string()))?;
        answered += 1;
    }
    let rate = f64::from(PEERS) / begin.elapsed().as_secs_f64();
    println!("registrations, 48 under way: {rate:.0} a second");
    drop(control);
    drop(daemon);
    // Twice without, twice with: the second start finds everything in the page cache.
    let bare = Scratch::new("provision-bare")?;
    let mut idle = [Vec::new(), Vec::new()];
    let mut starts = [vec![empty_start], Vec::new()];
    for _ in 0..3 {
        for (slot, scratch) in [&bare, &scratch].into_iter().enumerate() {
            let start = Instant::now();
            let daemon = serve(scratch, &files, &peers)?;
            drop(connect(scratch)?);
            starts[slot].push(start.elapsed());
            std::thread::sleep(Duration::from_millis(700));
            idle[slot].push(daemon.resident_kib()?);
        }
    }
    let [without, with] = idle.map(|kib| kib.into_iter().min().unwrap_or(0));
    println!(
        "an idle registered peer: {:.2} kB (resident {without} KiB without, {with} KiB with {PEERS})",
        kilobytes(with.saturating_sub(without)) / f64::from(PEERS)
    );
    let [without, with] = starts.map(|times| times.into_iter().min().unwrap_or_default());
    println!("start until it serves: {:.0} ms without, {:.0} ms with {PEERS} peers", ms(without), ms(with));
    let daemon = serve(&bare, &files, &peers)?;
    let before = daemon.resident_kib()?;
    let addresses = (0..1000).map(|n| Ipv4Addr::from_bits(0x7F01_0100 + n)).collect();
    let crowd = Crowd::gather(daemon.address, addresses)?;
    crowd.settle(Duration::from_millis(500));
    let after = daemon.resident_kib()?;
    println!(
        "an established peer on a shared feed: {:.1} kB (resident {before} KiB before, {after} KiB with 1,000)",
        kilobytes(after.saturating_sub(before)) / 1000.0
    );
    Ok(())
}

/// Starts a daemon with these lists, a feed each, and these peers: name, addresses, feed.
fn serve(scratch: &Scratch, files: &[(&str, &str)], peers: &[(&str, &str, &str)]) -> io::Result<Daemon> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, daemon::free_port()?));
    let store = std::env::args().nth(2).unwrap_or_else(|| "sled".to_owned());
    let mut config = format!(
        "[bgp]\nasn = 65010\nrouter_id = \"203.0.113.1\"\nlisten = [\"{address}\"]\nnext_hop_v6 = \"2001:db8::1\"\n\
         unknown_peers = \"refuse\"\n[state]\ndir = \"state\"\nstore = \"{store}\"\n[log]\nlevel = \"warn\"\n"
    );
    for (name, list) in files {
        fs::write(scratch.path().join(format!("{name}.txt")), list)?;
        let _ = write!(
            config,
            "[source.{name}]\nkind = \"file\"\npath = \"{name}.txt\"\n[feed.{name}]\nexpr = \"{name}\"\naggregate = \"off\"\n"
        );
    }
    for (name, addresses, feed) in peers {
        let _ = write!(
            config,
            "[[peer]]\nname = \"{name}\"\naddress = \"{addresses}\"\nasn = \"any\"\nfeeds = [\"{feed}\"]\n"
        );
    }
    let path = scratch.path().join("bgplite.toml");
    fs::write(&path, config)?;
    let mut command = Process::new(daemon::bgplite()?);
    command.arg("serve").arg("--config").arg(path);
    Daemon::start(command, address)
}

fn connect(scratch: &Scratch) -> io::Result<Client> {
    let path = scratch.path().join(Path::new("state")).join(SOCKET);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match Client::connect(&path) {
            Ok(client) => return Ok(client),
            Err(error) if Instant::now() > deadline => return Err(other(error)),
            // Its ports are bound before its store is opened.
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

fn ask(control: &mut Client, command: Command) -> io::Result<bgplite_host::control::Value> {
    control.ask(Ask::Command(Box::new(command))).map_err(other)
}

/// Of KiB that a process can have.
fn kilobytes(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) * 1.024
}

#[expect(clippy::needless_pass_by_value, reason = "map_err gives it away")]
fn other(error: bgplite_host::control::ControlError) -> io::Error {
    io::Error::other(error.to_string())
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let most = times.last().copied().unwrap_or_default();
    println!("{what}: median {:.1} ms, most {:.1} ms of {}", ms(median), ms(most), times.len());
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
