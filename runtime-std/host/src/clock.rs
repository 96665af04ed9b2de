//! The two clocks: one that only goes forward, for the core, and one that people read.

use std::time::{self, Duration, SystemTime};

use bgplite_core::time::Instant;

/// Turns the operating system's monotonic clock into the core's.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: time::Instant,
}

impl Clock {
    /// A clock that starts now, at [`Instant::ZERO`].
    pub fn new() -> Self {
        Self { origin: time::Instant::now() }
    }

    /// The present, for the core.
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.origin.elapsed()
    }

    /// The operating system's instant of `instant`; `None` when it has no number for one so far away.
    pub fn system_instant(&self, instant: Instant) -> Option<time::Instant> {
        self.origin.checked_add(Duration::from_nanos(instant.as_nanos()))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Seconds since the Unix epoch, by the wall clock; 0 before it.
pub fn unix_secs() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_s_clock_goes_forward_and_back_to_the_same_instant() {
        let clock = Clock::new();
        let early = clock.now();
        let late = clock.now();
        assert!(early <= late);
        let system = clock.system_instant(late).unwrap();
        assert_eq!(system.duration_since(clock.origin).as_nanos(), u128::from(late.as_nanos()));
        assert!(unix_secs() > 1_700_000_000);
    }
}
