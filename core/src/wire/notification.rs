//! NOTIFICATION (RFC 4271 4.5): the last word on a connection, its text (RFC 9003) and how people read it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::{DecodeError, HEADER_LEN, MAX_LEN, MessageKind, begin, finish};

/// A NOTIFICATION. Its `Display` names code and subcode, and quotes the text with control characters escaped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Error code.
    pub code: u8,
    /// Error subcode; 0 is "unspecific".
    pub subcode: u8,
    /// What the subcode defines. On sending it is cut to what fits 4096 octets.
    #[serde(with = "crate::coding::hex")]
    pub data: Vec<u8>,
}

/// What fits a message that every speaker accepts, beside code and subcode.
const MAX_DATA: usize = MAX_LEN - HEADER_LEN - 2;

impl Notification {
    /// A NOTIFICATION without data.
    pub const fn new(code: u8, subcode: u8) -> Self {
        Self { code, subcode, data: Vec::new() }
    }

    /// One with a text for people (RFC 9003): at most 255 octets of UTF-8, cut between two characters.
    pub fn with_text(code: u8, subcode: u8, text: &str) -> Self {
        let text = (0..=text.len().min(255)).rev().find_map(|end| text.get(..end)).unwrap_or_default();
        let mut data = Vec::with_capacity(text.len().saturating_add(1));
        data.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        data.extend_from_slice(text.as_bytes());
        Self { code, subcode, data }
    }

    /// Reads a NOTIFICATION's body. The one error, fewer than two octets, cannot come out of
    /// [`frame`](super::frame); and a bad NOTIFICATION is never answered (RFC 4271 6.4).
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let &[code, subcode, ref data @ ..] = body else {
            let len = u16::try_from(body.len().saturating_add(HEADER_LEN)).unwrap_or(u16::MAX);
            return Err(DecodeError::MessageLength(len));
        };
        Ok(Self { code, subcode, data: data.to_vec() })
    }

    /// Appends the whole message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = begin(out, MessageKind::Notification);
        out.extend_from_slice(&[self.code, self.subcode]);
        out.extend_from_slice(self.data.get(..MAX_DATA).unwrap_or(&self.data));
        finish(out, start);
    }

    /// Itself, with no more data than can be sent.
    pub(super) fn cut(mut self) -> Self {
        self.data.truncate(MAX_DATA);
        self
    }

    /// The text of an administrative shutdown or reset, Cease 6/2 and 6/4 (RFC 9003): not escaped, bad UTF-8
    /// replaced. `None` when there is none, or its length is wrong.
    pub fn cease_text(&self) -> Option<Cow<'_, str>> {
        let ((6, 2 | 4), [len, rest @ ..]) = ((self.code, self.subcode), self.data.as_slice()) else {
            return None;
        };
        let text = rest.get(..usize::from(*len))?;
        (!text.is_empty()).then(|| String::from_utf8_lossy(text))
    }
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self { code, subcode, ref data } = self;
        match (code_name(code), subcode_name(code, subcode)) {
            (Some(name), Some(detail)) => write!(f, "{name}/{detail} ({code}/{subcode})")?,
            (Some(name), None) => write!(f, "{name} ({code}/{subcode})")?,
            (None, _) => write!(f, "Unknown Error ({code}/{subcode})")?,
        }
        if let Some(text) = self.cease_text() {
            return write!(f, ": {text:?}");
        }
        if let Some((first, rest)) = data.split_first() {
            write!(f, ": 0x{first:02x}")?;
            for octet in rest.iter().take(MAX_SHOWN - 1) {
                write!(f, "{octet:02x}")?;
            }
            if data.len() > MAX_SHOWN {
                write!(f, "… ({} octets)", data.len())?;
            }
        }
        Ok(())
    }
}

/// Octets of data that a log line shows.
const MAX_SHOWN: usize = 32;

/// RFC 4271 4.5, RFC 7313 section 5, RFC 9687 section 3.
const fn code_name(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "Message Header Error",
        2 => "OPEN Message Error",
        3 => "UPDATE Message Error",
        4 => "Hold Timer Expired",
        5 => "Finite State Machine Error",
        6 => "Cease",
        7 => "ROUTE-REFRESH Message Error",
        8 => "Send Hold Timer Expired",
        _ => return None,
    })
}

/// RFC 4271 4.5, RFC 5492 (2/7), RFC 6608 (5), RFC 4486 (6), RFC 8538 (6/9), RFC 9384 (6/10), RFC 7313 (7).
const fn subcode_name(code: u8, subcode: u8) -> Option<&'static str> {
    Some(match (code, subcode) {
        (1, 1) => "Connection Not Synchronized",
        (1, 2) => "Bad Message Length",
        (1, 3) => "Bad Message Type",
        (2, 1) => "Unsupported Version Number",
        (2, 2) => "Bad Peer AS",
        (2, 3) => "Bad BGP Identifier",
        (2, 4) => "Unsupported Optional Parameter",
        (2, 5) => "Authentication Failure",
        (2, 6) => "Unacceptable Hold Time",
        (2, 7) => "Unsupported Capability",
        (3, 1) => "Malformed Attribute List",
        (3, 2) => "Unrecognized Well-known Attribute",
        (3, 3) => "Missing Well-known Attribute",
        (3, 4) => "Attribute Flags Error",
        (3, 5) => "Attribute Length Error",
        (3, 6) => "Invalid ORIGIN Attribute",
        (3, 7) => "AS Routing Loop",
        (3, 8) => "Invalid NEXT_HOP Attribute",
        (3, 9) => "Optional Attribute Error",
        (3, 10) => "Invalid Network Field",
        (3, 11) => "Malformed AS_PATH",
        (5, 1) => "Unexpected Message in OpenSent State",
        (5, 2) => "Unexpected Message in OpenConfirm State",
        (5, 3) => "Unexpected Message in Established State",
        (6, 1) => "Maximum Number of Prefixes Reached",
        (6, 2) => "Administrative Shutdown",
        (6, 3) => "Peer De-configured",
        (6, 4) => "Administrative Reset",
        (6, 5) => "Connection Rejected",
        (6, 6) => "Other Configuration Change",
        (6, 7) => "Connection Collision Resolution",
        (6, 8) => "Out of Resources",
        (6, 9) => "Hard Reset",
        (6, 10) => "BFD Down",
        (7, 1) => "Invalid Message Length",
        _ => return None,
    })
}
