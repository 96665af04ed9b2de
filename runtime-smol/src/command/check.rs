//! `bgplite check FILE`.

use std::path::PathBuf;
use std::process::ExitCode;

use bgplite_host::{HostConfig, HostError};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, HostError> {
    let config = HostConfig::load(&arguments.file)?;
    let core = &config.core;
    let listen: Vec<String> = config.listen.iter().map(ToString::to_string).collect();
    println!("{}: good", arguments.file.display());
    println!("  AS{}, router id {}, listening on {}", core.asn, core.router_id, listen.join(", "));
    println!(
        "  {}, {}, {}",
        count(core.sources.len(), "source"),
        count(core.feeds.len(), "feed"),
        count(core.peers.len(), "peer")
    );
    Ok(ExitCode::SUCCESS)
}

fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}
