//! The BGP-4 message codec (RFC 4271 section 4), both directions, total over all inputs.
//!
//! | module | decides |
//! |---|---|
//! | `header` | where a message ends, and what its header must look like |
//! | `open`, `capability` | OPEN and what a speaker offers |
//! | `update`, `attribute`, `as_path`, `nlri` | UPDATE and its parts |
//! | `received` | what an UPDATE announces and withdraws once its faults are counted in |
//! | `spec`, `fault` | what a bad path attribute costs: RFC 7606 as a table |
//! | `notification`, `refresh` | NOTIFICATION and ROUTE-REFRESH |
//! | `error` | the one NOTIFICATION that each decode error earns |
//!
//! `decode` takes a message's body, as [`Frame`] shows it; `encode` appends a whole message, header included.
//! **Invariant:** nothing here knows a state, a clock or a peer. What negotiation changed about the coding
//! arrives as [`WireParams`].

mod as_path;
mod attribute;
mod capability;
mod community;
mod error;
mod fault;
mod header;
mod nlri;
mod notification;
mod open;
mod reader;
mod received;
mod refresh;
#[cfg(feature = "coverage")]
mod rule;
mod spec;
mod update;

pub use as_path::{AsPath, Segment, SegmentKind};
pub use attribute::{Attribute, MpNextHop, Origin};
pub use capability::{Capability, RestartFamily};
pub use community::{Community, CommunityError, LargeCommunity};
pub use error::DecodeError;
pub use fault::{AttributeFault, FaultKind, MAX_FAULTS, Severity};
pub use header::{Frame, MessageKind, encode_keepalive, frame};
pub use notification::Notification;
pub use open::Open;
pub use received::ReceivedUpdate;
pub use refresh::{RefreshKind, RouteRefresh};
pub use update::Update;

pub(crate) use attribute::{code, flag};
pub(crate) use header::begin;
use header::finish;
#[cfg(feature = "coverage")]
pub(crate) use rule::{attribute_name, attribute_row, attribute_rules};

use serde::{Deserialize, Serialize};

/// Octets in a message header: marker, length, type (RFC 4271 4.1).
pub const HEADER_LEN: usize = 19;
/// The longest message without the extended message capability (RFC 4271 4.1).
pub const MAX_LEN: usize = 4096;
/// The longest message with it (RFC 8654).
pub const MAX_EXTENDED_LEN: usize = 65535;

/// What negotiation changed about the coding. The default is plain RFC 4271: neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WireParams {
    /// ASNs in AS_PATH and AGGREGATOR have four octets (RFC 6793).
    pub as4: bool,
    /// Messages may have [`MAX_EXTENDED_LEN`] octets (RFC 8654).
    pub extended: bool,
}

impl WireParams {
    /// The longest message that may be sent and that is accepted, in octets.
    pub const fn max_len(self) -> usize {
        if self.extended { MAX_EXTENDED_LEN } else { MAX_LEN }
    }
}

/// An address family and subsequent family, as RFC 4760 numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AfiSafi {
    /// Address family identifier: 1 is IPv4, 2 is IPv6.
    pub afi: u16,
    /// Subsequent address family identifier: 1 is unicast.
    pub safi: u8,
}

impl AfiSafi {
    /// IPv4 unicast.
    pub const IPV4_UNICAST: Self = Self { afi: 1, safi: 1 };
    /// IPv6 unicast.
    pub const IPV6_UNICAST: Self = Self { afi: 2, safi: 1 };
}
