//! A fingerprint of all that happened, and a voice for those who want to hear it.

use std::fmt;

use bgplite_core::time::Instant;

/// Hashes every input, action and byte in order; equal runs have equal hashes on every machine.
pub(crate) struct Trace<'a> {
    hash: u64,
    sink: Option<&'a mut dyn FnMut(&str)>,
}

impl<'a> Trace<'a> {
    pub(crate) fn new(sink: Option<&'a mut dyn FnMut(&str)>) -> Self {
        Self { hash: 0xCBF2_9CE4_8422_2325, sink }
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn word(&mut self, word: u64) {
        let mixed = (self.hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.hash = mixed ^ (mixed >> 29);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            self.word(u64::from_le_bytes(word));
        }
    }

    pub(crate) const fn is_heard(&self) -> bool {
        self.sink.is_some()
    }

    /// Says a line, with the time before it. Whoever calls it has seen that somebody listens.
    pub(crate) fn say(&mut self, now: Instant, line: fmt::Arguments<'_>) {
        if let Some(sink) = &mut self.sink {
            sink(&format!("{now} {line}"));
        }
    }
}

impl fmt::Debug for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.hash)
    }
}
