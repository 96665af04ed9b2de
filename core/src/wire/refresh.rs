//! ROUTE-REFRESH (RFC 2918) and its marks (RFC 7313).

use alloc::vec::Vec;

use super::{AfiSafi, DecodeError, MessageKind, begin, finish};

/// What a ROUTE-REFRESH says: its message subtype (RFC 7313 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshKind {
    /// Subtype 0: send everything again.
    Request,
    /// Subtype 1: everything follows.
    Begin,
    /// Subtype 2: that was everything.
    End,
    /// Any other subtype, to be ignored (RFC 7313 section 5).
    Unknown(u8),
}

/// A ROUTE-REFRESH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRefresh {
    /// The family it is about.
    pub family: AfiSafi,
    /// What it says.
    pub kind: RefreshKind,
}

impl RouteRefresh {
    /// Reads a ROUTE-REFRESH's body. Filters (RFC 5291) are not offered, so more than four octets are an error.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let &[afi_high, afi_low, subtype, safi] = body else {
            return Err(DecodeError::RefreshLength(body.into()));
        };
        let kind = match subtype {
            0 => RefreshKind::Request,
            1 => RefreshKind::Begin,
            2 => RefreshKind::End,
            other => RefreshKind::Unknown(other),
        };
        Ok(Self { family: AfiSafi { afi: u16::from_be_bytes([afi_high, afi_low]), safi }, kind })
    }

    /// Appends the whole message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let subtype = match self.kind {
            RefreshKind::Request => 0,
            RefreshKind::Begin => 1,
            RefreshKind::End => 2,
            RefreshKind::Unknown(other) => other,
        };
        let start = begin(out, MessageKind::RouteRefresh);
        out.extend_from_slice(&self.family.afi.to_be_bytes());
        out.extend_from_slice(&[subtype, self.family.safi]);
        finish(out, start);
    }
}
