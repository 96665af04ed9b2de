//! AS_PATH and AS4_PATH (RFC 4271 4.3, RFC 6793, RFC 5065).

use alloc::vec::Vec;
use core::fmt;

use super::reader::Reader;
use crate::ids::Asn;

/// The way a route came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsPath {
    /// From the last AS to the first.
    pub segments: Vec<Segment>,
}

/// A part of the way. Not empty when it was received (RFC 7606 7.2); on sending, an empty one is left out and
/// one of more than 255 ASNs becomes several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What the ASNs mean.
    pub kind: SegmentKind,
    /// The ASNs.
    pub asns: Vec<Asn>,
}

/// What the ASNs of a segment mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// Type 1: some of them, in no order.
    Set,
    /// Type 2: all of them, in this order.
    Sequence,
    /// Type 3: a sequence inside a confederation (RFC 5065).
    ConfedSequence,
    /// Type 4: a set inside a confederation (RFC 5065).
    ConfedSet,
}

impl SegmentKind {
    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Set,
            2 => Self::Sequence,
            3 => Self::ConfedSequence,
            4 => Self::ConfedSet,
            _ => return None,
        })
    }

    const fn code(self) -> u8 {
        match self {
            Self::Set => 1,
            Self::Sequence => 2,
            Self::ConfedSequence => 3,
            Self::ConfedSet => 4,
        }
    }
}

impl Segment {
    fn hops(&self) -> usize {
        match self.kind {
            SegmentKind::Sequence => self.asns.len(),
            SegmentKind::Set => 1,
            SegmentKind::ConfedSequence | SegmentKind::ConfedSet => 0,
        }
    }
}

impl AsPath {
    /// A path of one sequence; of nothing when `asns` is empty.
    pub fn sequence(asns: &[Asn]) -> Self {
        let mut segments = Vec::new();
        if !asns.is_empty() {
            segments.push(Segment { kind: SegmentKind::Sequence, asns: asns.to_vec() });
        }
        Self { segments }
    }

    /// The ASN that sent the route: the first of a leading sequence.
    pub fn first(&self) -> Option<Asn> {
        let first = self.segments.first()?;
        match first.kind {
            SegmentKind::Sequence => first.asns.first().copied(),
            SegmentKind::Set | SegmentKind::ConfedSequence | SegmentKind::ConfedSet => None,
        }
    }

    /// All ASNs, segment by segment.
    pub fn asns(&self) -> impl Iterator<Item = Asn> + '_ {
        self.segments.iter().flat_map(|segment| segment.asns.iter().copied())
    }

    /// ASNs as RFC 4271 9.1.2.2 and RFC 5065 5.3 count them: a set is one, confederations are none.
    fn hops(&self) -> usize {
        self.segments.iter().map(Segment::hops).sum()
    }

    /// The path that two-octet `self` and the AS4_PATH beside it stand for (RFC 6793 4.2.3): what `as4` lacks
    /// is taken from the front of `self`. `self` when `as4` is the longer one, and so no part of it.
    pub(super) fn merged(&self, as4: &Self) -> Self {
        let Some(mut lacking) = self.hops().checked_sub(as4.hops()) else {
            return self.clone();
        };
        let mut merged = Self::default();
        for segment in &self.segments {
            // A confederation's segment counts nothing, and stays where it leads or follows what was taken.
            if lacking == 0 && segment.hops() > 0 {
                break;
            }
            let taken = match segment.kind {
                SegmentKind::Sequence => segment.asns.get(..lacking).unwrap_or(&segment.asns),
                SegmentKind::Set | SegmentKind::ConfedSequence | SegmentKind::ConfedSet => &segment.asns,
            };
            let segment = Segment { kind: segment.kind, asns: taken.to_vec() };
            lacking = lacking.saturating_sub(segment.hops());
            merged.segments.push(segment);
        }
        // Confederations have no place in an AS4_PATH (RFC 6793 section 6).
        for segment in as4.segments.iter().filter(|segment| segment.hops() > 0) {
            match merged.segments.last_mut() {
                Some(last) if last.kind == SegmentKind::Sequence && segment.kind == SegmentKind::Sequence => {
                    last.asns.extend_from_slice(&segment.asns);
                }
                _ => merged.segments.push(segment.clone()),
            }
        }
        merged
    }

    /// `None` when malformed (RFC 7606 7.2): an unknown segment type, one that is empty or cut short, or AS 0
    /// (RFC 7607).
    pub(super) fn decode(value: &[u8], as4: bool) -> Option<Self> {
        let mut reader = Reader::new(value);
        let mut segments = Vec::new();
        while let Some(code) = reader.u8() {
            let kind = SegmentKind::from_code(code)?;
            let count = usize::from(reader.u8()?);
            if count == 0 {
                return None;
            }
            let octets = reader.take(count * if as4 { 4 } else { 2 })?;
            let asns: Vec<Asn> = if as4 {
                octets.as_chunks().0.iter().map(|octets| Asn(u32::from_be_bytes(*octets))).collect()
            } else {
                octets.as_chunks().0.iter().map(|octets| Asn(u16::from_be_bytes(*octets).into())).collect()
            };
            if asns.contains(&Asn(0)) {
                return None;
            }
            segments.push(Segment { kind, asns });
        }
        Some(Self { segments })
    }

    /// Appends the attribute's value. With two octets each, ASNs that do not fit become AS_TRANS.
    pub(super) fn encode(&self, as4: bool, out: &mut Vec<u8>) {
        for segment in &self.segments {
            for asns in segment.asns.chunks(255) {
                out.extend_from_slice(&[segment.kind.code(), u8::try_from(asns.len()).unwrap_or(u8::MAX)]);
                for asn in asns {
                    if as4 {
                        out.extend_from_slice(&asn.0.to_be_bytes());
                    } else {
                        out.extend_from_slice(&asn.two_octets().to_be_bytes());
                    }
                }
            }
        }
    }
}

/// `65010 65020 {65030 65040} (65050) [65060]`.
impl fmt::Display for AsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            let (open, close) = match segment.kind {
                SegmentKind::Sequence => ("", ""),
                SegmentKind::Set => ("{", "}"),
                SegmentKind::ConfedSequence => ("(", ")"),
                SegmentKind::ConfedSet => ("[", "]"),
            };
            f.write_str(open)?;
            for (index, asn) in segment.asns.iter().enumerate() {
                write!(f, "{}{asn}", if index > 0 { " " } else { "" })?;
            }
            f.write_str(close)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    fn segment(kind: SegmentKind, asns: &[u32]) -> Segment {
        Segment { kind, asns: asns.iter().map(|&asn| Asn(asn)).collect() }
    }

    fn merged(path: Vec<Segment>, as4: Vec<Segment>) -> alloc::string::String {
        AsPath { segments: path }.merged(&AsPath { segments: as4 }).to_string()
    }

    #[test]
    fn as4_path_replaces_the_end_of_as_path() {
        use SegmentKind::{ConfedSequence, Sequence, Set};
        let trans = 23456;
        for (path, as4, expected) in [
            // RFC 6793 4.2.3: as long as each other, one hop short, and too long to belong.
            (vec![segment(Sequence, &[trans, 2])], vec![segment(Sequence, &[70000, 2])], "70000 2"),
            (vec![segment(Sequence, &[1, trans, 2])], vec![segment(Sequence, &[70000, 2])], "1 70000 2"),
            (vec![segment(Sequence, &[1])], vec![segment(Sequence, &[70000, 2])], "1"),
            (vec![segment(Sequence, &[1, 2])], vec![], "1 2"),
            (vec![], vec![], ""),
            // A set is one hop, whatever it holds.
            (
                vec![segment(Sequence, &[1, trans]), segment(Set, &[trans, 3])],
                vec![segment(Sequence, &[70000]), segment(Set, &[80000, 3, 4])],
                "1 70000 {80000 3 4}",
            ),
            (
                vec![segment(Set, &[1, 2]), segment(Sequence, &[trans])],
                vec![segment(Sequence, &[70000])],
                "{1 2} 70000",
            ),
            // A confederation is none, and stays in front.
            (
                vec![segment(ConfedSequence, &[9]), segment(Sequence, &[trans])],
                vec![segment(ConfedSequence, &[8]), segment(Sequence, &[70000])],
                "(9) 70000",
            ),
        ] {
            assert_eq!(merged(path, as4), expected);
        }
    }

    #[test]
    fn only_a_leading_sequence_shows_who_sent_the_route() {
        assert_eq!(AsPath::sequence(&[Asn(1), Asn(2)]).first(), Some(Asn(1)));
        assert_eq!(AsPath::sequence(&[]).first(), None);
        let set =
            AsPath { segments: vec![segment(SegmentKind::Set, &[1]), segment(SegmentKind::Sequence, &[2])] };
        assert_eq!(set.first(), None);
        assert!(set.asns().eq([Asn(1), Asn(2)]));
    }
}
