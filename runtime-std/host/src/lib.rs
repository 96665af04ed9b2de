//! Blocking services that both adapters share: the configuration file, the store, file fetches, socket
//! options, the clock and the log. Nothing here knows BGP.

pub mod clock;
pub mod config;
pub mod control;
pub mod error;
pub mod fetch;
pub mod limit;
pub mod log;
pub mod memory;
pub mod pipe;
pub mod record;
pub mod socket;
pub mod store;
mod text;

pub use config::HostConfig;
pub use error::HostError;
pub use text::Printable;
