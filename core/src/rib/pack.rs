//! From a plan to UPDATE messages: in which order routes go out, and which share a message.
//!
//! All announcements come first, then the withdrawals: where a covering or covered prefix replaces another,
//! no address is without a route in between. It is the other way round for a peer that would have more routes than it
//! takes in between.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use self::message::Message;
use super::diff::Walk;
use super::image::Plan;
use super::merge::{Run, Side, TagMap};
use super::tag::{TagId, TagSpace};
use super::{V4, V6, View};
use crate::config::Families;
use crate::feed::Routed;
use crate::ids::Asn;
use crate::wire::AfiSafi;

mod attribute;
mod message;

/// All that decides how routes look on the wire, besides the routes. Peers of equal profiles share bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WireProfile {
    /// AS numbers in AS_PATH take four octets (RFC 6793 was negotiated).
    pub as4: bool,
    /// The longest message in octets: 4096, or 65535 with RFC 8654. Taken as 128 if it is less.
    pub max_len: usize,
    /// Families in force.
    pub families: Families,
    /// Our own AS number.
    pub local_as: Asn,
    /// The peer is in our own AS: empty AS_PATH, and a LOCAL_PREF (RFC 4271 5.1.5).
    pub ibgp: bool,
    /// Next hop of IPv4 routes. Without one the family is silent.
    pub next_hop_v4: Option<Ipv4Addr>,
    /// Global next hop of IPv6 routes. Without one the family is silent.
    pub next_hop_v6: Option<Ipv6Addr>,
    /// Link-local next hop that goes with the global one (RFC 2545 section 3).
    pub link_local: Option<Ipv6Addr>,
}

impl WireProfile {
    /// Whether routes of this family are sent at all: it is in force and has a next hop.
    pub fn serves(&self, family: AfiSafi) -> bool {
        if family == AfiSafi::IPV4_UNICAST {
            self.families.v4 && self.next_hop_v4.is_some()
        } else if family == AfiSafi::IPV6_UNICAST {
            self.families.v6 && self.next_hop_v6.is_some()
        } else {
            false
        }
    }

    /// The families whose routes are sent at all.
    pub fn served(&self) -> Families {
        Families { v4: self.serves(AfiSafi::IPV4_UNICAST), v6: self.serves(AfiSafi::IPV6_UNICAST) }
    }
}

/// Whether routes come or go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Announce,
    Withdraw,
}

/// What is walked at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    AnnounceV4,
    AnnounceV6,
    WithdrawV4,
    WithdrawV6,
    Over,
}

impl Stage {
    const fn first(withdraw_first: bool) -> Self {
        if withdraw_first { Self::WithdrawV4 } else { Self::AnnounceV4 }
    }

    const fn next(self, withdraw_first: bool) -> Self {
        match (self, withdraw_first) {
            (Self::AnnounceV4, _) => Self::AnnounceV6,
            (Self::WithdrawV4, _) => Self::WithdrawV6,
            (Self::AnnounceV6, false) => Self::WithdrawV4,
            (Self::WithdrawV6, true) => Self::AnnounceV4,
            (Self::AnnounceV6, true) | (Self::WithdrawV6, false) | (Self::Over, _) => Self::Over,
        }
    }
}

/// Encodes a plan piece by piece; between two pieces it is a few numbers and the messages it has begun.
#[derive(Clone, Debug)]
pub(crate) struct Packer {
    plan: Plan,
    stage: Stage,
    /// Where the stage's walk stands in each table.
    told_at: Vec<usize>,
    current_at: Vec<usize>,
    space: TagSpace,
    told_tags: TagMap,
    current_tags: TagMap,
    open: OpenMessages,
}

impl Packer {
    pub(crate) fn new(plan: Plan) -> Self {
        let mut space = TagSpace::default();
        Self {
            told_tags: TagMap::new(&plan.told, &mut space),
            current_tags: TagMap::new(&plan.current, &mut space),
            stage: Stage::first(plan.withdraw_first),
            told_at: Vec::new(),
            current_at: Vec::new(),
            open: OpenMessages::default(),
            space,
            plan,
        }
    }

    /// Appends whole messages until `out` holds at least `target` octets (and at most one run and one message
    /// more), or all is said. Returns whether there may be more to say.
    pub(crate) fn pack(&mut self, out: &mut Vec<u8>, target: usize) -> bool {
        while out.len() < target {
            let walked = match self.stage {
                Stage::AnnounceV4 => self.walk::<V4>(Verb::Announce, out, target),
                Stage::AnnounceV6 => self.walk::<V6>(Verb::Announce, out, target),
                Stage::WithdrawV4 => self.walk::<V4>(Verb::Withdraw, out, target),
                Stage::WithdrawV6 => self.walk::<V6>(Verb::Withdraw, out, target),
                Stage::Over => return false,
            };
            if walked && self.open.flush(out, target) {
                self.stage = self.stage.next(self.plan.withdraw_first);
                self.told_at.clear();
                self.current_at.clear();
            }
        }
        self.stage != Stage::Over
    }

    /// Goes on with the walk of this stage. Returns whether it is at its end.
    fn walk<F: Routed>(&mut self, verb: Verb, out: &mut Vec<u8>, target: usize) -> bool {
        let Plan { told, current, resend, withdraw_first: _, profile } = &self.plan;
        if !profile.serves(F::AFI_SAFI) {
            return true;
        }
        let nothing = View::empty();
        let told = Side {
            view: if verb == Verb::Announce && *resend { &nothing } else { told },
            tags: &self.told_tags,
            at: &self.told_at,
        };
        let current = Side { view: current, tags: &self.current_tags, at: &self.current_at };
        let mut walk = Walk::<F>::new(&told, &current);
        let mut at_end = false;
        while out.len() < target && !at_end {
            let run = match verb {
                Verb::Announce => walk.next_announce(MAX_RUN, &mut self.space),
                Verb::Withdraw => walk.next_withdraw(MAX_RUN, &mut self.space),
            };
            match run {
                Some(run) => self.open.push(&run, verb, profile, &self.space, out),
                None => at_end = true,
            }
        }
        walk.save(&mut self.told_at, &mut self.current_at);
        at_end
    }
}

/// Routes that are written between two looks at how much has been said.
const MAX_RUN: usize = 1024;

/// How many messages are being filled at a time, one for each tag set. At the bound the fullest one goes.
const MAX_OPEN: usize = 64;

/// The messages that have begun and have room.
#[derive(Clone, Debug, Default)]
struct OpenMessages {
    messages: Vec<(TagId, Message)>,
    /// Where the last route went: the next one mostly has the same tags.
    last: usize,
}

impl OpenMessages {
    fn push<F: Routed>(
        &mut self,
        run: &Run<'_, F>,
        verb: Verb,
        profile: &WireProfile,
        space: &TagSpace,
        out: &mut Vec<u8>,
    ) {
        // Withdrawals carry no tags: they all share one message.
        let tag = match verb {
            Verb::Announce => run.tag,
            Verb::Withdraw => TagId::default(),
        };
        if self.messages.get(self.last).is_none_or(|(open, _)| *open != tag) {
            let place = self.messages.iter().position(|(open, _)| *open == tag);
            self.last = place.unwrap_or_else(|| {
                let buffer = self.make_room(out);
                let message = match verb {
                    Verb::Announce => Message::announce::<F>(profile, space.set(tag), buffer),
                    Verb::Withdraw => Message::withdraw::<F>(profile, buffer),
                };
                self.messages.push((tag, message));
                self.messages.len() - 1
            });
        }
        if let Some((_, message)) = self.messages.get_mut(self.last) {
            message.fill(run, out);
        }
    }

    /// Finishes the fullest message if there are as many as may be. Returns a buffer to use again.
    fn make_room(&mut self, out: &mut Vec<u8>) -> Vec<u8> {
        if self.messages.len() < MAX_OPEN {
            return Vec::new();
        }
        let lens = self.messages.iter().enumerate();
        let fullest = lens.max_by_key(|(_, (_, message))| message.len());
        let Some((place, _)) = fullest else {
            return Vec::new();
        };
        let (_, mut message) = self.messages.swap_remove(place);
        message.flush(out);
        message.into_buffer()
    }

    /// Finishes the messages, oldest first, until `out` holds `target` octets. Returns whether none is left.
    fn flush(&mut self, out: &mut Vec<u8>, target: usize) -> bool {
        while out.len() < target && !self.messages.is_empty() {
            let (_, mut message) = self.messages.remove(0);
            message.flush(out);
        }
        self.messages.is_empty()
    }
}

#[cfg(test)]
mod tests;
