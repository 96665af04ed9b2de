//! The server's sockets: what its adapter reads, writes and closes for it.

use bgplite_core::ids::ConnId;
use bgplite_core::server::Input;
use bgplite_core::session::Lost;

use super::World;
use super::link::Phase;
use super::oracle::FarEnd;
use super::queue::Direction;

impl World<'_> {
    pub(super) fn close(&mut self, conn: ConnId, flush: bool) {
        let Some(link) = self.links.get_mut(&conn) else { return };
        match (flush, link.phase) {
            (true, Phase::Open) => {
                link.phase = Phase::Flushing;
                self.ready.insert(conn);
            }
            (true, _) | (false, Phase::Gone) => {}
            (false, _) => {
                self.lose(conn, Lost::Closed);
                self.reset_client(conn);
            }
        }
    }

    /// The server's end is gone, and the core is told so.
    pub(super) fn lose(&mut self, conn: ConnId, lost: Lost) {
        let Some(link) = self.links.get_mut(&conn).filter(|link| link.phase != Phase::Gone) else { return };
        self.trace.word(15 << 32 | conn.0);
        link.phase = Phase::Gone;
        link.has_bytes = false;
        link.batch.clear();
        link.written = (0, 0);
        link.up.cut();
        if self.trace.is_heard() {
            self.say(format_args!("conn {conn} is lost to the server: {lost}"));
        }
        self.tell(Input::Disconnected { conn, lost });
        self.bury(conn);
    }

    /// One turn of a connection's writer.
    pub(super) fn pump(&mut self, conn: ConnId) {
        let now = self.now;
        let (Some(link), Some(server)) = (self.links.get_mut(&conn), &mut self.node.server) else { return };
        if matches!(link.phase, Phase::Gone | Phase::Draining) {
            return;
        }
        if link.batch.is_empty() {
            if !link.has_bytes && link.phase == Phase::Open {
                return;
            }
            link.has_bytes = server.poll_transmit(now, conn, &mut link.batch);
            if !link.has_bytes {
                let silent = link.watch.fall_silent();
                self.check(conn, silent);
                self.written_all(conn);
                return;
            }
            for chunk in link.batch.chunks() {
                self.trace.bytes(chunk.as_bytes());
            }
            let read = link.watch.read(now, &link.batch);
            if self.trace.is_heard() {
                let octets = link.batch.len();
                self.say(format_args!("conn {conn} batch of {octets} octets"));
            }
            self.check(conn, read);
        }
        let Some(link) = self.links.get_mut(&conn) else { return };
        if link.write_batch() {
            if link.batch.is_empty() {
                if std::mem::take(&mut link.is_blocked) {
                    link.watch.forgive(now);
                }
                self.ready.insert(conn);
            } else {
                link.is_blocked = true;
            }
            self.tell(Input::Sent { conn });
        } else {
            link.is_blocked = true;
        }
        self.schedule(conn, Direction::Down);
    }

    pub(super) fn written_all(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn) else { return };
        match link.phase {
            Phase::Open | Phase::Draining | Phase::Gone => {}
            Phase::FlushingToClosed => self.lose(conn, Lost::Closed),
            Phase::Flushing => {
                link.phase = Phase::Draining;
                link.down.is_finished = true;
                self.schedule(conn, Direction::Down);
            }
        }
    }

    /// A connection comes in.
    pub(super) fn accept(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn) else { return };
        let (local, remote) = (link.local, link.remote);
        link.is_nobody = !self.oracle.may_know(local, remote.ip().to_canonical());
        self.node.remotes.insert(remote, conn);
        self.trace.word(16 << 32 | conn.0);
        self.say(format_args!("conn {conn} comes in from {remote} to {local}"));
        self.tell(Input::Connected { conn, local, remote });
    }

    /// Bytes have come up as far as the server.
    pub(super) fn receive(&mut self, conn: ConnId, bytes: &[u8]) {
        self.trace.word(17 << 32 | conn.0);
        self.trace.bytes(bytes);
        let Some(link) = self.links.get_mut(&conn) else { return };
        if link.phase != Phase::Open {
            return;
        }
        link.watch.hear(self.now, bytes);
        let longest = link.watch.longest_heard();
        self.tell(Input::Received { conn, bytes });
        let buffered = self.node.server.as_ref().map_or(0, |server| server.buffered(conn));
        if buffered >= longest {
            self.fail(format!("conn {conn}: {buffered} octets wait to become a message"));
        }
    }
}

impl super::link::Link {
    /// Who is there, once its OPEN has come.
    pub(crate) fn far_end(&self) -> Option<FarEnd> {
        let open = self.watch.theirs.as_ref()?;
        let address = self.remote.ip().to_canonical();
        Some(FarEnd { local: self.local, address, asn: open.asn.0, router_id: open.router_id })
    }
}
