//! A session and its socket: one end of a connection.

use std::collections::BTreeSet;
use std::fmt;

use bgplite_core::rib::Prefix4;
use bgplite_core::rng::Rng;
use bgplite_core::session::{Event, Lost, Sending, Session, SessionConfig, State, Timer};
use bgplite_core::time::{Duration, Instant};
use bgplite_core::wire::{MAX_EXTENDED_LEN, Notification};

use super::Violation;
use super::pipe::{Arrival, Delivery, Ending, Pipe};

/// One end of a connection, and what its session has learnt.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) session: Session,
    /// The session said that it is over.
    is_over: bool,
    /// The socket is closed, or the machine is off.
    pub(super) is_gone: bool,
    pub(super) routes: BTreeSet<Prefix4>,
    pub(super) end_of_rib: u8,
}

impl Endpoint {
    pub(super) fn new(config: SessionConfig, seed: u64, now: Instant) -> Self {
        Self {
            session: Session::new(config, Rng::new(seed), now),
            is_over: false,
            is_gone: false,
            routes: BTreeSet::new(),
            end_of_rib: 0,
        }
    }

    /// Whether routes may flow.
    pub(super) fn is_established(&self) -> bool {
        !self.is_gone && self.session.state() == State::Established
    }

    /// Whether it has a session that may get somewhere.
    pub(super) fn is_alive(&self) -> bool {
        !self.is_gone && self.session.state() != State::Closed
    }

    /// Whether the session has something to say that fits `out`, or the socket is to be closed.
    pub(super) fn can_transmit(&self, out: &Pipe) -> bool {
        let has_control = self.session.has_control();
        !self.is_gone && (has_control && out.has_room() || !has_control && !self.is_alive())
    }

    /// The adapter asks for bytes and writes them; after the last word of a session it closes the socket.
    pub(super) fn transmit(&mut self, now: Instant, out: &mut Pipe) -> Result<(), Violation> {
        if self.session.has_control() {
            let mut bytes = Vec::new();
            self.session.poll_control(&mut bytes);
            self.session.handle_sending(now, Sending::Progress);
            out.write(&bytes)?;
            self.session.handle_sending(now, Sending::Done);
        }
        if self.session.state() == State::Closed {
            self.is_gone = true;
            out.close();
        }
        Ok(())
    }

    /// Whether something is to arrive: octets, or the end.
    pub(super) fn can_receive(&self, inward: &Pipe) -> bool {
        inward.has_bytes() || !self.is_gone && inward.ending().is_some()
    }

    /// What is on its way arrives. Octets that arrive where nobody is draw a reset.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        inward: &mut Pipe,
        outward: &mut Pipe,
        delivery: Delivery,
    ) -> Result<(), Violation> {
        if self.is_gone {
            inward.lose();
            outward.reset();
            return Ok(());
        }
        match inward.next(delivery) {
            Some(Arrival::Bytes(bytes, _)) => self.session.handle_bytes(&bytes),
            Some(Arrival::End(ending)) => {
                self.is_gone = true;
                self.session.handle_disconnected(match ending {
                    Ending::Fin => Lost::Eof,
                    Ending::Reset => Lost::Error("reset".into()),
                });
                outward.close();
            }
            None => {}
        }
        self.drive(now)
    }

    /// The connection breaks, and this end is the first to know.
    pub(super) fn lose(
        &mut self,
        now: Instant,
        inward: &mut Pipe,
        outward: &mut Pipe,
    ) -> Result<(), Violation> {
        self.session.handle_disconnected(Lost::Error("broken".into()));
        self.is_gone = true;
        inward.lose();
        outward.reset();
        self.drive(now)
    }

    /// The machine is off: no octet leaves it any more, and none is answered but by a reset.
    pub(super) fn vanish(&mut self) {
        self.is_gone = true;
    }

    /// The session's next timer, unless nobody is there to fire it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.session.poll_timeout().map(|(at, _)| at).filter(|_| !self.is_gone)
    }

    /// Fires what is due.
    pub(super) fn fire(&mut self, now: Instant) -> Result<(), Violation> {
        self.session.handle_timeout(now);
        self.drive(now)?;
        match self.deadline() {
            Some(at) if at <= now => Err(Violation::DeadlineNotLater),
            _ => Ok(()),
        }
    }

    /// Ends the session: Cease 6/2 (RFC 4486).
    pub(super) fn close(&mut self, now: Instant) -> Result<(), Violation> {
        self.session.close(Notification::new(6, 2));
        self.drive(now)
    }

    fn drive(&mut self, now: Instant) -> Result<(), Violation> {
        while let Some(event) = self.session.poll_event(now) {
            if self.is_over {
                return Err(Violation::Reopened);
            }
            match event {
                Event::Opened | Event::Established | Event::Refresh(_) => {}
                Event::Update(update) => {
                    if update.end_of_rib().is_some() {
                        self.end_of_rib = self.end_of_rib.saturating_add(1);
                    }
                    for prefix in update.withdrawn_v4() {
                        self.routes.remove(&prefix);
                    }
                    self.routes.extend(update.announced_v4());
                }
                Event::Down(_) => self.is_over = true,
            }
        }
        self.check(now)
    }

    /// What must hold of a session, whatever happens.
    fn check(&self, now: Instant) -> Result<(), Violation> {
        let state = self.session.state();
        if self.is_over != (state == State::Closed) {
            return Err(Violation::Reopened);
        }
        if self.session.buffered() >= MAX_EXTENDED_LEN {
            return Err(Violation::QueueOverBound);
        }
        let hold_secs = self.session.negotiated().map_or(0, |negotiated| negotiated.hold_secs);
        check_timers(now, state, hold_secs, self.session.timers())
    }
}

impl fmt::Debug for Endpoint {
    /// Of an end that is gone only that counts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_gone {
            return f.write_str("Gone");
        }
        let Self { session, is_over, is_gone: _, routes, end_of_rib } = self;
        f.debug_tuple("Endpoint").field(session).field(is_over).field(routes).field(end_of_rib).finish()
    }
}

/// Each state has its timers, and no other: RFC 4271 8.2.2, 10. Only the send hold timer (RFC 9687) comes and goes
/// with what the transport holds, in any state but the last.
pub(super) fn check_timers(
    now: Instant,
    state: State,
    hold_secs: u16,
    timers: impl Iterator<Item = (Instant, Timer)>,
) -> Result<(), Violation> {
    let mut runs = [false; 3];
    let hold = Duration::from_secs(hold_secs.into());
    let is_open = matches!(state, State::OpenConfirm | State::Established);
    for (at, timer) in timers {
        let (slot, ahead) = match timer {
            Timer::OpenDelay => (Some(0), Duration::from_secs(1)),
            Timer::Hold => (Some(1), if is_open { hold } else { Duration::from_secs(60) }),
            Timer::Keepalive => (Some(2), hold / 3),
            Timer::SendHold => (None, Duration::from_secs(480)),
        };
        if let Some(runs) = slot.and_then(|slot: usize| runs.get_mut(slot)) {
            *runs = true;
        }
        if state == State::Closed || at.saturating_since(now) > ahead {
            return Err(Violation::WrongTimers);
        }
    }
    let expected = match state {
        State::OpenDelay => [true, true, false],
        State::OpenSent => [false, true, false],
        State::OpenConfirm | State::Established => [false, hold_secs > 0, hold_secs > 0],
        State::Closed => [false; 3],
    };
    if runs == expected { Ok(()) } else { Err(Violation::WrongTimers) }
}
