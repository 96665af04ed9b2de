//! Looks at the core for whoever asks.

use std::sync::Arc;

use bgplite_core::config::nearest;
use bgplite_core::ids::PeerId;
use bgplite_core::rib::{AnyPrefix, TagSet};
use bgplite_core::server::{PeerInfo, PeerStatus, RouteServer, SessionInfo};
use bgplite_core::time::Instant;
use serde::Serialize;
use serde_json::{Value, json};

use super::{MAX_PEERS, Outcome, Query, Refusal};

/// What `query` finds. Never changes anything.
pub fn answer(core: &RouteServer, now: Instant, query: &Query) -> Outcome {
    match query {
        Query::Sessions => Ok(core.peers().map(|status| session(&status)).collect()),
        Query::Stats => value(core.stats()),
        Query::Peers { after } => {
            let is_later = |peer: &PeerInfo| after.is_none_or(|after| peer.id > after);
            value(&core.registered().filter(is_later).take(MAX_PEERS).collect::<Vec<_>>())
        }
        Query::Peer { id } => core.find_peer(*id).map_or_else(|| Err(no_peer(*id)), |peer| value(&peer)),
        Query::Prefixes { id } => prefixes(core, *id),
        Query::Sources => value(&core.sources(now)),
        Query::Source { name } => named("source", name, &core.sources(now), |source| &source.name),
        Query::Feeds => value(&core.feeds()),
        Query::Feed { name } => named("feed", name, &core.feeds(), |feed| &feed.name),
        Query::FeedDiff { name, from, to } => value(&core.feed_diff(name, *from, *to)?),
    }
}

/// One list for each session of the peer that is established.
fn prefixes(core: &RouteServer, id: PeerId) -> Outcome {
    let peer = core.find_peer(id).ok_or_else(|| no_peer(id))?;
    let list = |session: &SessionInfo| {
        let routes: Vec<Value> = core.routes_for(session.conn)?.iter().map(route).collect();
        Some(json!({ "conn": session.conn, "remote": session.remote, "routes": routes }))
    };
    let lists: Vec<Value> = peer.sessions.iter().filter_map(list).collect();
    if lists.is_empty() {
        return Err(Refusal::new(format!("peer {:?} has no established session", peer.name)));
    }
    Ok(Value::Array(lists))
}

fn route((prefix, tags): &(AnyPrefix, Arc<TagSet>)) -> Value {
    let standard = tags.standard().iter().map(ToString::to_string);
    let large = tags.large().iter().map(ToString::to_string);
    json!({ "prefix": prefix, "communities": standard.chain(large).collect::<Vec<_>>() })
}

fn session(status: &PeerStatus) -> Value {
    json!({
        "conn": status.conn,
        "peer": status.peer,
        "remote": status.remote,
        "asn": status.asn,
        "state": status.state,
        "toldV4": status.told.0,
        "toldV6": status.told.1,
        "inSync": status.is_in_sync,
    })
}

/// The one of this name.
fn named<T: Serialize>(kind: &str, name: &str, all: &[T], name_of: impl Fn(&T) -> &String) -> Outcome {
    if let Some(one) = all.iter().find(|one| name_of(one) == name) {
        return value(one);
    }
    let near = nearest(name, all.iter().map(|one| name_of(one).as_str()));
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
    Err(Refusal::new(format!("there is no {kind} {name:?}{hint}")))
}

fn no_peer(id: PeerId) -> Refusal {
    Refusal::new(format!("there is no peer {id}"))
}

fn value(of: &impl Serialize) -> Outcome {
    serde_json::to_value(of).map_err(|error| Refusal::new(error.to_string()))
}
