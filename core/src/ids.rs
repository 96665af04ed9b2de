//! Newtypes for the numbers that name things.

use core::fmt;

use serde::{Deserialize, Serialize};

/// An autonomous system number, four octets (RFC 6793).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Asn(pub u32);

impl Asn {
    /// AS_TRANS, which stands for an ASN that does not fit two octets (RFC 6793 section 9).
    pub const TRANS: Self = Self(23456);

    /// What the two-octet field "My Autonomous System" or a two-octet AS_PATH shows.
    pub fn two_octets(self) -> u16 {
        u16::try_from(self.0).unwrap_or(23456)
    }

    /// Whether a router may have this number: not 0 (RFC 7607), AS_TRANS (RFC 6793), nor the last of either
    /// range (RFC 7300).
    pub const fn is_usable(self) -> bool {
        !matches!(self.0, 0 | 23456 | 65535 | 4_294_967_295)
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// One TCP connection. The adapter chooses it when it accepts or dials, and never uses it twice.
    ConnId(u64)
);
id!(
    /// One registered peer, independent of its address and ASN. Stable over a configuration reload.
    PeerId(u64)
);
id!(
    /// One source of prefixes. Given by the core, never used twice in a process.
    SourceId(u32)
);
id!(
    /// One feed. Given by the core, never used twice in a process.
    FeedId(u32)
);
id!(
    /// One question whose answer comes back later: a command, or a write to the store.
    Ticket(u64)
);
id!(
    /// The version of a feed. Grows with every change of its content.
    Serial(u64)
);
