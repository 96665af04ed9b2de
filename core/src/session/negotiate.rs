//! What two OPENs agree on (RFC 4271 6.2, RFC 5492).

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::config::Families;
use crate::coverage::{self, Agreement};
use crate::ids::Asn;
use crate::session::SessionConfig;
use crate::wire::{AfiSafi, Capability, Notification, Open, WireParams};

/// What both sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Negotiated {
    /// The peer's ASN.
    pub asn: Asn,
    /// The peer's BGP identifier.
    pub router_id: Ipv4Addr,
    /// Hold time in force, in seconds; 0 is none.
    pub hold_secs: u16,
    /// Families that both sides offered.
    pub families: Families,
    /// How messages are coded.
    pub params: WireParams,
    /// Whether both sides offered enhanced route refresh (RFC 7313).
    pub enhanced_refresh: bool,
    /// Whether the peer is in our own AS.
    pub is_internal: bool,
}

impl Negotiated {
    /// The longest UPDATE either side may send, in octets (RFC 8654).
    pub const fn max_len(&self) -> usize {
        self.params.max_len()
    }
}

/// Everything we can do, in the order we say it.
pub(super) fn capabilities(config: &SessionConfig) -> Vec<Capability> {
    let mut all = Vec::new();
    all.extend(config.families.iter().map(Capability::Multiprotocol));
    all.push(Capability::RouteRefresh);
    all.push(Capability::ExtendedMessage);
    all.push(Capability::FourOctetAsn(config.asn));
    all.push(Capability::EnhancedRefresh);
    all
}

/// Those of `ours` that `peer` offered too.
pub(super) fn mirror(ours: Vec<Capability>, peer: &Open) -> Vec<Capability> {
    coverage::hit(Agreement::Mirrored);
    let offered = |ours: &Capability| {
        peer.capabilities.iter().any(|theirs| match (ours, theirs) {
            (Capability::Multiprotocol(ours), Capability::Multiprotocol(theirs)) => ours == theirs,
            _ => ours.code() == theirs.code(),
        })
    };
    ours.into_iter().filter(offered).collect()
}

/// What our OPEN, which offered `ours`, and the peer's agree on; otherwise the NOTIFICATION it earns.
pub(super) fn negotiate(
    config: &SessionConfig,
    ours: &[Capability],
    peer: &Open,
) -> Result<Negotiated, Notification> {
    let is_internal = peer.asn == config.asn;
    if is_internal && peer.router_id == config.router_id {
        coverage::hit(Agreement::SameIdentifier);
        // RFC 6286 2.2: within an AS the identifier must differ; between two it may be the same.
        return Err(Notification::new(2, 3));
    }
    let supports = |family| peer.supports(family);
    let common = config
        .families
        .intersection(Families { v4: supports(AfiSafi::IPV4_UNICAST), v6: supports(AfiSafi::IPV6_UNICAST) });
    if common.is_empty() {
        coverage::hit(Agreement::NoFamily);
        // RFC 5492 5: the data are the capabilities that we need and miss.
        let mut data = Vec::new();
        for family in config.families.iter() {
            Capability::Multiprotocol(family).encode(&mut data);
        }
        return Err(Notification { code: 2, subcode: 7, data });
    }
    coverage::hit(Agreement::Agreed);
    let both =
        |wanted: fn(&Capability) -> bool| ours.iter().any(wanted) && peer.capabilities.iter().any(wanted);
    Ok(Negotiated {
        asn: peer.asn,
        router_id: peer.router_id,
        hold_secs: config.hold_secs.min(peer.hold_secs),
        families: common,
        params: WireParams {
            as4: both(|capability| matches!(capability, Capability::FourOctetAsn(_))),
            extended: both(|capability| matches!(capability, Capability::ExtendedMessage)),
        },
        enhanced_refresh: both(|capability| matches!(capability, Capability::EnhancedRefresh)),
        is_internal,
    })
}
