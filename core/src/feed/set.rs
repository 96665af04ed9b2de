//! A set of prefixes of one family: sorted, each once, immutable, packed by column.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::coding::Words;
use crate::rib::{Bits, Family, Prefix};

mod cut;
mod span;

pub(crate) use span::push_span;

/// Prefixes in ascending order (address, then length), each once: 5 octets an IPv4 one, 17 an IPv6 one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixSet<F: Family> {
    bits: Box<[F::Bits]>,
    lens: Box<[u8]>,
}

impl<F: Family> Default for PrefixSet<F> {
    fn default() -> Self {
        Self { bits: Box::default(), lens: Box::default() }
    }
}

impl<F: Family> PrefixSet<F> {
    /// The set of these prefixes, in whatever order they come. One pass if they come sorted.
    pub fn from_prefixes(mut prefixes: Vec<Prefix<F>>) -> Self {
        if !prefixes.is_sorted() {
            prefixes.sort_unstable();
        }
        prefixes.dedup();
        Self::from_ascending(&prefixes)
    }

    /// The set of prefixes that are strictly ascending already.
    pub(crate) fn from_ascending(prefixes: &[Prefix<F>]) -> Self {
        debug_assert!(prefixes.is_sorted_by(|a, b| a < b), "strictly ascending");
        Self {
            bits: prefixes.iter().map(|prefix| prefix.bits()).collect(),
            lens: prefixes.iter().map(|prefix| prefix.len()).collect(),
        }
    }

    /// How many prefixes.
    pub fn len(&self) -> usize {
        self.lens.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lens.is_empty()
    }

    /// The prefixes, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Prefix<F>> + DoubleEndedIterator + Clone + '_ {
        let rows = self.bits.iter().zip(&*self.lens);
        rows.map(|(&bits, &len)| Prefix::from_masked(bits, len))
    }

    /// Whether exactly this prefix is in the set; one that covers it does not count.
    pub fn contains(&self, prefix: Prefix<F>) -> bool {
        // Rows of one address stand together, at most one for each length.
        let first = self.bits.partition_point(|&bits| bits < prefix.bits());
        let same_address = self.bits.iter().zip(&*self.lens).skip(first);
        same_address.take_while(|&(&bits, _)| bits == prefix.bits()).any(|(_, &len)| len == prefix.len())
    }

    /// The prefixes that are in any of `sets`.
    #[must_use]
    pub fn union(sets: &[&Self]) -> Self {
        let full: Vec<&&Self> = sets.iter().filter(|set| !set.is_empty()).collect();
        if let [one] = full[..] {
            return (**one).clone();
        }
        let mut prefixes = Vec::with_capacity(full.iter().map(|set| set.len()).sum());
        for set in full {
            prefixes.extend(set.iter());
        }
        // The stable sort finds the ascending runs and only merges them.
        prefixes.sort();
        prefixes.dedup();
        Self::from_ascending(&prefixes)
    }

    /// The addresses, row by row.
    pub(crate) fn bits(&self) -> &[F::Bits] {
        &self.bits
    }

    /// The lengths, row by row.
    pub(crate) fn lens(&self) -> &[u8] {
        &self.lens
    }
}

impl<F: Family> Serialize for PrefixSet<F> {
    /// As one text, `192.0.2.0/24 198.51.100.0/24`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Words(self.iter()))
    }
}

impl<'de, F: Family> Deserialize<'de> for PrefixSet<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'_, str>>::deserialize(deserializer)?;
        let prefixes: Option<Vec<_>> = text.split_ascii_whitespace().map(parse).collect();
        prefixes.map(Self::from_prefixes).ok_or_else(|| de::Error::custom("not prefixes of this family"))
    }
}

/// A prefix as `Display` shows it.
fn parse<F: Family>(text: &str) -> Option<Prefix<F>> {
    let (address, len) = text.split_once('/')?;
    let mut octets = <F::Bits as Bits>::Octets::default();
    let slot = octets.as_mut();
    match address.parse().ok()? {
        IpAddr::V4(address) if slot.len() == 4 => slot.copy_from_slice(&address.octets()),
        IpAddr::V6(address) if slot.len() == 16 => slot.copy_from_slice(&address.octets()),
        _ => return None,
    }
    Prefix::new(F::Bits::from_octets(octets), len.parse().ok()?)
}

#[cfg(test)]
mod tests;
