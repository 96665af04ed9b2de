//! A server as a process: signals, the log, the file that is read again.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use async_signal::{Signal, Signals};
use bgplite_host::{HostConfig, HostError, limit, log as host_log};
use smol::stream::StreamExt as _;
use smol::{LocalExecutor, Timer, block_on, future, unblock};

use crate::server::{Options, Server};

/// How a daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every session was told and closed, every write is durable.
    Done,
    /// That took too long.
    OutOfTime,
    /// A second signal came first.
    Interrupted,
}

/// Serves until SIGTERM or SIGINT. `file` is read again on SIGHUP; without one, SIGHUP is refused.
pub fn serve(config: HostConfig, file: Option<PathBuf>, options: Options) -> Result<Stopped, HostError> {
    raise_open_files(&config);
    let signals = Signals::new([Signal::Term, Signal::Int, Signal::Hup])
        .map_err(|error| HostError::Os("listen to signals", error))?;
    let (asn, router_id) = (config.core.asn, config.core.router_id);
    let executor = Rc::new(LocalExecutor::new());
    let server = Server::start(config, options, &executor)?;
    let endpoints: Vec<String> = server.endpoints().iter().map(ToString::to_string).collect();
    let (version, listen) = (env!("CARGO_PKG_VERSION"), endpoints.join(","));
    log::info!(
        target: "bgplite",
        "event=started version={version} asn={asn} router_id={router_id} listen={listen}"
    );
    block_on(executor.run(run(server, file, signals)))
}

async fn run(server: Server, file: Option<PathBuf>, mut signals: Signals) -> Result<Stopped, HostError> {
    loop {
        let signal = future::or(async { Err(server.failed().await) }, async { Ok(next(&mut signals).await) });
        match signal.await? {
            Signal::Hup => reload(&server, file.as_deref()).await,
            _ => return Ok(shut_down(&server, &mut signals).await),
        }
    }
}

async fn shut_down(server: &Server, signals: &mut Signals) -> Stopped {
    let started = Instant::now();
    log::info!(target: "bgplite", "event=stopping");
    let done = async {
        server.shut_down("server shutdown").await;
        Stopped::Done
    };
    let late = async {
        Timer::at(started + SHUTDOWN_LIMIT).await;
        Stopped::OutOfTime
    };
    let again = async {
        while next(signals).await == Signal::Hup {}
        Stopped::Interrupted
    };
    let stopped = future::or(done, future::or(late, again)).await;
    let millis = started.elapsed().as_millis();
    match stopped {
        Stopped::Done => log::info!(target: "bgplite", "event=stopped millis={millis}"),
        Stopped::OutOfTime | Stopped::Interrupted => {
            log::warn!(target: "bgplite", "event=stopped millis={millis} outcome={stopped:?}");
        }
    }
    stopped
}

/// Reads the file again and applies it whole, or logs why not.
async fn reload(server: &Server, file: Option<&Path>) {
    let refused = |error: String| log::error!(target: "bgplite", "event=reload_refused error={error:?}");
    let Some(file) = file.map(Path::to_owned) else {
        return refused("there is no configuration file to read again".to_owned());
    };
    let config = match unblock(move || HostConfig::load(&file)).await {
        Ok(config) => config,
        Err(error) => return refused(error.sentence().to_string()),
    };
    let (level, format) = (config.log_level, config.log_format);
    match server.reload(config).await {
        Ok(()) => host_log::init(level, format),
        Err(error) => refused(error.to_string()),
    }
}

async fn next(signals: &mut Signals) -> Signal {
    loop {
        match signals.next().await {
            Some(Ok(signal)) => return signal,
            Some(Err(error)) => log::error!(target: "bgplite", "event=signal_lost error={error:?}"),
            None => return future::pending().await,
        }
    }
}

/// Every connection is an open file.
fn raise_open_files(config: &HostConfig) {
    let wanted = config.core.max_connections as u64 + SPARE_FILES;
    match limit::raise_open_files() {
        Ok(limit) if limit < wanted => log::warn!(
            target: "bgplite",
            "event=few_open_files limit={limit} wanted={wanted} remedy=\"raise it (LimitNOFILE= in the service unit) \
             or lower limits.connections\""
        ),
        Ok(_) => {}
        Err(error) => log::warn!(target: "bgplite", "event=few_open_files error={error:?}"),
    }
}

/// How long a shutdown may take: service managers and people lose patience after that.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);
/// Files that are open beside the connections: listeners, the store, lists under way.
const SPARE_FILES: u64 = 64;
