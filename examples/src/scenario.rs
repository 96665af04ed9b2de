//! Scenarios of the simulation as files: TOML that people read and write.

use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use bgplite_sim::{Delivery, Expect, Fault, Incident, Params, Scenario};
use serde::Deserialize;

/// Why a text is no scenario.
#[derive(Debug)]
pub enum ScenarioError {
    /// It is no TOML, or has an unknown key.
    Toml(toml::de::Error),
    /// A value means nothing.
    Value {
        /// The key.
        key: &'static str,
        /// What stands there.
        value: String,
    },
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toml(error) => error.fmt(f),
            Self::Value { key, value } => write!(f, "{key} = {value:?} means nothing"),
        }
    }
}

impl std::error::Error for ScenarioError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    seed: u64,
    clients: Option<u32>,
    prefixes: Option<u32>,
    faulty: Option<String>,
    settle: Option<String>,
    every: Option<String>,
    faults: Option<Vec<String>>,
    delivery: Option<String>,
    expect: Option<Expected>,
    timeline: Option<Vec<Event>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    sessions: Option<u64>,
    quiet_within: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    at: String,
    what: String,
    #[serde(default)]
    who: u32,
    lasts: Option<String>,
    #[serde(default)]
    salt: u64,
}

/// Reads a scenario.
pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    let file: File = toml::from_str(text).map_err(ScenarioError::Toml)?;
    let default = Params::default();
    let time = |key, value: Option<String>, default| value.map_or(Ok(default), |value| duration(key, &value));
    let params = Params {
        steps: default.steps,
        clients: file.clients.unwrap_or(default.clients),
        prefixes: file.prefixes.unwrap_or(default.prefixes),
        faulty: time("faulty", file.faulty, default.faulty)?,
        settle: time("settle", file.settle, default.settle)?,
        every: time("every", file.every, default.every)?,
        faults: match file.faults {
            Some(names) => names.into_iter().map(fault).collect::<Result<_, _>>()?,
            None => default.faults,
        },
        delivery: match file.delivery.as_deref() {
            None | Some("whole") => Delivery::Whole,
            Some("bytes") => Delivery::Bytes,
            Some(other) => return Err(ScenarioError::Value { key: "delivery", value: other.into() }),
        },
    };
    let expect = match file.expect {
        Some(Expected { sessions, quiet_within }) => {
            let quiet_within =
                quiet_within.map(|value| duration("expect.quiet_within", &value)).transpose()?;
            Expect { sessions, quiet_within }
        }
        None => Expect::default(),
    };
    let timeline = file.timeline.map(|events| events.into_iter().map(incident).collect::<Result<_, _>>());
    Ok(Scenario { seed: file.seed, params, timeline: timeline.transpose()?, expect })
}

/// Writes a scenario, so that [`parse`] gives it back.
pub fn write(scenario: &Scenario) -> String {
    let Scenario { seed, params, timeline, .. } = scenario;
    let mut out = String::new();
    let faults: Vec<String> = params.faults.iter().map(|fault| format!("{:?}", fault.name())).collect();
    let delivery = if params.delivery == Delivery::Whole { "whole" } else { "bytes" };
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "seed = {seed}\nclients = {}\nprefixes = {}\nfaulty = \"{}ms\"\nsettle = \"{}ms\"\nevery = \"{}ms\"\n\
         faults = [{}]\ndelivery = \"{delivery}\"\n",
        params.clients,
        params.prefixes,
        params.faulty.as_millis(),
        params.settle.as_millis(),
        params.every.as_millis(),
        faults.join(", "),
    );
    if let Some(timeline) = timeline {
        out.push_str("timeline = [\n");
        for incident in timeline {
            let _ = writeln!(out, "    {incident},");
        }
        out.push_str("]\n");
    }
    out
}

fn incident(event: Event) -> Result<Incident, ScenarioError> {
    Ok(Incident {
        at: duration("at", &event.at)?,
        what: event.what.parse().map_err(|_| ScenarioError::Value { key: "what", value: event.what })?,
        who: event.who,
        lasts: event.lasts.map_or(Ok(Duration::ZERO), |lasts| duration("lasts", &lasts))?,
        salt: event.salt,
    })
}

fn fault(name: String) -> Result<Fault, ScenarioError> {
    name.parse().map_err(|_| ScenarioError::Value { key: "faults", value: name })
}

/// A whole number and its unit: `12s`, `250ms`, `4m`.
fn duration(key: &'static str, text: &str) -> Result<Duration, ScenarioError> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let duration = number.parse::<u64>().ok().and_then(|number| match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    });
    duration.ok_or_else(|| ScenarioError::Value { key, value: text.into() })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_scenario_that_is_kept_comes_out_as_it_says() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/sim");
        let mut count = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = fs::read_to_string(&path).unwrap();
                let scenario = parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let (_, verdict) = scenario.run(None);
                assert_eq!(verdict, Ok(()), "{}", path.display());
                count += 1;
            }
        }
        assert!(count > 0, "there is a scenario");
    }

    #[test]
    fn a_written_scenario_reads_back() {
        let mut scenario = Scenario::new(7, Params::default());
        scenario.timeline = Some(scenario.incidents());
        assert_eq!(parse(&write(&scenario)).unwrap(), scenario);
    }

    #[test]
    fn an_unknown_key_and_a_value_without_meaning_are_errors() {
        assert!(parse("seed = 1\nclinets = 3").is_err());
        assert!(parse("seed = 1\nfaulty = \"3\"").is_err());
        assert!(parse("seed = 1\ntimeline = [{ at = \"1s\", what = \"rain\" }]").is_err());
    }
}
