//! Encoded routes that many connections share: the first to need some bytes pays for them.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::View;
use super::pack::{Packer, WireProfile};
use crate::coverage::{self, Image as Fate};
use crate::ids::{FeedId, Serial};
use crate::server::{Batch, Chunk};

/// What is to be said, and how. Plans that compare equal give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plan {
    /// What the peer was told before.
    pub told: Arc<View>,
    /// What it should have.
    pub current: Arc<View>,
    /// Announce all of `current`, not only what differs (RFC 2918). What is no more is withdrawn as ever.
    pub resend: bool,
    /// Withdrawals go before announcements, for a peer that must not have both at once.
    pub withdraw_first: bool,
    /// How it looks on the wire.
    pub profile: Arc<WireProfile>,
}

/// One connection's place in an image. Not a handle that cleans up after itself: it must go back to
/// [`ImageCache::close`], or its image stays for good.
#[derive(Clone, Debug)]
#[must_use = "a cursor that is not closed keeps its image"]
pub struct Cursor {
    image: ImageId,
    segment: usize,
    /// Octets of the segment that are out; always between two messages.
    offset: usize,
}

/// What [`ImageCache::poll`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There may be more. If there is not, the next poll adds nothing.
    More,
    /// All of the plan has been handed out.
    Done,
}

/// What a cache holds and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageStats {
    /// Images held, in use or idle.
    pub images: usize,
    /// Octets in them.
    pub bytes: usize,
    /// Octets ever encoded.
    pub encoded: u64,
    /// How often a plan was opened that had an image already.
    pub hits: u64,
}

/// Images by plan.
#[derive(Clone, Debug)]
pub struct ImageCache {
    by_key: BTreeMap<Arc<Key>, ImageId>,
    images: BTreeMap<ImageId, Image>,
    next: ImageId,
    idle_budget: usize,
    /// Images that nobody uses, the longest unused first.
    idle: VecDeque<ImageId>,
    /// What these cost.
    idle_bytes: usize,
    stats: ImageStats,
    /// A segment in the making; empty between two calls.
    scratch: Vec<u8>,
}

type ImageId = u64;

/// How much is encoded at once, about.
const SEGMENT_OCTETS: usize = 64 * 1024;

/// What an image takes besides its octets, roughly.
const IMAGE_OVERHEAD: usize = 512;

/// A plan without the tables: an idle image must not keep these in memory.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    told: Vec<(FeedId, Serial)>,
    current: Vec<(FeedId, Serial)>,
    resend: bool,
    withdraw_first: bool,
    profile: Arc<WireProfile>,
}

impl Key {
    fn new(plan: &Plan) -> Self {
        Self {
            told: plan.told.keys().collect(),
            current: plan.current.keys().collect(),
            resend: plan.resend,
            withdraw_first: plan.withdraw_first,
            profile: Arc::clone(&plan.profile),
        }
    }
}

#[derive(Clone, Debug)]
struct Image {
    key: Arc<Key>,
    /// Each holds whole messages and is not empty.
    segments: Vec<Arc<[u8]>>,
    bytes: usize,
    /// What encodes the next segment; `None` once all is encoded.
    packer: Option<Packer>,
    users: usize,
}

impl ImageCache {
    /// An empty cache that keeps complete images which nobody uses, up to `idle_budget_bytes` of memory.
    pub fn new(idle_budget_bytes: usize) -> Self {
        Self {
            by_key: BTreeMap::new(),
            images: BTreeMap::new(),
            next: 0,
            idle_budget: idle_budget_bytes,
            idle: VecDeque::new(),
            idle_bytes: 0,
            stats: ImageStats::default(),
            scratch: Vec::new(),
        }
    }

    /// A place at the start of the plan's image. Encodes nothing yet.
    pub fn open(&mut self, plan: Plan) -> Cursor {
        let key = Key::new(&plan);
        let id = if let Some(&id) = self.by_key.get(&key) {
            self.stats.hits += 1;
            id
        } else {
            coverage::hit(Fate::Begun);
            let id = self.next;
            self.next += 1;
            let key = Arc::new(key);
            self.by_key.insert(Arc::clone(&key), id);
            let image =
                Image { key, segments: Vec::new(), bytes: 0, packer: Some(Packer::new(plan)), users: 0 };
            self.images.insert(id, image);
            self.stats.images += 1;
            id
        };
        if let Some(image) = self.images.get_mut(&id) {
            if let Some(place) = self.idle.iter().position(|idle| *idle == id) {
                self.idle.remove(place);
                self.idle_bytes -= image.cost();
                coverage::hit(Fate::Revived);
            } else if image.users > 0 {
                coverage::hit(Fate::Shared);
            }
            image.users += 1;
        }
        Cursor { image: id, segment: 0, offset: 0 }
    }

    /// Adds the next messages to `batch`: whole ones, up to `budget` octets, but at least one if there is any.
    pub fn poll(&mut self, cursor: &mut Cursor, batch: &mut Batch, budget: usize) -> Progress {
        let Some(image) = self.images.get_mut(&cursor.image) else {
            return Progress::Done;
        };
        let mut left = budget;
        let mut is_first = true;
        loop {
            let Some(segment) = image.segments.get(cursor.segment) else {
                if !image.encode(&mut self.scratch, &mut self.stats) {
                    return Progress::Done;
                }
                continue;
            };
            let end = whole_messages(segment, cursor.offset, left, is_first);
            if end > cursor.offset {
                batch.push(Chunk::Shared { image: Arc::clone(segment), range: cursor.offset..end });
                left = left.saturating_sub(end - cursor.offset);
                is_first = false;
                cursor.offset = end;
            }
            if cursor.offset < segment.len() {
                coverage::hit(Fate::Continued);
                return Progress::More;
            }
            cursor.segment += 1;
            cursor.offset = 0;
            // Asked before whether that was all: whether the end is known depends on who encoded it, and
            // what a batch holds must not.
            if left == 0 {
                return Progress::More;
            }
            if cursor.segment == image.segments.len() && image.packer.is_none() {
                return Progress::Done;
            }
        }
    }

    /// How many octets of its image a cursor has handed out.
    pub fn position(&self, cursor: &Cursor) -> usize {
        let segments = self.images.get(&cursor.image).map_or(&[][..], |image| &image.segments);
        segments.iter().take(cursor.segment).map(|segment| segment.len()).sum::<usize>() + cursor.offset
    }

    /// A place `octets` into the plan's image, or at its end; what lies before is encoded again. A place that
    /// [`position`](Self::position) gave lies between two messages.
    pub fn open_at(&mut self, plan: Plan, octets: usize) -> Cursor {
        let mut cursor = self.open(plan);
        let mut left = octets;
        while left > 0
            && let Some(image) = self.images.get_mut(&cursor.image)
        {
            let Some(segment) = image.segments.get(cursor.segment) else {
                if !image.encode(&mut self.scratch, &mut self.stats) {
                    break;
                }
                continue;
            };
            if left < segment.len() {
                cursor.offset = left;
                break;
            }
            left -= segment.len();
            cursor.segment += 1;
        }
        cursor
    }

    /// Gives a cursor back, at its end or before. Every cursor must come back.
    #[expect(clippy::needless_pass_by_value, reason = "a cursor that was given back is not used again")]
    pub fn close(&mut self, cursor: Cursor) {
        let id = cursor.image;
        let Some(image) = self.images.get_mut(&id) else {
            return;
        };
        image.users = image.users.saturating_sub(1);
        if image.users > 0 {
            return;
        }
        // One that is incomplete would keep its tables in memory for nobody.
        if image.packer.is_some() {
            coverage::hit(Fate::Abandoned);
            self.drop_image(id);
            return;
        }
        coverage::hit(Fate::Kept);
        self.idle_bytes += image.cost();
        self.idle.push_back(id);
        while self.idle_bytes > self.idle_budget
            && let Some(oldest) = self.idle.pop_front()
        {
            coverage::hit(Fate::Evicted);
            self.idle_bytes -= self.drop_image(oldest);
        }
    }

    /// What it holds and has done.
    pub const fn stats(&self) -> ImageStats {
        self.stats
    }

    /// Forgets an image and returns its cost.
    fn drop_image(&mut self, id: ImageId) -> usize {
        let Some(image) = self.images.remove(&id) else {
            return 0;
        };
        self.by_key.remove(&image.key);
        self.stats.images -= 1;
        self.stats.bytes -= image.bytes;
        image.cost()
    }
}

impl Image {
    /// Octets that count against the idle budget. No image is free, or there could be any number of small ones.
    const fn cost(&self) -> usize {
        self.bytes + IMAGE_OVERHEAD
    }

    /// Encodes one more segment. Returns whether there was one.
    fn encode(&mut self, scratch: &mut Vec<u8>, stats: &mut ImageStats) -> bool {
        let Some(packer) = &mut self.packer else {
            return false;
        };
        scratch.clear();
        if !packer.pack(scratch, SEGMENT_OCTETS) {
            // Its tables go with it.
            self.packer = None;
        }
        if scratch.is_empty() {
            return false;
        }
        self.bytes += scratch.len();
        stats.bytes += scratch.len();
        stats.encoded += scratch.len() as u64;
        self.segments.push(Arc::from(scratch.as_slice()));
        true
    }
}

/// Where the last message ends that begins at `start` or later and is within `budget` octets of it; with
/// `at_least_one`, the first one counts in any case.
fn whole_messages(segment: &[u8], start: usize, budget: usize, at_least_one: bool) -> usize {
    if segment.len() - start <= budget {
        return segment.len();
    }
    let mut end = start;
    loop {
        // RFC 4271 4.1: the length of the whole message, behind the marker.
        let Some(&[high, low]) = segment.get(end + 16..end + 18) else {
            return end;
        };
        let next = end + usize::from(u16::from_be_bytes([high, low]));
        let fits = next - start <= budget || (at_least_one && end == start);
        if !fits || next > segment.len() || next == end {
            return end;
        }
        end = next;
    }
}

#[cfg(test)]
mod tests;
