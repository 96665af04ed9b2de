//! Feeds as set algebra over sources.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{FeedPart, PrefixSet};
use crate::config::Expr;
use crate::rib::{TagSet, V4, V6};

/// What an expression comes to: parts that a table is built of.
#[derive(Clone, Debug, Default)]
pub struct Evaluated<'a> {
    /// Prefixes by the tags of the source that they come from. A prefix in several parts has the tags of all.
    pub parts: Vec<Part<'a>>,
    /// Whether every source in it was there. Otherwise the parts hold what is certain all the same.
    pub is_complete: bool,
}

/// Prefixes of one set of tags.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// Its IPv4 prefixes.
    pub set4: Cow<'a, PrefixSet<V4>>,
    /// Its IPv6 prefixes.
    pub set6: Cow<'a, PrefixSet<V6>>,
    /// What each of them is tagged with.
    pub tags: Arc<TagSet>,
}

/// Computes an expression over what `lookup` finds for the names of sources; `None` is a source that has nothing yet.
/// While a source is missing, only what is certain is in the parts: nothing that it could take away.
pub fn evaluate<'a>(expr: &Expr, lookup: &impl Fn(&str) -> Option<FeedPart<'a>>) -> Evaluated<'a> {
    let mut evaluated = Evaluated { parts: Vec::new(), is_complete: true };
    for name in expr.sources() {
        match lookup(name) {
            Some(FeedPart { set4, set6, tags }) => {
                evaluated.parts.push(Part { set4: Cow::Borrowed(set4), set6: Cow::Borrowed(set6), tags });
            }
            None => evaluated.is_complete = false,
        }
    }
    evaluated
}
