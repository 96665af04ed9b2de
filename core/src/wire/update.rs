//! UPDATE (RFC 4271 4.3): routes withdrawn, path attributes, routes announced.

use alloc::vec::Vec;

use super::attribute::flag;
use super::fault::{AttributeFault, FaultKind, MAX_FAULTS, Severity};
use super::nlri::{decode_prefixes, encode_prefixes};
use super::reader::Reader;
use super::spec::{self, AttributeSpec};
use super::{
    Attribute, DecodeError, MessageKind, ReceivedUpdate, WireParams, attribute, begin, finish, header,
};
use crate::coverage::{self, Decision};
use crate::rib::Prefix4;

/// An UPDATE, part by part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// IPv4 prefixes withdrawn.
    pub withdrawn: Vec<Prefix4>,
    /// What holds for all that is announced; IPv6 routes are inside.
    pub attributes: Vec<Attribute>,
    /// IPv4 prefixes announced.
    pub nlri: Vec<Prefix4>,
}

impl Update {
    /// Reads an UPDATE's body. An error ends the session; what RFC 7606 lets it survive is in the result.
    pub fn decode(body: &[u8], params: WireParams) -> Result<ReceivedUpdate, DecodeError> {
        let (withdrawn, attributes, nlri) = sections(body).ok_or(DecodeError::AttributeList)?;
        let mut decoder = Decoder::new(params);
        decoder.read(Reader::new(attributes))?;
        let withdrawn = decode_prefixes(withdrawn).ok_or(DecodeError::NetworkField)?;
        let nlri: Vec<Prefix4> = decode_prefixes(nlri).ok_or(DecodeError::NetworkField)?;
        decoder.judge(!nlri.is_empty())?;
        let Decoder { attributes, faults, worst, .. } = decoder;
        Ok(ReceivedUpdate {
            update: Self { withdrawn, attributes, nlri },
            faults,
            treat_as_withdraw: worst >= Some(Severity::TreatAsWithdraw),
        })
    }

    /// Appends the whole message. When it would be longer than `params` allow, appends nothing and returns
    /// false.
    pub fn encode(&self, params: WireParams, out: &mut Vec<u8>) -> bool {
        let start = begin(out, MessageKind::Update);
        let sections = [
            section(out, |out| encode_prefixes(&self.withdrawn, out)),
            section(out, |out| {
                for attribute in &self.attributes {
                    attribute.encode(params, out);
                }
            }),
        ];
        encode_prefixes(&self.nlri, out);
        let fits =
            out.len().saturating_sub(start) <= params.max_len() && sections.iter().all(Option::is_some);
        if fits {
            finish(out, start);
        } else {
            out.truncate(start);
        }
        fits
    }
}

/// Appends two octets of length and what `write` appends; `None` when that is too much for them.
fn section(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Option<()> {
    let at = out.len();
    out.extend_from_slice(&[0, 0]);
    write(out);
    let len = u16::try_from(out.len().checked_sub(at)?.checked_sub(2)?).ok()?;
    header::patch_u16(out, at, len);
    Some(())
}

/// Withdrawn routes, path attributes and NLRI; `None` when the lengths exceed the message (RFC 4271 6.3).
fn sections(body: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut reader = Reader::new(body);
    let withdrawn = reader.u16()?;
    let withdrawn = reader.take(withdrawn.into())?;
    let attributes = reader.u16()?;
    let attributes = reader.take(attributes.into())?;
    Some((withdrawn, attributes, reader.rest()))
}

/// An attribute before anybody looked at its value.
#[derive(Clone, Copy)]
struct Raw<'a> {
    flags: u8,
    code: u8,
    value: &'a [u8],
    /// Type, length and value: what a NOTIFICATION shows.
    whole: &'a [u8],
}

/// Reads path attributes and keeps account of their faults.
struct Decoder<'a> {
    params: WireParams,
    attributes: Vec<Attribute>,
    faults: Vec<AttributeFault>,
    worst: Option<Severity>,
    /// The first fault that costs more than its attribute, and the attribute's octets.
    cause: Option<(AttributeFault, &'a [u8])>,
    /// By type code, malformed ones included.
    seen: [bool; 256],
    /// An attribute ran past the end, so there may be more than `seen` shows.
    is_cut: bool,
    /// There is an attribute beside MP_UNREACH_NLRI.
    has_others: bool,
}

impl<'a> Decoder<'a> {
    const fn new(params: WireParams) -> Self {
        Self {
            params,
            attributes: Vec::new(),
            faults: Vec::new(),
            worst: None,
            cause: None,
            seen: [false; 256],
            is_cut: false,
            has_others: false,
        }
    }

    fn read(&mut self, mut reader: Reader<'a>) -> Result<(), DecodeError> {
        if !reader.is_empty() {
            self.attributes.reserve(8);
        }
        while !reader.is_empty() {
            let rest = reader.rest();
            let Some(raw) = next(&mut reader) else {
                // RFC 7606 section 4: the rest is lost, and the total length still shows where the NLRI is.
                let code = rest.get(1).copied().unwrap_or(0);
                self.is_cut = true;
                return self.fault(code, FaultKind::Overrun, spec::OVERRUN_FAULT, rest);
            };
            self.attribute(raw)?;
        }
        Ok(())
    }

    fn attribute(&mut self, raw: Raw<'a>) -> Result<(), DecodeError> {
        let spec = spec::find(raw.code);
        self.has_others |= raw.code != attribute::code::MP_UNREACH;
        if core::mem::replace(&mut self.seen[usize::from(raw.code)], true) {
            // RFC 7606 3.g: those that carry routes may not be repeated.
            return match spec {
                Some(AttributeSpec { fault: Severity::SessionReset, .. }) => Err(DecodeError::AttributeList),
                _ => self.fault(raw.code, FaultKind::Duplicate, spec::DUPLICATE_FAULT, raw.whole),
            };
        }
        match spec {
            Some(spec) => self.known(spec, raw),
            None if raw.flags & flag::OPTIONAL == 0 => Err(DecodeError::UnknownWellKnown(raw.whole.into())),
            None => {
                let Raw { flags, code, value, .. } = raw;
                let flags = flags & !flag::EXTENDED_LENGTH;
                self.attributes.push(Attribute::Unknown { flags, code, data: value.to_vec() });
                Ok(())
            }
        }
    }

    fn known(&mut self, spec: &AttributeSpec, raw: Raw<'a>) -> Result<(), DecodeError> {
        let Raw { flags, code, value, whole } = raw;
        if !spec.scope.includes(self.params.as4) {
            return self.fault(code, FaultKind::Misplaced, spec::SCOPE_FAULT, whole);
        }
        if flags & (flag::OPTIONAL | flag::TRANSITIVE) != spec.flags {
            // And go on: the routes inside an MP_REACH_NLRI are needed to be withdrawn.
            self.fault(code, FaultKind::Flags, spec::FLAGS_FAULT, whole)?;
        }
        if !spec.length.allows(value.len(), self.params.as4) {
            return self.fault(code, FaultKind::Length, spec.fault, whole);
        }
        let Some(attribute) = Attribute::decode(code, value, self.params) else {
            return self.fault(code, FaultKind::Value, spec.fault, whole);
        };
        self.attributes.push(attribute);
        Ok(())
    }

    /// Notes a fault; an error when it costs the session.
    fn fault(
        &mut self,
        code: u8,
        kind: FaultKind,
        severity: Severity,
        whole: &'a [u8],
    ) -> Result<(), DecodeError> {
        let fault = AttributeFault { code, kind, severity };
        coverage::hit(Decision::Fault(code, kind));
        match severity {
            Severity::SessionReset => return Err(reset(fault, whole)),
            Severity::TreatAsWithdraw => {
                self.cause.get_or_insert((fault, whole));
            }
            Severity::AttributeDiscard => {}
        }
        self.worst = self.worst.max(Some(severity));
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
        Ok(())
    }

    /// What can only be said when all has been read.
    fn judge(&mut self, has_nlri: bool) -> Result<(), DecodeError> {
        let reachable = has_nlri || self.attributes.iter().any(announces);
        if reachable {
            self.require(attribute::code::ORIGIN)?;
            self.require(attribute::code::AS_PATH)?;
        } else if let Some((fault, whole)) = self.cause {
            // RFC 7606 5.2: without NLRI, nobody can be sure that the routes to be withdrawn were found; unless
            // there is nothing but MP_UNREACH_NLRI.
            if self.is_cut || self.has_others {
                return Err(reset(fault, whole));
            }
        }
        if has_nlri {
            self.require(attribute::code::NEXT_HOP)?;
        }
        Ok(())
    }

    fn require(&mut self, code: u8) -> Result<(), DecodeError> {
        if self.is_cut || self.seen[usize::from(code)] {
            return Ok(());
        }
        self.fault(code, FaultKind::Missing, spec::MISSING_FAULT, &[])
    }
}

/// The next attribute; `None` when it exceeds what is left.
fn next<'a>(reader: &mut Reader<'a>) -> Option<Raw<'a>> {
    let start = reader.rest();
    let flags = reader.u8()?;
    let code = reader.u8()?;
    let len = if flags & flag::EXTENDED_LENGTH == 0 { reader.u8()?.into() } else { reader.u16()? };
    let value = reader.take(len.into())?;
    let whole = start.get(..start.len().saturating_sub(reader.rest().len()))?;
    Some(Raw { flags, code, value, whole })
}

/// Whether it announces routes.
fn announces(attribute: &Attribute) -> bool {
    match attribute {
        Attribute::MpReach { prefixes, .. } => !prefixes.is_empty(),
        Attribute::MpReachOther { data, .. } => !data.is_empty(),
        _ => false,
    }
}

/// The error of a fault that costs the session: the subcode that RFC 4271 6.3 has for it.
fn reset(fault: AttributeFault, whole: &[u8]) -> DecodeError {
    let carries_routes = matches!(fault.code, attribute::code::MP_REACH | attribute::code::MP_UNREACH);
    match fault.kind {
        FaultKind::Flags => DecodeError::AttributeFlags(whole.into()),
        FaultKind::Length => DecodeError::AttributeLength(whole.into()),
        FaultKind::Value if carries_routes => DecodeError::OptionalAttribute(whole.into()),
        FaultKind::Value if fault.code == attribute::code::ORIGIN => DecodeError::Origin(whole.into()),
        FaultKind::Value if fault.code == attribute::code::AS_PATH => DecodeError::AsPath,
        FaultKind::Value => DecodeError::OptionalAttribute(whole.into()),
        FaultKind::Missing | FaultKind::Duplicate | FaultKind::Overrun | FaultKind::Misplaced => {
            DecodeError::AttributeList
        }
    }
}
