//! Faults in path attributes that a session survives, and what they cost (RFC 7606 section 2).

use core::fmt;

use super::spec;

/// What a fault costs, from little to much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The attribute is dropped; the routes stay.
    AttributeDiscard,
    /// All routes that the UPDATE announces are withdrawn.
    TreatAsWithdraw,
    /// The session ends. Never in an [`AttributeFault`]: it is a [`DecodeError`](super::DecodeError).
    SessionReset,
}

/// What is wrong with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Its optional or transitive flag contradicts its type (RFC 7606 3.c).
    Flags,
    /// Its length is not one that its type has.
    Length,
    /// Its value means nothing.
    Value,
    /// It is mandatory and not there (RFC 7606 3.d).
    Missing,
    /// It has been there before; the first one counts (RFC 7606 3.g).
    Duplicate,
    /// It runs past the end of all attributes (RFC 7606 section 4).
    Overrun,
    /// Not for this kind of session: internal ones (RFC 7606 7.5, 7.9, 7.10), or those with ASNs of two octets
    /// (RFC 6793 4.1).
    Misplaced,
}

/// One fault that was survived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeFault {
    /// The attribute's type code; 0 when the message ended before it.
    pub code: u8,
    /// What is wrong.
    pub kind: FaultKind,
    /// What it costs.
    pub severity: Severity,
}

/// How many faults of one UPDATE are kept. Those beyond still cost what they cost.
pub const MAX_FAULTS: usize = 16;

impl fmt::Display for AttributeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match spec::find(self.code) {
            Some(spec) => f.write_str(spec.name)?,
            None => write!(f, "attribute {}", self.code)?,
        }
        f.write_str(match self.kind {
            FaultKind::Flags => ": wrong flags",
            FaultKind::Length => ": wrong length",
            FaultKind::Value => ": malformed",
            FaultKind::Missing => ": missing",
            FaultKind::Duplicate => ": repeated",
            FaultKind::Overrun => ": runs past the end of the attributes",
            FaultKind::Misplaced => ": not for this kind of session",
        })?;
        f.write_str(match self.severity {
            Severity::AttributeDiscard => ", attribute discarded",
            Severity::TreatAsWithdraw => ", treated as withdraw",
            Severity::SessionReset => ", session reset",
        })
    }
}
