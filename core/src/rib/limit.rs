//! How many prefixes a peer takes: of the families that it is sent.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::shape::{Shape, Shaped};
use super::{Diff, Prefix, TagSet, V4, V6, View};
use crate::config::Families;

/// How many prefixes of these families the view has, if that is more than `max`. Counts only where a look at the sizes
/// does not tell.
pub(crate) fn excess(view: &View, families: Families, max: usize) -> Option<usize> {
    let upper =
        [families.v4.then(|| view.count_at_most::<V4>()), families.v6.then(|| view.count_at_most::<V6>())];
    if upper.into_iter().flatten().sum::<usize>() <= max {
        return None;
    }
    Some(count(view, families)).filter(|count| *count > max)
}

/// How many prefixes of these families the view has.
pub(crate) fn count(view: &View, families: Families) -> usize {
    let v4 = if families.v4 { view.count_v4() } else { 0 };
    let v6 = if families.v6 { view.count_v6() } else { 0 };
    v4 + v6
}

/// Whether a peer would have more than `max` prefixes on the way from one view to another, if announcements came first.
pub(crate) fn is_exceeded_between(told: &View, current: &View, families: Families, max: usize) -> bool {
    if told.tables().is_empty() {
        return false;
    }
    let diff = Diff::new(told, current);
    let v4 = if families.v4 { diff.withdraws::<V4>().count() } else { 0 };
    let v6 = if families.v6 { diff.withdraws::<V6>().count() } else { 0 };
    count(current, families) + v4 + v6 > max
}

/// Routes of a view: those that are sent, by family.
pub(crate) type Kept = (Vec<(Prefix<V4>, Arc<TagSet>)>, Vec<(Prefix<V6>, Arc<TagSet>)>);

/// The first `max` routes of a view in the stated order: the peer's own, then the shortest, IPv4 before IPv6, by
/// address.
pub(crate) fn trim(view: &View, shape: &Shape, families: Families, max: usize) -> Kept {
    let v4 = ranked::<V4>(view, shape, families.v4);
    let v6 = ranked::<V6>(view, shape, families.v6);
    let key4 = |route: &Ranked<V4>| (!route.is_own, route.prefix.len());
    let key6 = |route: &Ranked<V6>| (!route.is_own, route.prefix.len());
    let (mut left4, mut left6, mut left) = (v4.iter().peekable(), v6.iter().peekable(), max);
    let (mut kept4, mut kept6) = (0, 0);
    while left > 0 {
        let is_v4 = match (left4.peek(), left6.peek()) {
            (Some(four), Some(six)) => key4(four) <= key6(six),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => break,
        };
        if is_v4 {
            left4.next();
            kept4 += 1;
        } else {
            left6.next();
            kept6 += 1;
        }
        left -= 1;
    }
    (first(v4, kept4), first(v6, kept6))
}

struct Ranked<F: Shaped> {
    is_own: bool,
    prefix: Prefix<F>,
    tags: Arc<TagSet>,
}

fn ranked<F: Shaped>(view: &View, shape: &Shape, is_sent: bool) -> Vec<Ranked<F>> {
    if !is_sent {
        return Vec::new();
    }
    let own: BTreeSet<Prefix<F>> = shape.own(&shape.away::<F>()).into_iter().collect();
    let routes = view.routes::<F>();
    let mut ranked: Vec<_> =
        routes.map(|(prefix, tags)| Ranked { is_own: own.contains(&prefix), prefix, tags }).collect();
    ranked.sort_by_key(|route| (!route.is_own, route.prefix.len(), route.prefix));
    ranked
}

fn first<F: Shaped>(ranked: Vec<Ranked<F>>, count: usize) -> Vec<(Prefix<F>, Arc<TagSet>)> {
    ranked.into_iter().take(count).map(|route| (route.prefix, route.tags)).collect()
}
