//! `bgplite source list|show|fetch|approve|reject`.

use std::process::ExitCode;

use bgplite_core::server::Command;
use bgplite_host::control::{Query, Value};

use super::remote::{Result, Target, date, fields, finish, items, table, word};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Every source: where it stands, how much it serves, and when it is asked next.
    List,
    /// One source, with the sizes that it had.
    Show {
        /// Its name.
        name: String,
    },
    /// Ask a source now.
    Fetch {
        /// Its name.
        name: String,
    },
    /// Serve the body that a source's guard holds back.
    Approve {
        /// Its name.
        name: String,
    },
    /// Drop the body that a source's guard holds back, and the same one when it comes again.
    Reject {
        /// Its name.
        name: String,
    },
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    finish(perform(arguments))
}

fn perform(arguments: &Arguments) -> Result<()> {
    let mut remote = arguments.target.connect()?;
    match &arguments.action {
        Action::List => {
            let sources = remote.query(Query::Sources)?;
            remote.show(&sources, list);
        }
        Action::Show { name } => {
            let source = remote.query(Query::Source { name: name.clone() })?;
            remote.show(&source, show);
        }
        Action::Fetch { name } => {
            let command = Command::RefreshSource { source: name.clone() };
            remote.perform(command, format_args!("source {name} is asked"))?;
        }
        Action::Approve { name } => {
            let command = Command::ApproveSource { source: name.clone() };
            remote.perform(command, format_args!("source {name}: what was held back is served"))?;
        }
        Action::Reject { name } => {
            let command = Command::RejectSource { source: name.clone() };
            remote.perform(command, format_args!("source {name}: what was held back is dropped"))?;
        }
    }
    Ok(())
}

fn list(sources: &Value) -> String {
    let row = |source: &Value| {
        let next = word(source, "nextFetchSecs");
        let next = if next == "-" { next } else { format!("in {next} s") };
        let mut row: Vec<String> =
            ["name", "kind", "state", "v4", "v6"].iter().map(|path| word(source, path)).collect();
        row.extend([date(source, "fetchedUnixSecs"), next, reason(source)]);
        row
    };
    let rows: Vec<Vec<String>> = items(sources).iter().map(row).collect();
    table(&["NAME", "KIND", "STATE", "IPV4", "IPV6", "FETCHED (UTC)", "NEXT", "REASON"], &rows)
}

/// Why it is held, or why it failed.
fn reason(source: &Value) -> String {
    match word(source, "held.reason") {
        none if none == "-" => word(source, "error"),
        reason => {
            format!("{reason} (held: {} IPv4, {} IPv6)", word(source, "held.v4"), word(source, "held.v6"))
        }
    }
}

fn show(source: &Value) -> String {
    let mut text = fields(&[
        ("name", word(source, "name")),
        ("kind", word(source, "kind")),
        ("from", word(source, "origin")),
        ("state", word(source, "state")),
        ("reason", reason(source)),
        ("failures", word(source, "failures")),
        ("version", word(source, "serial")),
        ("fetched", date(source, "fetchedUnixSecs")),
        ("prefixes", format!("{} IPv4, {} IPv6", word(source, "v4"), word(source, "v6"))),
        ("next", word(source, "nextFetchSecs")),
    ]);
    let row = |size: &Value| vec![date(size, "unixSecs"), word(size, "v4"), word(size, "v6")];
    let rows: Vec<Vec<String>> = source.get("history").map_or(&[][..], items).iter().map(row).collect();
    if !rows.is_empty() {
        text += "\n";
        text += &table(&["SERVED FROM (UTC)", "IPV4", "IPV6"], &rows);
    }
    text
}
