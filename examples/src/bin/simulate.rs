//! Runs seeds of the deterministic world until one shows something wrong.
//!
//! ```text
//! cargo run --release -p bgplite-examples --bin simulate -- --seeds 0..1000
//! cargo run --release -p bgplite-examples --bin simulate -- --seed 7 --trace
//! cargo run --release -p bgplite-examples --bin simulate -- --trace testdata/sim/NAME.toml
//! ```
//!
//! Exit code 0: nothing wrong. 1: a seed failed; a line tells the command that repeats it, and the first one is shrunk
//! to a scenario as short as can be found. 2: the command line is wrong.

use std::io::{self, Write as _};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bgplite_examples::scenario;
use bgplite_sim::{Fault, Outcome, Params, Scenario, coverage, run, shrink};

const USAGE: &str = "simulate [--seed N | --seeds A..B | SCENARIO.toml] [options]
  --until SECS      how long faults happen, in virtual time (600)
  --steps N         end after so many events, as it is then (never)
  --settle SECS     how long it may take after that until all is well (600)
  --every SECS      mean time between incidents (5)
  --clients N       how many clients (8)
  --prefixes N      prefixes in a list, about (60)
  --faults LIST     kinds of fault, with commas; \"all\" or \"none\" (all)
  --threads N       seeds at once (2)
  --keep-going      do not stop at the first failure
  --no-shrink       leave a failing seed as it is
  --coverage        say which decisions of the core were not reached
  --trace           print every event of the seed";

/// What the command line asks for.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Options {
    seeds: Range<u64>,
    params: Params,
    threads: usize,
    keeps_going: bool,
    shrinks: bool,
    has_coverage: bool,
    has_trace: bool,
    scenario: Option<Scenario>,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let code =
        if options.has_trace || options.scenario.is_some() { one_by_one(&options) } else { sweep(&options) };
    if options.has_coverage {
        // Whoever reads may stop reading.
        let _ = coverage::print(&mut io::stdout());
    }
    code
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        seeds: 0..100,
        params: Params::default(),
        threads: 2,
        keeps_going: false,
        shrinks: true,
        has_coverage: false,
        has_trace: false,
        scenario: None,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--seed" => {
                let seed = number(&value()?)?;
                options.seeds = seed..seed + 1;
            }
            "--seeds" => {
                let text = value()?;
                let (first, end) = text.split_once("..").ok_or_else(|| format!("{text} is no range A..B"))?;
                options.seeds = number(first)?..number(end)?;
            }
            "--until" => options.params.faulty = Duration::from_secs(number(&value()?)?),
            "--steps" => options.params.steps = number(&value()?)?,
            "--settle" => options.params.settle = Duration::from_secs(number(&value()?)?),
            "--every" => options.params.every = seconds(&value()?)?,
            "--clients" => options.params.clients = number(&value()?)?,
            "--prefixes" => options.params.prefixes = number(&value()?)?,
            "--faults" => options.params.faults = faults(&value()?)?,
            "--threads" => options.threads = number(&value()?)?,
            "--keep-going" => options.keeps_going = true,
            "--no-shrink" => options.shrinks = false,
            "--coverage" => options.has_coverage = true,
            "--trace" => options.has_trace = true,
            path if !path.starts_with('-') => {
                let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
                options.scenario = Some(scenario::parse(&text).map_err(|error| format!("{path}: {error}"))?);
            }
            other => return Err(format!("{other} is no option")),
        }
    }
    Ok(options)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number that fits"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let secs: f64 = number(text)?;
    Duration::try_from_secs_f64(secs).map_err(|error| format!("{text}: {error}"))
}

fn faults(list: &str) -> Result<Vec<Fault>, String> {
    match list {
        "all" => Ok(Fault::ALL.to_vec()),
        "none" => Ok(Vec::new()),
        list => list
            .split(',')
            .map(|name| name.parse().map_err(|_| format!("{name} is no kind of fault")))
            .collect(),
    }
}

/// The command that repeats a seed.
fn command(seed: u64, params: &Params) -> String {
    let faults: Vec<&str> = params.faults.iter().map(|fault| fault.name()).collect();
    let faults = if faults.is_empty() { "none".to_owned() } else { faults.join(",") };
    format!(
        "cargo run --release -p bgplite-examples --bin simulate -- --seed {seed} --clients {} --until {} --settle {} \
         --every {} --prefixes {} --faults {faults} --trace",
        params.clients,
        params.faulty.as_secs(),
        params.settle.as_secs(),
        params.every.as_secs_f64(),
        params.prefixes,
    )
}

/// A scenario, or seed after seed.
fn one_by_one(options: &Options) -> ExitCode {
    let scenarios: Vec<Scenario> = match &options.scenario {
        Some(scenario) => vec![scenario.clone()],
        None => options.seeds.clone().map(|seed| Scenario::new(seed, options.params.clone())).collect(),
    };
    let mut code = ExitCode::SUCCESS;
    for scenario in scenarios {
        // Whoever reads may stop reading.
        let mut say = |line: &str| drop(writeln!(io::stdout(), "{line}"));
        let (outcome, verdict) = scenario.run(if options.has_trace { Some(&mut say) } else { None });
        println!("seed {}: {}", scenario.seed, describe(&outcome));
        if let Err(problem) = verdict {
            println!("FAILED {problem}");
            code = ExitCode::from(1);
        }
    }
    code
}

fn describe(outcome: &Outcome) -> String {
    let verdict =
        outcome.failure.as_ref().map_or_else(|| "ok".to_owned(), |failure| format!("FAILED {failure}"));
    format!(
        "hash {:016x}, {} s, {} steps, {} sessions, {} session-seconds, {} incidents: {verdict}",
        outcome.trace_hash,
        outcome.time.as_secs(),
        outcome.steps,
        outcome.sessions,
        outcome.session_secs,
        outcome.incidents,
    )
}

/// What all seeds come to.
#[derive(Default)]
struct Total {
    done: u64,
    steps: u64,
    session_secs: u64,
    sessions: u64,
    incidents: u64,
    failures: Vec<(u64, Outcome)>,
}

fn sweep(options: &Options) -> ExitCode {
    let start = Instant::now();
    let next = AtomicU64::new(options.seeds.start);
    let is_over = AtomicBool::new(false);
    let total = Mutex::new(Total::default());
    thread::scope(|scope| {
        for _ in 0..options.threads.max(1) {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= options.seeds.end {
                        return;
                    }
                    let outcome = run(seed, &options.params);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.take(seed, outcome);
                    if !total.failures.is_empty() && !options.keeps_going {
                        is_over.store(true, Ordering::Relaxed);
                    }
                    if total.done.is_multiple_of(PROGRESS) {
                        eprint!(
                            "\r{} of {} seeds, {} failed ",
                            total.done,
                            options.seeds.end - options.seeds.start,
                            total.failures.len()
                        );
                    }
                }
            });
        }
    });
    report(options, total.into_inner().unwrap_or_else(PoisonError::into_inner), start.elapsed())
}

impl Total {
    fn take(&mut self, seed: u64, outcome: Outcome) {
        self.done += 1;
        self.steps += outcome.steps;
        self.session_secs += outcome.session_secs;
        self.sessions += outcome.sessions;
        self.incidents += outcome.incidents as u64;
        if outcome.failure.is_some() {
            self.failures.push((seed, outcome));
        }
    }
}

fn report(options: &Options, mut total: Total, elapsed: Duration) -> ExitCode {
    eprintln!();
    let secs = elapsed.as_secs_f64().max(0.001);
    println!(
        "{} seeds, {} steps, {} sessions, {} incidents, {} session-seconds in {secs:.1} s: {} session-seconds a second",
        total.done,
        total.steps,
        total.sessions,
        total.incidents,
        total.session_secs,
        u128::from(total.session_secs) * 1000 / elapsed.as_millis().max(1),
    );
    total.failures.sort_by_key(|(seed, _)| *seed);
    for (seed, outcome) in &total.failures {
        println!("seed {seed}: {}", describe(outcome));
        println!("{}", command(*seed, &options.params));
    }
    let Some((seed, _)) = total.failures.first() else {
        return ExitCode::SUCCESS;
    };
    if options.shrinks
        && let Some(short) = shrink(&Scenario::new(*seed, options.params.clone()), MAX_SHRINK_RUNS)
    {
        println!("# seed {seed}, shrunk: a file of these lines is a scenario\n{}", scenario::write(&short));
    }
    ExitCode::from(1)
}

/// Runs that shrinking may cost.
const MAX_SHRINK_RUNS: u32 = 400;
/// Seeds between two progress lines.
const PROGRESS: u64 = 16;
