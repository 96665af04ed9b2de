//! Blocking services that both adapters share: the configuration file, the store, file fetches, socket
//! options, the clock and the log. Nothing here knows BGP.

pub mod config;
mod text;

pub use config::HostConfig;
pub use text::Printable;
