//! When two states are the same: a hash of everything in them, less what cannot matter.
//!
//! The hash is taken over the `Debug` text of the whole state while it is being written, private fields of the core
//! included. So a new field counts from its first day, and whatever is left out is left out by name, here:
//!
//! - **Time is relative**: an `Instant` counts as its distance from now, exact to the nanosecond and signed, so that
//!   two deadlines that have both passed keep their order. The core only compares and adds.
//! - **Ids are renamed** in order of appearance (`ConnId`, `PeerId`, `GroupId`). They are given out once and
//!   compared for equality; their order is kept by the order in which ordered maps show them.
//! - **`rng`** (the generators): all that is still to be drawn from them is the jitter of keepalives yet to be
//!   set, a factor of 0.75 to 1 (RFC 4271 10). Which timer fires first is the explorer's choice in any case.
//! - **`salt`** seeds the fingerprints of received prefixes; no client here announces any.
//! - **`stats`** are counters that nothing reads but people; those that must hold are checked as invariants.
//! - **`next`, `next_ticket`** give out the ids that are renamed.
//! - **`images`** is a cache of what follows from plans, and `counts` one of what follows from a view.
//! - **`last_session`** is when a peer was last seen, by the wall clock: people read it, and nothing else.
//! - **`config`, `options`** do not change on a path but by the removal of the peer, which the registry shows.

use std::fmt::{self, Debug, Write};

use bgplite_core::time::Instant;

/// The canonical hash of a state at `now`.
pub(super) fn fingerprint(now: Instant, state: &impl Debug) -> u64 {
    let mut canon = Canon {
        now: i128::from(now.as_nanos()),
        hash: Fnv::default(),
        word: Word::default(),
        before: Word::default(),
        names: Vec::new(),
        depth: 0,
        skipping: None,
        quote: Quote::Outside,
    };
    // Writing into a hash cannot fail.
    let _ = write!(canon, "{state:?}");
    canon.end_word();
    canon.hash.finish()
}

/// FNV-1a, 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Fnv {
    pub(super) fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.push(byte);
        }
    }

    pub(super) const fn finish(self) -> u64 {
        self.0
    }

    fn push(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
}

/// The fields that are left out.
const LEFT_OUT: [&[u8]; 10] = [
    b"rng",
    b"salt",
    b"stats",
    b"next",
    b"next_ticket",
    b"images",
    b"counts",
    b"config",
    b"options",
    b"last_session",
];

/// The ids that are renamed, one space of names each.
const RENAMED: [&[u8]; 3] = [b"ConnId", b"PeerId", b"GroupId"];

/// The longest word that has a meaning here, or is a number.
const WORD_OCTETS: usize = 24;

/// A run of letters, digits and underscores.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    bytes: [u8; WORD_OCTETS],
    /// Octets of it; those past the end of `bytes` are hashed and not kept.
    len: usize,
}

impl Word {
    fn kept(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn number(&self) -> Option<u64> {
        std::str::from_utf8(self.kept()).ok()?.parse().ok()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    Outside,
    Inside,
    Escaped,
}

/// Hashes what is written to it.
struct Canon {
    now: i128,
    hash: Fnv,
    /// The word that is being written.
    word: Word,
    /// The word before the parenthesis that stands before it; empty when there is none.
    before: Word,
    /// Renamed ids: the space, and the number as it was.
    names: Vec<(usize, u64)>,
    /// Open brackets.
    depth: u32,
    /// A field is left out until this depth's next comma, or its end.
    skipping: Option<u32>,
    quote: Quote,
}

impl Write for Canon {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            self.push(byte);
        }
        Ok(())
    }
}

impl Canon {
    fn push(&mut self, byte: u8) {
        match self.quote {
            Quote::Outside => {}
            Quote::Inside if byte == b'"' => return self.push_quoted(byte, Quote::Outside),
            Quote::Inside if byte == b'\\' => return self.push_quoted(byte, Quote::Escaped),
            Quote::Inside | Quote::Escaped => return self.push_quoted(byte, Quote::Inside),
        }
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            match self.word.bytes.get_mut(self.word.len) {
                Some(slot) => *slot = byte,
                None => self.hash_unless_skipped(&[byte]),
            }
            self.word.len += 1;
            return;
        }
        if byte == b':' && self.skipping.is_none() && LEFT_OUT.contains(&self.word.kept()) {
            self.skipping = Some(self.depth);
            self.word.len = 0;
            return;
        }
        let word = self.word;
        self.end_word();
        self.before.len = 0;
        match byte {
            b'(' => {
                self.before = word;
                self.depth += 1;
            }
            b'[' | b'{' => self.depth += 1,
            b')' | b']' | b'}' => {
                if self.skipping == Some(self.depth) {
                    self.skipping = None;
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b',' if self.skipping == Some(self.depth) => self.skipping = None,
            b'"' => self.quote = Quote::Inside,
            _ => {}
        }
        self.hash_unless_skipped(&[byte]);
    }

    fn push_quoted(&mut self, byte: u8, next: Quote) {
        self.quote = next;
        self.hash_unless_skipped(&[byte]);
    }

    /// The word is whole: hashes it, or what stands for it.
    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if word.len == 0 || self.skipping.is_some() {
            return;
        }
        let before = self.before;
        if let Some(number) = word.number() {
            if before.kept() == b"Instant" {
                let relative = i128::from(number) - self.now;
                return self.hash.write(&relative.to_le_bytes());
            }
            if let Some(space) = RENAMED.iter().position(|name| *name == before.kept()) {
                let name = self.rename(space, number);
                return self.hash.write(&name.to_le_bytes());
            }
        }
        self.hash.write(word.bytes.get(..word.len).unwrap_or(&word.bytes));
    }

    fn rename(&mut self, space: usize, number: u64) -> usize {
        let found = self.names.iter().position(|name| *name == (space, number));
        found.unwrap_or_else(|| {
            self.names.push((space, number));
            self.names.len() - 1
        })
    }

    fn hash_unless_skipped(&mut self, bytes: &[u8]) {
        if self.skipping.is_none() {
            self.hash.write(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use bgplite_core::ids::ConnId;
    use bgplite_core::rng::Rng;

    use super::*;

    #[derive(Debug)]
    #[expect(dead_code, reason = "its Debug is what counts")]
    struct State {
        at: Option<Instant>,
        conns: Vec<ConnId>,

        rng: Rng,
        text: &'static str,
        size: u32,
    }

    fn state(at: u64, conns: &[u64]) -> State {
        State {
            at: Some(Instant::from_nanos(at)),
            conns: conns.iter().copied().map(ConnId).collect(),
            rng: Rng::new(at),
            text: "a, \"b\" }",
            size: 5,
        }
    }

    fn hash(now: u64, state: &State) -> u64 {
        fingerprint(Instant::from_nanos(now), state)
    }

    #[test]
    fn a_state_is_the_same_later_with_other_ids_and_another_generator() {
        let first = hash(100, &state(160, &[1, 2, 1]));
        assert_eq!(first, hash(1100, &state(1160, &[7, 3, 7])));
    }

    #[test]
    fn a_deadline_an_id_a_text_and_a_field_behind_one_left_out_count() {
        let first = hash(100, &state(160, &[1, 2, 1]));
        assert_ne!(first, hash(100, &state(161, &[1, 2, 1])));
        assert_ne!(first, hash(100, &state(160, &[1, 2, 2])));
        assert_ne!(first, hash(100, &State { text: "a, \"b\" ]", ..state(160, &[1, 2, 1]) }));
        assert_ne!(first, hash(100, &State { size: 6, ..state(160, &[1, 2, 1]) }));
        assert_ne!(first, hash(100, &State { at: None, ..state(160, &[1, 2, 1]) }));
    }

    #[test]
    fn a_deadline_that_has_passed_keeps_its_place() {
        assert_ne!(hash(100, &state(40, &[])), hash(100, &state(50, &[])));
    }
}
