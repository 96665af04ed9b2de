//! Lists as files hold them: written by people, changed by people, and sometimes not lists at all.

use std::collections::BTreeSet;

use bgplite_core::rng::Rng;

use super::incident::What;
use super::net::Net;

/// Of about `size` prefixes that cover, neighbour and repeat each other.
pub(crate) fn fresh(size: u64, rng: &mut Rng) -> BTreeSet<Net> {
    let count = size / 2 + rng.below(size) + 1;
    (0..count).map(|_| any(rng)).collect()
}

/// A few prefixes come, go, split or join.
pub(crate) fn edit(list: &mut BTreeSet<Net>, rng: &mut Rng) {
    for _ in 0..=rng.below(6) {
        let picked = list.iter().nth(rng.below(list.len() as u64) as usize).copied();
        match (rng.below(5), picked) {
            (0, Some(net)) if list.len() > 1 => {
                list.remove(&net);
            }
            (1, Some(net)) => {
                if let Some(halves) = net.halves() {
                    list.remove(&net);
                    list.extend(halves);
                }
            }
            (2, Some(net)) => {
                list.remove(&net);
                list.insert(net.parent());
            }
            (3, Some(net)) => {
                list.insert(net.parent());
            }
            _ => {
                list.insert(any(rng));
            }
        }
    }
}

/// The file: comments, blanks, host bits, line ends of both kinds, and now and then a line that is no prefix.
pub(crate) fn write(list: &BTreeSet<Net>, rng: &mut Rng) -> Vec<u8> {
    let mut out = Vec::new();
    if rng.below(8) == 0 {
        out.extend_from_slice(b"\xEF\xBB\xBF");
    }
    let end = if rng.below(4) == 0 { "\r\n" } else { "\n" };
    for (index, net) in list.iter().enumerate() {
        match rng.below(40) {
            0 => out.extend_from_slice(format!("# comment {index}{end}").as_bytes()),
            1 => out.extend_from_slice(end.as_bytes()),
            2 if index > 0 => out.extend_from_slice(format!("nonsense{end}").as_bytes()),
            _ => {}
        }
        let line = format!("{net}");
        let line = line.strip_suffix("/32").filter(|_| !net.v6).unwrap_or(&line);
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(if rng.below(20) == 0 { b"  # why" } else { b"" });
        out.extend_from_slice(end.as_bytes());
    }
    out
}

/// What a reader finds in the place of `body` while `fault` lasts; `None` for no file at all.
pub(crate) fn spoil(body: &[u8], fault: What, rng: &mut Rng) -> Option<Vec<u8>> {
    match fault {
        What::Missing => None,
        What::Empty => Some(if rng.below(2) == 0 { Vec::new() } else { b"# nothing yet\n\n".to_vec() }),
        What::Truncated => {
            let end = rng.below(body.len() as u64) as usize;
            Some(body.get(..end).unwrap_or_default().to_vec())
        }
        What::Garbled => Some(match rng.below(3) {
            0 => b"<html><body>502 Bad Gateway</body></html>\n".to_vec(),
            1 => (0..200).map(|_| rng.next_u64() as u8).collect(),
            _ => body.iter().map(|&byte| if rng.below(6) == 0 { b'x' } else { byte }).collect(),
        }),
        What::Lie => Some(write(&fresh(8, rng), rng)),
        _ => Some(body.to_vec()),
    }
}

/// Out of a small space, so that prefixes meet.
fn any(rng: &mut Rng) -> Net {
    if rng.below(3) == 0 {
        let bits = 0x2001_0db8_u128 << 96 | u128::from(rng.below(16)) << 80 | u128::from(rng.below(64)) << 74;
        return Net::new(true, bits, [32, 40, 44, 48, 48, 52, 54, 56, 64, 128][rng.below(10) as usize]);
    }
    let bits = 0x0A00_0000_u128
        | u128::from(rng.below(4)) << 20
        | u128::from(rng.below(256)) << 8
        | u128::from(rng.below(4)) << 6;
    Net::new(false, bits << 96, [9, 16, 20, 22, 23, 24, 24, 24, 25, 26, 27, 32][rng.below(12) as usize])
}
