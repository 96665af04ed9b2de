//! `bgplite feed list|show|diff|rollback|release`.

use std::process::ExitCode;

use bgplite_core::ids::Serial;
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
    /// Every feed and its present version.
    List,
    /// One feed and the versions that are kept of it.
    Show {
        /// Its name.
        name: String,
    },
    /// What leads from one version to another: `-` goes, `+` comes or has other tags.
    Diff {
        /// The feed.
        name: String,
        /// The version to begin with.
        from: u64,
        /// The version to end with.
        to: u64,
    },
    /// Serve an earlier version, until the feed is released.
    Rollback {
        /// The feed.
        name: String,
        /// The version.
        version: u64,
    },
    /// Let a feed that was gone back follow its sources again.
    Release {
        /// The feed.
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
            let feeds = remote.query(Query::Feeds)?;
            remote.show(&feeds, list);
        }
        Action::Show { name } => {
            let feed = remote.query(Query::Feed { name: name.clone() })?;
            remote.show(&feed, show);
        }
        Action::Diff { name, from, to } => {
            let query = Query::FeedDiff { name: name.clone(), from: Serial(*from), to: Serial(*to) };
            let delta = remote.query(query)?;
            remote.show(&delta, |delta| delta.as_str().unwrap_or_default().to_owned());
        }
        Action::Rollback { name, version } => {
            let command = Command::RollbackFeed { feed: name.clone(), serial: Serial(*version) };
            let said = format_args!(
                "feed {name} has what version {version} had, until it is released: bgplite feed release {name}"
            );
            remote.perform(command, said)?;
        }
        Action::Release { name } => {
            let command = Command::ReleaseFeed { feed: name.clone() };
            remote.perform(command, format_args!("feed {name} follows its sources again"))?;
        }
    }
    Ok(())
}

fn list(feeds: &Value) -> String {
    let paths = ["name", "kind", "serial", "v4", "v6", "isLoaded", "isStale", "isPinned"];
    let row = |feed| paths.iter().map(|path| word(feed, path)).collect();
    let rows: Vec<Vec<String>> = items(feeds).iter().map(row).collect();
    table(&["NAME", "KIND", "VERSION", "IPV4", "IPV6", "LOADED", "STALE", "PINNED"], &rows)
}

fn show(feed: &Value) -> String {
    let text = fields(&[
        ("name", word(feed, "name")),
        ("kind", word(feed, "kind")),
        ("version", word(feed, "serial")),
        ("prefixes", format!("{} IPv4, {} IPv6", word(feed, "v4"), word(feed, "v6"))),
        ("loaded", word(feed, "isLoaded")),
        ("stale", word(feed, "isStale")),
        ("pinned", word(feed, "isPinned")),
    ]);
    let row = |version: &Value| {
        vec![word(version, "serial"), date(version, "unixSecs"), word(version, "v4"), word(version, "v6")]
    };
    let rows: Vec<Vec<String>> = feed.get("versions").map_or(&[][..], items).iter().map(row).collect();
    text + "\n" + &table(&["VERSION", "SINCE (UTC)", "IPV4", "IPV6"], &rows)
}
