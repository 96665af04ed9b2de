//! Why a message cannot be used, and the one NOTIFICATION that each reason earns (RFC 4271 section 6).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::{HEADER_LEN, MessageKind, Notification};
use crate::coverage::{self, Decision};

/// A fault that ends the session. What RFC 7606 lets a session survive is an
/// [`AttributeFault`](super::AttributeFault) instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The marker is not all ones.
    Marker,
    /// A length outside of the bounds of its type: what the header said.
    MessageLength(u16),
    /// No such message type.
    MessageType(u8),
    /// Lengths inside an OPEN contradict each other.
    OpenLengths,
    /// A BGP version other than 4.
    Version(u8),
    /// AS 0 in an OPEN (RFC 7607).
    AsZero,
    /// 0.0.0.0 as BGP identifier.
    RouterId,
    /// No such optional parameter.
    OptionalParameter(u8),
    /// A hold time of one or two seconds.
    HoldTime(u16),
    /// The parts of an UPDATE do not add up, or MP_REACH_NLRI or MP_UNREACH_NLRI stands in it twice.
    AttributeList,
    /// An attribute that says it is well-known, and is not: the attribute.
    UnknownWellKnown(Box<[u8]>),
    /// Attribute flags contradict the type, and no NLRI shows what to withdraw: the attribute.
    AttributeFlags(Box<[u8]>),
    /// An attribute's length is wrong, and no NLRI shows what to withdraw: the attribute.
    AttributeLength(Box<[u8]>),
    /// No such ORIGIN, and no NLRI shows what to withdraw: the attribute.
    Origin(Box<[u8]>),
    /// MP_REACH_NLRI or MP_UNREACH_NLRI cannot be parsed: the attribute.
    OptionalAttribute(Box<[u8]>),
    /// Prefixes cannot be parsed.
    NetworkField,
    /// AS_PATH cannot be parsed, and no NLRI shows what to withdraw.
    AsPath,
    /// A ROUTE-REFRESH whose body has not four octets: the body.
    RefreshLength(Box<[u8]>),
}

impl DecodeError {
    /// The NOTIFICATION to send. Its data is cut to what fits a message of 4096 octets.
    pub fn notification(&self) -> Notification {
        coverage::hit(Decision::Reset(self));
        let (code, subcode, data): (u8, u8, Vec<u8>) = match self {
            Self::Marker => (1, 1, Vec::new()),
            Self::MessageLength(len) => (1, 2, len.to_be_bytes().to_vec()),
            Self::MessageType(kind) => (1, 3, [*kind].to_vec()),
            Self::OpenLengths => (2, 0, Vec::new()),
            // The largest version that is supported, in two octets.
            Self::Version(_) => (2, 1, [0, 4].to_vec()),
            Self::AsZero => (2, 2, Vec::new()),
            Self::RouterId => (2, 3, Vec::new()),
            Self::OptionalParameter(_) => (2, 4, Vec::new()),
            Self::HoldTime(_) => (2, 6, Vec::new()),
            Self::AttributeList => (3, 1, Vec::new()),
            Self::UnknownWellKnown(attribute) => (3, 2, attribute.to_vec()),
            Self::AttributeFlags(attribute) => (3, 4, attribute.to_vec()),
            Self::AttributeLength(attribute) => (3, 5, attribute.to_vec()),
            Self::Origin(attribute) => (3, 6, attribute.to_vec()),
            Self::OptionalAttribute(attribute) => (3, 9, attribute.to_vec()),
            Self::NetworkField => (3, 10, Vec::new()),
            Self::AsPath => (3, 11, Vec::new()),
            Self::RefreshLength(body) => (7, 1, whole_refresh(body)),
        };
        Notification { code, subcode, data }.cut()
    }
}

/// The complete ROUTE-REFRESH message around `body` (RFC 7313 section 5).
fn whole_refresh(body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_LEN.saturating_add(body.len()));
    let start = super::begin(&mut message, MessageKind::RouteRefresh);
    message.extend_from_slice(body);
    super::finish(&mut message, start);
    message
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Marker => f.write_str("not BGP: the marker is not all ones"),
            Self::MessageLength(len) => write!(f, "message length {len} is out of bounds"),
            Self::MessageType(kind) => write!(f, "unknown message type {kind}"),
            Self::OpenLengths => f.write_str("lengths in the OPEN contradict each other"),
            Self::Version(version) => write!(f, "BGP version {version}, not 4"),
            Self::AsZero => f.write_str("AS 0 in the OPEN"),
            Self::RouterId => f.write_str("router id 0.0.0.0 in the OPEN"),
            Self::OptionalParameter(kind) => write!(f, "unknown optional parameter {kind} in the OPEN"),
            Self::HoldTime(secs) => {
                write!(f, "hold time of {secs} s in the OPEN; 0 or at least 3 is allowed")
            }
            Self::AttributeList => f.write_str("the parts of the UPDATE do not add up"),
            Self::UnknownWellKnown(attribute) => named(f, "unknown well-known attribute", attribute),
            Self::AttributeFlags(attribute) => named(f, "wrong flags on attribute", attribute),
            Self::AttributeLength(attribute) => named(f, "wrong length of attribute", attribute),
            Self::Origin(_) => f.write_str("undefined ORIGIN"),
            Self::OptionalAttribute(attribute) => named(f, "unreadable attribute", attribute),
            Self::NetworkField => f.write_str("unreadable prefixes in the UPDATE"),
            Self::AsPath => f.write_str("unreadable AS_PATH"),
            Self::RefreshLength(body) => {
                write!(f, "ROUTE-REFRESH with a body of {} octets, not 4", body.len())
            }
        }
    }
}

/// `what` and the attribute's type code, which is its second octet.
fn named(f: &mut fmt::Formatter<'_>, what: &str, attribute: &[u8]) -> fmt::Result {
    match attribute.get(1) {
        Some(code) => write!(f, "{what} {code}"),
        None => f.write_str(what),
    }
}

impl core::error::Error for DecodeError {}
