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
