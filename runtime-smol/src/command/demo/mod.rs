//! `bgplite demo`: the whole product on one screen. A real server on a high port with a real list, clients made of
//! the core's own session, a live difference, and the lines to try it with a router of one's own.

mod client;
mod report;

use std::fs;
use std::io::{self, IsTerminal as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use async_signal::{Signal, Signals};
use bgplite_host::config::{LogFormat, LogLevel};
use bgplite_host::{HostConfig, HostError, log};
use bgplite_smol::{Options, Server};
use smol::stream::StreamExt as _;
use smol::{LocalExecutor, Timer, block_on, future};

use client::Client;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many clients connect.
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: u16,
    /// Leave the server running until Ctrl-C, to connect a router of your own.
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, HostError> {
    log::init(LogLevel::Warn, LogFormat::default());
    let signals = Signals::new([Signal::Term, Signal::Int])
        .map_err(|error| HostError::Os("listen to signals", error))?;
    let scratch = Scratch::new().map_err(|error| HostError::Os("make a temporary directory", error))?;
    let executor = Rc::new(LocalExecutor::new());
    let finished = block_on(executor.run(demonstrate(arguments, &scratch, &executor, signals)))?;
    Ok(if finished { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether all that was promised was seen.
async fn demonstrate(
    arguments: &Arguments,
    scratch: &Scratch,
    executor: &Rc<LocalExecutor<'static>>,
    mut signals: Signals,
) -> Result<bool, HostError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let file =
        scratch.write(address).map_err(|error| HostError::Os("write the demonstration's files", error))?;
    let server = Server::start(HostConfig::load(&file)?, Options::default(), executor)?;
    println!("bgplite listens on {address} as AS 65010 and serves the Russian list, IPv4 and IPv6.\n");

    let started = Instant::now();
    let clients: Vec<Rc<Client>> =
        (0..arguments.clients).map(|index| Client::start(index, address, executor)).collect();
    let synced = until(started + PATIENCE, &clients, "syncing", Client::is_synced).await;
    report::table(&clients);
    if !synced {
        println!("\nNot every client got everything within {} seconds.", PATIENCE.as_secs());
    }

    let changed = change_one_prefix(&server, scratch, &file, &clients).await?;
    report::configurations(address);
    if arguments.keep {
        println!("\nThe server keeps running. Ctrl-C ends it.");
        while !matches!(signals.next().await, Some(Ok(_)) | None) {}
        println!();
    }
    let late = async {
        Timer::after(Duration::from_secs(2)).await;
    };
    future::or(server.shut_down("the demonstration is over"), late).await;
    Ok(synced && changed)
}

/// Edits the list and reloads, as an operator would, and waits until every client has the difference.
async fn change_one_prefix(
    server: &Server,
    scratch: &Scratch,
    file: &Path,
    clients: &[Rc<Client>],
) -> Result<bool, HostError> {
    let edited = RU_V4.replacen(GONE, NEW, 1);
    fs::write(scratch.0.join("ru.v4.txt"), edited).map_err(|error| HostError::Os("edit the list", error))?;
    let before: Vec<client::Counts> = clients.iter().map(|client| client.counts()).collect();
    let started = Instant::now();
    if let Err(error) = server.reload(HostConfig::load(file)?).await {
        return Err(HostError::Core(error.to_string()));
    }
    let has_difference =
        |client: &Client| client.is_closed() || !client.has_v4() || client.has(NEW) && !client.has(GONE);
    let all = until(started + PATIENCE, clients, "waiting for the difference", has_difference).await;
    report::difference(clients, &before, started, (GONE.trim_end(), NEW.trim_end()));
    Ok(all)
}

/// Waits until `is_done` for every client, with a progress line where somebody can see it.
async fn until(
    deadline: Instant,
    clients: &[Rc<Client>],
    what: &str,
    is_done: impl Fn(&Client) -> bool,
) -> bool {
    let is_terminal = io::stderr().is_terminal();
    loop {
        let done = clients.iter().filter(|client| is_done(client)).count();
        let is_over = done == clients.len() || Instant::now() >= deadline;
        if is_terminal {
            let prefixes: usize = clients.iter().map(|client| client.counts().held()).sum();
            let end = if is_over { "\r\x1b[K" } else { "" };
            eprint!("\r\x1b[K{what}: {done} of {} clients, {prefixes} prefixes{end}", clients.len());
        }
        if is_over {
            return done == clients.len();
        }
        Timer::after(Duration::from_millis(2)).await;
    }
}

/// The port this demonstration is known by, or any other that is free.
fn free_port() -> u16 {
    let bind =
        |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    bind(PORT).or_else(|_| bind(0)).map_or(PORT, |address| address.port())
}

/// A directory of this process alone, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("bgplite-demo-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Writes the lists and the configuration, and returns the latter's path.
    fn write(&self, listen: SocketAddr) -> io::Result<PathBuf> {
        fs::write(self.0.join("ru.v4.txt"), RU_V4)?;
        fs::write(self.0.join("ru.v6.txt"), RU_V6)?;
        let file = self.0.join("bgplite.toml");
        fs::write(&file, CONFIGURATION.replace("LISTEN", &listen.to_string()))?;
        Ok(file)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays in the temporary directory, where it harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

const RU_V4: &str = include_str!("../../../../testdata/lists/ru.v4.txt");
const RU_V6: &str = include_str!("../../../../testdata/lists/ru.v6.txt");
/// A line of the list, and the documentation prefix (RFC 5737) that takes its place.
const GONE: &str = "2.26.8.0/24\n";
const NEW: &str = "192.0.2.0/24\n";
const CONFIGURATION: &str = include_str!("bgplite.toml");
const PORT: u16 = 1790;
const PATIENCE: Duration = Duration::from_secs(10);
