//! What the commands share that speak to a running daemon: where it is, how its answers look, and the exit code.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bgplite_core::server::Command;
use bgplite_host::control::{self, Ask, Client, ControlError, Query, Value};
use bgplite_host::{HostConfig, HostError};

/// Which daemon is spoken to, and how its answer is shown.
#[derive(clap::Args)]
pub(crate) struct Target {
    /// The configuration file of the daemon; without one, its state directory is /var/lib/bgplite.
    #[arg(long, short, value_name = "FILE", global = true, conflicts_with = "socket")]
    config: Option<PathBuf>,
    /// The control socket of the daemon.
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Why a command came to nothing.
pub(crate) enum Failure {
    /// The server said no: exit code 1.
    Refused(String),
    /// It could not even be asked: exit code 2.
    Impossible(String),
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Refused(refusal) => Self::Refused(refusal.to_string()),
            _ => Self::Impossible(error.to_string()),
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::Impossible(error.to_string())
    }
}

/// A failure's sentence and exit code, or success.
pub(crate) fn finish(outcome: Result<()>) -> ExitCode {
    let (sentence, code) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Refused(sentence)) => (sentence, 1),
        Err(Failure::Impossible(sentence)) => (sentence, HostError::EXIT_CODE),
    };
    eprintln!("bgplite: {sentence}");
    ExitCode::from(code)
}

/// A running daemon.
pub(crate) struct Remote {
    client: Client,
    is_json: bool,
}

impl Target {
    pub(crate) fn connect(&self) -> Result<Remote> {
        let socket = match (&self.socket, &self.config) {
            (Some(socket), _) => socket.clone(),
            (None, Some(file)) => {
                HostConfig::load(file).map_err(HostError::from)?.state_dir.join(control::SOCKET)
            }
            (None, None) => Path::new(STATE_DIR).join(control::SOCKET),
        };
        Ok(Remote { client: Client::connect(&socket)?, is_json: self.json })
    }
}

impl Remote {
    pub(crate) fn query(&mut self, query: Query) -> Result<Value> {
        Ok(self.client.ask(Ask::Query(query))?)
    }

    pub(crate) fn command(&mut self, command: Command) -> Result<Value> {
        Ok(self.client.ask(Ask::Command(Box::new(command)))?)
    }

    /// Does it, and says `sentence`, or the answer as JSON.
    pub(crate) fn perform(&mut self, command: Command, sentence: impl fmt::Display) -> Result<()> {
        let answer = self.command(command)?;
        if self.is_json {
            print(&answer);
        } else {
            println!("{sentence}");
        }
        Ok(())
    }

    /// Prints the answer as JSON, or as `people` want it.
    pub(crate) fn show(&self, answer: &Value, people: impl FnOnce(&Value) -> String) {
        if self.is_json {
            print(answer);
        } else {
            print!("{}", people(answer));
        }
    }
}

fn print(value: &Value) {
    println!("{}", control::pretty(value));
}

/// The members of an array; none where there is none.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What stands at `path`, as a word: a field, or fields of fields, with dots between them.
pub(crate) fn word(value: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(value, |value, key| value.get(key));
    match found {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(is_so)) => if *is_so { "yes" } else { "no" }.to_owned(),
        Some(Value::Array(items)) if items.is_empty() => "-".to_owned(),
        Some(Value::Array(items)) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        Some(other) => plain(other),
    }
}

/// A value as one word: what an enum of one field holds, a string without its quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) if fields.len() == 1 => fields.values().map(plain).collect(),
        other => other.to_string(),
    }
}

/// Seconds since the Unix epoch as a date in UTC, or a dash.
pub(crate) fn date(value: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(value, |value, key| value.get(key));
    found.and_then(Value::as_u64).map_or_else(|| "-".to_owned(), utc)
}

/// The calendar of 400 years repeats itself; the year begins in March, so that the day that comes and goes is its last.
fn utc(unix_secs: u64) -> String {
    let (days, secs) = (unix_secs / 86_400 + 719_468, unix_secs % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) =
        (era * 400 + year + u64::from(month >= 10), if month < 10 { month + 3 } else { month - 9 });
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// Rows below their headings, each column as wide as its widest word.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let words = rows.iter().filter_map(|row| row.get(column)).map(|word| word.chars().count());
        words.chain(headings.get(column).map(|heading| heading.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let mut text = String::new();
    let mut line = |words: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = words.zip(&widths).map(|(word, &width)| format!("{word:<width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    };
    line(&mut headings.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

/// `label: word` lines, one below the other.
pub(crate) fn fields(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let line = |(label, word): &(&str, String)| format!("{label:<width$}  {word}\n");
    pairs.iter().map(line).collect()
}

/// Where a daemon's state is when its configuration does not say.
const STATE_DIR: &str = "/var/lib/bgplite";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_that_of_the_calendar() {
        // `date -u -d @1709164800`, and so on.
        for (secs, wanted) in [
            (0, "1970-01-01 00:00:00"),
            (1_709_164_799, "2024-02-28 23:59:59"),
            (1_709_164_800, "2024-02-29 00:00:00"),
            (1_709_251_200, "2024-03-01 00:00:00"),
            (4_102_444_799, "2099-12-31 23:59:59"),
        ] {
            assert_eq!(utc(secs), wanted);
        }
    }

    #[test]
    fn a_table_is_as_wide_as_its_words() {
        let rows = [vec!["1".into(), "home".into()], vec!["12".into(), "é".into()]];
        assert_eq!(table(&["ID", "NAME"], &rows), "ID  NAME\n1   home\n12  é\n");
    }
}
