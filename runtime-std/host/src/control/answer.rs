//! Looks at the core for whoever asks.

use bgplite_core::server::{PeerStatus, RouteServer};
use bgplite_core::time::Instant;
use serde_json::{Value, json};

use super::{Outcome, Query, Refusal};

/// What `query` finds. Never changes anything.
pub fn answer(core: &RouteServer, _now: Instant, query: &Query) -> Outcome {
    match query {
        Query::Sessions => Ok(core.peers().map(|status| session(&status)).collect()),
        Query::Stats => value(core.stats()),
        _ => Err(Refusal::new("this version cannot say that yet")),
    }
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

fn value(of: &impl serde::Serialize) -> Outcome {
    serde_json::to_value(of).map_err(|error| Refusal::new(error.to_string()))
}
