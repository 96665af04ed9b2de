//! Prefixes: the family is in the type, host bits are masked because a `Prefix` exists.

use core::cmp::Ordering;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use crate::wire::AfiSafi;

/// An address family: how wide its addresses are and what the wire calls it.
pub trait Family: Copy + Ord + fmt::Debug + 'static {
    /// The address as an integer, most significant bit first.
    type Bits: Bits;
    /// Bits in an address: the longest prefix length.
    const MAX_LEN: u8;
    /// AFI and SAFI of its unicast routes (RFC 4760).
    const AFI_SAFI: AfiSafi;
    /// What prefixes are ordered by: address, then length, in a form that compares quickly.
    type Key: Copy + Ord;

    /// The sort key of a prefix.
    fn key(bits: Self::Bits, len: u8) -> Self::Key;

    /// The address in std's form.
    fn address(bits: Self::Bits) -> IpAddr;
}

/// The unsigned integers that hold an address.
pub trait Bits:
    Copy
    + Ord
    + fmt::Debug
    + Default
    + core::ops::BitAnd<Output = Self>
    + core::ops::BitOr<Output = Self>
    + core::ops::BitXor<Output = Self>
    + core::ops::Not<Output = Self>
{
    /// The address as the wire carries it: 4 or 16 octets.
    type Octets: AsRef<[u8]> + AsMut<[u8]> + Default + Copy;

    /// The first `len` bits set, the rest clear.
    fn mask(len: u8) -> Self;
    /// Only bit `index` set, counted from the most significant, 0-based; zero beyond the width.
    fn bit(index: u8) -> Self;
    /// How many leading bits are zero.
    fn leading_zeros(self) -> u8;
    /// Big-endian octets.
    fn to_octets(self) -> Self::Octets;
    /// From big-endian octets.
    fn from_octets(octets: Self::Octets) -> Self;
    /// How many trailing bits are zero.
    fn trailing_zeros(self) -> u8;
    /// `self + 1`, or `None` past the last address.
    fn successor(self) -> Option<Self>;
    /// `self - 1`, or `None` before the first address.
    fn predecessor(self) -> Option<Self>;
}

macro_rules! bits {
    ($ty:ty, $octets:literal) => {
        impl Bits for $ty {
            type Octets = [u8; $octets];

            fn mask(len: u8) -> Self {
                !<$ty>::MAX.checked_shr(u32::from(len)).unwrap_or(0)
            }

            fn bit(index: u8) -> Self {
                (1 as $ty).checked_shl((<$ty>::BITS - 1).wrapping_sub(u32::from(index))).unwrap_or(0)
            }

            fn leading_zeros(self) -> u8 {
                self.leading_zeros() as u8
            }

            fn trailing_zeros(self) -> u8 {
                self.trailing_zeros() as u8
            }

            fn to_octets(self) -> Self::Octets {
                self.to_be_bytes()
            }

            fn from_octets(octets: Self::Octets) -> Self {
                Self::from_be_bytes(octets)
            }

            fn successor(self) -> Option<Self> {
                self.checked_add(1)
            }

            fn predecessor(self) -> Option<Self> {
                self.checked_sub(1)
            }
        }
    };
}
bits!(u32, 4);
bits!(u128, 16);

/// IPv4 unicast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum V4 {}

impl Family for V4 {
    type Bits = u32;
    const MAX_LEN: u8 = 32;
    const AFI_SAFI: AfiSafi = AfiSafi::IPV4_UNICAST;
    type Key = u64;

    fn key(bits: u32, len: u8) -> u64 {
        u64::from(bits) << 8 | u64::from(len)
    }

    fn address(bits: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(bits))
    }
}

/// IPv6 unicast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum V6 {}

impl Family for V6 {
    type Bits = u128;
    const MAX_LEN: u8 = 128;
    const AFI_SAFI: AfiSafi = AfiSafi::IPV6_UNICAST;
    type Key = (u128, u8);

    fn key(bits: u128, len: u8) -> (u128, u8) {
        (bits, len)
    }

    fn address(bits: u128) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from_bits(bits))
    }
}

/// A prefix of family `F`. Ordered by address, then length, so that a covering prefix stands right before
/// what it covers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix<F: Family> {
    bits: F::Bits,
    len: u8,
}

impl<F: Family> Ord for Prefix<F> {
    fn cmp(&self, other: &Self) -> Ordering {
        F::key(self.bits, self.len).cmp(&F::key(other.bits, other.len))
    }
}

impl<F: Family> PartialOrd for Prefix<F> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An IPv4 prefix.
pub type Prefix4 = Prefix<V4>;
/// An IPv6 prefix.
pub type Prefix6 = Prefix<V6>;

impl<F: Family> Prefix<F> {
    /// The prefix of `len` bits that contains `bits`; host bits are masked. `None` when `len` is too long.
    pub fn new(bits: F::Bits, len: u8) -> Option<Self> {
        (len <= F::MAX_LEN).then(|| Self { bits: bits & F::Bits::mask(len), len })
    }

    /// A prefix out of the parts of one that was masked before.
    pub(crate) const fn from_masked(bits: F::Bits, len: u8) -> Self {
        Self { bits, len }
    }

    /// The single address `bits`.
    pub fn host(bits: F::Bits) -> Self {
        Self { bits, len: F::MAX_LEN }
    }

    /// The network address.
    pub const fn bits(self) -> F::Bits {
        self.bits
    }

    /// The length in bits.
    #[expect(clippy::len_without_is_empty, reason = "a prefix length, not a container's")]
    pub const fn len(self) -> u8 {
        self.len
    }

    /// The last address inside.
    pub fn last(self) -> F::Bits {
        self.bits | !F::Bits::mask(self.len)
    }

    /// Whether every address of `other` is inside `self`.
    pub fn covers(self, other: Self) -> bool {
        self.len <= other.len && other.bits & F::Bits::mask(self.len) == self.bits
    }

    /// Whether the address `bits` is inside.
    pub fn contains(self, bits: F::Bits) -> bool {
        bits & F::Bits::mask(self.len) == self.bits
    }

    /// The other half of the prefix one bit shorter; `None` for `/0`.
    pub fn sibling(self) -> Option<Self> {
        let last_bit = self.len.checked_sub(1)?;
        Some(Self { bits: self.bits ^ F::Bits::bit(last_bit), len: self.len })
    }

    /// The prefix one bit shorter; `None` for `/0`.
    pub fn parent(self) -> Option<Self> {
        Self::new(self.bits, self.len.checked_sub(1)?)
    }
}

impl<F: Family> fmt::Display for Prefix<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", F::address(self.bits), self.len)
    }
}

impl<F: Family> fmt::Debug for Prefix<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A prefix of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnyPrefix {
    /// IPv4.
    V4(Prefix4),
    /// IPv6.
    V6(Prefix6),
}

impl AnyPrefix {
    /// Whether the address is of this family and inside.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4(prefix), IpAddr::V4(address)) => prefix.contains(address.to_bits()),
            (Self::V6(prefix), IpAddr::V6(address)) => prefix.contains(address.to_bits()),
            _ => false,
        }
    }

    /// The length in bits.
    #[expect(clippy::len_without_is_empty, reason = "a prefix length, not a container's")]
    pub const fn len(self) -> u8 {
        match self {
            Self::V4(prefix) => prefix.len(),
            Self::V6(prefix) => prefix.len(),
        }
    }
}

impl From<IpAddr> for AnyPrefix {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(Prefix::host(address.to_bits())),
            IpAddr::V6(address) => Self::V6(Prefix::host(address.to_bits())),
        }
    }
}

impl fmt::Display for AnyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(prefix) => prefix.fmt(f),
            Self::V6(prefix) => prefix.fmt(f),
        }
    }
}

/// Why a text is no prefix we accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixError {
    /// Before the slash stands no IPv4 or IPv6 address.
    Address,
    /// After the slash stands no plain decimal number.
    Length,
    /// The length is longer than the address.
    TooLong,
    /// An IPv4 address in IPv6 form (`::ffff:0:0/96`): it would be a route for nobody.
    V4Mapped,
    /// The default route: a list that contains it takes all traffic.
    DefaultRoute,
    /// The ends of a range are of two families, or the wrong way round.
    Range,
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "not an IPv4 or IPv6 address",
            Self::Length => "prefix length is not a plain number",
            Self::TooLong => "prefix length is longer than the address",
            Self::V4Mapped => "an IPv4 address written as IPv6; write it as IPv4",
            Self::DefaultRoute => "the default route is refused",
            Self::Range => "a range must go from an address to the same or a later one of its family",
        })
    }
}

impl core::error::Error for PrefixError {}

crate::coding::as_text!(AnyPrefix);

impl FromStr for AnyPrefix {
    type Err = PrefixError;

    /// [`Self::parse`] without the default route.
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        Self::parse(text, false)
    }
}

impl AnyPrefix {
    /// `address/length` or a bare address; host bits are masked. The one prefix parser of the product.
    /// `default_route` takes `0.0.0.0/0` and `::/0` too.
    pub fn parse(text: &str, default_route: bool) -> Result<Self, PrefixError> {
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(parse_len(len)?)),
            None => (text, None),
        };
        let prefix = if let Ok(address) = address.parse::<Ipv4Addr>() {
            Self::V4(Prefix::new(address.to_bits(), len.unwrap_or(32)).ok_or(PrefixError::TooLong)?)
        } else {
            let address = address.parse::<Ipv6Addr>().map_err(|_| PrefixError::Address)?;
            let prefix = Prefix::new(address.to_bits(), len.unwrap_or(128)).ok_or(PrefixError::TooLong)?;
            if is_v4_mapped(prefix) {
                return Err(PrefixError::V4Mapped);
            }
            Self::V6(prefix)
        };
        if prefix.len() == 0 && !default_route { Err(PrefixError::DefaultRoute) } else { Ok(prefix) }
    }
}

/// Whether it is in `::ffff:0:0/96`.
pub(crate) fn is_v4_mapped(prefix: Prefix6) -> bool {
    prefix.len() >= 96 && prefix.bits() >> 32u8 == 0xFFFF_u128
}

/// One to three decimal digits, no sign, no leading zero.
fn parse_len(text: &str) -> Result<u8, PrefixError> {
    let plain = match text.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.len() <= 2 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !plain {
        return Err(PrefixError::Length);
    }
    text.parse().map_err(|_| PrefixError::TooLong)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn host_bits_are_masked_and_bare_addresses_are_hosts() {
        for (text, canonical) in [
            ("192.0.2.77/24", "192.0.2.0/24"),
            ("192.0.2.77", "192.0.2.77/32"),
            ("2001:DB8::1/32", "2001:db8::/32"),
            ("2001:db8::1", "2001:db8::1/128"),
        ] {
            assert_eq!(text.parse::<AnyPrefix>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn what_is_no_prefix_is_refused_by_its_own_name() {
        use PrefixError::{Address, DefaultRoute, Length, TooLong, V4Mapped};
        for (text, error) in [
            ("", Address),
            ("192.0.2", Address),
            ("192.0.2.01/24", Address),
            ("192.0.2.0/", Length),
            ("192.0.2.0/08", Length),
            ("192.0.2.0/+8", Length),
            ("192.0.2.0/255.255.255.0", Length),
            ("192.0.2.0/33", TooLong),
            ("192.0.2.0/999", TooLong),
            ("2001:db8::/129", TooLong),
            ("::ffff:192.0.2.0/120", V4Mapped),
            ("0.0.0.0/0", DefaultRoute),
            ("::/0", DefaultRoute),
        ] {
            assert_eq!(text.parse::<AnyPrefix>(), Err(error), "{text}");
        }
    }

    #[test]
    fn covering_sibling_and_parent_agree_with_the_bits() {
        let net = |text: &str| match text.parse().unwrap() {
            AnyPrefix::V4(prefix) => prefix,
            AnyPrefix::V6(_) => unreachable!(),
        };
        assert!(net("10.0.0.0/8").covers(net("10.255.0.0/16")));
        assert!(!net("10.255.0.0/16").covers(net("10.0.0.0/8")));
        assert!(!net("10.0.0.0/8").covers(net("11.0.0.0/8")));
        assert_eq!(net("10.0.0.0/9").sibling(), Some(net("10.128.0.0/9")));
        assert_eq!(net("10.128.0.0/9").parent(), Some(net("10.0.0.0/8")));
        assert_eq!(net("10.0.0.0/8").last(), u32::from_be_bytes([10, 255, 255, 255]));
    }
}
