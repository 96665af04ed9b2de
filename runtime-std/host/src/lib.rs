//! Blocking services that both adapters share: the configuration file, the store, file fetches, socket
//! options, the clock and the log. Nothing here knows BGP.

pub mod clock;
pub mod config;
pub mod fetch;
pub mod limit;
pub mod log;
pub mod socket;
mod text;

pub use config::HostConfig;
pub use text::Printable;
