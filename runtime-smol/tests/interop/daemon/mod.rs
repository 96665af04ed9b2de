//! The daemons, each behind [`Client`]: a new case (MD5, refresh, restart) is a field of [`Setup`] and a line in
//! each driver's configuration.

mod bird;
mod exabgp;
mod frr;
mod gobgp;
mod openbgpd;

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::lab::route::{Family, Prefix, Routes};
use crate::lab::{is_ci, wait_for};

/// The daemons of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Daemon {
    Bird,
    Frr,
    Gobgp,
    Openbgpd,
    Exabgp,
}

/// What a client is told before it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<'a> {
    /// For configuration, logs and control sockets.
    pub(crate) dir: &'a Path,
    /// Where the server listens.
    pub(crate) server: SocketAddr,
    pub(crate) server_asn: u32,
    pub(crate) asn: u32,
    pub(crate) as_numbers: AsNumbers,
    pub(crate) export: Export,
}

/// Which AS numbers the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AsNumbers {
    /// Offers capability 65 (RFC 6793).
    FourOctet,
    /// An old speaker, without capability 65. BIRD and ExaBGP can be one.
    TwoOctet,
}

/// What the client sends to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Export {
    Nothing,
    /// Every route it holds, the server's own among them. FRR does that unless a policy forbids it.
    Everything,
}

impl Setup<'_> {
    /// The address that the client dials from: its own one where loopback has several.
    pub(crate) fn local(&self) -> IpAddr {
        local_address(if self.server.is_ipv4() { Family::V4 } else { Family::V6 })
    }
}

/// The client's address over a transport.
pub(crate) fn local_address(transport: Family) -> IpAddr {
    match transport {
        Family::V4 => Ipv4Addr::new(127, 0, 0, 2).into(),
        Family::V6 => Ipv6Addr::LOCALHOST.into(),
    }
}

/// An Established session, as its daemon tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// When it came up: seconds, of whichever clock the daemon shows; equal for one session, give or take
    /// a rounded second.
    pub(crate) since_secs: u64,
    /// How many sessions there have been, this one included.
    pub(crate) count: u64,
}

impl Session {
    /// Whether `later` is still this one, unbroken.
    pub(crate) fn is_same(self, later: Self) -> bool {
        self.count == later.count && self.since_secs.abs_diff(later.since_secs) <= 1
    }
}

/// A running daemon with one neighbor, the server. Dropping it ends it.
pub(crate) trait Client {
    /// The session, while it is Established.
    fn session(&mut self) -> Option<Session>;

    /// How many prefixes it holds from the server, both families together. Cheap: it is polled.
    fn held(&mut self) -> usize;

    /// What it holds from the server.
    fn routes(&mut self, family: Family) -> Routes;

    /// Whether it holds this prefix. Polled: a daemon whose whole table takes long to print has its own way.
    fn has(&mut self, prefix: Prefix) -> bool {
        self.routes(prefix.family()).contains_key(&prefix)
    }

    /// Fails the test if the daemon has ended.
    fn assert_running(&mut self);
}

impl Daemon {
    /// Starts it, or says that it is not installed and yields `None`; under `CI=true` that fails the test.
    pub(crate) fn start(self, setup: &Setup<'_>) -> Option<Box<dyn Client>> {
        match self.try_start(setup) {
            Ok(client) => Some(client),
            Err(Unavailable { what, remedy }) => {
                let text = format!("{what} ({remedy})");
                assert!(!is_ci(), "CI=true, and {text}");
                // Past the test harness, which shows what a passing test printed to nobody.
                let _ = writeln!(io::stderr(), "SKIPPED: {text}");
                None
            }
        }
    }

    fn try_start(self, setup: &Setup<'_>) -> Result<Box<dyn Client>, Unavailable> {
        Ok(match self {
            Self::Bird => Box::new(bird::Bird::start(setup)?),
            Self::Frr => Box::new(frr::Frr::start(setup)?),
            Self::Gobgp => Box::new(gobgp::Gobgp::start(setup)?),
            Self::Openbgpd => Box::new(openbgpd::Openbgpd::start(setup)?),
            Self::Exabgp => Box::new(exabgp::Exabgp::start(setup)?),
        })
    }
}

/// Waits for the session.
pub(crate) fn wait_established(client: &mut dyn Client) -> Session {
    wait_for("the session is Established", || {
        client.assert_running();
        client.session()
    })
}

/// Why a daemon cannot take part on this machine.
pub(crate) struct Unavailable {
    what: String,
    remedy: &'static str,
}

impl Unavailable {
    fn missing(program: &str, remedy: &'static str) -> Self {
        Self { what: format!("{program} is not installed"), remedy }
    }
}
