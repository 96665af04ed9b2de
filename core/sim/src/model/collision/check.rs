//! What must hold after every step.

use bgplite_core::ids::ConnId;
use bgplite_core::server::Timer;
use bgplite_core::session::{self, State};
use bgplite_core::time::Duration;
use bgplite_core::wire::{MAX_EXTENDED_LEN, MessageKind};

use super::link::Link;
use super::{Collision, Phase, Rank};
use crate::model::Violation;
use crate::model::endpoint::check_timers;

impl Collision {
    /// What must hold of the server, whatever happened.
    pub(super) fn check(&mut self) -> Result<(), Violation> {
        let states = self.states();
        let count = |wanted: &[State]| states.iter().filter(|(_, state)| wanted.contains(state)).count();
        if count(&[State::Established]) > 1 {
            return Err(Violation::TwoEstablished);
        }
        if count(&[State::OpenConfirm, State::Established]) > 1 {
            return Err(Violation::TwoOpened);
        }
        if self.server.stats().established != count(&[State::Established]) {
            return Err(Violation::Miscounted);
        }
        let may_live: &[State] = match self.phase {
            Phase::Serving => return self.check_conns(&states),
            // Before its OPEN nobody knows whose connection it is.
            Phase::Removed => &[State::OpenDelay, State::OpenSent, State::Closed],
            Phase::Stopping | Phase::Stopped => &[State::Closed],
        };
        if count(may_live) < states.len() {
            return Err(Violation::Outlived);
        }
        self.check_conns(&states)
    }

    fn check_conns(&mut self, states: &[(ConnId, State)]) -> Result<(), Violation> {
        for &(conn, state) in states {
            if self.server.buffered(conn) >= MAX_EXTENDED_LEN {
                return Err(Violation::QueueOverBound);
            }
            let timers = self.server.timers(conn).filter_map(|(at, timer)| match timer {
                Timer::Session(timer) => Some((at, timer)),
                Timer::Linger | Timer::Expiry | Timer::Source => None,
            });
            check_timers(self.now, state, self.options.hold_secs, timers)?;
            let Some(link) = self.link(conn) else { continue };
            if link.was_closed && state != State::Closed {
                return Err(Violation::Reopened);
            }
            link.was_closed = state == State::Closed;
        }
        Ok(())
    }

    /// Every connection's state on the server.
    pub(super) fn states(&self) -> Vec<(ConnId, State)> {
        self.server.peers().map(|peer| (peer.conn, peer.state)).collect()
    }

    pub(super) fn state(&self, conn: ConnId) -> Option<State> {
        self.server.peers().find(|peer| peer.conn == conn).map(|peer| peer.state)
    }

    /// Whether a timer of the server is due and has not fired.
    pub(super) fn is_late(&self) -> bool {
        self.server.poll_timeout().is_some_and(|(at, _)| at <= self.now)
    }

    /// Whether both ends of a connection are Established.
    pub(super) fn is_established(&self, link: &Link) -> bool {
        link.client.is_established() && self.state(link.conn) == Some(State::Established)
    }
}

/// An OPEN that is about to arrive at the server, and what stands in its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    conn: ConnId,
    /// The peer's other connection that is past its OPEN.
    rival: Option<(ConnId, State)>,
}

impl Opening {
    /// `None` when no OPEN arrives, or the server has other reasons to close.
    pub(super) fn before(model: &Collision, conn: ConnId, kind: Option<MessageKind>) -> Option<Self> {
        let is_awaited = matches!(model.state(conn)?, State::OpenDelay | State::OpenSent);
        if kind != Some(MessageKind::Open) || !is_awaited || model.is_late() || model.phase != Phase::Serving
        {
            return None;
        }
        let rival = model
            .states()
            .into_iter()
            .find(|(_, state)| matches!(state, State::OpenConfirm | State::Established));
        Some(Self { conn, rival })
    }

    /// RFC 4271 6.8, said once more: an Established session stays. Of two connections in OpenConfirm the older one
    /// is closed when our identifier is the lower, else the newer one. And nobody is closed without a rival.
    pub(super) fn check(self, model: &Collision) -> Result<(), Violation> {
        let new = model.state(self.conn);
        let Some((rival, before)) = self.rival else {
            return if new == Some(State::OpenConfirm) {
                self.check_hold(model)
            } else {
                Err(Violation::Refused)
            };
        };
        let old = model.state(rival);
        let is_open = |state| matches!(state, Some(State::OpenConfirm | State::Established));
        if !is_open(new) && !is_open(old) {
            return Err(Violation::MutualKill);
        }
        let does_new_live = before == State::OpenConfirm && model.options.rank == Rank::Lower;
        if is_open(new) == does_new_live && is_open(old) != does_new_live {
            Ok(())
        } else {
            Err(Violation::WrongSurvivor)
        }
    }

    /// RFC 4271 8.2.2: with the OPEN the hold timer starts anew, at the negotiated time.
    fn check_hold(self, model: &Collision) -> Result<(), Violation> {
        let expected = model.now + Duration::from_secs(model.options.hold_secs.into());
        let hold = (expected, Timer::Session(session::Timer::Hold));
        if model.server.timers(self.conn).any(|timer| timer == hold) {
            Ok(())
        } else {
            Err(Violation::WrongTimers)
        }
    }
}
