//! The effects an adapter performs.

use alloc::string::String;

use crate::feed::{FetchRequest, SourceRecord};
use crate::ids::{ConnId, SourceId, Ticket};
use crate::server::{Notice, Reply};

/// One effect. The adapter performs it and decides nothing.
#[derive(Clone, Debug)]
pub enum Action {
    /// There are bytes for this connection: call [`poll_transmit`](super::RouteServer::poll_transmit), write
    /// the batch, and repeat until it returns `false`. Not sent again while the adapter is at it.
    Transmit {
        /// The connection.
        conn: ConnId,
    },
    /// Close this connection, then report [`Input::Disconnected`](super::Input::Disconnected).
    Close {
        /// The connection.
        conn: ConnId,
        /// `true`: first write what `poll_transmit` still gives, shut down the sending side, and read until
        /// the peer closes, so that no reset overtakes the NOTIFICATION. `false`: at once, whatever is left.
        flush: bool,
    },
    /// Get a body and report [`Input::Fetched`](super::Input::Fetched).
    Fetch {
        /// The source.
        source: SourceId,
        /// What to get.
        request: FetchRequest,
    },
    /// Write to the store and report [`Input::Stored`](super::Input::Stored) when it is durable.
    Store {
        /// Names the write.
        ticket: Ticket,
        /// What to write.
        write: StoreWrite,
    },
    /// Answer the command with this ticket.
    Reply {
        /// Names the command.
        ticket: Ticket,
        /// The answer.
        reply: Reply,
    },
    /// Something people should know.
    Notice(Notice),
    /// The server cannot start as configured: say this sentence and end with exit code 2.
    Fail {
        /// One sentence that names the thing and the remedy.
        reason: String,
    },
}

/// What to write to the store.
#[derive(Clone, Debug)]
pub enum StoreWrite {
    /// Keep a source's body as its last good one.
    Source(SourceRecord),
}
