//! What must hold, one case per invariant.

use std::fmt;

/// An invariant that did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Bytes followed a NOTIFICATION on a connection (RFC 4271 6).
    SaidAfterNotification,
    /// What was written is no whole message.
    Undecodable,
    /// A message of this type at this place: OPEN comes first and once, KEEPALIVE second, all else after it.
    OutOfOrder(u8),
    /// Two honest ends, and one says that the other broke the protocol. Only Cease (6) and Hold Timer Expired (4)
    /// may be said.
    Accused(u8, u8),
    /// A queue holds more than its bound.
    QueueOverBound,
    /// After a `handle`, the next deadline is not later than now.
    DeadlineNotLater,
    /// Two Established sessions of one peer.
    TwoEstablished,
    /// Two connections of one peer are past their OPENs: the collision was not resolved when it could be.
    TwoOpened,
    /// The count of Established sessions is not how many there are.
    Miscounted,
    /// A session that was over is not, or was over twice.
    Reopened,
    /// A timer runs in a state that has none, or does not run in one that has it, or runs too far ahead.
    WrongTimers,
    /// The collision logic left none of the connections of a peer that wants one.
    MutualKill,
    /// RFC 4271 6.8 lets the other one live.
    WrongSurvivor,
    /// The only connection of a configured peer was refused at its OPEN.
    Refused,
    /// A session lives that has no right to: its peer is removed, or the server is stopping.
    Outlived,
    /// Nothing more goes wrong, and there is no Established session within ten seconds of virtual time.
    LockedOut,
    /// Nothing more goes wrong, and an end that should be gone is not.
    NeverEnds,
    /// The one session left is Established, and its client does not hold the feed, with one End-of-RIB.
    WrongRoutes,
    /// A server without connections is not as it was before the first.
    Leaked,
    /// The same events led to another state: the core or the model is not deterministic.
    NotRepeatable,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SaidAfterNotification => "something was said after a NOTIFICATION",
            Self::Undecodable => "a byte stream does not decode",
            Self::OutOfOrder(kind) => return write!(f, "a message of type {kind} came out of order"),
            Self::Accused(code, subcode) => {
                return write!(f, "an honest end was accused with NOTIFICATION {code}/{subcode}");
            }
            Self::QueueOverBound => "a queue is over its bound",
            Self::DeadlineNotLater => "the next deadline is not later than now",
            Self::TwoEstablished => "two sessions of one peer are Established",
            Self::TwoOpened => "two connections of one peer are past their OPENs",
            Self::Miscounted => "the count of Established sessions is wrong",
            Self::Reopened => "a session that was over is not",
            Self::WrongTimers => "a session's timers do not fit its state",
            Self::MutualKill => "the collision logic closed every connection of a peer",
            Self::WrongSurvivor => "of two colliding connections the wrong one lives",
            Self::Refused => "the only connection of a configured peer was refused",
            Self::Outlived => "a session lives on after its peer's removal or the server's shutdown",
            Self::LockedOut => "no session is Established soon, although nothing more goes wrong",
            Self::NeverEnds => "a connection that should be gone is not",
            Self::WrongRoutes => "the client does not hold the feed with one End-of-RIB",
            Self::Leaked => "something of a connection stays in the server when all are gone",
            Self::NotRepeatable => "the same events led to another state",
        })
    }
}
