//! The shortest way to the same trouble that is found by leaving things out.

use bgplite_core::time::Duration;

use super::incident::What;
use super::{Incident, Outcome, Params, Scenario, run_timeline};

/// Leaves out of a failing run whatever it fails without: kinds of fault, incidents, clients, time. Runs it at most
/// `budget` times. Returns what is left, and `None` for a run that does not fail.
pub fn shrink(scenario: &Scenario, budget: u32) -> Option<Scenario> {
    let mut shrinker = Shrinker { seed: scenario.seed, kind: None, budget, best: scenario.clone() };
    let incidents = scenario.incidents();
    let outcome = shrinker.fails(&scenario.params, &incidents)?;
    let failure = outcome.failure?;
    let until = failure.now;
    shrinker.kind = Some(kind(&failure.what));
    let before = |incident: &Incident| super::START + incident.at <= until;
    let mut incidents: Vec<Incident> = incidents.into_iter().filter(before).collect();
    shrinker.keep(&scenario.params, &incidents);
    shrinker.without_kinds(&mut incidents);
    shrinker.without_incidents(&mut incidents);
    shrinker.with_fewer_clients(&mut incidents);
    shrinker.without_incidents(&mut incidents);
    shrinker.in_less_time(&mut incidents);
    Some(shrinker.best)
}

struct Shrinker {
    seed: u64,
    /// What the failure says, without numbers.
    kind: Option<String>,
    budget: u32,
    best: Scenario,
}

impl Shrinker {
    fn fails(&mut self, params: &Params, incidents: &[Incident]) -> Option<Outcome> {
        self.budget = self.budget.checked_sub(1)?;
        let outcome = run_timeline(self.seed, params, incidents, None);
        let failure = outcome.failure.as_ref()?;
        let is_it = self.kind.as_ref().is_none_or(|known| *known == kind(&failure.what));
        is_it.then_some(outcome)
    }

    /// Takes this for the best if it fails.
    fn keep(&mut self, params: &Params, incidents: &[Incident]) -> bool {
        let is_better = self.fails(params, incidents).is_some();
        if is_better {
            self.best.params = params.clone();
            self.best.timeline = Some(incidents.to_vec());
        }
        is_better
    }

    fn without_kinds(&mut self, incidents: &mut Vec<Incident>) {
        for &what in What::ALL {
            let rest: Vec<Incident> =
                incidents.iter().filter(|incident| incident.what != what).cloned().collect();
            let params = self.best.params.clone();
            if rest.len() < incidents.len() && self.keep(&params, &rest) {
                *incidents = rest;
            }
        }
    }

    /// Halves, quarters, and so on down to single ones (Zeller's delta debugging).
    fn without_incidents(&mut self, incidents: &mut Vec<Incident>) {
        let params = self.best.params.clone();
        let mut size = incidents.len().div_ceil(2);
        while size > 0 && self.budget > 0 {
            let mut at = 0;
            while at < incidents.len() {
                let gone = at..(at + size).min(incidents.len());
                let mut rest = incidents.clone();
                rest.drain(gone);
                if self.keep(&params, &rest) {
                    *incidents = rest;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    fn with_fewer_clients(&mut self, incidents: &mut [Incident]) {
        for clients in 1..self.best.params.clients {
            let params = Params { clients, ..self.best.params.clone() };
            if self.keep(&params, incidents) {
                return;
            }
        }
    }

    fn in_less_time(&mut self, incidents: &mut Vec<Incident>) {
        let last = incidents.iter().map(|incident| incident.at).max().unwrap_or_default();
        let faulty = last + Duration::from_secs(1);
        let params = Params { faulty, ..self.best.params.clone() };
        self.keep(&params, incidents);
        // The quiet before the first incident, but for the time in which everybody connects.
        let first = incidents.iter().map(|incident| incident.at).min().unwrap_or_default();
        let early = first.saturating_sub(Duration::from_secs(30));
        let mut moved = incidents.clone();
        for incident in &mut moved {
            incident.at = incident.at.saturating_sub(early);
        }
        let params = Params { faulty: faulty.saturating_sub(early), ..self.best.params.clone() };
        if self.keep(&params, &moved) {
            *incidents = moved;
        }
    }
}

/// The words of a failure that are not names or numbers.
fn kind(what: &str) -> String {
    let is_word = |word: &&str| {
        word.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b',' | b':' | b'\''))
    };
    what.split(' ').filter(is_word).collect()
}
