//! Prefixes as the model sees them: no code of the core's, one type for both families.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgplite_core::rib::{AnyPrefix, Prefix4, Prefix6};

/// A prefix. IPv4 addresses stand in the upper 32 bits, so that one arithmetic serves both families.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Net {
    pub(crate) v6: bool,
    pub(crate) bits: u128,
    pub(crate) len: u8,
}

/// Addresses of one family: first and last.
pub(crate) type Range = (u128, u128);

impl Net {
    /// Host bits are masked.
    pub(crate) fn new(v6: bool, bits: u128, len: u8) -> Self {
        Self { v6, bits: bits & mask(len), len }
    }

    /// A prefix or an address as lists have it; `None` for anything that no list may hold.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, len) = match text.split_once('/') {
            None => (text, None),
            Some((address, len)) => {
                let is_plain = !len.is_empty()
                    && len.len() <= 3
                    && len.bytes().all(|byte| byte.is_ascii_digit())
                    && (len == "0" || !len.starts_with('0'));
                (address, Some(if is_plain { len.parse::<u8>().ok()? } else { return None }))
            }
        };
        let (v6, bits, longest) = match address.parse().ok()? {
            IpAddr::V4(address) => (false, u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (true, address.to_bits(), 128),
        };
        let len = len.unwrap_or(longest);
        let net = Self::new(v6, bits, len);
        let is_mapped = v6 && len >= 96 && net.bits >> 32 == 0xFFFF;
        (len > 0 && len <= longest && !is_mapped).then_some(net)
    }

    pub(crate) fn range(self) -> Range {
        (self.bits, self.bits | !mask(self.len))
    }

    /// Whether it covers the other.
    pub(crate) fn holds(self, other: Self) -> bool {
        self.v6 == other.v6 && self.len <= other.len && self.bits == other.bits & mask(self.len)
    }

    /// Its first address, alone.
    pub(crate) fn address(self) -> IpAddr {
        if self.v6 {
            Ipv6Addr::from_bits(self.bits).into()
        } else {
            Ipv4Addr::from_bits((self.bits >> 96) as u32).into()
        }
    }

    /// A single address.
    pub(crate) fn host(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::new(false, u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => Self::new(true, address.to_bits(), 128),
        }
    }

    /// The prefix one bit shorter; itself where there is none a list may hold.
    pub(crate) fn parent(self) -> Self {
        Self::new(self.v6, self.bits, self.len.saturating_sub(1).max(1))
    }

    /// Its two halves; `None` for a single address.
    pub(crate) fn halves(self) -> Option<[Self; 2]> {
        let longest = if self.v6 { 128 } else { 32 };
        let len = self.len + 1;
        let lower = Self::new(self.v6, self.bits, len);
        (len <= longest).then(|| [lower, Self::new(self.v6, self.bits | 1 << (128 - u32::from(len)), len)])
    }
}

impl From<Prefix4> for Net {
    fn from(prefix: Prefix4) -> Self {
        Self::new(false, u128::from(prefix.bits()) << 96, prefix.len())
    }
}

impl From<AnyPrefix> for Net {
    fn from(prefix: AnyPrefix) -> Self {
        match prefix {
            AnyPrefix::V4(prefix) => prefix.into(),
            AnyPrefix::V6(prefix) => prefix.into(),
        }
    }
}

impl From<Prefix6> for Net {
    fn from(prefix: Prefix6) -> Self {
        Self::new(true, prefix.bits(), prefix.len())
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.v6 {
            write!(f, "{}/{}", Ipv6Addr::from_bits(self.bits), self.len)
        } else {
            write!(f, "{}/{}", Ipv4Addr::from_bits((self.bits >> 96) as u32), self.len)
        }
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The fewest prefixes for exactly the addresses of `nets`, by way of address ranges. Never a default route.
pub(crate) fn fewest(nets: &[Net]) -> Vec<Net> {
    let mut out = Vec::new();
    for v6 in [false, true] {
        for (first, last) in joined(nets, v6) {
            split(v6, first, last, &mut out);
        }
    }
    out
}

/// The addresses of one family, as the fewest ranges.
fn joined(nets: &[Net], v6: bool) -> Vec<Range> {
    let mut ranges: Vec<Range> = nets.iter().filter(|net| net.v6 == v6).map(|net| net.range()).collect();
    ranges.sort_unstable();
    let mut joined: Vec<Range> = Vec::new();
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if *end == u128::MAX || first <= *end + 1 => *end = (*end).max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// A range as the largest prefixes that stand at their place in it.
pub(crate) fn split(v6: bool, mut first: u128, last: u128, out: &mut Vec<Net>) {
    loop {
        let mut host_bits = first.trailing_zeros().min(127);
        while first | ((1 << host_bits) - 1) > last {
            host_bits -= 1;
        }
        let net = Net::new(v6, first, (128 - host_bits) as u8);
        out.push(net);
        match net.range().1.checked_add(1) {
            Some(next) if next <= last => first = next,
            _ => return,
        }
    }
}

/// Addresses to be taken away: ranges by family, IPv4 first, ascending and apart from each other.
#[derive(Debug)]
pub(crate) struct Gone([Vec<Range>; 2]);

impl Gone {
    pub(crate) fn new(nets: &[Net]) -> Self {
        Self([false, true].map(|v6| joined(nets, v6)))
    }

    /// What is left of a prefix, as the fewest prefixes.
    pub(crate) fn rest(&self, net: Net) -> Vec<Net> {
        let (mut at, last) = net.range();
        let ranges = &self.0[usize::from(net.v6)];
        let mut out = Vec::new();
        let first = ranges.partition_point(|range| range.1 < at);
        for &(gone_first, gone_last) in ranges.iter().skip(first).take_while(|range| range.0 <= last) {
            if gone_first > at {
                split(net.v6, at, gone_first - 1, &mut out);
            }
            match gone_last.checked_add(1) {
                Some(next) if next <= last => at = next,
                _ => return out,
            }
        }
        split(net.v6, at, last, &mut out);
        out
    }
}

fn mask(len: u8) -> u128 {
    !u128::MAX.checked_shr(u32::from(len)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<Net> {
        texts.iter().map(|text| Net::parse(text).unwrap()).collect()
    }

    #[test]
    fn ranges_become_the_fewest_prefixes() {
        let given =
            nets(&["10.0.0.0/24", "10.0.1.0/25", "10.0.1.128/25", "10.0.3.7", "10.0.0.9", "2001:db8::/33"]);
        assert_eq!(fewest(&given), nets(&["10.0.0.0/23", "10.0.3.7/32", "2001:db8::/33"]));
        assert_eq!(fewest(&nets(&["0.0.0.0/1", "128.0.0.0/1"])), nets(&["0.0.0.0/1", "128.0.0.0/1"]));
    }

    #[test]
    fn what_is_left_is_the_fewest_prefixes() {
        let rest = |net: &str, gone: &[&str]| Gone::new(&nets(gone)).rest(Net::parse(net).unwrap());
        assert_eq!(rest("10.0.0.0/24", &[]), nets(&["10.0.0.0/24"]));
        assert_eq!(
            rest("10.0.0.0/24", &["10.0.0.64/26", "10.0.0.192/27", "10.9.0.0/16"]),
            nets(&["10.0.0.0/26", "10.0.0.128/26", "10.0.0.224/27"])
        );
        assert_eq!(rest("10.0.0.0/24", &["10.0.0.0/8"]), []);
        assert_eq!(rest("2001:db8::/126", &["2001:db8::3"]), nets(&["2001:db8::/127", "2001:db8::2/128"]));
    }

    #[test]
    fn what_no_list_may_hold_is_no_net() {
        for text in
            ["0.0.0.0/0", "::/0", "10.0.0.0/08", "10.0.0.0/33", "::ffff:10.0.0.1", "10.0.0", "x", "10.0.0.0/"]
        {
            assert_eq!(Net::parse(text), None, "{text}");
        }
    }
}
