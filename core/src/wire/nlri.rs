//! Prefixes on the wire (RFC 4271 4.3): a length in bits, then as many octets as hold them.

use alloc::vec::Vec;

use crate::rib::{Bits, Family, Prefix};

/// All prefixes in `bytes`, host bits masked; `None` when a length exceeds the family's or the last one is
/// cut short.
pub(super) fn decode_prefixes<F: Family>(mut bytes: &[u8]) -> Option<Vec<Prefix<F>>> {
    // A guess that most tables meet: three octets or more beside the length.
    let mut prefixes = Vec::with_capacity(bytes.len().div_ceil(4));
    while let Some((&len, rest)) = bytes.split_first() {
        let mut address = <F::Bits as Bits>::Octets::default();
        let slot = address.as_mut();
        // A whole address at once where there are octets enough: what is not the prefix's own is masked.
        if let Some(window) = rest.get(..slot.len()) {
            slot.copy_from_slice(window);
        } else {
            slot.iter_mut().zip(rest).for_each(|(slot, octet)| *slot = *octet);
        }
        prefixes.push(Prefix::new(F::Bits::from_octets(address), len)?);
        bytes = rest.get(octets(len)..)?;
    }
    Some(prefixes)
}

/// Appends one prefix.
pub(crate) fn encode_prefix<F: Family>(prefix: Prefix<F>, out: &mut Vec<u8>) {
    out.push(prefix.len());
    let address = prefix.bits().to_octets();
    out.extend(address.as_ref().iter().take(octets(prefix.len())));
}

/// Appends all of them.
pub(super) fn encode_prefixes<F: Family>(prefixes: &[Prefix<F>], out: &mut Vec<u8>) {
    for prefix in prefixes {
        encode_prefix(*prefix, out);
    }
}

/// Octets that hold `len` bits.
fn octets(len: u8) -> usize {
    usize::from(len.div_ceil(8))
}
