//! Child processes: started with a log, ended by their id, never by a name.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

/// How long a child may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// A running child. Dropping it ends it: SIGTERM, and SIGKILL after a grace period.
pub(crate) struct Process {
    child: Child,
    name: String,
    log: PathBuf,
    elevated: bool,
}

impl Process {
    /// Starts `command` with both outputs in `dir/name.log`.
    pub(crate) fn start(name: &str, dir: &Path, command: &mut Command) -> Self {
        let log = dir.join(format!("{name}.log"));
        let out = File::create(&log).expect("a log can be made");
        let err = out.try_clone().expect("a file can be cloned");
        let elevated = command.get_program() == OsStr::new("sudo");
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { child, name: name.to_owned(), log, elevated }
    }

    /// Where both outputs go.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Fails the test if the child has ended.
    pub(crate) fn assert_running(&mut self) {
        let status = self.child.try_wait().expect("a child can be asked");
        if let Some(status) = status {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("{} ended ({status}):\n{log}", self.name);
        }
    }

    /// Sends a signal by its name without `SIG`.
    pub(crate) fn signal(&self, signal: &str) {
        assert!(self.try_signal(signal), "{} takes SIG{signal}", self.name);
    }

    /// The shell's own `kill` does it: std has none, and the program is not everywhere.
    fn try_signal(&self, signal: &str) -> bool {
        let script = format!("kill -{signal} {}", self.child.id());
        let mut command = Command::new(if self.elevated { "sudo" } else { "sh" });
        if self.elevated {
            command.args(["-n", "sh"]);
        }
        let status = command.args(["-c", &script]).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// The exit status, once it has ended within `patience`.
    pub(crate) fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            let status = self.child.try_wait().expect("a child can be asked");
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.try_signal("TERM");
            if self.wait(GRACE).is_none() {
                self.try_signal("KILL");
                let _ = self.child.wait();
            }
        }
    }
}

/// Runs a client tool to its end: its standard output if it succeeded.
pub(crate) fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where a program is: `PATH`, then where Debian keeps daemons that a user's `PATH` lacks.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
}
