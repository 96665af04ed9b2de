//! One connection: the server's socket, the peer's end, and what lies between.

use bgplite_core::ids::ConnId;
use bgplite_core::server::{BATCH_BYTES, Batch, Chunk, Input};
use bgplite_core::session::Lost;
use bgplite_core::wire::{AfiSafi, MAX_EXTENDED_LEN};

use super::check::Opening;
use super::{Collision, LinkEvent};
use crate::model::endpoint::Endpoint;
use crate::model::pipe::{Arrival, Ending, Pipe};
use crate::model::{Budget, Violation};

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) conn: ConnId,
    pub(super) client: Endpoint,
    pub(super) to_client: Pipe,
    pub(super) to_server: Pipe,
    /// The server has bytes for it, it says.
    pub(super) is_signalled: bool,
    /// A batch that found no room yet.
    held: Option<Vec<u8>>,
    close: Option<Close>,
    /// The server's socket is closed, and the server knows.
    pub(super) is_gone: bool,
    /// The server's session was over.
    pub(super) was_closed: bool,
}

/// How the server's adapter was told to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Close {
    Flush,
    /// All is written and our side shut down; the peer's end is awaited.
    Flushed,
    Now,
}

impl Link {
    pub(super) fn new(conn: ConnId, client: Endpoint) -> Self {
        Self {
            conn,
            client,
            to_client: Pipe::default(),
            to_server: Pipe::default(),
            is_signalled: false,
            held: None,
            close: None,
            is_gone: false,
            was_closed: false,
        }
    }

    /// Nobody is left at either end.
    pub(super) const fn is_over(&self) -> bool {
        self.is_gone && self.client.is_gone
    }

    pub(super) fn ask_to_close(&mut self, flush: bool) {
        self.close = match (flush, self.close) {
            (false, _) => Some(Close::Now),
            (true, before) => before.or(Some(Close::Flush)),
        };
    }

    /// All that can happen now.
    pub(super) fn events(&self, budget: Budget) -> impl Iterator<Item = LinkEvent> + use<> {
        let client = &self.client;
        let may_fail = budget.faults > 0;
        [
            (self.can_server_transmit(), LinkEvent::ServerTransmits),
            (self.can_server_receive(), LinkEvent::ServerReceives),
            (client.can_transmit(&self.to_server), LinkEvent::ClientTransmits),
            (client.can_receive(&self.to_client), LinkEvent::ClientReceives),
            (budget.timers > 0 && client.deadline().is_some(), LinkEvent::ClientTimer),
            (budget.refreshes > 0 && client.is_established(), LinkEvent::ClientRefreshes),
            (may_fail && client.is_alive(), LinkEvent::ClientCloses),
            (may_fail && !self.is_gone, LinkEvent::ServerLoses),
            (may_fail && !client.is_gone, LinkEvent::ClientLoses),
            (may_fail && !client.is_gone, LinkEvent::ClientVanishes),
        ]
        .into_iter()
        .filter_map(|(is_possible, event)| is_possible.then_some(event))
    }

    /// What happens when nothing goes wrong and no time passes.
    pub(super) fn prompt(&self) -> Option<LinkEvent> {
        self.events(Budget { faults: 0, timers: 0, refreshes: 0 }).next()
    }

    fn can_server_transmit(&self) -> bool {
        if self.is_gone {
            return false;
        }
        match (self.close, &self.held) {
            (Some(Close::Now), _) | (Some(Close::Flush), None) => true,
            (_, Some(_)) => self.to_client.has_room(),
            (Some(Close::Flushed), None) => false,
            (None, None) => self.is_signalled,
        }
    }

    fn can_server_receive(&self) -> bool {
        let is_heard = match self.to_server.ending() {
            Some(Ending::Reset) => true,
            // The rest is written before the end is looked at.
            Some(Ending::Fin) => self.close != Some(Close::Flush),
            None => false,
        };
        !self.is_gone && (self.to_server.has_bytes() || is_heard)
    }
}

impl Collision {
    pub(super) fn apply_to_link(&mut self, conn: ConnId, event: LinkEvent) -> Result<(), Violation> {
        let (now, delivery) = (self.now, self.options.delivery);
        match event {
            LinkEvent::ServerTransmits => return self.server_transmits(conn),
            LinkEvent::ServerReceives => return self.server_receives(conn),
            LinkEvent::ServerLoses => {
                self.budget.fault();
                let Some(link) = self.link(conn) else { return Ok(()) };
                link.to_server.lose();
                link.to_client.reset();
                return self.disconnect(conn, Lost::Error("broken".into()));
            }
            LinkEvent::ClientCloses | LinkEvent::ClientLoses | LinkEvent::ClientVanishes => {
                self.budget.fault();
            }
            LinkEvent::ClientRefreshes => self.budget.refresh(),
            LinkEvent::ClientTimer => self.budget.timer(),
            LinkEvent::ClientTransmits | LinkEvent::ClientReceives => {}
        }
        let Some(link) = self.links.iter_mut().find(|link| link.conn == conn) else {
            return Ok(());
        };
        let (client, inward, outward) = (&mut link.client, &mut link.to_client, &mut link.to_server);
        match event {
            LinkEvent::ClientTransmits => client.transmit(now, outward),
            LinkEvent::ClientReceives => client.receive(now, inward, outward, delivery),
            LinkEvent::ClientLoses => client.lose(now, inward, outward),
            LinkEvent::ClientCloses => client.close(now),
            LinkEvent::ClientTimer => {
                self.now = client.deadline().unwrap_or(now).max(now);
                client.fire(self.now)
            }
            LinkEvent::ClientRefreshes => {
                client.session.refresh(AfiSafi::IPV4_UNICAST);
                Ok(())
            }
            LinkEvent::ClientVanishes => {
                client.vanish();
                Ok(())
            }
            LinkEvent::ServerTransmits | LinkEvent::ServerReceives | LinkEvent::ServerLoses => Ok(()),
        }
    }

    /// The adapter's next step in writing: the batch that is out, the next one, or the end.
    fn server_transmits(&mut self, conn: ConnId) -> Result<(), Violation> {
        let now = self.now;
        let Some(link) = self.links.iter_mut().find(|link| link.conn == conn) else {
            return Ok(());
        };
        if link.close == Some(Close::Now) {
            link.to_server.lose();
            return self.disconnect(conn, Lost::Closed);
        }
        if link.held.is_none() {
            let mut batch = Batch::new();
            link.is_signalled = self.server.poll_transmit(now, conn, &mut batch);
            if batch.len() > BATCH_BYTES + MAX_EXTENDED_LEN {
                return Err(Violation::QueueOverBound);
            }
            if batch.is_empty() {
                if link.close == Some(Close::Flush) {
                    link.close = Some(Close::Flushed);
                    link.to_client.close();
                }
                return self.check();
            }
            link.held = Some(batch.chunks().iter().flat_map(Chunk::as_bytes).copied().collect());
        }
        if link.to_client.has_room()
            && let Some(bytes) = link.held.take()
        {
            link.to_client.write(&bytes)?;
            return self.handle(Input::Sent { conn });
        }
        self.check()
    }

    fn server_receives(&mut self, conn: ConnId) -> Result<(), Violation> {
        let delivery = self.options.delivery;
        let Some(link) = self.link(conn) else { return Ok(()) };
        let is_closing = link.close.is_some();
        match link.to_server.next(delivery) {
            // What is read from a connection that closes is dropped.
            Some(Arrival::Bytes(..)) if is_closing => self.check(),
            Some(Arrival::Bytes(bytes, kind)) => {
                let opening = Opening::before(self, conn, kind);
                self.handle(Input::Received { conn, bytes: &bytes })?;
                opening.map_or(Ok(()), |opening| opening.check(self))
            }
            Some(Arrival::End(_)) if is_closing => self.disconnect(conn, Lost::Closed),
            Some(Arrival::End(Ending::Fin)) => self.disconnect(conn, Lost::Eof),
            Some(Arrival::End(Ending::Reset)) => self.disconnect(conn, Lost::Error("reset".into())),
            None => Ok(()),
        }
    }

    /// The server's socket is closed, and the server told.
    fn disconnect(&mut self, conn: ConnId, lost: Lost) -> Result<(), Violation> {
        if let Some(link) = self.link(conn) {
            link.is_gone = true;
            link.is_signalled = false;
            link.held = None;
            link.close = None;
            link.to_client.close();
        }
        self.handle(Input::Disconnected { conn, lost })
    }
}
