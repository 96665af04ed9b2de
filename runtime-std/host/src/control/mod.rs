//! The control socket: how the command line speaks to a running daemon.
//!
//! A Unix socket in the state directory, JSON lines both ways. `{"id":1,"do":…}` is answered by `{"id":1,"ok":…}` or
//! `{"id":1,"error":{"message":"…","field":"…"}}`, in the order of the requests; several may be under way. What can be
//! done is every [`Command`] that concerns peers, sources and feeds, as `{"remove_peer":{"id":7}}`, and every [`Query`],
//! as `"sources"` or `{"peer":{"id":7}}`.

mod answer;
mod client;

use std::fmt;

use bgplite_core::ids::{PeerId, Serial};
use bgplite_core::server::{Command, CommandError, PeerSpec, Reply};
use serde::{Deserialize, Serialize};
pub use serde_json::Value;

pub use answer::answer;
pub use client::{Client, ControlError};

/// Name of the socket in the state directory.
pub const SOCKET: &str = "control.sock";
/// Clients at once; one more is told so and closed.
pub const MAX_CLIENTS: usize = 16;
/// Octets in a line of a client; a longer one is answered, and its connection closed.
pub const MAX_LINE: usize = 1 << 20;
/// Requests of one client that are under way; more of them wait in the socket.
pub const MAX_UNDER_WAY: usize = 64;
/// How long a client may say nothing, or take nothing.
pub const IDLE_SECS: u64 = 30;
/// Peers in one answer at most.
pub const MAX_PEERS: usize = 1000;

/// One line of a client.
#[derive(Clone, Debug)]
pub struct Request {
    /// Chosen by the client; comes back with the answer.
    pub id: u64,
    /// What to do.
    pub ask: Ask,
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub enum Ask {
    /// A change.
    Command(Box<Command>),
    /// A look.
    Query(Query),
}

/// What can be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Query {
    /// Every source.
    Sources,
    /// One source.
    Source {
        /// Its name.
        name: String,
    },
    /// Every feed.
    Feeds,
    /// One feed.
    Feed {
        /// Its name.
        name: String,
    },
    /// What leads from one version of a feed to another.
    FeedDiff {
        /// The feed's name.
        name: String,
        /// The version to begin with.
        from: Serial,
        /// The version to end with.
        to: Serial,
    },
    /// Peers of the configuration and registered ones by id, [`MAX_PEERS`] at most.
    Peers {
        /// Those after this id.
        #[serde(default)]
        after: Option<PeerId>,
    },
    /// One peer.
    Peer {
        /// Its id.
        id: PeerId,
    },
    /// What the sessions of a peer should have: one list for each that is established.
    Prefixes {
        /// The peer's id.
        id: PeerId,
    },
    /// Every connection.
    Sessions,
    /// The counters.
    Stats,
}

const QUERIES: [&str; 10] =
    ["sources", "source", "feeds", "feed", "feed_diff", "peers", "peer", "prefixes", "sessions", "stats"];

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A sentence.
    pub message: String,
    /// The path of the field that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Refusal {
    /// One of no field.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), field: None }
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        let message = error.to_string();
        match error {
            CommandError::Field { field, .. } => Self { message, field: Some(field) },
            _ => Self::new(message),
        }
    }
}

/// What comes of a request.
pub type Outcome = Result<Value, Refusal>;

#[derive(Serialize, Deserialize)]
struct Line {
    id: u64,
    #[serde(rename = "do")]
    ask: Value,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Refusal>,
}

impl Request {
    /// Reads a line, with or without its end; otherwise the id, or 0 where there is none, and what is wrong.
    pub fn parse(line: &[u8]) -> Result<Self, (u64, Refusal)> {
        let wrong = |id, error: &dyn fmt::Display| (id, Refusal::new(format!("this is no request: {error}")));
        let Line { id, ask } = serde_json::from_slice(line).map_err(|error| wrong(0, &error))?;
        let name = match &ask {
            Value::Object(fields) => fields.keys().next().cloned().unwrap_or_default(),
            Value::String(name) => name.clone(),
            _ => String::new(),
        };
        let ask = if QUERIES.contains(&name.as_str()) {
            Ask::Query(serde_json::from_value(ask).map_err(|error| wrong(id, &error))?)
        } else {
            let command = serde_json::from_value(ask).map_err(|error| wrong(id, &error))?;
            if matches!(command, Command::Reload(_) | Command::Shutdown { .. }) {
                return Err((id, Refusal::new(format!("{name} is not done here: send the daemon a signal"))));
            }
            Ask::Command(Box::new(command))
        };
        Ok(Self { id, ask })
    }

    /// The line, with its end.
    pub fn to_line(&self) -> serde_json::Result<Vec<u8>> {
        let ask = match &self.ask {
            Ask::Command(command) => serde_json::to_value(command)?,
            Ask::Query(query) => serde_json::to_value(query)?,
        };
        to_line(&Line { id: self.id, ask })
    }
}

/// The line that answers a request, with its end.
pub fn answer_line(id: u64, outcome: Outcome) -> Vec<u8> {
    let answer = match outcome {
        Ok(value) => Answer { id, ok: Some(value), error: None },
        Err(refusal) => Answer { id, ok: None, error: Some(refusal) },
    };
    // Values and strings have a form in JSON.
    to_line(&answer).unwrap_or_default()
}

/// Reads such a line.
fn parse_answer(line: &[u8]) -> serde_json::Result<(u64, Outcome)> {
    let Answer { id, ok, error } = serde_json::from_slice(line)?;
    Ok((id, error.map_or_else(|| Ok(ok.unwrap_or_default()), Err)))
}

fn to_line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// What the core's answer to a command is here.
pub fn outcome(reply: Reply) -> Outcome {
    match reply {
        Reply::Refused(error) => Err(error.into()),
        Reply::Peer { id, revision, is_new } => {
            Ok(serde_json::json!({ "id": id, "revision": revision, "isNew": is_new }))
        }
        _ => Ok(Value::Object(serde_json::Map::new())),
    }
}

/// What a peer that [`Query::Peer`] showed was registered as.
pub fn peer_spec(info: &Value) -> Result<PeerSpec, Refusal> {
    let field = |name: &str| info.get(name).cloned().unwrap_or_default();
    let spec = serde_json::json!({
        "name": field("name"),
        "description": field("description"),
        "address": field("address"),
        "asn": field("asn"),
        "listen": field("listen"),
        "subscription": field("subscription"),
        "next_hop": field("nextHop"),
        "next_hop_v6": field("nextHopV6"),
        "families": field("families"),
    });
    serde_json::from_value(spec)
        .map_err(|error| Refusal::new(format!("the server is another version than this program: {error}")))
}

/// JSON for people.
pub fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_command_of_the_core_or_a_query() {
        let parse = |text: &str| Request::parse(text.as_bytes());
        let request = parse("{\"id\":7,\"do\":{\"remove_peer\":{\"id\":3}}}\n").unwrap();
        assert!(
            matches!(&request.ask, Ask::Command(command) if matches!(**command, Command::RemovePeer { id: PeerId(3) }))
        );
        assert_eq!(request.to_line().unwrap(), b"{\"id\":7,\"do\":{\"remove_peer\":{\"id\":3}}}\n");
        let request = parse("{\"id\":8,\"do\":\"stats\"}").unwrap();
        assert!(matches!(request.ask, Ask::Query(Query::Stats)));
        assert_eq!(request.to_line().unwrap(), b"{\"id\":8,\"do\":\"stats\"}\n");
        let request = parse("{\"id\":8,\"do\":{\"peers\":{}}}").unwrap();
        assert!(matches!(request.ask, Ask::Query(Query::Peers { after: None })));
    }

    #[test]
    fn what_is_no_request_is_answered_with_its_id_and_what_is_wrong() {
        let wrong = |text: &str| {
            let (id, refusal) = Request::parse(text.as_bytes()).unwrap_err();
            (id, refusal.message)
        };
        assert_eq!(wrong("hello").0, 0);
        let (id, said) = wrong("{\"id\":4,\"do\":{\"peer\":{\"name\":\"home\"}}}");
        assert!(id == 4 && said.contains("unknown field `name`, expected `id`"), "{said}");
        let (id, said) = wrong("{\"id\":5,\"do\":\"reboot\"}");
        assert!(id == 5 && said.contains("unknown variant `reboot`"), "{said}");
        let (id, said) = wrong("{\"id\":6,\"do\":{\"shutdown\":{\"text\":\"\"}}}");
        assert_eq!((id, said.as_str()), (6, "shutdown is not done here: send the daemon a signal"));
    }

    #[test]
    fn an_answer_is_one_line_and_names_the_field_that_is_wrong() {
        let error = CommandError::Field { field: "asn".into(), problem: "is 0".into() };
        let line = answer_line(9, outcome(Reply::Refused(error)));
        assert_eq!(line, b"{\"id\":9,\"error\":{\"message\":\"asn: is 0\",\"field\":\"asn\"}}\n");
        let refusal = Refusal { message: "asn: is 0".into(), field: Some("asn".into()) };
        assert_eq!(parse_answer(&line).unwrap(), (9, Err(refusal)));
        let reply = Reply::Peer { id: PeerId(5), revision: 2, is_new: true };
        assert_eq!(
            answer_line(1, outcome(reply)),
            b"{\"id\":1,\"ok\":{\"id\":5,\"isNew\":true,\"revision\":2}}\n"
        );
        assert_eq!(answer_line(1, outcome(Reply::Done)), b"{\"id\":1,\"ok\":{}}\n");
    }
}
