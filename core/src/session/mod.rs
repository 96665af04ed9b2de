//! One connection's BGP (RFC 4271 section 8), from TCP up to closed.

use core::fmt;

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownReason {}

impl fmt::Display for DownReason {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
