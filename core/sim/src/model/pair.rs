//! Two real sessions facing each other: the route server's role and a client's.

use std::fmt;
use std::net::Ipv4Addr;

use bgplite_core::config::Families;
use bgplite_core::ids::Asn;
use bgplite_core::session::SessionConfig;
use bgplite_core::time::{Duration, Instant};
use bgplite_core::wire::AfiSafi;

use super::endpoint::Endpoint;
use super::pipe::{Delivery, Pipe, SOON};
use super::{Budget, Model, Outcome, Violation};

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It waits for the other's OPEN before it says its own.
    Server,
    /// It says its OPEN at once.
    Client,
}

/// What can happen to two sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairEvent {
    /// The adapter asks for bytes and writes them, or closes the socket after the last ones.
    Transmits(End),
    /// What is on its way arrives at this end.
    Receives(End),
    /// Its next timer fires.
    Timer(End),
    /// The operator closes it.
    Closes(End),
    /// It asks for routes again.
    Refreshes(End),
    /// The connection breaks, and it is the first to know.
    Loses(End),
}

/// Two sessions and what lies between.
#[derive(Clone, Debug)]
pub struct Pair {
    options: Options,
    now: Instant,
    server: Endpoint,
    client: Endpoint,
    to_server: Pipe,
    to_client: Pipe,
    budget: Budget,
}

#[derive(Clone, Copy, Debug)]
struct Options {
    delivery: Delivery,
}

impl Pair {
    /// Both have just connected. `hold_secs` is what both offer.
    pub fn new(hold_secs: u16, delivery: Delivery, budget: Budget) -> Self {
        let now = Instant::from_nanos(1);
        let config = |asn, router_id, open_delay| SessionConfig {
            asn: Asn(asn),
            router_id: Ipv4Addr::from_bits(router_id),
            hold_secs,
            families: Families { v4: true, v6: false },
            open_delay,
            send_hold: Duration::from_secs(480),
            max_received: None,
        };
        Self {
            options: Options { delivery },
            now,
            server: Endpoint::new(config(65010, 0x0A00_0001, Duration::from_secs(1)), 1, now),
            client: Endpoint::new(config(65001, 0x0A00_0002, Duration::ZERO), 2, now),
            to_server: Pipe::default(),
            to_client: Pipe::default(),
            budget,
        }
    }

    /// This end, what comes in to it and what goes out from it.
    fn end(&self, end: End) -> (&Endpoint, &Pipe, &Pipe) {
        match end {
            End::Server => (&self.server, &self.to_server, &self.to_client),
            End::Client => (&self.client, &self.to_client, &self.to_server),
        }
    }

    fn end_mut(&mut self, end: End) -> (&mut Endpoint, &mut Pipe, &mut Pipe) {
        match end {
            End::Server => (&mut self.server, &mut self.to_server, &mut self.to_client),
            End::Client => (&mut self.client, &mut self.to_client, &mut self.to_server),
        }
    }

    /// What happens when nothing goes wrong and no time passes.
    fn prompt(&self) -> Option<PairEvent> {
        [End::Server, End::Client].into_iter().find_map(|end| {
            let (endpoint, inward, outward) = self.end(end);
            if endpoint.can_transmit(outward) {
                return Some(PairEvent::Transmits(end));
            }
            endpoint.can_receive(inward).then_some(PairEvent::Receives(end))
        })
    }

    /// Whether neither end has a reason not to become Established, or to stay so.
    fn is_sound(&self) -> bool {
        let is_late = |end: &Endpoint| end.deadline().is_some_and(|at| at <= self.now);
        let ends = [&self.server, &self.client];
        ends.into_iter().all(|end| end.is_alive() && !is_late(end))
            && !self.to_server.is_ending()
            && !self.to_client.is_ending()
    }
}

impl Model for Pair {
    type Event = PairEvent;

    fn events(&self) -> Vec<PairEvent> {
        let mut events = Vec::new();
        for end in [End::Server, End::Client] {
            let (endpoint, inward, outward) = self.end(end);
            let mut add = |is_possible: bool, event: fn(End) -> PairEvent| {
                if is_possible {
                    events.push(event(end));
                }
            };
            add(endpoint.can_transmit(outward), PairEvent::Transmits);
            add(endpoint.can_receive(inward), PairEvent::Receives);
            add(self.budget.timers > 0 && endpoint.deadline().is_some(), PairEvent::Timer);
            add(self.budget.refreshes > 0 && endpoint.is_established(), PairEvent::Refreshes);
            add(self.budget.faults > 0 && endpoint.is_alive(), PairEvent::Closes);
            add(self.budget.faults > 0 && !endpoint.is_gone, PairEvent::Loses);
        }
        events
    }

    fn apply(&mut self, event: PairEvent) -> Result<(), Violation> {
        let (now, delivery) = (self.now, self.options.delivery);
        match event {
            PairEvent::Transmits(end) => {
                let (endpoint, _, outward) = self.end_mut(end);
                endpoint.transmit(now, outward)
            }
            PairEvent::Receives(end) => {
                let (endpoint, inward, outward) = self.end_mut(end);
                endpoint.receive(now, inward, outward, delivery)
            }
            PairEvent::Timer(end) => {
                let at = self.end(end).0.deadline().unwrap_or(now).max(now);
                self.now = at;
                self.budget.timer();
                self.end_mut(end).0.fire(at)
            }
            PairEvent::Closes(end) => {
                self.budget.fault();
                self.end_mut(end).0.close(now)
            }
            PairEvent::Refreshes(end) => {
                self.budget.refresh();
                self.end_mut(end).0.session.refresh(AfiSafi::IPV4_UNICAST);
                Ok(())
            }
            PairEvent::Loses(end) => {
                self.budget.fault();
                let (endpoint, inward, outward) = self.end_mut(end);
                endpoint.lose(now, inward, outward)
            }
        }
    }

    /// Two sound sessions are Established soon. Otherwise both ends are gone at last: after a hold timer at most.
    fn settle(mut self, trace: &mut Vec<PairEvent>) -> Result<(), Violation> {
        let is_sound = self.is_sound();
        let (soon, at_last) = (self.now + SOON, self.now + Duration::from_secs(300));
        loop {
            if let Some(event) = self.prompt() {
                trace.push(event);
                self.apply(event)?;
                continue;
            }
            if self.outcome() == Outcome::Established || (!is_sound && self.outcome() == Outcome::Closed) {
                return Ok(());
            }
            let next = [End::Server, End::Client]
                .into_iter()
                .filter_map(|end| Some((self.end(end).0.deadline()?, end)))
                .min_by_key(|(at, _)| *at);
            match next {
                Some((at, end)) if at <= if is_sound { soon } else { at_last } => {
                    trace.push(PairEvent::Timer(end));
                    self.apply(PairEvent::Timer(end))?;
                }
                _ if is_sound => return Err(Violation::LockedOut),
                _ => return Err(Violation::NeverEnds),
            }
        }
    }

    fn outcome(&self) -> Outcome {
        if self.server.is_established() && self.client.is_established() {
            Outcome::Established
        } else if self.server.is_gone && self.client.is_gone {
            Outcome::Closed
        } else {
            Outcome::Between
        }
    }

    fn now(&self) -> Instant {
        self.now
    }
}

impl fmt::Display for PairEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (end, what) = match self {
            Self::Transmits(end) => (end, "writes what it has to say, or closes after its last word"),
            Self::Receives(end) => (end, "gets what is on its way"),
            Self::Timer(end) => (end, "fires its next timer"),
            Self::Closes(end) => (end, "is closed with Cease"),
            Self::Refreshes(end) => (end, "asks for routes again"),
            Self::Loses(end) => (end, "loses the connection"),
        };
        write!(f, "{} {what}", format!("{end:?}").to_lowercase())
    }
}
