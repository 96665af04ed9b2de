//! What a client holds, prefix by prefix, and whether an address has a route in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use bgplite_core::config::Tag;
use bgplite_core::wire::ReceivedUpdate;

use super::net::{Net, Range};

/// Communities of a route: sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tags {
    pub(crate) standard: Vec<u32>,
    pub(crate) large: Vec<[u32; 3]>,
}

impl Tags {
    pub(crate) fn union(&self, other: &Self) -> Self {
        let standard: BTreeSet<u32> = self.standard.iter().chain(&other.standard).copied().collect();
        let large: BTreeSet<[u32; 3]> = self.large.iter().chain(&other.large).copied().collect();
        Self { standard: standard.into_iter().collect(), large: large.into_iter().collect() }
    }

    pub(crate) fn has_any(&self, filter: &[Tag]) -> bool {
        filter.iter().any(|tag| match tag {
            Tag::Standard(community) => self.standard.contains(&community.0),
            Tag::Large(c) => self.large.contains(&[c.global, c.local1, c.local2]),
        })
    }
}

/// What a prefix comes with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) next_hop: IpAddr,
    pub(crate) tags: Rc<Tags>,
}

/// Prefix by prefix.
pub(crate) type Table = BTreeMap<Net, Route>;

/// What an UPDATE does to a table: what it takes away, and what it puts there.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) withdrawn: Vec<Net>,
    pub(crate) announced: Vec<(Net, Route)>,
    /// Something is announced without a next hop, or not as it should be.
    pub(crate) is_odd: bool,
}

impl Change {
    pub(crate) fn new(update: &ReceivedUpdate) -> Self {
        let mut change =
            Self { is_odd: update.faults.iter().any(|fault| fault.code != LOCAL_PREF), ..Self::default() };
        change.withdrawn.extend(update.withdrawn_v4().map(Net::from));
        change.withdrawn.extend(update.withdrawn_v6().map(Net::from));
        let (v4, v6) = (update.announced_v4(), update.announced_v6());
        if v4.is_empty() && v6.is_empty() {
            return change;
        }
        let tags = Rc::new(Tags {
            standard: update.communities().iter().map(|community| community.0).collect(),
            large: update.large_communities().iter().map(|c| [c.global, c.local1, c.local2]).collect(),
        });
        let next_hop_v4 = update.next_hop_v4().map(IpAddr::V4);
        let next_hop_v6 = update.next_hop_v6().map(IpAddr::V6);
        let nets = v4.iter().map(|&prefix| (Net::from(prefix), next_hop_v4));
        for (net, next_hop) in nets.chain(v6.iter().map(|&prefix| (Net::from(prefix), next_hop_v6))) {
            match next_hop {
                Some(next_hop) => change.announced.push((net, Route { next_hop, tags: Rc::clone(&tags) })),
                None => change.is_odd = true,
            }
        }
        change
    }

    /// RFC 4271 4.3: what is in both is announced.
    pub(crate) fn apply(self, table: &mut Table) {
        for net in &self.withdrawn {
            table.remove(net);
        }
        table.extend(self.announced);
    }
}

/// The decoder is one for eBGP and drops it (RFC 7606 7.5); inside of an AS it is right.
const LOCAL_PREF: u8 = 5;

/// Those of the addresses in `ranges` that `table` has no route for.
pub(crate) fn dark(table: &Table, v6: bool, ranges: &[Range]) -> Vec<Range> {
    let mut out = Vec::new();
    for &(first, last) in ranges {
        let mut at = first;
        while let Some(end) = covering(table, v6, at) {
            if end >= last {
                break;
            }
            at = end + 1;
        }
        if covering(table, v6, at).is_none() {
            // Up to the next prefix that begins in the range.
            let next = table.range(Net { v6, bits: at, len: 0 }..).next();
            match next {
                Some((net, _)) if net.v6 == v6 && net.bits <= last => {
                    out.push((at, net.bits - 1));
                    out.extend(dark(table, v6, &[(net.bits, last)]));
                }
                _ => out.push((at, last)),
            }
        }
    }
    out
}

/// Those of the addresses in `ranges` that `table` has a route for.
pub(crate) fn lit(table: &Table, v6: bool, ranges: &[Range]) -> Vec<Range> {
    let mut out = Vec::new();
    for &(first, last) in ranges {
        let mut at = first;
        for (dark_first, dark_last) in dark(table, v6, &[(first, last)]) {
            if dark_first > at {
                out.push((at, dark_first - 1));
            }
            match dark_last.checked_add(1) {
                Some(next) => at = next,
                None => return out,
            }
        }
        if at <= last {
            out.push((at, last));
        }
    }
    out
}

/// The last address of the shortest prefix that covers `address`.
fn covering(table: &Table, v6: bool, address: u128) -> Option<u128> {
    let longest = if v6 { 128 } else { 32 };
    let mut lens = 1..=longest;
    lens.find_map(|len| {
        let net = Net::new(v6, address, len);
        table.contains_key(&net).then(|| net.range().1)
    })
}

/// The first difference, for people.
pub(crate) fn difference(has: &Table, wants: &Table) -> String {
    for (net, route) in wants {
        match has.get(net) {
            None => return format!("{net} is missing ({} of {} are there)", has.len(), wants.len()),
            Some(other) if other != route => return format!("{net} has {other:?} and should have {route:?}"),
            Some(_) => {}
        }
    }
    let extra = has.keys().find(|net| !wants.contains_key(net));
    extra.map_or_else(|| "both are equal".into(), |net| format!("{net} is too many"))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn table(nets: &[&str]) -> Table {
        let route = Route { next_hop: Ipv4Addr::LOCALHOST.into(), tags: Rc::default() };
        nets.iter().map(|text| (Net::parse(text).unwrap(), route.clone())).collect()
    }

    #[test]
    fn dark_and_lit_parts_of_a_range_are_told_apart() {
        let table = table(&["10.0.0.0/26", "10.0.0.32/27", "10.0.0.128/26"]);
        let range = |text: &str| Net::parse(text).unwrap().range();
        let dark = dark(&table, false, &[range("10.0.0.0/24")]);
        assert_eq!(dark, [range("10.0.0.64/26"), range("10.0.0.192/26")]);
        let lit = lit(&table, false, &[range("10.0.0.0/24")]);
        assert_eq!(lit, [range("10.0.0.0/26"), range("10.0.0.128/26")]);
    }
}
