//! From a name to addresses, and which of them may be connected to.

use std::fmt;
use std::net::IpAddr;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::global::is_global;

/// Where URLs that peers brought may lead. Tests have no internet and bend it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) is_port_allowed: fn(u16) -> bool,
    pub(super) is_address_allowed: fn(IpAddr) -> bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { is_port_allowed: |port| matches!(port, 80 | 443), is_address_allowed: is_global }
    }
}

/// Looks names up, and refuses all of a name's addresses for one that is not allowed. The client connects to nothing
/// but what this gives it: there is no second look-up between the check and the connection.
#[derive(Debug)]
pub(super) struct Checked {
    /// The policy for URLs that peers brought.
    pub(super) foreign: Option<Policy>,
    pub(super) inner: DefaultResolver,
}

/// Why a name gave no address.
#[derive(Debug)]
pub(super) enum ResolveError {
    /// An address of it is not of the internet.
    NotGlobal(IpAddr),
    /// There is no such name, or nobody who knows.
    Unknown(String),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGlobal(address) => write!(
                f,
                "it leads to {address}, which is no address of the internet; lists of peers may come from there only"
            ),
            Self::Unknown(reason) => write!(f, "the name cannot be resolved: {reason}"),
        }
    }
}

impl std::error::Error for ResolveError {}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout).map_err(|error| match error {
            ureq::Error::Io(error) => {
                let text = error.to_string();
                let reason = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
                refused(ResolveError::Unknown(reason.to_owned()))
            }
            ureq::Error::HostNotFound => refused(ResolveError::Unknown("it has no address".to_owned())),
            other => other,
        })?;
        if let Some(policy) = self.foreign {
            let bad = found.iter().map(std::net::SocketAddr::ip).find(|ip| !(policy.is_address_allowed)(*ip));
            if let Some(address) = bad {
                return Err(refused(ResolveError::NotGlobal(address)));
            }
        }
        Ok(found)
    }
}

fn refused(error: ResolveError) -> ureq::Error {
    ureq::Error::Other(Box::new(error))
}
