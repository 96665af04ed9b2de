//! One test's world: a directory, free ports, child processes, the server under test, and the lists.

pub(crate) mod list;
pub(crate) mod port;
pub(crate) mod process;
pub(crate) mod route;
pub(crate) mod server;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// How long anything that should happen may take before the test fails: generous, for loaded machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at something that is awaited.
const POLL_EVERY: Duration = Duration::from_millis(50);

/// The test's own directory: removed when the test passes, kept and its logs shown when it fails.
pub(crate) struct Lab {
    dir: PathBuf,
}

impl Lab {
    /// A fresh directory. Its path stays short, because control sockets live in it (108 bytes at most).
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("bgplite-interop-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a temporary directory can be made");
        Self { dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("logs kept in {}\n{}", self.dir.display(), log_tails(&self.dir));
        } else {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// Polls `look` until it yields a value; after [`PATIENCE`] fails the test with `what` was awaited.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {} s: {what}", PATIENCE.as_secs());
        thread::sleep(POLL_EVERY);
    }
}

/// Whether the suite runs where every daemon must be present.
pub(crate) fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

/// Whether this process is root, from the effective id in `/proc`.
pub(crate) fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("Uid:")).and_then(|ids| ids.split_whitespace().nth(1))
        == Some("0")
}

/// The last lines of every log in `dir`, for the report of a failed test.
fn log_tails(dir: &Path) -> String {
    const LINES: usize = 25;
    let mut text = String::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let log = fs::read(&path).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(LINES)..];
            let _ = writeln!(text, "--- {}", path.display());
            for line in tail {
                let _ = writeln!(text, "{}", line.chars().take(300).collect::<String>());
            }
        }
    }
    text
}
