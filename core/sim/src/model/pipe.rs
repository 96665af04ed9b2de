//! One direction of a connection: octets on their way, and what may be said in which order.

use std::collections::VecDeque;
use std::fmt;

use bgplite_core::time::Duration;
use bgplite_core::wire::{MAX_EXTENDED_LEN, MessageKind, Notification, frame};

use super::Violation;
use super::canon::Fnv;

/// How much arrives at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A message.
    Whole,
    /// Half of one, then the other half.
    Half,
}

/// Within what time things must come right once nothing more goes wrong: more than the wait for an OPEN, the linger
/// and some attempts to connect take; less than any keepalive or hold timer.
pub(super) const SOON: Duration = Duration::from_secs(10);

/// Messages that a pipe takes before its writer has to wait.
const CAPACITY: usize = 4;

/// How a direction ends, behind the last octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// In order.
    Fin,
    /// By a reset.
    Reset,
}

/// What comes out next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Octets, and the message they complete.
    Bytes(Vec<u8>, Option<MessageKind>),
    /// The end.
    End(Ending),
}

/// How far the conversation in one direction has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Said {
    #[default]
    Nothing,
    Open,
    Keepalive,
    Notification,
}

/// A message on its way, or what of it has not arrived yet.
#[derive(Clone)]
struct Message {
    kind: MessageKind,
    bytes: Vec<u8>,
    is_begun: bool,
}

/// What is on its way.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipe {
    messages: VecDeque<Message>,
    said: Said,
    ending: Option<Ending>,
}

impl Pipe {
    /// Takes whole messages, and holds them to the order of things.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let mut left = bytes;
        while !left.is_empty() {
            let Ok(Some(message)) = frame(left, MAX_EXTENDED_LEN) else {
                return Err(Violation::Undecodable);
            };
            self.said = self.said.then(message.kind)?;
            if message.kind == MessageKind::Notification {
                check_notification(message.body)?;
            }
            let (bytes, rest) = left.split_at(message.len);
            left = rest;
            // Once it has ended nobody listens.
            if self.ending.is_none() {
                self.messages.push_back(Message {
                    kind: message.kind,
                    bytes: bytes.to_vec(),
                    is_begun: false,
                });
            }
        }
        Ok(())
    }

    /// Whether its writer may write.
    pub(super) fn has_room(&self) -> bool {
        self.messages.len() < CAPACITY
    }

    pub(super) fn has_bytes(&self) -> bool {
        !self.messages.is_empty()
    }

    /// How it ends, once there is nothing before that.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending.filter(|_| self.messages.is_empty())
    }

    /// Whether it is going to end, whatever comes before.
    pub(super) const fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Its writer says no more.
    pub(super) fn close(&mut self) {
        self.ending.get_or_insert(Ending::Fin);
    }

    /// It breaks: what is on its way is lost, and a reset is what arrives.
    pub(super) fn reset(&mut self) {
        self.lose();
        self.ending = Some(Ending::Reset);
    }

    /// What is on its way is lost.
    pub(super) fn lose(&mut self) {
        self.messages.clear();
    }

    /// What arrives next.
    pub(super) fn next(&mut self, delivery: Delivery) -> Option<Arrival> {
        match (self.messages.front_mut(), delivery) {
            (None, _) => self.ending.map(Arrival::End),
            (Some(message), Delivery::Half) if !message.is_begun => {
                message.is_begun = true;
                let rest = message.bytes.split_off(message.bytes.len() / 2);
                Some(Arrival::Bytes(std::mem::replace(&mut message.bytes, rest), None))
            }
            (Some(_), _) => {
                let message = self.messages.pop_front()?;
                Some(Arrival::Bytes(message.bytes, Some(message.kind)))
            }
        }
    }
}

impl Said {
    /// RFC 4271 8.2.2: OPEN, KEEPALIVE, then the rest; and nothing after a NOTIFICATION.
    const fn then(self, kind: MessageKind) -> Result<Self, Violation> {
        match (self, kind) {
            (Self::Notification, _) => Err(Violation::SaidAfterNotification),
            (_, MessageKind::Notification) => Ok(Self::Notification),
            (Self::Nothing, MessageKind::Open) => Ok(Self::Open),
            (Self::Open | Self::Keepalive, MessageKind::Keepalive)
            | (Self::Keepalive, MessageKind::Update | MessageKind::RouteRefresh) => Ok(Self::Keepalive),
            (Self::Nothing | Self::Open | Self::Keepalive, _) => Err(Violation::OutOfOrder(kind.code())),
        }
    }
}

/// RFC 4271 4.5: code 4 is Hold Timer Expired, 6 is Cease; every other one accuses the far end of an error.
fn check_notification(body: &[u8]) -> Result<(), Violation> {
    match Notification::decode(body) {
        Ok(Notification { code: 4 | 6, .. }) => Ok(()),
        Ok(Notification { code, subcode, .. }) => Err(Violation::Accused(code, subcode)),
        Err(_) => Err(Violation::Undecodable),
    }
}

impl fmt::Debug for Message {
    /// Short, for states are told apart by it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hash = Fnv::default();
        hash.write(&self.bytes);
        write!(f, "{:?}#{}", self.kind, hash.finish())
    }
}
