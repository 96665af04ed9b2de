//! OPEN (RFC 4271 4.2), with capabilities (RFC 5492) and optional parameters of any length (RFC 9072).

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::reader::Reader;
use super::{AfiSafi, Capability, DecodeError, MAX_LEN, MessageKind, begin, finish};
use crate::ids::Asn;

const VERSION: u8 = 4;
/// The one optional parameter in use (RFC 5492).
const PARAMETER_CAPABILITIES: u8 = 2;
/// In place of a parameter's type: lengths of two octets follow (RFC 9072 section 2).
const PARAMETER_EXTENDED: u8 = 255;

/// An OPEN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The speaker's ASN: that of the four-octet capability when it is there, else "My Autonomous System".
    /// On sending, one above 65535 shows as AS_TRANS in the latter; put the capability in as well.
    pub asn: Asn,
    /// Offered hold time, in seconds.
    pub hold_secs: u16,
    /// BGP identifier.
    pub router_id: Ipv4Addr,
    /// Everything offered, in its order, duplicates and unknown ones included.
    pub capabilities: Vec<Capability>,
}

impl Open {
    /// Reads an OPEN's body.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let version = reader.u8().ok_or(DecodeError::OpenLengths)?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let (my_as, hold_secs, router_id) = fixed_fields(&mut reader).ok_or(DecodeError::OpenLengths)?;
        if my_as == 0 {
            return Err(DecodeError::AsZero);
        }
        if matches!(hold_secs, 1 | 2) {
            return Err(DecodeError::HoldTime(hold_secs));
        }
        if router_id.is_unspecified() {
            return Err(DecodeError::RouterId);
        }
        let capabilities = decode_parameters(reader)?;
        let asn = four_octet(&capabilities).unwrap_or(Asn(u32::from(my_as)));
        Ok(Self { asn, hold_secs, router_id, capabilities })
    }

    /// Appends the whole message. Capabilities past the 4096 octets of an OPEN (RFC 8654 section 4) are left
    /// out.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = begin(out, MessageKind::Open);
        out.push(VERSION);
        out.extend_from_slice(&self.asn.two_octets().to_be_bytes());
        out.extend_from_slice(&self.hold_secs.to_be_bytes());
        out.extend_from_slice(&self.router_id.octets());
        let capabilities = self.encode_capabilities();
        let len = capabilities.len();
        // One parameter with all of them (RFC 5492 section 4): its own head has two octets, in the extended
        // form three.
        match (u8::try_from(len), u8::try_from(len.saturating_add(2))) {
            (Ok(0), _) => out.push(0),
            (Ok(value), Ok(parameters)) => {
                out.extend_from_slice(&[parameters, PARAMETER_CAPABILITIES, value]);
            }
            _ => {
                let value = u16::try_from(len).unwrap_or(u16::MAX);
                out.extend_from_slice(&[255, PARAMETER_EXTENDED]);
                out.extend_from_slice(&value.saturating_add(3).to_be_bytes());
                out.push(PARAMETER_CAPABILITIES);
                out.extend_from_slice(&value.to_be_bytes());
            }
        }
        out.extend_from_slice(&capabilities);
        finish(out, start);
    }

    fn encode_capabilities(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for capability in &self.capabilities {
            let fits = out.len();
            capability.encode(&mut out);
            if out.len() > MAX_CAPABILITIES {
                out.truncate(fits);
                break;
            }
        }
        out
    }

    /// Whether the speaker takes routes of `family`: it says so, or says nothing of families at all and the
    /// family is IPv4 unicast (RFC 4760 section 8).
    pub fn supports(&self, family: AfiSafi) -> bool {
        let mut offered = self.capabilities.iter().filter_map(|capability| match capability {
            Capability::Multiprotocol(family) => Some(*family),
            _ => None,
        });
        match offered.next() {
            None => family == AfiSafi::IPV4_UNICAST,
            Some(first) => first == family || offered.any(|other| other == family),
        }
    }

    /// The ASN in the four-octet capability (RFC 6793).
    pub fn four_octet(&self) -> Option<Asn> {
        four_octet(&self.capabilities)
    }

    /// Whether messages of up to 65535 octets are accepted (RFC 8654).
    pub fn has_extended_message(&self) -> bool {
        self.capabilities.contains(&Capability::ExtendedMessage)
    }

    /// Whether ROUTE-REFRESH is understood (RFC 2918).
    pub fn has_route_refresh(&self) -> bool {
        self.capabilities.contains(&Capability::RouteRefresh)
    }

    /// Whether the marks around a refresh are understood (RFC 7313).
    pub fn has_enhanced_refresh(&self) -> bool {
        self.capabilities.contains(&Capability::EnhancedRefresh)
    }
}

/// 4096 octets less header, fixed fields and the longest form of the parameters' heads.
const MAX_CAPABILITIES: usize = MAX_LEN - 19 - 10 - 6;

fn four_octet(capabilities: &[Capability]) -> Option<Asn> {
    capabilities.iter().find_map(|capability| match capability {
        Capability::FourOctetAsn(asn) => Some(*asn),
        _ => None,
    })
}

fn fixed_fields(reader: &mut Reader<'_>) -> Option<(u16, u16, Ipv4Addr)> {
    Some((reader.u16()?, reader.u16()?, reader.ipv4()?))
}

/// How many octets hold a parameter's length.
#[derive(Clone, Copy)]
enum Lengths {
    One,
    Two,
}

/// From the optional parameters' length to the message's end.
fn decode_parameters(mut reader: Reader<'_>) -> Result<Vec<Capability>, DecodeError> {
    let claimed = reader.u8().ok_or(DecodeError::OpenLengths)?;
    let mut len = usize::from(claimed);
    let mut lengths = Lengths::One;
    if claimed != 0 && reader.rest().first() == Some(&PARAMETER_EXTENDED) {
        // RFC 9072 section 2: then the length before it means nothing, as long as it is not 0.
        let _type = reader.u8();
        len = usize::from(reader.u16().ok_or(DecodeError::OpenLengths)?);
        lengths = Lengths::Two;
    }
    if len != reader.rest().len() {
        return Err(DecodeError::OpenLengths);
    }
    let mut capabilities = Vec::new();
    while let Some(kind) = reader.u8() {
        let len = match lengths {
            Lengths::One => reader.u8().map(usize::from),
            Lengths::Two => reader.u16().map(usize::from),
        };
        let value = len.and_then(|len| reader.take(len)).ok_or(DecodeError::OpenLengths)?;
        if kind != PARAMETER_CAPABILITIES {
            return Err(DecodeError::OptionalParameter(kind));
        }
        decode_capabilities(value, &mut capabilities).ok_or(DecodeError::OpenLengths)?;
    }
    if capabilities.contains(&Capability::FourOctetAsn(Asn(0))) {
        return Err(DecodeError::AsZero);
    }
    Ok(capabilities)
}

fn decode_capabilities(value: &[u8], capabilities: &mut Vec<Capability>) -> Option<()> {
    let mut reader = Reader::new(value);
    while let Some(code) = reader.u8() {
        let len = reader.u8()?;
        capabilities.push(Capability::decode(code, reader.take(usize::from(len))?));
    }
    Some(())
}
