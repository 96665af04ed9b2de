//! What a peer should have, what it was told, and the shared bytes that bring one to the other.

pub mod prefix;
pub mod tag;

pub use prefix::{AnyPrefix, Bits, Family, Prefix, Prefix4, Prefix6, PrefixError, V4, V6};
pub use tag::TagSet;
