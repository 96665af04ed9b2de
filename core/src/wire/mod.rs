//! The BGP-4 message codec (RFC 4271 section 4), both directions, total over all inputs.

mod community;

pub use community::{Community, CommunityError, LargeCommunity};

/// An address family and subsequent family, as RFC 4760 numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
