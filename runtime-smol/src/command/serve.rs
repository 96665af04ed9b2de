//! `bgplite serve --config FILE`.

use std::path::PathBuf;
use std::process::ExitCode;

use bgplite_host::{HostConfig, HostError, log};
use bgplite_smol::{Options, Stopped, serve};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, HostError> {
    let config = HostConfig::load(&arguments.config)?;
    log::init(config.log_level, config.log_format);
    let stopped = serve(config, Some(arguments.config.clone()), Options::default())?;
    Ok(match stopped {
        Stopped::Done | Stopped::OutOfTime => ExitCode::SUCCESS,
        Stopped::Interrupted => ExitCode::from(INTERRUPTED),
    })
}

/// What shells say of a program that SIGINT ended.
const INTERRUPTED: u8 = 130;
