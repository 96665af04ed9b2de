//! Makes a core live through a recording again, and says whether it does the same.
//!
//! ```text
//! bgplite serve --config FILE --record DIR
//! cargo run --release -p bgplite-examples --bin replay DIR/bgplite-00000001.jsonl [--until STEP] [--state] [--quiet]
//! cargo run --release -p bgplite-examples --bin replay FILE --accept > NEW
//! ```
//!
//! Every answer of the core, actions and bytes, must be the one that was recorded; the first that is not is shown, and
//! the exit code is 1. `--until` stops after that step, `--state` then prints the core as JSON, long texts as counts and
//! digests. Exit code 2: the file is no recording.
//! `--accept` compares nothing: it writes the recording anew with what the core answers now, for a recording that is kept
//! as a test when a change was meant.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bgplite_core::ids::ConnId;
use bgplite_core::record::{Digest, Origin, PlayError, Player};
use bgplite_host::record::{ReadError, Reader};
use serde_json::Value;

struct Arguments {
    file: PathBuf,
    until: u64,
    is_state_wanted: bool,
    is_quiet: bool,
    is_accepted: bool,
}

/// What a replay came to.
struct Summary {
    origin: &'static str,
    first: u64,
    last: u64,
    conns: BTreeSet<ConnId>,
    virtual_time: Duration,
    took: Duration,
    is_cut_short: bool,
}

/// Why a replay ended early.
enum Fault {
    Read(ReadError),
    /// The line (1-based) and its text, where it is not the first, and what is wrong.
    Play(u64, String, PlayError),
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!(
                "replay: {problem}\nusage: replay FILE [--until STEP] [--state] [--quiet] | replay FILE --accept"
            );
            return ExitCode::from(2);
        }
    };
    let name = arguments.file.display();
    if arguments.is_accepted {
        return match accept(&arguments.file) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{name}: {error}");
                ExitCode::from(2)
            }
        };
    }
    match replay(&arguments.file, arguments.until) {
        Ok((player, summary)) => {
            // What `--state` prints is for other programs.
            match (arguments.is_quiet, arguments.is_state_wanted) {
                (true, _) => {}
                (false, true) => eprintln!("{name}: {}", summary.text()),
                (false, false) => println!("{name}: {}", summary.text()),
            }
            if arguments.is_state_wanted {
                println!("{}", state(&player));
            }
            ExitCode::SUCCESS
        }
        Err(Fault::Play(line, text, error @ PlayError::Difference(_))) => {
            eprintln!("{name}: line {line}: {error}\n  {}", cut(&text));
            ExitCode::FAILURE
        }
        Err(Fault::Play(line, _, error)) => {
            eprintln!("{name}: line {line}: {error}");
            ExitCode::from(2)
        }
        Err(Fault::Read(error)) => {
            eprintln!("{name}: {error}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut file, mut until) = (None, u64::MAX);
    let (mut is_state_wanted, mut is_quiet, mut is_accepted) = (false, false, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--until" => {
                let step = arguments.next().ok_or("--until needs the number of a step")?;
                until = step.parse().map_err(|_| format!("{step} is not the number of a step"))?;
            }
            "--state" => is_state_wanted = true,
            "--quiet" => is_quiet = true,
            "--accept" => is_accepted = true,
            option if option.starts_with('-') => return Err(format!("{option} is not known")),
            _ if file.is_some() => return Err("one file at a time".to_owned()),
            path => file = Some(PathBuf::from(path)),
        }
    }
    let file = file.ok_or("which file?")?;
    Ok(Arguments { file, until, is_state_wanted, is_quiet, is_accepted })
}

fn replay(path: &Path, until: u64) -> Result<(Player, Summary), Fault> {
    let started = Instant::now();
    let (head, mut reader) = Reader::open(path).map_err(Fault::Read)?;
    let (first, began) = (head.step, head.t);
    let origin = match head.from {
        Origin::Start { .. } => "the start",
        Origin::Snapshot(_) => "a snapshot",
    };
    let mut player = Player::new(head).map_err(|error| Fault::Play(1, String::new(), error))?;
    let mut conns: BTreeSet<ConnId> = player.core().peers().map(|peer| peer.conn).collect();
    while player.step() < until
        && let Some(entry) = reader.next_entry().map_err(Fault::Read)?
    {
        conns.extend(entry.call.conn());
        player
            .play(&entry)
            .map_err(|error| Fault::Play(reader.line_number(), reader.line().to_owned(), error))?;
    }
    let summary = Summary {
        origin,
        first,
        last: player.step(),
        conns,
        virtual_time: player.now() - began,
        took: started.elapsed(),
        is_cut_short: reader.is_cut_short(),
    };
    Ok((player, summary))
}

/// Writes the recording to standard output with the answers of today.
fn accept(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let (mut head, mut reader) = Reader::open(path)?;
    let (mut player, actions) = Player::begin(head.clone())?;
    if let Origin::Start { out, .. } = &mut head.from {
        *out = actions;
    }
    writeln!(out, "{}", serde_json::to_string(&head)?)?;
    while let Some(mut entry) = reader.next_entry()? {
        entry.out = player.answer(&entry);
        writeln!(out, "{}", serde_json::to_string(&entry)?)?;
    }
    Ok(out.flush()?)
}

impl Summary {
    fn text(&self) -> String {
        let (virtual_secs, took) = (self.virtual_time.as_secs_f64(), self.took.as_secs_f64());
        let mut text = format!(
            "{} steps (to step {}) from {}, {} connections, {virtual_secs:.3} s in {took:.3} s ({:.0} times as fast): \
             the same answers",
            self.last - self.first,
            self.last,
            self.origin,
            self.conns.len(),
            virtual_secs / took.max(1e-9),
        );
        if self.is_cut_short {
            text.push_str("; the last line is cut short and was left out");
        }
        text
    }
}

fn state(player: &Player) -> String {
    match serde_json::to_value(player.core().snapshot()) {
        Ok(mut state) => {
            abbreviate(&mut state);
            format!("{state:#}")
        }
        Err(error) => error.to_string(),
    }
}

/// Tables, lists and bodies become counts and digests.
fn abbreviate(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > MAX_TEXT => {
            let mut digest = Digest::default();
            digest.write(text.as_bytes());
            let (words, octets) = (text.split_whitespace().count(), text.len());
            *text = format!("<{words} words, {octets} octets, digest {:016x}>", digest.finish());
        }
        Value::Array(items) => items.iter_mut().for_each(abbreviate),
        Value::Object(map) => map.values_mut().for_each(abbreviate),
        _ => {}
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_LINE) {
        Some((end, _)) => {
            format!("{}… ({} octets)", text.get(..end).unwrap_or_default(), text.len())
        }
        None => text.to_owned(),
    }
}

/// Longer texts in a state are abbreviated.
const MAX_TEXT: usize = 200;
/// Characters of an entry that are shown.
const MAX_LINE: usize = 400;
