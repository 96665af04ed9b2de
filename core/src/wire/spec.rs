//! The path attributes we know, as one table: flags, length, and what a fault costs (RFC 7606).
//!
//! **Invariant:** the decoder asks this table what a fault in an attribute costs; it has no opinion of its own.

use super::attribute::{code, flag};
use super::fault::Severity;
use Length::{Any, AsnAndAddress, Exactly, Multiple};
use Scope::{All, Internal, TwoOctet};
use Severity::{AttributeDiscard, SessionReset, TreatAsWithdraw};

/// What is known about one path attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttributeSpec {
    pub(super) code: u8,
    pub(super) name: &'static str,
    /// The optional and transitive bits it must have. RFC 7606 3.c compares no others: neither the partial nor
    /// the extended length bit is ever wrong.
    pub(super) flags: u8,
    pub(super) length: Length,
    /// What a wrong length or value costs.
    pub(super) fault: Severity,
    pub(super) scope: Scope,
}

/// Which lengths a value may have, in octets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    /// Just this one.
    Exactly(usize),
    /// A multiple of it, but not 0.
    Multiple(usize),
    /// An ASN as negotiated and an address.
    AsnAndAddress,
    /// Its own parser finds out.
    Any,
}

/// On which sessions an attribute means something. Elsewhere it is discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// On all.
    All,
    /// On internal ones. Nothing that a peer says is used, so that these are discarded there too.
    Internal,
    /// On those whose ASNs have two octets.
    TwoOctet,
}

/// What contradicting flags cost, whatever the attribute (RFC 7606 3.c).
pub(super) const FLAGS_FAULT: Severity = Severity::TreatAsWithdraw;
/// What a missing mandatory attribute costs (RFC 7606 3.d).
pub(super) const MISSING_FAULT: Severity = Severity::TreatAsWithdraw;
/// What an attribute costs that runs past the end of all (RFC 7606 section 4).
pub(super) const OVERRUN_FAULT: Severity = Severity::TreatAsWithdraw;
/// What a second occurrence costs, except that of the two in [`Severity::SessionReset`] (RFC 7606 3.g).
pub(super) const DUPLICATE_FAULT: Severity = Severity::AttributeDiscard;
/// What an attribute out of its scope costs.
pub(super) const SCOPE_FAULT: Severity = Severity::AttributeDiscard;

const WELL_KNOWN: u8 = flag::TRANSITIVE;
const OPTIONAL: u8 = flag::OPTIONAL;
const OPTIONAL_TRANSITIVE: u8 = flag::OPTIONAL | flag::TRANSITIVE;

/// In the order of their codes.
#[rustfmt::skip]
pub(super) const SPECS: [AttributeSpec; 16] = [
    // RFC 7606 7.1 to 7.10, in this order.
    spec(code::ORIGIN, "ORIGIN", WELL_KNOWN, Exactly(1), TreatAsWithdraw, All),
    spec(code::AS_PATH, "AS_PATH", WELL_KNOWN, Any, TreatAsWithdraw, All),
    spec(code::NEXT_HOP, "NEXT_HOP", WELL_KNOWN, Exactly(4), TreatAsWithdraw, All),
    spec(code::MULTI_EXIT_DISC, "MULTI_EXIT_DISC", OPTIONAL, Exactly(4), TreatAsWithdraw, All),
    spec(code::LOCAL_PREF, "LOCAL_PREF", WELL_KNOWN, Exactly(4), TreatAsWithdraw, Internal),
    spec(code::ATOMIC_AGGREGATE, "ATOMIC_AGGREGATE", WELL_KNOWN, Exactly(0), AttributeDiscard, All),
    spec(code::AGGREGATOR, "AGGREGATOR", OPTIONAL_TRANSITIVE, AsnAndAddress, AttributeDiscard, All),
    spec(code::COMMUNITIES, "COMMUNITIES", OPTIONAL_TRANSITIVE, Multiple(4), TreatAsWithdraw, All),
    spec(code::ORIGINATOR_ID, "ORIGINATOR_ID", OPTIONAL, Exactly(4), TreatAsWithdraw, Internal),
    spec(code::CLUSTER_LIST, "CLUSTER_LIST", OPTIONAL, Multiple(4), TreatAsWithdraw, Internal),
    // RFC 7606 7.11 and 7.12: without them nobody knows which routes are meant.
    spec(code::MP_REACH, "MP_REACH_NLRI", OPTIONAL, Any, SessionReset, All),
    spec(code::MP_UNREACH, "MP_UNREACH_NLRI", OPTIONAL, Any, SessionReset, All),
    // RFC 7606 7.14.
    spec(code::EXTENDED_COMMUNITIES, "EXTENDED_COMMUNITIES", OPTIONAL_TRANSITIVE, Multiple(8), TreatAsWithdraw, All),
    // RFC 6793 section 6.
    spec(code::AS4_PATH, "AS4_PATH", OPTIONAL_TRANSITIVE, Any, AttributeDiscard, TwoOctet),
    spec(code::AS4_AGGREGATOR, "AS4_AGGREGATOR", OPTIONAL_TRANSITIVE, Exactly(8), AttributeDiscard, TwoOctet),
    // RFC 8092 section 6.
    spec(code::LARGE_COMMUNITIES, "LARGE_COMMUNITIES", OPTIONAL_TRANSITIVE, Multiple(12), TreatAsWithdraw, All),
];

const fn spec(
    code: u8,
    name: &'static str,
    flags: u8,
    length: Length,
    fault: Severity,
    scope: Scope,
) -> AttributeSpec {
    AttributeSpec { code, name, flags, length, fault, scope }
}

/// The row of `code`.
pub(super) fn find(code: u8) -> Option<&'static AttributeSpec> {
    SPECS.iter().find(|spec| spec.code == code)
}

impl Length {
    /// Whether a value of `len` octets may be, where ASNs have four octets or two.
    pub(super) const fn allows(self, len: usize, as4: bool) -> bool {
        match self {
            Self::Exactly(octets) => len == octets,
            Self::Multiple(octets) => len != 0 && len.is_multiple_of(octets),
            Self::AsnAndAddress => len == if as4 { 8 } else { 6 },
            Self::Any => true,
        }
    }
}

impl Scope {
    /// Whether the attribute means something on a session of ours, where ASNs have four octets or two.
    pub(super) const fn includes(self, as4: bool) -> bool {
        match self {
            Self::All => true,
            Self::Internal => false,
            Self::TwoOctet => !as4,
        }
    }
}
