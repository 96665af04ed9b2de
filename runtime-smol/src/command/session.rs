//! `bgplite session list`.

use std::process::ExitCode;

use bgplite_host::control::Query;

use super::remote::{Result, Target, finish, items, table, word};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Every connection as it stands.
    List,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    finish(perform(arguments))
}

fn perform(arguments: &Arguments) -> Result<()> {
    let Action::List = arguments.action;
    let mut remote = arguments.target.connect()?;
    let sessions = remote.query(Query::Sessions)?;
    remote.show(&sessions, |sessions| {
        let paths = ["peer", "remote", "asn", "state", "toldV4", "toldV6", "inSync"];
        let row = |session| paths.iter().map(|path| word(session, path)).collect();
        let rows: Vec<Vec<String>> = items(sessions).iter().map(row).collect();
        table(&["PEER", "REMOTE", "ASN", "STATE", "IPV4", "IPV6", "IN SYNC"], &rows)
    });
    Ok(())
}
