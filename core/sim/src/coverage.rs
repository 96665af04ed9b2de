//! Which of the core's decisions were taken: what no run reached is named, or there is a reason why.

use std::io::{self, Write};

use bgplite_core::coverage::decisions;

/// What the runs of this process reached. Clients count too: they are the same session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Decisions taken, in the order of the list.
    pub reached: Vec<String>,
    /// Decisions never taken, though they can be.
    pub unreached: Vec<String>,
    /// Decisions that nothing can reach, and why.
    pub excused: Vec<(String, &'static str)>,
    /// Excuses that were refuted: such a decision was taken.
    pub refuted: Vec<String>,
}

/// What was reached since the process began.
pub fn report() -> Report {
    let mut report =
        Report { reached: Vec::new(), unreached: Vec::new(), excused: Vec::new(), refuted: Vec::new() };
    for (name, is_reached) in decisions() {
        match (is_reached, excuse(&name)) {
            (true, None) => report.reached.push(name),
            (true, Some(_)) => report.refuted.push(name),
            (false, None) => report.unreached.push(name),
            (false, Some(reason)) => report.excused.push((name, reason)),
        }
    }
    report
}

/// Writes the report: how many were reached, then every other one by name.
pub fn print(out: &mut impl Write) -> io::Result<()> {
    let Report { reached, unreached, excused, refuted } = report();
    let all = reached.len() + unreached.len();
    writeln!(out, "decisions reached: {} of {all}; {} more cannot be", reached.len(), excused.len())?;
    for name in unreached {
        writeln!(out, "  unreached  {name}")?;
    }
    for name in refuted {
        writeln!(out, "  reached, though it has an excuse: {name}")?;
    }
    Ok(())
}

/// Why nothing can reach this decision, if so.
pub fn excuse(name: &str) -> Option<&'static str> {
    EXCUSES.iter().find(|(pattern, _)| matches(pattern, name)).map(|&(_, reason)| reason)
}

/// Whether `name` is `pattern`, in which one `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => pattern == name,
    }
}

/// Decisions that the list has because it is made of whole enums, and the reason why none can be taken.
pub const EXCUSES: [(&str, &str); 14] = [
    ("message: Closed × *", "a closed session reads nothing"),
    ("header: Closed", "a closed session reads nothing"),
    ("timer: Closed × *", "a closed session has no timer"),
    ("end: Closed × Received", "a closed session reads nothing"),
    ("end: Closed × SendHoldExpired", "a closed session has no timer"),
    ("timer: OpenDelay × Keepalive", "KEEPALIVEs start with OpenConfirm"),
    ("timer: OpenSent × Keepalive", "KEEPALIVEs start with OpenConfirm"),
    ("timer: OpenSent × OpenDelay", "our OPEN is said, which ends that timer"),
    ("timer: OpenConfirm × OpenDelay", "our OPEN is said, which ends that timer"),
    ("timer: Established × OpenDelay", "our OPEN is said, which ends that timer"),
    ("collision: OpenDelay × *", "without an OPEN it is nobody's"),
    ("collision: OpenSent × *", "without an OPEN it is nobody's"),
    ("collision: Established × New", "RFC 4271 6.8: an established session stays"),
    ("collision: Closed × *", "a closed one is nobody's any more"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        assert!(matches("timer: Closed × *", "timer: Closed × Hold"));
        assert!(matches("timer: Closed × Hold", "timer: Closed × Hold"));
        assert!(!matches("timer: Closed × *", "timer: OpenSent × Hold"));
        assert!(!matches("ab*bc", "abc"));
    }

    #[test]
    fn every_excuse_is_for_some_decision() {
        let all = decisions();
        for (pattern, _) in EXCUSES {
            assert!(all.iter().any(|(name, _)| matches(pattern, name)), "nothing is called {pattern}");
        }
    }
}
