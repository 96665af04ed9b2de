//! Framing (RFC 4271 4.1): where a message ends in a stream, and what its header must look like.

use alloc::vec::Vec;

use super::{DecodeError, HEADER_LEN, MAX_LEN};

/// The five message types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// Type 1.
    Open,
    /// Type 2.
    Update,
    /// Type 3.
    Notification,
    /// Type 4.
    Keepalive,
    /// Type 5 (RFC 2918).
    RouteRefresh,
}

impl MessageKind {
    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Open,
            2 => Self::Update,
            3 => Self::Notification,
            4 => Self::Keepalive,
            5 => Self::RouteRefresh,
            _ => return None,
        })
    }

    /// The type octet.
    pub const fn code(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Update => 2,
            Self::Notification => 3,
            Self::Keepalive => 4,
            Self::RouteRefresh => 5,
        }
    }

    /// The shortest and the longest message of this type, header included, on a connection whose messages may
    /// have `max_len` octets. OPEN and KEEPALIVE never grow (RFC 8654 section 4).
    const fn bounds(self, max_len: usize) -> (usize, usize) {
        let plain = if max_len < MAX_LEN { max_len } else { MAX_LEN };
        match self {
            Self::Open => (29, plain),
            Self::Update | Self::RouteRefresh => (23, max_len),
            Self::Notification => (21, max_len),
            Self::Keepalive => (19, 19),
        }
    }
}

/// A whole message at the front of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its type.
    pub kind: MessageKind,
    /// What follows the header.
    pub body: &'a [u8],
    /// Octets of the whole message, header included: how much of the buffer it used.
    pub len: usize,
}

/// The first message in `buf`; `Ok(None)` while it is not whole.
///
/// `max_len` is [`WireParams::max_len`](super::WireParams::max_len). An error comes as soon as the bytes show
/// it: a wrong marker at its first wrong octet (HTTP or TLS on the port fails at once), a wrong length or type
/// once the header is there. Feeding more bytes never turns an error into a message.
pub fn frame(buf: &[u8], max_len: usize) -> Result<Option<Frame<'_>>, DecodeError> {
    if buf.iter().take(16).any(|&octet| octet != 0xFF) {
        return Err(DecodeError::Marker);
    }
    let Some((header, _)) = buf.split_first_chunk::<HEADER_LEN>() else {
        return Ok(None);
    };
    let &[.., high, low, code] = header;
    let claimed = u16::from_be_bytes([high, low]);
    let len = usize::from(claimed);
    if !(HEADER_LEN..=max_len).contains(&len) {
        return Err(DecodeError::MessageLength(claimed));
    }
    let kind = MessageKind::from_code(code).ok_or(DecodeError::MessageType(code))?;
    let (shortest, longest) = kind.bounds(max_len);
    if !(shortest..=longest).contains(&len) {
        return Err(DecodeError::MessageLength(claimed));
    }
    Ok(buf.get(HEADER_LEN..len).map(|body| Frame { kind, body, len }))
}

/// Appends a KEEPALIVE.
pub fn encode_keepalive(out: &mut Vec<u8>) {
    let start = begin(out, MessageKind::Keepalive);
    finish(out, start);
}

/// Appends a header whose length [`finish`] patches; returns where the message starts.
pub(crate) fn begin(out: &mut Vec<u8>, kind: MessageKind) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0xFF; 16]);
    out.extend_from_slice(&[0, 0, kind.code()]);
    start
}

/// Writes the length of the message that began at `start` and ends with `out`. The caller kept it within
/// 65535 octets; a longer one would be a bug, and is marked 65535 so that the far end closes.
pub(crate) fn finish(out: &mut [u8], start: usize) {
    let len = u16::try_from(out.len().saturating_sub(start)).unwrap_or(u16::MAX);
    patch_u16(out, start.saturating_add(16), len);
}

/// Overwrites the two octets at `at`; nothing where there are none.
pub(crate) fn patch_u16(out: &mut [u8], at: usize, value: u16) {
    if let Some(slot) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<2>) {
        *slot = value.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn header(len: u16, code: u8) -> Vec<u8> {
        let mut bytes = vec![0xFF; 16];
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.push(code);
        bytes
    }

    #[test]
    fn a_keepalive_is_nineteen_octets() {
        let mut out = Vec::new();
        encode_keepalive(&mut out);
        assert_eq!(out, header(19, 4));
        let message = frame(&out, 4096).unwrap().unwrap();
        assert_eq!((message.kind, message.body, message.len), (MessageKind::Keepalive, &[][..], 19));
    }

    #[test]
    fn another_protocol_fails_at_its_first_octet() {
        for bytes in [&b"GET / HTTP/1.1\r\n"[..], &[0x16, 0x03, 0x01][..], &[0xFF, 0xFF, 0x00][..]] {
            assert_eq!(frame(bytes, 4096), Err(DecodeError::Marker));
        }
        assert_eq!(frame(b"G", 4096), Err(DecodeError::Marker));
        let mut last = header(19, 4);
        last[15] = 0xFE;
        assert_eq!(frame(&last, 4096), Err(DecodeError::Marker));
        assert_eq!(frame(&[0xFF; 18], 4096), Ok(None));
        assert_eq!(frame(&[], 4096), Ok(None));
    }

    #[test]
    fn header_errors_come_before_the_body() {
        for (len, code, max_len, error) in [
            (18, 4, 4096, DecodeError::MessageLength(18)),
            (4097, 2, 4096, DecodeError::MessageLength(4097)),
            (0, 9, 4096, DecodeError::MessageLength(0)),
            (28, 1, 4096, DecodeError::MessageLength(28)),
            (22, 2, 4096, DecodeError::MessageLength(22)),
            (20, 3, 4096, DecodeError::MessageLength(20)),
            (20, 4, 4096, DecodeError::MessageLength(20)),
            (22, 5, 4096, DecodeError::MessageLength(22)),
            (4097, 1, 65535, DecodeError::MessageLength(4097)),
            (19, 0, 4096, DecodeError::MessageType(0)),
            (19, 6, 4096, DecodeError::MessageType(6)),
        ] {
            assert_eq!(frame(&header(len, code), max_len), Err(error), "{len} {code}");
        }
        for (len, code, max_len) in [
            (29, 1, 4096),
            (4096, 1, 65535),
            (23, 2, 4096),
            (65535, 2, 65535),
            (65535, 3, 65535),
            (23, 5, 4096),
        ] {
            assert_eq!(frame(&header(len, code), max_len), Ok(None), "{len} {code}");
        }
    }

    #[test]
    fn only_the_first_message_is_framed() {
        let mut bytes = header(23, 2);
        bytes.extend_from_slice(&[0, 0, 0, 0]);
        bytes.extend_from_slice(&header(19, 4));
        let message = frame(&bytes, 4096).unwrap().unwrap();
        assert_eq!((message.body, message.len), (&[0, 0, 0, 0][..], 23));
        let next = frame(bytes.get(message.len..).unwrap(), 4096).unwrap().unwrap();
        assert_eq!(next.kind, MessageKind::Keepalive);
    }
}
