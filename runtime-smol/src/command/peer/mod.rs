//! `bgplite peer list|show|add|set|edit|remove|approve|refresh|reset|prefixes`.

mod options;
mod show;

use std::process::ExitCode;

use bgplite_core::ids::PeerId;
use bgplite_core::server::{Command, PeerState};
use bgplite_host::control::{self, MAX_PEERS, Query, Value};

use self::options::{Clear, Options};
use super::remote::{Failure, Remote, Result, Target, finish, items, word};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Every peer of the configuration and every registered one.
    List,
    /// One peer, what it asked for, and its sessions.
    Show {
        /// Its id or name.
        peer: String,
    },
    /// Register a peer, or replace what the peer of the same endpoint, address and ASN has.
    Add {
        #[command(flatten)]
        options: Box<Options>,
        /// Let it in only after `bgplite peer approve`.
        #[arg(long)]
        pending: bool,
    },
    /// Replace all that a registered peer has; what is not named gets its default.
    Set {
        /// Its id or name.
        peer: String,
        #[command(flatten)]
        options: Box<Options>,
    },
    /// Change what is named of a registered peer, and nothing else.
    Edit {
        /// Its id or name.
        peer: String,
        #[command(flatten)]
        options: Box<Options>,
        /// What gets its default again.
        #[arg(long, value_name = "WHAT", value_delimiter = ',')]
        clear: Vec<Clear>,
    },
    /// End a registered peer's session, and turn it away from now on.
    Remove {
        /// Its id or name.
        peer: String,
    },
    /// Let a peer in that waits for it.
    Approve {
        /// Its id or name.
        peer: String,
    },
    /// Send a peer all its prefixes again.
    Refresh {
        /// Its id or name.
        peer: String,
    },
    /// End a peer's session; it may come back at once.
    Reset {
        /// Its id or name.
        peer: String,
    },
    /// The prefixes that a peer should have, with their communities.
    Prefixes {
        /// Its id or name.
        peer: String,
    },
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    finish(perform(arguments))
}

fn perform(arguments: &Arguments) -> Result<()> {
    let mut remote = arguments.target.connect()?;
    match &arguments.action {
        Action::List => {
            let peers = Value::Array(all(&mut remote)?);
            remote.show(&peers, show::list);
        }
        Action::Show { peer } => {
            let peer = find(&mut remote, peer)?;
            remote.show(&peer, show::peer);
        }
        Action::Add { options, pending } => {
            let state = if *pending { PeerState::Pending } else { PeerState::Approved };
            let command = Command::PutPeer { spec: Box::new(options.to_spec()?), state };
            let answer = remote.command(command)?;
            remote.show(&answer, |answer| {
                let how = if word(answer, "isNew") == "yes" { "registered" } else { "replaced" };
                format!("peer {} is {how}\n", word(answer, "id"))
            });
        }
        Action::Set { peer, options } => {
            let id = id_of(&mut remote, peer)?;
            let spec = Box::new(options.to_spec()?);
            remote.perform(
                Command::SetPeer { id, revision: None, spec },
                format_args!("peer {id} is replaced"),
            )?;
        }
        Action::Edit { peer, options, clear } => edit(&mut remote, peer, options, clear)?,
        Action::Remove { peer } => {
            let id = id_of(&mut remote, peer)?;
            remote.perform(Command::RemovePeer { id }, format_args!("peer {id} is removed"))?;
        }
        Action::Approve { peer } => {
            let id = id_of(&mut remote, peer)?;
            remote.perform(Command::ApprovePeer { id }, format_args!("peer {id} is let in"))?;
        }
        Action::Refresh { peer } => {
            let id = id_of(&mut remote, peer)?;
            remote.perform(Command::ResendPeer { id }, format_args!("peer {id} is sent everything again"))?;
        }
        Action::Reset { peer } => {
            let id = id_of(&mut remote, peer)?;
            remote.perform(Command::ResetPeer { id }, format_args!("peer {id}: its session is ended"))?;
        }
        Action::Prefixes { peer } => {
            let id = id_of(&mut remote, peer)?;
            let lists = remote.query(Query::Prefixes { id })?;
            remote.show(&lists, show::prefixes);
        }
    }
    Ok(())
}

/// Changes what is named; refused when somebody else changed the peer meanwhile.
fn edit(remote: &mut Remote, peer: &str, options: &Options, clear: &[Clear]) -> Result<()> {
    let info = find(remote, peer)?;
    let mut spec = control::peer_spec(&info).map_err(|refusal| Failure::Impossible(refusal.to_string()))?;
    for what in clear {
        what.apply(&mut spec);
    }
    options.apply(&mut spec);
    let id = id_in(&info)?;
    let revision = info.get("revision").and_then(Value::as_u64);
    let command = Command::SetPeer { id, revision, spec: Box::new(spec) };
    remote.perform(command, format_args!("peer {id} is changed"))
}

/// Every peer, page by page.
fn all(remote: &mut Remote) -> Result<Vec<Value>> {
    let mut peers = Vec::new();
    loop {
        let after = peers.last().map(id_in).transpose()?;
        let page = remote.query(Query::Peers { after })?;
        peers.extend_from_slice(items(&page));
        if items(&page).len() < MAX_PEERS {
            return Ok(peers);
        }
    }
}

fn find(remote: &mut Remote, peer: &str) -> Result<Value> {
    if let Ok(id) = peer.parse() {
        return remote.query(Query::Peer { id: PeerId(id) });
    }
    // A removed one may have left its name to another.
    let mut named: Vec<Value> =
        all(remote)?.into_iter().filter(|known| word(known, "name") == peer).collect();
    named.sort_by_key(|known| word(known, "state") == "removed");
    named.into_iter().next().ok_or_else(|| Failure::Refused(format!("there is no peer {peer:?}")))
}

fn id_of(remote: &mut Remote, peer: &str) -> Result<PeerId> {
    match peer.parse() {
        Ok(id) => Ok(PeerId(id)),
        Err(_) => id_in(&find(remote, peer)?),
    }
}

fn id_in(info: &Value) -> Result<PeerId> {
    let id = info.get("id").and_then(Value::as_u64).map(PeerId);
    id.ok_or_else(|| Failure::Impossible("the server names a peer without an id".to_owned()))
}
