//! The wire codec against bytes written out from the RFCs, against every row of its fault tables, and against
//! bytes that nobody wrote.

mod error;
mod message;
mod notification;
mod open;
mod property;
mod rfc7606;
mod strategy;
mod update;

use bgplite_core::wire::{Frame, frame};

/// The octets of a file in `testdata/wire`: hexadecimal, `#` starts a comment.
macro_rules! vector {
    ($name:literal) => {
        crate::hex(include_str!(concat!("../../../testdata/wire/", $name, ".hex")))
    };
}
use vector;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(str::bytes)
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// The one message that `bytes` are.
fn whole(bytes: &[u8]) -> Frame<'_> {
    let message = frame(bytes, 65535).expect("a good header").expect("a whole message");
    assert_eq!(message.len, bytes.len());
    message
}

/// What `encode` appends.
fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}
