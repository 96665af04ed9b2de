//! What a peer should have, what it was told, and the shared bytes that bring one to the other.

pub mod diff;
pub mod group;
pub mod image;
pub(crate) mod limit;
mod merge;
mod overlap;
pub mod pack;
pub mod prefix;
pub mod shape;
mod shaper;
pub(crate) mod shelf;
pub mod tag;
pub mod view;

pub use diff::Diff;
pub use group::{Desired, Group, GroupId, GroupKey, Groups, Updated};
pub use image::{Cursor, ImageCache, ImageStats, Plan, Progress};
pub(crate) use overlap::covering;
pub use pack::WireProfile;
pub(crate) use prefix::is_v4_mapped;
pub use prefix::{AnyPrefix, Bits, Family, Prefix, Prefix4, Prefix6, PrefixError, V4, V6};
pub use shape::Shape;
pub use tag::TagSet;
pub use view::{Routes, View};

#[cfg(test)]
pub(crate) mod testing;
