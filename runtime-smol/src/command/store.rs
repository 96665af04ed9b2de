//! `bgplite store check|export|import`: the store of a daemon that does not run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bgplite_host::store::{self, Counts, StoreKind};
use bgplite_host::{HostConfig, HostError};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file of the daemon; without one, its state directory is /var/lib/bgplite.
    #[arg(long, short, value_name = "FILE", global = true, conflicts_with = "dir")]
    config: Option<PathBuf>,
    /// The state directory.
    #[arg(long, value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Say what is there and what is damaged; exit code 1 if anything is.
    Check,
    /// Write all peers, and what there is of sources and feeds, as JSON.
    Export {
        /// Where to; without it, to standard output.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Put the peers of an export in the place of those that are there.
    Import {
        /// What `bgplite store export` wrote.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, HostError> {
    let (kind, dir) = match (&arguments.config, &arguments.dir) {
        (Some(file), _) => {
            let config = HostConfig::load(file)?;
            (config.store, config.state_dir)
        }
        (None, Some(dir)) => (kind_of(dir), dir.clone()),
        (None, None) => (StoreKind::default(), PathBuf::from("/var/lib/bgplite")),
    };
    match &arguments.action {
        Action::Check => {
            let report = store::check(&dir)?;
            for line in &report.lines {
                println!("{line}");
            }
            let verdict = if report.is_lost {
                "no server can start on it: bring back an export with `bgplite store import FILE`"
            } else if report.is_damaged {
                "damaged; a server starts on it, and repairs what it can"
            } else {
                "good"
            };
            println!("{}: {verdict}", dir.display());
            Ok(if report.is_damaged { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Action::Export { file: Some(file) } => Ok(said("exported", store::export_to(&dir, file)?)),
        Action::Export { file: None } => Ok(said("exported", store::export(&dir, std::io::stdout().lock())?)),
        Action::Import { file } => Ok(said("imported", store::import(kind, &dir, file)?)),
    }
}

/// The database says itself that it is one.
fn kind_of(dir: &Path) -> StoreKind {
    let is_there = |name: &str| dir.join(name).exists();
    let is_file = is_there("store.json") && !is_there("store") && !is_there("store.log");
    if is_file { StoreKind::File } else { StoreKind::Sled }
}

/// On standard error: the export itself may be on standard output.
fn said(what: &str, (counts, missing): (Counts, Vec<String>)) -> ExitCode {
    for sentence in missing {
        eprintln!("bgplite: {sentence}");
    }
    eprintln!("{what}: {counts}");
    ExitCode::SUCCESS
}
