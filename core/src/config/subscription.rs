//! What a peer asks for.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Country;
use crate::ids::Asn;
use crate::rib::AnyPrefix;
use crate::wire::{Community, CommunityError, LargeCommunity};

/// The feeds, filter, excludes and limits of a peer. What it gets is: everything that is asked for and passes the
/// filter, without the excluded addresses, each prefix once with all its tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Subscription {
    /// Names of feeds.
    pub feeds: Vec<String>,
    /// Names of AS lists.
    pub lists: Vec<String>,
    /// Countries.
    pub countries: Vec<Country>,
    /// Its own prefixes. They have no tags.
    pub prefixes: Vec<AnyPrefix>,
    /// ASNs of its own choice.
    pub asns: Vec<Asn>,
    /// Lists of its own, where the operator allows that.
    pub urls: Vec<String>,
    /// Addresses that it never gets: prefixes that overlap are split.
    pub exclude: Vec<AnyPrefix>,
    /// The community filter: empty sends everything; otherwise a route goes out only if one of its tags is here, and
    /// an untagged one does not. It applies before the tags of equal prefixes are joined.
    pub communities: Vec<Tag>,
    /// How many prefixes of both families together it takes at most.
    pub max_prefixes: Option<u32>,
    /// What happens to more.
    pub on_limit: OnLimit,
    /// What happens to prefixes that cover its own address, or ours as it sees it.
    pub own_address: OwnAddress,
}

/// What happens when there are more prefixes than a peer takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLimit {
    /// It keeps what it has, or gets nothing, until they are few enough.
    #[default]
    Hold,
    /// It gets as many as it takes: its own prefixes first, then the shortest, IPv4 before IPv6, by address.
    Trim,
}

/// What happens to prefixes that cover a peer's own address: routing them over the tunnel that they come through
/// would cut it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnAddress {
    /// The address is split out of them.
    #[default]
    Split,
    /// They are sent as they are.
    Keep,
}

/// A community of either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// RFC 1997, `65010:100`.
    Standard(Community),
    /// RFC 8092, `65010:1:100`.
    Large(LargeCommunity),
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(community) => community.fmt(f),
            Self::Large(community) => community.fmt(f),
        }
    }
}

impl FromStr for Tag {
    type Err = CommunityError;

    fn from_str(text: &str) -> Result<Self, CommunityError> {
        match text.matches(':').count() {
            2 => text.parse().map(Self::Large),
            _ => text.parse().map(Self::Standard),
        }
    }
}

crate::coding::as_text!(Tag);

impl Subscription {
    /// Of these feeds alone.
    pub fn feeds<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { feeds: names.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}
