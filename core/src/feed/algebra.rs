//! Feeds as set algebra over sources.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::{FeedPart, PrefixSet, aggregate};
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
///
/// A union has the parts of both sides. Of a difference and an intersection it is the parts of the left side, each cut
/// by all of the right side ([`PrefixSet::minus`], [`PrefixSet::intersect`]).
///
/// While a source is missing, the parts cover only addresses that the whole expression covers whatever it brings:
/// it adds nothing, and what it could take away is not there.
pub fn evaluate<'a>(expr: &Expr, lookup: &impl Fn(&str) -> Option<FeedPart<'a>>) -> Evaluated<'a> {
    let is_complete = expr.sources().into_iter().all(|name| lookup(name).is_some());
    let mut parts = compute(expr, lookup, Bound::Lower).unwrap_or_default();
    parts.retain(|part| !part.set4.is_empty() || !part.set6.is_empty());
    Evaluated { parts, is_complete }
}

/// What is computed of an expression whose sources are not all there. The same if they are.
#[derive(Clone, Copy)]
enum Bound {
    /// The addresses that are certainly in it.
    Lower,
    /// Those that are possibly in it.
    Upper,
}

/// The parts of an expression; `None` is any address, which only an upper bound can be. Calls itself for right sides,
/// whose number inside each other the parentheses bound: sums may be long.
fn compute<'a>(
    expr: &Expr,
    lookup: &impl Fn(&str) -> Option<FeedPart<'a>>,
    bound: Bound,
) -> Option<Vec<Part<'a>>> {
    let (first, steps) = spine(expr);
    let mut parts = match (lookup(first), bound) {
        (Some(part), _) => Some(vec![Part::of(part)]),
        (None, Bound::Lower) => Some(Vec::new()),
        (None, Bound::Upper) => None,
    };
    for step in steps {
        parts = match (step, parts) {
            (Step::Union(right), Some(mut parts)) => compute(right, lookup, bound).map(|right| {
                parts.extend(right);
                parts
            }),
            (Step::Minus(_) | Step::Intersect(_), Some(parts)) if parts.is_empty() => Some(parts),
            // Any address and more are any address; any address without some are at most that.
            (Step::Union(_) | Step::Minus(_), None) => None,
            (Step::Minus(right), Some(parts)) => Some(match compute(right, lookup, bound.opposite()) {
                Some(right) => subtract(parts, &right),
                None => Vec::new(),
            }),
            (Step::Intersect(right), parts) => match (parts, compute(right, lookup, bound)) {
                (Some(parts), Some(right)) => Some(intersect(parts, &right)),
                (parts, right) => parts.or(right),
            },
        };
    }
    parts
}

impl Bound {
    const fn opposite(self) -> Self {
        match self {
            Self::Lower => Self::Upper,
            Self::Upper => Self::Lower,
        }
    }
}

/// What is done to what stands to the left.
enum Step<'e> {
    Union(&'e Expr),
    Minus(&'e Expr),
    Intersect(&'e Expr),
}

/// An expression as its leftmost source and what is done to that one after the other.
fn spine(expr: &Expr) -> (&str, Vec<Step<'_>>) {
    let mut steps = Vec::new();
    let mut at = expr;
    let first = loop {
        at = match at {
            Expr::Source(name) => break name,
            Expr::Union(left, right) => {
                steps.push(Step::Union(right));
                left
            }
            Expr::Minus(left, right) => {
                steps.push(Step::Minus(right));
                left
            }
            Expr::Intersect(left, right) => {
                steps.push(Step::Intersect(right));
                left
            }
        };
    };
    steps.reverse();
    (first, steps)
}

impl<'a> Part<'a> {
    fn of(FeedPart { set4, set6, tags }: FeedPart<'a>) -> Self {
        Self { set4: Cow::Borrowed(set4), set6: Cow::Borrowed(set6), tags }
    }
}

/// The parts without any address of `right`. A set that nothing can be taken from stays borrowed.
fn subtract<'a>(mut parts: Vec<Part<'a>>, right: &[Part<'_>]) -> Vec<Part<'a>> {
    let (holes4, holes6) = union(right);
    let (holes4, holes6) = (aggregate(&holes4), aggregate(&holes6));
    for part in &mut parts {
        if !holes4.is_empty() && !part.set4.is_empty() {
            part.set4 = Cow::Owned(part.set4.minus_disjoint(&holes4));
        }
        if !holes6.is_empty() && !part.set6.is_empty() {
            part.set6 = Cow::Owned(part.set6.minus_disjoint(&holes6));
        }
    }
    parts
}

/// The parts cut to the addresses of `right`.
fn intersect<'a>(mut parts: Vec<Part<'a>>, right: &[Part<'_>]) -> Vec<Part<'a>> {
    let (kept4, kept6) = union(right);
    for part in &mut parts {
        part.set4 = Cow::Owned(part.set4.intersect(&kept4));
        part.set6 = Cow::Owned(part.set6.intersect(&kept6));
    }
    parts
}

fn union(parts: &[Part<'_>]) -> (PrefixSet<V4>, PrefixSet<V6>) {
    let v4: Vec<&PrefixSet<V4>> = parts.iter().map(|part| &*part.set4).collect();
    let v6: Vec<&PrefixSet<V6>> = parts.iter().map(|part| &*part.set6).collect();
    (PrefixSet::union(&v4), PrefixSet::union(&v6))
}

#[cfg(test)]
mod tests;
