//! Which faults each row of the attribute table can have: what a simulation should reach.

use super::attribute::code;
use super::fault::{FaultKind, Severity};
use super::spec::{Length, SPECS, Scope, find};

/// Every fault that an attribute can have, row by row; then those of an attribute of no row, here code 0.
pub(crate) fn attribute_rules() -> impl Iterator<Item = (u8, FaultKind)> {
    let codes = SPECS.iter().map(|spec| spec.code).chain([0]);
    codes.flat_map(|code| KINDS.map(|kind| (code, kind))).filter(|&(code, kind)| can_be(code, kind))
}

/// The place of an attribute in the table, or the one behind it.
pub(crate) fn attribute_row(code: u8) -> usize {
    SPECS.iter().position(|spec| spec.code == code).unwrap_or(SPECS.len())
}

/// What an attribute is called.
pub(crate) fn attribute_name(code: u8) -> Option<&'static str> {
    find(code).map(|spec| spec.name)
}

fn can_be(code: u8, kind: FaultKind) -> bool {
    let Some(spec) = find(code) else {
        return matches!(kind, FaultKind::Duplicate | FaultKind::Overrun);
    };
    match kind {
        FaultKind::Missing => MANDATORY.contains(&code),
        FaultKind::Misplaced => spec.scope != Scope::All,
        // Two of those that carry routes end the session without a fault.
        FaultKind::Duplicate => spec.fault != Severity::SessionReset,
        // Discarded before anybody looks.
        FaultKind::Flags | FaultKind::Length | FaultKind::Value if spec.scope == Scope::Internal => false,
        FaultKind::Flags | FaultKind::Overrun => true,
        FaultKind::Length => !matches!(spec.length, Length::Any),
        // Elsewhere every value of the right length is good.
        FaultKind::Value => matches!(spec.length, Length::Any) || HAS_BAD_VALUES.contains(&code),
    }
}

const KINDS: [FaultKind; 7] = [
    FaultKind::Flags,
    FaultKind::Length,
    FaultKind::Value,
    FaultKind::Missing,
    FaultKind::Duplicate,
    FaultKind::Overrun,
    FaultKind::Misplaced,
];

/// What an UPDATE that announces routes must have (RFC 4271 5), the last of them for IPv4 alone.
const MANDATORY: [u8; 3] = [code::ORIGIN, code::AS_PATH, code::NEXT_HOP];

/// Of those whose length is fixed: an ORIGIN above 2, and AS 0 (RFC 7607).
const HAS_BAD_VALUES: [u8; 3] = [code::ORIGIN, code::AGGREGATOR, code::AS4_AGGREGATOR];
