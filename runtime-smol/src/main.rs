//! `bgplite`: the command line of the daemon.

mod command;

use std::process::ExitCode;

use bgplite_host::{HostError, pipe};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bgplite", version)]
#[command(about = "A BGP feed server: it gives routers exactly the prefix lists they ask for")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve peers until SIGTERM; SIGHUP reads the configuration again.
    Serve(command::serve::Arguments),
    /// Start a server and clients on this machine and show what they get. Needs no root, network or file.
    Demo(command::demo::Arguments),
    /// Check a configuration file and say what it asks for.
    Check(command::check::Arguments),
    /// Look at the peers of a running server, and register, change and remove them.
    Peer(command::peer::Arguments),
    /// Look at the sources of a running server, ask them now, and decide on what their guards hold.
    Source(command::source::Arguments),
    /// Look at the feeds of a running server, compare their versions, and go back.
    Feed(command::feed::Arguments),
    /// Look at the sessions of a running server.
    Session(command::session::Arguments),
    /// Check, export or import the store of a server that does not run.
    Store(command::store::Arguments),
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    if !matches!(command, Command::Serve(_) | Command::Demo(_)) {
        pipe::end_quietly();
    }
    let outcome = match command {
        Command::Serve(arguments) => command::serve::run(&arguments),
        Command::Demo(arguments) => command::demo::run(&arguments),
        Command::Check(arguments) => command::check::run(&arguments),
        Command::Peer(arguments) => Ok(command::peer::run(&arguments)),
        Command::Source(arguments) => Ok(command::source::run(&arguments)),
        Command::Feed(arguments) => Ok(command::feed::run(&arguments)),
        Command::Session(arguments) => Ok(command::session::run(&arguments)),
        Command::Store(arguments) => command::store::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("bgplite: {error}");
        ExitCode::from(HostError::EXIT_CODE)
    })
}
