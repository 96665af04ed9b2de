//! What can happen.

use std::fmt;

use bgplite_core::ids::ConnId;

/// What can happen to a server and the connections of its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollisionEvent {
    /// The peer opens a connection.
    Accept,
    /// The server's next timer fires.
    ServerTimer,
    /// The operator stops the server.
    Shutdown,
    /// The operator takes the peer out of the configuration.
    Remove,
    /// Something on one connection.
    On(ConnId, LinkEvent),
}

/// What can happen to one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// The server's adapter asks for bytes and writes them, or closes the socket as it was told to.
    ServerTransmits,
    /// What is on its way to the server arrives.
    ServerReceives,
    /// The peer's adapter does the same.
    ClientTransmits,
    /// What is on its way to the peer arrives.
    ClientReceives,
    /// The peer's next timer on this connection fires.
    ClientTimer,
    /// The peer asks for its routes again.
    ClientRefreshes,
    /// The peer closes with a NOTIFICATION.
    ClientCloses,
    /// The connection breaks, and the server is the first to know.
    ServerLoses,
    /// The connection breaks, and the peer is the first to know.
    ClientLoses,
    /// The peer has rebooted, and knows nothing of this connection any more; nobody tells the server.
    ClientVanishes,
}

impl fmt::Display for CollisionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("the peer opens a connection"),
            Self::ServerTimer => f.write_str("the server's next timer fires"),
            Self::Shutdown => f.write_str("the operator stops the server"),
            Self::Remove => f.write_str("the operator removes the peer"),
            Self::On(conn, event) => write!(f, "connection {conn}: {event}"),
        }
    }
}

impl fmt::Display for LinkEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerTransmits => "the server writes what it has, or closes after its last word",
            Self::ServerReceives => "the server gets what is on its way",
            Self::ClientTransmits => "the peer writes what it has, or closes after its last word",
            Self::ClientReceives => "the peer gets what is on its way",
            Self::ClientTimer => "the peer's next timer fires",
            Self::ClientRefreshes => "the peer asks for its routes again",
            Self::ClientCloses => "the peer closes with Cease",
            Self::ServerLoses => "the server loses it",
            Self::ClientLoses => "the peer loses it",
            Self::ClientVanishes => "the peer reboots and forgets it",
        })
    }
}
