//! A run to keep: a seed, what happens, and what must come of it.

use bgplite_core::time::Duration;

use super::{Incident, Outcome, Params, run_timeline, timeline};

/// A run, and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The seed: clients, configuration, lists, and every choice that is not an incident's.
    pub seed: u64,
    /// What the run is made of.
    pub params: Params,
    /// What happens; `None` is what the seed says.
    pub timeline: Option<Vec<Incident>>,
    /// What must come of it, besides that nothing is wrong.
    pub expect: Expect,
}

/// What must come of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// So many sessions became Established.
    pub sessions: Option<u64>,
    /// All is quiet so soon after the last fault.
    pub quiet_within: Option<Duration>,
}

impl Scenario {
    /// A seed and nothing else.
    pub const fn new(seed: u64, params: Params) -> Self {
        Self { seed, params, timeline: None, expect: Expect { sessions: None, quiet_within: None } }
    }

    /// What happens.
    pub fn incidents(&self) -> Vec<Incident> {
        self.timeline.clone().unwrap_or_else(|| timeline(self.seed, &self.params))
    }

    /// Runs it; `sink` hears every event. The result also says which expectation was not met.
    pub fn run(&self, sink: Option<&mut dyn FnMut(&str)>) -> (Outcome, Result<(), String>) {
        let incidents = self.incidents();
        let outcome = match sink {
            Some(sink) => {
                let mut relay = |line: &str| sink(line);
                run_timeline(self.seed, &self.params, &incidents, Some(&mut relay))
            }
            None => run_timeline(self.seed, &self.params, &incidents, None),
        };
        let verdict = self.judge(&outcome);
        (outcome, verdict)
    }

    fn judge(&self, outcome: &Outcome) -> Result<(), String> {
        if let Some(failure) = &outcome.failure {
            return Err(failure.to_string());
        }
        if let Some(sessions) = self.expect.sessions.filter(|sessions| *sessions != outcome.sessions) {
            return Err(format!("{} sessions became Established, not {sessions}", outcome.sessions));
        }
        let quiet = outcome.time.saturating_sub(self.params.faulty);
        match self.expect.quiet_within {
            Some(within) if quiet > within => Err(format!("quiet after {quiet:?}, not within {within:?}")),
            _ => Ok(()),
        }
    }
}
