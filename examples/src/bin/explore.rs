//! Every order in which the first events can happen: two sessions, or a server and several connections of one peer.
//!
//! ```text
//! cargo run --release -p bgplite-examples --bin explore -- [--mode sessions|collision] [--depth N]
//!     [--connections N] [--faults N] [--timers N] [--refreshes N]
//!     [--half] [--hold SECONDS] [--states N]
//! ```
//!
//! Prints how many states there are, and for a violation the shortest way to it, with exit code 1. In the collision
//! mode both ways in which the BGP identifiers can compare are explored; `--half` delivers each message in two
//! halves; `--faults`, `--timers` and `--refreshes` are how often these may happen on one path.

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Instant;

use bgplite_sim::model::{Budget, Collision, Delivery, Limits, Model, Pair, Rank, explore};

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)) {
        Ok(options) => run(&options),
        Err(problem) => {
            eprintln!("explore: {problem}");
            ExitCode::from(2)
        }
    }
}

struct Options {
    is_collision: bool,
    limits: Limits,
    connections: u8,
    budget: Budget,
    delivery: Delivery,
    hold_secs: u16,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            is_collision: true,
            limits: Limits { depth: 10, states: 5_000_000 },
            connections: 2,
            budget: Budget { faults: 1, timers: 2, refreshes: 1 },
            delivery: Delivery::Whole,
            hold_secs: 240,
        };
        while let Some(name) = args.next() {
            if name == "--half" {
                options.delivery = Delivery::Half;
                continue;
            }
            let value = args.next().ok_or_else(|| format!("{name} has no value, or is unknown"))?;
            match name.as_str() {
                "--mode" if value == "sessions" => options.is_collision = false,
                "--mode" if value == "collision" => options.is_collision = true,
                "--depth" => options.limits.depth = number(&name, &value)?,
                "--states" => options.limits.states = number(&name, &value)?,
                "--connections" => options.connections = number(&name, &value)?,
                "--faults" => options.budget.faults = number(&name, &value)?,
                "--timers" => options.budget.timers = number(&name, &value)?,
                "--refreshes" => options.budget.refreshes = number(&name, &value)?,
                "--hold" => options.hold_secs = number(&name, &value)?,
                _ => return Err(format!("{name} {value} is unknown")),
            }
        }
        Ok(options)
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name}: {value} is no number that it can have"))
}

fn run(options: &Options) -> ExitCode {
    let &Options { limits, connections, budget, delivery, hold_secs, .. } = options;
    let is_good = if options.is_collision {
        let mut is_good = true;
        for (rank, title) in
            [(Rank::Lower, "the server's is lower"), (Rank::Higher, "the server's is higher")]
        {
            let model = Collision::new(rank, connections, delivery, budget);
            is_good &=
                search(&format!("{connections} connections, of two identifiers {title}"), &model, limits);
        }
        is_good
    } else {
        search("two sessions", &Pair::new(hold_secs, delivery, budget), limits)
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `true` when nothing was found.
fn search<M: Model>(title: &str, model: &M, limits: Limits) -> bool
where
    M::Event: Display,
{
    let start = Instant::now();
    let report = explore(model, limits);
    let extent = match report.unexplored {
        _ if report.found.is_some() => "up to a violation".to_owned(),
        0 => "all there are".to_owned(),
        unexplored => format!("{unexplored} of them not expanded"),
    };
    println!(
        "{title}: {} states ({extent}), {} transitions, depth {}, {} Established, {} closed, hash {:016x}, {:.1} s",
        report.states,
        report.transitions,
        report.depth,
        report.established,
        report.closed,
        report.hash,
        start.elapsed().as_secs_f64(),
    );
    let Some(found) = report.found else { return true };
    println!("{found}");
    false
}
