//! A small BGP speaker made of literal bytes: enough to open a session and to see every byte that the server
//! sends on it. It shares no code with what it tests.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};

use crate::lab::PATIENCE;
use crate::lab::route::Prefix;

/// The AS number of the speaker: 65001 in its OPEN, and in capability 65 if it is not an old one.
const OPEN: [u8; 9] = [4, 0xFD, 0xE9, 0, 180, 10, 0, 0, 9];

/// Capabilities: IPv4 unicast and IPv6 unicast (RFC 4760).
const FAMILIES: [u8; 12] = [1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1];

/// Capability: graceful restart of no family, which asks for End-of-RIB markers (RFC 4724 3).
const END_OF_RIB: [u8; 4] = [64, 2, 0, 0];

/// Capability: AS 65001 in four octets (RFC 6793).
const FOUR_OCTET_AS: [u8; 6] = [65, 4, 0, 0, 0xFD, 0xE9];

const KEEPALIVE: [u8; 19] =
    [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 19, 4];

/// A message from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Open(Vec<u8>),
    Update(Update),
    Notification { code: u8, subcode: u8 },
    Keepalive,
    Other(u8),
}

/// An UPDATE, read field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) withdrawn: Vec<Prefix>,
    pub(super) announced: Vec<Prefix>,
    /// Type to flags, without the bit that says how long the length is, and value. MP_REACH_NLRI and
    /// MP_UNREACH_NLRI are in the two lists above instead.
    pub(super) attributes: BTreeMap<u8, (u8, Vec<u8>)>,
    /// From MP_REACH_NLRI: the next hop's bytes.
    pub(super) mp_next_hop: Vec<u8>,
    /// Whether it is the End-of-RIB marker of some family (RFC 4724 2).
    pub(super) is_end_of_rib: bool,
}

/// An Established session.
pub(super) struct Speaker {
    stream: TcpStream,
    /// The body of the server's OPEN.
    pub(super) open: Vec<u8>,
}

impl Speaker {
    /// Dials and opens a session as AS 65001 with both families; an old speaker leaves capability 65 out.
    pub(super) fn establish(server: SocketAddr, is_old: bool) -> Self {
        let stream = TcpStream::connect(server).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let mut speaker = Self { stream, open: Vec::new() };
        speaker.send_open(is_old);
        loop {
            match speaker.next().expect("the server opens the session") {
                Message::Open(body) => {
                    speaker.open = body;
                    speaker.stream.write_all(&KEEPALIVE).expect("the server reads");
                }
                Message::Keepalive => return speaker,
                other => panic!("{other:?} before the session is Established"),
            }
        }
    }

    fn send_open(&mut self, is_old: bool) {
        let mut capabilities = FAMILIES.to_vec();
        capabilities.extend(END_OF_RIB);
        if !is_old {
            capabilities.extend(FOUR_OCTET_AS);
        }
        let length = capabilities.len() as u8;
        let mut message = vec![255; 16];
        message.extend([0, 29 + 2 + length, 1]);
        message.extend(OPEN);
        message.extend([2 + length, 2, length]);
        message.extend(capabilities);
        self.stream.write_all(&message).expect("the server reads");
    }

    /// The next message, or `None` when the server has closed the connection between two.
    pub(super) fn next(&mut self) -> Option<Message> {
        let mut header = [0; 19];
        let first = self.stream.read(&mut header[..1]).expect("the server sends or closes");
        if first == 0 {
            return None;
        }
        self.stream.read_exact(&mut header[1..]).expect("a message is complete");
        assert_eq!(header[..16], [255; 16], "the marker");
        let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
        assert!((19..=4096).contains(&length), "a message of {length} bytes");
        let mut body = vec![0; length - 19];
        self.stream.read_exact(&mut body).expect("a message is complete");
        Some(match header[18] {
            1 => Message::Open(body),
            2 => Message::Update(parse_update(&body)),
            3 => Message::Notification { code: body[0], subcode: body[1] },
            4 => Message::Keepalive,
            other => Message::Other(other),
        })
    }

    /// The next UPDATE; keepalives are passed over.
    pub(super) fn next_update(&mut self) -> Update {
        loop {
            match self.next().expect("the session is up") {
                Message::Update(update) => return update,
                Message::Keepalive => {}
                other => panic!("{other:?}, not an UPDATE"),
            }
        }
    }

    /// The UPDATEs up to the End-of-RIB markers of both families, without these.
    pub(super) fn read_table(&mut self) -> Vec<Update> {
        let mut updates = Vec::new();
        let mut ends = 0;
        while ends < 2 {
            let update = self.next_update();
            if update.is_end_of_rib {
                ends += 1;
            } else {
                updates.push(update);
            }
        }
        updates
    }
}

fn parse_update(body: &[u8]) -> Update {
    let (withdrawn, rest) = split_sized(body);
    let (mut attributes, nlri) = split_sized(rest);
    let mut update = Update {
        withdrawn: parse_prefixes(withdrawn, false),
        announced: parse_prefixes(nlri, false),
        // RFC 4724 2: an UPDATE of 23 octets for IPv4, an empty MP_UNREACH_NLRI for others.
        is_end_of_rib: body == [0, 0, 0, 0],
        ..Update::default()
    };
    while let [flags, kind, rest @ ..] = attributes {
        let is_extended = flags & 0x10 != 0;
        let (length, rest) = match rest {
            [high, low, rest @ ..] if is_extended => (u16::from_be_bytes([*high, *low]).into(), rest),
            [length, rest @ ..] => (usize::from(*length), rest),
            [] => panic!("an attribute without a length"),
        };
        let (value, rest) = rest.split_at(length);
        attributes = rest;
        match kind {
            // AFI 2, SAFI 1, length of the next hop, next hop, reserved, NLRI.
            14 => {
                assert_eq!(value[..3], [0, 2, 1], "MP_REACH_NLRI is IPv6 unicast");
                let (next_hop, nlri) = value[4..].split_at(usize::from(value[3]));
                update.mp_next_hop = next_hop.to_vec();
                update.announced.extend(parse_prefixes(&nlri[1..], true));
            }
            15 => {
                assert_eq!(value[..3], [0, 2, 1], "MP_UNREACH_NLRI is IPv6 unicast");
                update.withdrawn.extend(parse_prefixes(&value[3..], true));
                update.is_end_of_rib = value.len() == 3;
            }
            _ => {
                let earlier = update.attributes.insert(*kind, (flags & !0x10, value.to_vec()));
                assert_eq!(earlier, None, "attribute {kind} comes once");
            }
        }
    }
    update
}

/// A part preceded by its length in two octets, and what follows it.
fn split_sized(bytes: &[u8]) -> (&[u8], &[u8]) {
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    bytes[2..].split_at(length)
}

/// Prefixes as they are on the wire: a length in bits, then as many octets as that takes.
fn parse_prefixes(mut bytes: &[u8], is_v6: bool) -> Vec<Prefix> {
    let mut prefixes = Vec::new();
    while let [length, rest @ ..] = bytes {
        let (octets, rest) = rest.split_at(usize::from(*length).div_ceil(8));
        bytes = rest;
        let mut address = [0; 16];
        address[..octets.len()].copy_from_slice(octets);
        let address = if is_v6 {
            IpAddr::from(Ipv6Addr::from(address))
        } else {
            IpAddr::from(Ipv4Addr::new(address[0], address[1], address[2], address[3]))
        };
        prefixes.push(Prefix { address, length: *length });
    }
    prefixes
}
