//! Gets a source's body, from a file or from a web server. Blocks: call it where waiting is allowed.
//!
//! Whatever a server does, what comes back is a whole body, "as before", or a sentence that names the place and the
//! reason. A body that may have been cut off is none.

mod date;
mod file;
mod global;
mod header;
mod http;
mod resolve;
mod sentence;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bgplite_core::config::shown_url;
use bgplite_core::server::{FetchOutcome, FetchRequest};

pub use global::is_global;
use resolve::Policy;

/// Where bodies come from. [`Standard`] asks files and web servers; a user's own answers requests that it knows and
/// hands on the others:
///
/// ```
/// use bgplite_host::fetch::{Fetch, Standard};
/// use bgplite_core::server::{FetchOutcome, FetchRequest};
///
/// /// Sources whose path begins with `inventory:` come from the house's own inventory.
/// struct Inventory(Standard);
///
/// impl Fetch for Inventory {
///     fn fetch(&self, request: &FetchRequest) -> FetchOutcome {
///         match request {
///             FetchRequest::File { path, .. } if path.starts_with("inventory:") => {
///                 FetchOutcome::Body(b"192.0.2.0/24\n2001:db8::/32\n".as_slice().into())
///             }
///             other => self.0.fetch(other),
///         }
///     }
/// }
/// ```
///
/// What comes back is a whole body in the source's format, [`FetchOutcome::Unchanged`] for what it said last, or a
/// failure with a sentence that names the place. The core parses it, and the source's guard and schedule hold for it as
/// for every other. Calls come from several threads at once, and may block; one that panics has failed.
pub trait Fetch: Send + Sync {
    /// Performs one request.
    fn fetch(&self, request: &FetchRequest) -> FetchOutcome;
}

/// Files and web servers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standard;

impl Fetch for Standard {
    fn fetch(&self, request: &FetchRequest) -> FetchOutcome {
        fetch(request)
    }
}

/// Performs a request with whatever there is for it. A panic is a failure.
pub fn fetch_by(fetcher: &dyn Fetch, request: &FetchRequest) -> FetchOutcome {
    catch_unwind(AssertUnwindSafe(|| fetcher.fetch(request))).unwrap_or_else(|_| {
        let place = match request {
            FetchRequest::File { path, .. } => path.clone(),
            FetchRequest::Http(request) => shown_url(&request.url),
        };
        FetchOutcome::Failed(format!("{place}: whoever fetches it gave up"))
    })
}

/// Performs the request. Every failure is a sentence that names the place; of a URL it shows neither credentials nor
/// the values of its query, and of a header never the value.
pub fn fetch(request: &FetchRequest) -> FetchOutcome {
    fetch_with(request, Policy::default())
}

fn fetch_with(request: &FetchRequest, policy: Policy) -> FetchOutcome {
    match request {
        FetchRequest::File { path, max_bytes } => file::fetch(path, *max_bytes),
        FetchRequest::Http(request) => {
            // The web client asserts here and there that no server does what none should do.
            let outcome = catch_unwind(AssertUnwindSafe(|| http::fetch(request, policy)));
            outcome.unwrap_or_else(|_| {
                let place = shown_url(&request.url);
                FetchOutcome::Failed(format!("{place}: the web client gave up on this server's answer"))
            })
        }
    }
}
