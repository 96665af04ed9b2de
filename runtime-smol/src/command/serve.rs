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
    // However it stopped, it was asked to.
    let _: Stopped = serve(config, Some(arguments.config.clone()), Options::default())?;
    Ok(ExitCode::SUCCESS)
}
