//! The log: logfmt lines on standard error.
//!
//! A line of ours is `ts=… level=… ` and then the message, which starts with `event=…` or with what it is
//! about. A line of a library has `target=… msg="…"`. Control characters are escaped: peers chose some of the
//! text.

use std::io::{self, Write};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use bgplite_core::server::{Level, Notice};
use log::{LevelFilter, Log, Metadata, Record};

use crate::config::{LogFormat, LogLevel};
use crate::text::Printable;

/// Sets up the log of this process, or changes the one it has. Another logger that is set up already stays.
pub fn init(level: LogLevel, format: LogFormat) {
    let filter = LevelFilter::from(level);
    let LogFormat::Logfmt = format;
    let logger = build(filter);
    let is_first = LOGGER.get().is_none();
    let slot = LOGGER.get_or_init(|| RwLock::new(build(filter)));
    *slot.write().unwrap_or_else(PoisonError::into_inner) = logger;
    if is_first {
        // A program that embeds us may have a logger of its own; that one is served.
        let _ = log::set_logger(&Reloadable);
    }
    log::set_max_level(filter);
}

/// Logs what the core has to say, with its own event and level.
pub fn notice(notice: &Notice) {
    let level = match notice.level() {
        Level::Error => log::Level::Error,
        Level::Warn => log::Level::Warn,
        Level::Info => log::Level::Info,
        Level::Debug => log::Level::Debug,
    };
    log::log!(target: "bgplite", level, "event={} {notice}", notice.event());
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
            LogLevel::Trace => Self::Trace,
        }
    }
}

static LOGGER: OnceLock<RwLock<env_logger::Logger>> = OnceLock::new();

/// The logger of the process: whatever stands in [`LOGGER`] at the moment.
struct Reloadable;

impl Log for Reloadable {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        with_logger(|logger| logger.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        with_logger(|logger| {
            logger.log(record);
            true
        });
    }

    fn flush(&self) {}
}

fn with_logger(act: impl FnOnce(&env_logger::Logger) -> bool) -> bool {
    LOGGER.get().is_some_and(|slot| act(&slot.read().unwrap_or_else(PoisonError::into_inner)))
}

/// Ours at `level`; of libraries only what is an error: they say the rest in words nobody can act on.
fn build(level: LevelFilter) -> env_logger::Logger {
    env_logger::Builder::new()
        .filter_level(LevelFilter::Error.min(level))
        .filter_module("bgplite", level)
        .target(env_logger::Target::Stderr)
        .format(|out, record| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            write_line(out, now, record)
        })
        .build()
}

fn write_line(out: &mut impl Write, now: Duration, record: &Record<'_>) -> io::Result<()> {
    let level = match record.level() {
        log::Level::Error => "error",
        log::Level::Warn => "warn",
        log::Level::Info => "info",
        log::Level::Debug => "debug",
        log::Level::Trace => "trace",
    };
    write!(out, "ts={} level={level} ", Timestamp(now))?;
    let message = record.args().to_string();
    if record.target().starts_with("bgplite") {
        writeln!(out, "{}", Printable(&message))
    } else {
        writeln!(out, "target={} msg={message:?}", record.target())
    }
}

/// Time since the Unix epoch, as RFC 3339 in UTC with milliseconds.
struct Timestamp(Duration);

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secs = self.0.as_secs();
        let (year, month, day) = civil(secs / 86_400);
        let (hour, minute, second) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
        let millis = self.0.subsec_millis();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Year, month and day of a count of days since 1970-01-01 (Gregorian; Hinnant's `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01, so that a leap day is the last of its year
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(target: &str, message: &str) -> String {
        let mut out = Vec::new();
        let record = |args: std::fmt::Arguments<'_>, out: &mut Vec<u8>| {
            let record = Record::builder().level(log::Level::Warn).target(target).args(args).build();
            write_line(out, Duration::from_millis(1_785_499_200_042), &record).unwrap();
        };
        record(format_args!("{message}"), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_one_line_whatever_a_peer_wrote() {
        assert_eq!(
            line("bgplite", "event=x peer=a\nts=forged \u{1b}[2J"),
            "ts=2026-07-31T12:00:00.042Z level=warn event=x peer=a\\nts=forged \\u{1b}[2J\n"
        );
        assert_eq!(
            line("sled::pagecache", "it \"broke\"\n"),
            "ts=2026-07-31T12:00:00.042Z level=warn target=sled::pagecache msg=\"it \\\"broke\\\"\\n\"\n"
        );
    }

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(11_017), (2000, 3, 1));
        assert_eq!(civil(20_665), (2026, 7, 31));
        assert_eq!(civil(47_540), (2100, 2, 28));
        assert_eq!(civil(47_541), (2100, 3, 1));
    }

    #[test]
    fn libraries_are_heard_only_when_they_fail() {
        let enabled = |logger: &env_logger::Logger, target, level| {
            logger.enabled(&Metadata::builder().target(target).level(level).build())
        };
        let debug = build(LevelFilter::Debug);
        assert!(enabled(&debug, "bgplite", log::Level::Debug));
        assert!(enabled(&debug, "bgplite_core::session", log::Level::Debug));
        assert!(!enabled(&debug, "bgplite_core::session", log::Level::Trace));
        assert!(!enabled(&debug, "sled", log::Level::Warn));
        assert!(enabled(&debug, "sled", log::Level::Error));
    }
}
