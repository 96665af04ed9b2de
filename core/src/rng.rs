//! The one source of randomness: seeded, small, the same on every machine.

use serde::{Deserialize, Serialize};

use crate::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014). Good enough for jitter and salts; not for secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rng(u64);

impl Rng {
    /// A generator whose whole sequence follows from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// `duration` shortened by up to a quarter (RFC 4271 section 10: a factor of 0.75 to 1.0).
    pub fn jitter(&mut self, duration: Duration) -> Duration {
        let fraction = u32::try_from(self.below(1 << 16)).unwrap_or(0);
        duration.saturating_sub((duration / 4).saturating_mul(fraction) / (1 << 16))
    }

    /// A generator of its own for a part of the system, so that parts do not disturb each other's sequence.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_of_a_seed_is_fixed() {
        // First outputs of SplitMix64 for seed 1234567, as published with the reference implementation.
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn jitter_stays_between_three_quarters_and_the_whole() {
        let mut rng = Rng::new(7);
        let whole = Duration::from_secs(80);
        for _ in 0..10_000 {
            let jittered = rng.jitter(whole);
            assert!(jittered >= Duration::from_secs(60) && jittered <= whole, "{jittered:?}");
        }
    }
}
