//! The state machine of RFC 4271 8.2.2, from the moment TCP stands.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::config::OPEN_DEADLINE;
use super::control::Control;
use super::inbound::Inbound;
use super::negotiate::{self, Negotiated};
use super::{DownReason, Lost, SessionConfig};
use crate::coverage::{self, Decision, Server};
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::wire::{
    AfiSafi, Capability, Frame, MAX_LEN, MessageKind, Notification, Open, ReceivedUpdate, RouteRefresh,
    Update, frame,
};

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Connected, waiting for the peer's OPEN before sending ours (RFC 4271: Active, DelayOpenTimer running).
    OpenDelay,
    /// Our OPEN is said, theirs is awaited.
    OpenSent,
    /// Both OPENs are said, their KEEPALIVE is awaited.
    OpenConfirm,
    /// Routes flow.
    Established,
    /// Over. Nothing is read any more; at most a NOTIFICATION is still to be sent.
    Closed,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// DelayOpenTimer: send our OPEN although the peer's has not come.
    OpenDelay,
    /// HoldTimer: the peer has been silent for too long.
    Hold,
    /// KeepaliveTimer: we have been silent for long enough.
    Keepalive,
    /// SendHoldTimer (RFC 9687): the peer has read nothing for too long.
    SendHold,
}

/// What happened to a session.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer's OPEN is acceptable as such; the state is OpenConfirm. This is the owner's moment to refuse
    /// the peer with [`Session::close`]: until it polls again, nothing has been said and nothing more is read.
    Opened,
    /// Routes may be sent.
    Established,
    /// The peer sent an UPDATE; it is valid, or made harmless (RFC 7606).
    Update(ReceivedUpdate),
    /// The peer asks for our routes again, or marks a refresh of its own (RFC 2918, RFC 7313).
    Refresh(RouteRefresh),
    /// The session is over. Comes exactly once, last.
    Down(DownReason),
}

/// What the transport does with bytes it was handed; drives the send hold timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// Bytes are out, or some more of them were taken.
    Progress,
    /// All bytes were taken.
    Done,
}

/// One end of a BGP session.
///
/// The owner calls a `handle_*` method, then [`poll_event`](Self::poll_event) until it returns `None`, then
/// [`poll_control`](Self::poll_control) whenever the socket can take bytes, and re-reads
/// [`poll_timeout`](Self::poll_timeout). Bytes are decoded by `poll_event`, one message a call, so that the owner
/// can act between two messages of one segment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    config: SessionConfig,
    rng: Rng,
    state: State,
    /// Bytes received and not decoded: less than one message once `poll_event` has returned `None`.
    #[serde(with = "crate::coding::hex")]
    pub(super) received: Vec<u8>,
    decoded: usize,
    control: Control,
    /// What our OPEN offered; empty until it is said, and again once both OPENs are compared.
    offered: Vec<Capability>,
    negotiated: Option<Negotiated>,
    inbound: Option<Inbound>,
    down: Option<DownReason>,
    open_delay: Option<Instant>,
    hold: Option<Instant>,
    keepalive: Option<Instant>,
    pub(super) send_hold: Option<Instant>,
}

impl Session {
    /// A session on a connection that has just come up.
    pub fn new(config: SessionConfig, mut rng: Rng, now: Instant) -> Self {
        let inbound = config.max_received.map(|limit| Inbound::new(limit, rng.next_u64()));
        let mut session = Self {
            rng,
            state: State::OpenDelay,
            received: Vec::new(),
            decoded: 0,
            control: Control::default(),
            offered: Vec::new(),
            negotiated: None,
            inbound,
            down: None,
            open_delay: Some(now + config.open_delay),
            hold: Some(now + OPEN_DEADLINE),
            keepalive: None,
            send_hold: None,
            config,
        };
        if session.config.open_delay.is_zero() {
            session.say_open(negotiate::capabilities(&session.config));
            session.transition(State::OpenSent);
        }
        session
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// What was agreed on: from [`Event::Opened`] on.
    pub const fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    /// Octets received that are not decoded: after [`poll_event`](Self::poll_event) returned `None`, less than
    /// one message.
    pub const fn buffered(&self) -> usize {
        self.received.len()
    }

    /// Takes bytes from the connection, split anywhere.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if self.state != State::Closed {
            self.received.extend_from_slice(bytes);
        }
    }

    /// Fires every timer that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, timer)) = self.poll_timeout()
            && at <= now
        {
            self.fire(now, timer);
        }
    }

    /// The connection is gone.
    pub fn handle_disconnected(&mut self, lost: Lost) {
        self.end(None, DownReason::Lost(lost));
    }

    /// The transport reports on bytes that it was handed.
    pub fn handle_sending(&mut self, now: Instant, sending: Sending) {
        self.send_hold = match sending {
            Sending::Progress if self.state != State::Closed => Some(now + self.config.send_hold),
            Sending::Progress | Sending::Done => None,
        };
    }

    /// Ends the session with a NOTIFICATION. Without effect on one that is over.
    pub fn close(&mut self, notification: Notification) {
        self.end(Some(notification.clone()), DownReason::Sent(notification));
    }

    /// Asks the peer for its routes of a family again (RFC 2918). Without effect before Established.
    pub fn refresh(&mut self, family: AfiSafi) {
        if self.state == State::Established {
            self.control.push_refresh(family);
        }
    }

    /// Sends a KEEPALIVE ahead of its time, to learn whether the connection still lives. Without effect before our
    /// OPEN is answered: until then a KEEPALIVE would be an error.
    pub fn probe(&mut self) {
        if matches!(self.state, State::OpenConfirm | State::Established) {
            self.control.push_keepalive();
        }
    }

    /// The next event, or `None` when all bytes that make whole messages are used up.
    pub fn poll_event(&mut self, now: Instant) -> Option<Event> {
        loop {
            if let Some(reason) = self.down.take() {
                return Some(Event::Down(reason));
            }
            if self.state == State::Closed {
                return None;
            }
            let mut received = core::mem::take(&mut self.received);
            let pending = received.get(self.decoded..).unwrap_or_default();
            let (event, used) = match frame(pending, self.max_len()) {
                Ok(Some(frame)) => (self.handle_frame(now, &frame), frame.len),
                Ok(None) => {
                    received.drain(..self.decoded);
                    self.decoded = 0;
                    if !received.is_empty() {
                        self.received = received;
                    }
                    return None;
                }
                Err(error) => {
                    coverage::hit(Decision::Header(self.state));
                    self.close(error.notification());
                    continue;
                }
            };
            if self.state != State::Closed {
                self.decoded += used;
                self.received = received;
            }
            if event.is_some() {
                return event;
            }
        }
    }

    /// Whether [`poll_control`](Self::poll_control) has bytes.
    pub const fn has_control(&self) -> bool {
        !self.control.is_empty()
    }

    /// Appends the messages that the session itself has to send. Never anything after a NOTIFICATION.
    pub fn poll_control(&mut self, out: &mut Vec<u8>) {
        self.control.drain_into(out);
    }

    /// The next deadline, and what for.
    pub fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        self.timers().min()
    }

    /// Every timer that runs, and its deadline: a look, for whoever checks the state machine.
    pub fn timers(&self) -> impl Iterator<Item = (Instant, Timer)> + use<> {
        [
            (self.open_delay, Timer::OpenDelay),
            (self.hold, Timer::Hold),
            (self.keepalive, Timer::Keepalive),
            (self.send_hold, Timer::SendHold),
        ]
        .into_iter()
        .filter_map(|(at, timer)| Some((at?, timer)))
    }

    fn fire(&mut self, now: Instant, timer: Timer) {
        coverage::hit(Decision::Timer(self.state, timer));
        match timer {
            Timer::OpenDelay => {
                self.say_open(negotiate::capabilities(&self.config));
                self.transition(State::OpenSent);
            }
            // RFC 4271 6.5.
            Timer::Hold => self.close(Notification::new(4, 0)),
            Timer::Keepalive => {
                self.control.push_keepalive();
                self.restart_keepalive(now);
            }
            // RFC 9687 allows a NOTIFICATION 8/0; a peer that reads nothing would not read it.
            Timer::SendHold => self.end(None, DownReason::SendHoldExpired),
        }
    }

    /// One whole message. Which kinds a state accepts is this match; all else is an FSM error (RFC 6608).
    fn handle_frame(&mut self, now: Instant, frame: &Frame<'_>) -> Option<Event> {
        coverage::hit(Decision::Message(self.state, frame.kind));
        match (self.state, frame.kind) {
            (State::Closed, _) => None,
            (_, MessageKind::Notification) => {
                match Notification::decode(frame.body) {
                    Ok(notification) => self.end(None, DownReason::Received(notification)),
                    Err(error) => self.close(error.notification()),
                }
                None
            }
            (State::OpenDelay | State::OpenSent, MessageKind::Open) => self.handle_open(now, frame.body),
            (State::OpenConfirm, MessageKind::Keepalive) => {
                self.restart_hold(now);
                self.transition(State::Established);
                Some(Event::Established)
            }
            (State::Established, MessageKind::Keepalive) => {
                self.restart_hold(now);
                None
            }
            (State::Established, MessageKind::Update) => self.handle_update(now, frame.body),
            (State::Established, MessageKind::RouteRefresh) => match RouteRefresh::decode(frame.body) {
                Ok(refresh) => {
                    self.restart_hold(now);
                    Some(Event::Refresh(refresh))
                }
                Err(error) => {
                    self.close(error.notification());
                    None
                }
            },
            (State::OpenDelay | State::OpenSent, kind) => self.fsm_error(1, kind),
            (State::OpenConfirm, kind) => self.fsm_error(2, kind),
            (State::Established, kind @ MessageKind::Open) => self.fsm_error(3, kind),
        }
    }

    fn handle_open(&mut self, now: Instant, body: &[u8]) -> Option<Event> {
        let result = Open::decode(body).map_err(|error| error.notification()).and_then(|peer| {
            if self.state == State::OpenDelay {
                self.say_open(negotiate::mirror(negotiate::capabilities(&self.config), &peer));
            }
            negotiate::negotiate(&self.config, &self.offered, &peer)
        });
        match result {
            Ok(negotiated) => {
                self.negotiated = Some(negotiated);
                self.offered = Vec::new();
                self.control.push_keepalive();
                self.restart_hold(now);
                self.restart_keepalive(now);
                self.transition(State::OpenConfirm);
                Some(Event::Opened)
            }
            Err(notification) => {
                self.close(notification);
                None
            }
        }
    }

    fn handle_update(&mut self, now: Instant, body: &[u8]) -> Option<Event> {
        let params = self.negotiated.map(|negotiated| negotiated.params).unwrap_or_default();
        match Update::decode(body, params) {
            Ok(update) => {
                self.restart_hold(now);
                if self.inbound.as_mut().is_none_or(|inbound| inbound.count(&update, self.config.asn)) {
                    return Some(Event::Update(update));
                }
                coverage::hit(Server::OverLimit);
                // RFC 4486 4: Maximum Number of Prefixes Reached.
                self.close(Notification::new(6, 1));
            }
            Err(error) => self.close(error.notification()),
        }
        None
    }

    fn fsm_error(&mut self, subcode: u8, kind: MessageKind) -> Option<Event> {
        // RFC 6608 4: the data is the type of the message that was not expected.
        self.close(Notification { code: 5, subcode, data: [kind.code()].into() });
        None
    }

    fn say_open(&mut self, capabilities: Vec<Capability>) {
        self.control.push_open(Open {
            asn: self.config.asn,
            hold_secs: self.config.hold_secs,
            router_id: self.config.router_id,
            capabilities: capabilities.clone(),
        });
        self.offered = capabilities;
        self.open_delay = None;
    }

    /// Every change of state passes here.
    fn transition(&mut self, to: State) {
        log::trace!("session {:?} -> {to:?}", self.state);
        self.state = to;
        if to != State::OpenDelay {
            self.open_delay = None;
        }
    }

    fn end(&mut self, notification: Option<Notification>, reason: DownReason) {
        coverage::hit(Decision::End(self.state, &reason));
        if self.state == State::Closed {
            return;
        }
        self.control.end(notification);
        self.down = Some(reason);
        self.hold = None;
        self.keepalive = None;
        self.send_hold = None;
        self.received = Vec::new();
        self.decoded = 0;
        self.transition(State::Closed);
    }

    fn restart_hold(&mut self, now: Instant) {
        self.hold = self.hold_time().map(|hold| now + hold);
    }

    fn restart_keepalive(&mut self, now: Instant) {
        // RFC 4271 10: a third of the hold time, less up to a quarter.
        self.keepalive = self.hold_time().map(|hold| now + self.rng.jitter(hold / 3));
    }

    fn hold_time(&self) -> Option<Duration> {
        let hold_secs = self.negotiated.map_or(0, |negotiated| negotiated.hold_secs);
        (hold_secs > 0).then(|| Duration::from_secs(u64::from(hold_secs)))
    }

    fn max_len(&self) -> usize {
        self.negotiated.map_or(MAX_LEN, |negotiated| negotiated.max_len())
    }
}
