//! Capabilities (RFC 5492): what a speaker offers in its OPEN.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::AfiSafi;
use super::reader::Reader;
use crate::ids::Asn;

/// One capability. A known code whose value has a wrong length is kept as [`Capability::Unknown`]: a
/// capability is an offer, and an offer nobody understands is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Code 1: routes of this family (RFC 4760).
    Multiprotocol(AfiSafi),
    /// Code 2: ROUTE-REFRESH (RFC 2918).
    RouteRefresh,
    /// Code 6: messages of up to 65535 octets (RFC 8654).
    ExtendedMessage,
    /// Code 64: graceful restart (RFC 4724).
    GracefulRestart {
        /// The speaker has just restarted.
        restarting: bool,
        /// A NOTIFICATION is survived as well (RFC 8538).
        notification: bool,
        /// How long a restart takes at most, in seconds: 12 bits.
        restart_secs: u16,
        /// The families whose routes are kept meanwhile.
        families: Vec<RestartFamily>,
    },
    /// Code 65: ASNs of four octets, and the speaker's own (RFC 6793).
    FourOctetAsn(Asn),
    /// Code 70: marks around what a refresh sends (RFC 7313).
    EnhancedRefresh,
    /// Any other code, or a value that does not fit its code.
    Unknown {
        /// The code.
        code: u8,
        /// The value, at most 255 octets.
        #[serde(with = "crate::coding::hex")]
        data: Vec<u8>,
    },
}

/// A family in [`Capability::GracefulRestart`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartFamily {
    /// The family.
    pub family: AfiSafi,
    /// Its forwarding state survived the restart.
    pub forwarding_kept: bool,
}

impl Capability {
    /// The code on the wire.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Multiprotocol(_) => 1,
            Self::RouteRefresh => 2,
            Self::ExtendedMessage => 6,
            Self::GracefulRestart { .. } => 64,
            Self::FourOctetAsn(_) => 65,
            Self::EnhancedRefresh => 70,
            Self::Unknown { code, .. } => *code,
        }
    }

    pub(super) fn decode(code: u8, value: &[u8]) -> Self {
        Self::known(code, value).unwrap_or_else(|| Self::Unknown { code, data: value.to_vec() })
    }

    fn known(code: u8, value: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(value);
        let capability = match code {
            1 => {
                let afi = reader.u16()?;
                let _reserved = reader.u8()?;
                Self::Multiprotocol(AfiSafi { afi, safi: reader.u8()? })
            }
            2 => Self::RouteRefresh,
            6 => Self::ExtendedMessage,
            64 => Self::graceful_restart(&mut reader)?,
            65 => Self::FourOctetAsn(Asn(reader.u32()?)),
            70 => Self::EnhancedRefresh,
            _ => return None,
        };
        reader.is_empty().then_some(capability)
    }

    fn graceful_restart(reader: &mut Reader<'_>) -> Option<Self> {
        let head = reader.u16()?;
        let mut families = Vec::with_capacity(reader.rest().len() / 4);
        while !reader.is_empty() {
            let family = AfiSafi { afi: reader.u16()?, safi: reader.u8()? };
            families.push(RestartFamily { family, forwarding_kept: reader.u8()? & 0x80 != 0 });
        }
        Some(Self::GracefulRestart {
            restarting: head & 0x8000 != 0,
            notification: head & 0x4000 != 0,
            restart_secs: head & 0x0FFF,
            families,
        })
    }

    /// Appends code, length and value; a value beyond 255 octets is cut there.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.code(), 0]);
        let value = out.len();
        match self {
            Self::Multiprotocol(AfiSafi { afi, safi }) => {
                out.extend_from_slice(&afi.to_be_bytes());
                out.extend_from_slice(&[0, *safi]);
            }
            Self::RouteRefresh | Self::ExtendedMessage | Self::EnhancedRefresh => {}
            Self::GracefulRestart { restarting, notification, restart_secs, families } => {
                let head =
                    u16::from(*restarting) << 15 | u16::from(*notification) << 14 | (restart_secs & 0x0FFF);
                out.extend_from_slice(&head.to_be_bytes());
                for RestartFamily { family, forwarding_kept } in families.iter().take(MAX_RESTART_FAMILIES) {
                    out.extend_from_slice(&family.afi.to_be_bytes());
                    out.extend_from_slice(&[family.safi, u8::from(*forwarding_kept) << 7]);
                }
            }
            Self::FourOctetAsn(asn) => out.extend_from_slice(&asn.0.to_be_bytes()),
            Self::Unknown { data, .. } => out.extend_from_slice(data),
        }
        out.truncate(value.saturating_add(255));
        let len = u8::try_from(out.len().saturating_sub(value)).unwrap_or(u8::MAX);
        if let Some(slot) = value.checked_sub(1).and_then(|at| out.get_mut(at)) {
            *slot = len;
        }
    }
}

/// Families of four octets each that fit beside the two octets of flags and time in 255.
const MAX_RESTART_FAMILIES: usize = 63;
