//! Communities: the tags a route carries, standard (RFC 1997) and large (RFC 8092).

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// A standard community (RFC 1997), written `65010:100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

/// A large community (RFC 8092), written `65010:1:100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity {
    /// The ASN that defines the meaning of the rest.
    pub global: u32,
    /// First local part.
    pub local1: u32,
    /// Second local part.
    pub local2: u32,
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0 >> 16, self.0 & 0xFFFF)
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.global, self.local1, self.local2)
    }
}

crate::coding::as_text!(Community, LargeCommunity);

/// The text is no community: what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommunityError {
    /// Two numbers of 16 bits.
    Standard,
    /// Three numbers of 32 bits.
    Large,
}

impl fmt::Display for CommunityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => {
                "a community is two numbers up to 65535, like \"65010:100\"; \
                 for an ASN of four bytes use large_community"
            }
            Self::Large => "a large community is three numbers up to 4294967295, like \"65010:1:100\"",
        })
    }
}

impl core::error::Error for CommunityError {}

impl FromStr for Community {
    type Err = CommunityError;

    fn from_str(text: &str) -> Result<Self, CommunityError> {
        let (high, low) = text.split_once(':').ok_or(CommunityError::Standard)?;
        let part = |text| number(text).and_then(|n| u16::try_from(n).ok()).ok_or(CommunityError::Standard);
        Ok(Self(u32::from(part(high)?) << 16 | u32::from(part(low)?)))
    }
}

impl FromStr for LargeCommunity {
    type Err = CommunityError;

    fn from_str(text: &str) -> Result<Self, CommunityError> {
        let parts: Vec<u32> =
            text.split(':').map(number).collect::<Option<_>>().ok_or(CommunityError::Large)?;
        let [global, local1, local2] = parts[..] else {
            return Err(CommunityError::Large);
        };
        Ok(Self { global, local1, local2 })
    }
}

/// Decimal digits only: std also takes a leading `+`.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn communities_read_back_what_they_print() {
        assert_eq!("65010:100".parse(), Ok(Community(0xFDF2_0064)));
        assert_eq!(Community(0xFDF2_0064).to_string(), "65010:100");
        let large = LargeCommunity { global: 4_200_000_000, local1: 1, local2: 100 };
        assert_eq!("4200000000:1:100".parse(), Ok(large));
        assert_eq!(large.to_string(), "4200000000:1:100");
    }

    #[test]
    fn a_part_out_of_range_or_signed_is_refused() {
        for text in ["65536:1", "1", "1:2:3", "+1:2", ":", "-1:2", ""] {
            assert_eq!(text.parse::<Community>(), Err(CommunityError::Standard), "{text}");
        }
        for text in ["1:2", "1:2:3:4", "4294967296:1:1", "1::1"] {
            assert_eq!(text.parse::<LargeCommunity>(), Err(CommunityError::Large), "{text}");
        }
    }
}
