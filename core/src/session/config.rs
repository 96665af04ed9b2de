//! What a session is told at its birth.

use core::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::config::Families;
use crate::ids::Asn;
use crate::time::Duration;

/// The local side of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionConfig {
    /// Our ASN.
    pub asn: Asn,
    /// Our BGP identifier.
    pub router_id: Ipv4Addr,
    /// The hold time we offer, in seconds: 0 or at least 3.
    pub hold_secs: u16,
    /// The families we offer.
    pub families: Families,
    /// How long to wait for the peer's OPEN before sending ours (RFC 4271 8.1.1 DelayOpenTime). Ours then
    /// offers only capabilities that the peer's had: RouterOS resets on any other. Zero sends at once.
    pub open_delay: Duration,
    /// How long the peer may take no byte (RFC 9687).
    pub send_hold: Duration,
    /// Distinct prefixes the peer may announce; `None` neither counts nor limits.
    pub max_received: Option<u32>,
}

/// How long a peer may take to send its OPEN. RFC 4271 8.2.2 suggests four minutes; a connection that says
/// nothing costs a slot, so it gets one.
pub(super) const OPEN_DEADLINE: Duration = Duration::from_secs(60);
