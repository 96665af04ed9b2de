//! Prefixes and routes in one shape, whatever a daemon prints.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// An address family; each prefix belongs to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const BOTH: [Self; 2] = [Self::V4, Self::V6];
}

/// A prefix as announced: comparable, and kept exactly as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Prefix {
    pub(crate) address: IpAddr,
    pub(crate) length: u8,
}

impl Prefix {
    /// From `address/length`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        Some(Self { address: address.parse().ok()?, length: length.parse().ok()? })
    }

    pub(crate) fn family(self) -> Family {
        if self.address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// First and last address as numbers.
    fn range(self) -> (u128, u128) {
        let (first, bits) = match self.address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32 - u32::from(self.length)),
            IpAddr::V6(address) => (address.to_bits(), 128 - u32::from(self.length)),
        };
        (first, first | 1_u128.checked_shl(bits).unwrap_or(0).wrapping_sub(1))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// What came with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) next_hop: IpAddr,
    pub(crate) as_path: Vec<u32>,
    pub(crate) communities: Vec<(u16, u16)>,
    pub(crate) large: Vec<(u32, u32, u32)>,
}

/// What a daemon holds from the server, in one family.
pub(crate) type Routes = BTreeMap<Prefix, Route>;

/// The addresses that prefixes of one family cover: ranges, sorted, touching ones joined. Equal unions are
/// equal lists, however each side split its prefixes.
pub(crate) fn union<'a>(prefixes: impl IntoIterator<Item = &'a Prefix>) -> Vec<(u128, u128)> {
    let mut ranges: Vec<(u128, u128)> = prefixes.into_iter().map(|prefix| prefix.range()).collect();
    ranges.sort_unstable();
    let mut joined: Vec<(u128, u128)> = Vec::new();
    for (first, last) in ranges {
        match joined.last_mut() {
            Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// AS numbers separated by anything that is not a digit: `65010 65020`, `(65010, 65020)`.
pub(crate) fn numbers(text: &str) -> Vec<u32> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

/// Standard communities from the numbers of `65010:100` or `(65010,100)`, any number of them.
pub(crate) fn communities(text: &str) -> Vec<(u16, u16)> {
    let numbers = numbers(text);
    let pair = |pair: &[u32]| Some((u16::try_from(pair[0]).ok()?, u16::try_from(pair[1]).ok()?));
    numbers.chunks_exact(2).filter_map(pair).collect()
}

/// Large communities from the numbers of `65010:1:100` or `(65010, 1, 100)`, any number of them.
pub(crate) fn large_communities(text: &str) -> Vec<(u32, u32, u32)> {
    numbers(text).chunks_exact(3).map(|triple| (triple[0], triple[1], triple[2])).collect()
}
