//! `bgplite serve --config FILE [--record DIR]`.

use std::path::PathBuf;
use std::process::ExitCode;

use bgplite_host::{HostConfig, HostError, control, log, record};
use bgplite_smol::{Options, Stopped, serve};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
    /// Record to this directory everything that the core is told and decides, in segments that `replay` can play
    /// again. A recording holds the addresses of peers, what they send, the configuration and the lists, and no secret.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Bytes in a segment of the recording.
    #[arg(long, value_name = "BYTES", requires = "record", default_value_t = record::SEGMENT_BYTES)]
    record_segment: u64,
    /// Bytes in all segments; beyond, the oldest are removed.
    #[arg(long, value_name = "BYTES", requires = "record", default_value_t = record::TOTAL_BYTES)]
    record_total: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, HostError> {
    let config = HostConfig::load(&arguments.config)?;
    log::init(config.log_level, config.log_format);
    let record = arguments.record.clone().map(|dir| record::Options {
        dir,
        segment_bytes: arguments.record_segment,
        total_bytes: arguments.record_total,
    });
    let control = Some(config.state_dir.join(control::SOCKET));
    let options = Options { record, control, ..Options::default() };
    // However it stopped, it was asked to.
    let _: Stopped = serve(config, Some(arguments.config.clone()), options)?;
    Ok(ExitCode::SUCCESS)
}
