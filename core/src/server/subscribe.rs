//! What an established peer gets: the group that its subscription comes to, and what moves it to another one.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::conn::Conn;
use super::outbound::Outbound;
use super::peer::Peer;
use super::{Notice, RouteServer};
use crate::config::{Families, NextHop, OnLimit, OwnAddress, PeerConfig, Subscription, UnknownPeers};
use crate::coverage::{self, Shape as Fate, Subscription as Step};
use crate::ids::{ConnId, FeedId};
use crate::rib::{AnyPrefix, Group, GroupKey, Shape, TagSet, Updated, V4, V6, View, WireProfile, limit};
use crate::session::Negotiated;

/// What a peer may want to know of its place in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    /// Its addresses that are split out.
    holes: Vec<IpAddr>,
    /// How many prefixes there are for it, and how many it takes, where that is less.
    over: Option<(usize, u32, OnLimit)>,
    /// How many it should have.
    prefixes: usize,
}

impl Standing {
    fn of(group: &Group) -> Self {
        let key = group.key();
        // Counted only for those who have a limit: a count may be a walk over all routes.
        let limited = key.shape.limit.map(|_| limit::count(group.current(), key.profile.served()));
        Self {
            holes: key.shape.holes.clone(),
            over: over(group, group.over_limit()),
            prefixes: limited.unwrap_or(0),
        }
    }
}

fn over(group: &Group, prefixes: Option<usize>) -> Option<(usize, u32, OnLimit)> {
    let (max, on_limit) = group.key().shape.limit?;
    Some((prefixes?, max, on_limit))
}

impl RouteServer {
    pub(super) fn handle_established(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let Some(negotiated) = conn.session.negotiated().copied() else {
            return;
        };
        conn.was_established = true;
        self.stats.established += 1;
        self.stats.sessions += 1;
        let (peer, remote) = (conn.label(), conn.remote);
        self.notice(Notice::SessionUp {
            peer,
            remote,
            asn: negotiated.asn,
            hold_secs: negotiated.hold_secs,
            families: negotiated.families,
        });
        self.subscribe(id);
    }

    /// Puts an established connection into the group that its peer's subscription comes to; returns `false` when
    /// that cannot be said on this session, which then has to be reset.
    pub(super) fn subscribe(&mut self, id: ConnId) -> bool {
        self.subscribe_after(id, None)
    }

    /// The same for one who had this view; `None` for what its group has now.
    fn subscribe_after(&mut self, id: ConnId, had: Option<Arc<View>>) -> bool {
        let Some(conn) = self.conns.get(&id) else {
            return true;
        };
        let (Some(owner), Some(negotiated)) = (&conn.owner, conn.session.negotiated().copied()) else {
            return true;
        };
        let profile = self.profile(owner.peer, conn.local.ip(), &negotiated);
        let missing = Families {
            v4: negotiated.families.v4 && !profile.families.v4,
            v6: negotiated.families.v6 && !profile.families.v6,
        };
        let (feeds, shape) = self.wish(owner.peer, conn);
        let key = GroupKey { feeds, shape: Arc::new(shape), profile: Arc::new(profile) };
        let before = conn.outbound.as_ref().and_then(|outbound| self.groups.find(outbound.group));
        let standing = before.map(Standing::of).unwrap_or_default();
        let had = had.or_else(|| before.map(|before| before.current().clone()));
        let (mut recoded, mut gained) = (Families::NONE, Families::NONE);
        if let Some(before) = before {
            if *before.key() == key {
                coverage::hit(Step::Same);
                return true;
            }
            let (old, new) = (&before.key().profile, &key.profile);
            if old.families.intersection(new.families) != old.families {
                coverage::hit(Step::FamilyLost);
                return false;
            }
            gained = new.families.difference(old.families);
            let differ =
                Families { v4: old.next_hop_v4 != new.next_hop_v4, v6: old.next_hop_v6 != new.next_hop_v6 };
            recoded = old.families.intersection(differ);
        } else if !missing.is_empty() {
            coverage::hit(Step::NextHopMissing);
            let peer = conn.label();
            self.notice(Notice::NextHopMissing { peer, families: missing });
        }
        let group = self.groups.join(key, id, had.as_ref(), |feeds| self.catalog.desired(feeds));
        if let Some(conn) = self.conns.get_mut(&id) {
            if let Some(outbound) = &mut conn.outbound {
                let is_moved = recoded.union(gained).is_empty();
                coverage::hit(if is_moved { Step::Moved } else { Step::Recoded });
                self.groups.leave(outbound.group, id);
                outbound.handle_regroup(group, recoded, gained);
            } else {
                coverage::hit(Step::First);
                conn.outbound = Some(Outbound::new(group, negotiated.families, negotiated.enhanced_refresh));
            }
        }
        self.tell_standing(id, &standing);
        self.signal(id);
        true
    }

    /// A feed has a new table, or has loaded: brings the groups that have it up to date, and moves the peers whose
    /// addresses it covers now, or no more. Nobody else is touched.
    pub(super) fn handle_feed_changed(&mut self, feed: FeedId) {
        for updated in self.groups.update(feed, |feeds| self.catalog.desired(feeds)) {
            self.handle_group_updated(updated);
        }
    }

    fn handle_group_updated(&mut self, Updated { group, over_limit_before, before: had }: Updated) {
        let Some(group) = self.groups.find(group) else {
            return;
        };
        let members: Vec<ConnId> = group.members().collect();
        let before = Standing { over: over(group, over_limit_before), ..Standing::of(group) };
        let is_over_or_was = before.over.is_some() || group.over_limit().is_some();
        let base = self.catalog.desired(&group.key().feeds).view;
        let shape = Arc::clone(&group.key().shape);
        for id in members {
            self.signal(id);
            if is_over_or_was {
                self.tell_standing(id, &before);
            }
            let holes = self.conns.get(&id).map(|conn| self.holes(conn, &shape, &base)).unwrap_or_default();
            if holes != shape.holes {
                coverage::hit(Fate::OtherHoles);
                // What the group has now was made without these addresses split out: who moves for their sake must
                // not be held at it.
                self.subscribe_after(id, Some(Arc::clone(&had)));
            }
        }
    }

    /// Says what is other for a peer than it was, if anything is.
    fn tell_standing(&mut self, id: ConnId, before: &Standing) {
        let Some((peer, now)) = self.conns.get(&id).and_then(|conn| {
            let group = self.groups.find(conn.outbound.as_ref()?.group)?;
            Some((conn.label(), Standing::of(group)))
        }) else {
            return;
        };
        if now.holes != before.holes {
            self.notice(Notice::OwnAddressSplit { peer: peer.clone(), addresses: now.holes });
        }
        // How many there are may change from day to day: said is that there are too many.
        let limit = |over: Option<(usize, u32, OnLimit)>| over.map(|(_, max, on_limit)| (max, on_limit));
        if limit(now.over) == limit(before.over) {
            return;
        }
        match (now.over, before.over) {
            (Some((prefixes, max, on_limit)), _) => {
                self.notice(Notice::OverLimit { peer, prefixes, limit: Some(max), on_limit });
            }
            (None, Some((_, _, on_limit))) => {
                self.notice(Notice::OverLimit { peer, prefixes: now.prefixes, limit: None, on_limit });
            }
            (None, None) => {}
        }
    }

    pub(super) fn entry_of(&self, peer: Peer) -> Option<&PeerConfig> {
        match peer {
            Peer::Registered(id) => self.registry.find(id),
            Peer::Unknown => None,
        }
    }

    /// What a peer asks for; who is unknown gets the default feed.
    fn subscription(&self, peer: Peer) -> Cow<'_, Subscription> {
        match (self.entry_of(peer), &self.config.unknown_peers) {
            (Some(entry), _) => Cow::Borrowed(&entry.subscription),
            (None, UnknownPeers::Default { feed, .. }) => Cow::Owned(Subscription::feeds([feed.as_str()])),
            (None, UnknownPeers::Refuse) => Cow::Owned(Subscription::default()),
        }
    }

    /// The feeds that a connection's peer gets, and what it gets of them.
    fn wish(&self, peer: Peer, conn: &Conn) -> (Vec<FeedId>, Shape) {
        let subscription = self.subscription(peer);
        let feeds = self.catalog.find_feeds(&subscription);
        let shape = Shape::new(&subscription);
        let base = self.catalog.desired(&feeds).view;
        let holes = self.holes(conn, &shape, &base);
        (feeds, Shape { holes, ..shape })
    }

    /// The addresses by which a connection's peer and we reach each other, as far as the peer would get routes for them.
    fn holes(&self, conn: &Conn, shape: &Shape, base: &View) -> Vec<IpAddr> {
        let entry = conn.owner.as_ref().and_then(|owner| self.entry_of(owner.peer));
        if entry.is_some_and(|entry| entry.subscription.own_address == OwnAddress::Keep) {
            return Vec::new();
        }
        shape.holes(base, [conn.address(), conn.local.ip().to_canonical()])
    }

    /// Every route that the peer of an established connection should have, with its tags: IPv4 first, ascending. `None`
    /// when the connection is not established.
    pub fn routes_for(&self, conn: ConnId) -> Option<Vec<(AnyPrefix, Arc<TagSet>)>> {
        let outbound = self.conns.get(&conn)?.outbound.as_ref()?;
        let group = self.groups.find(outbound.group)?;
        let served = group.key().profile.served();
        let view = group.current();
        let v4 = served.v4.then(|| view.routes::<V4>()).into_iter().flatten();
        let v6 = served.v6.then(|| view.routes::<V6>()).into_iter().flatten();
        let v4 = v4.map(|(prefix, tags)| (AnyPrefix::V4(prefix), tags));
        Some(v4.chain(v6.map(|(prefix, tags)| (AnyPrefix::V6(prefix), tags))).collect())
    }

    /// How this peer's UPDATEs are coded. A family without a next hop is left out.
    fn profile(&self, peer: Peer, local: IpAddr, negotiated: &Negotiated) -> WireProfile {
        let entry = self.entry_of(peer);
        let next_hop = entry.and_then(|entry| entry.next_hop).unwrap_or(self.config.next_hop);
        let next_hop_v6 = entry.and_then(|entry| entry.next_hop_v6).unwrap_or(self.config.next_hop_v6);
        let next_hop_v4 = own_v4(next_hop, local);
        let next_hop_v6 = own_v6(next_hop_v6, local);
        let allowed = entry.map_or(Families::BOTH, |entry| entry.families);
        WireProfile {
            as4: negotiated.params.as4,
            max_len: negotiated.max_len(),
            families: negotiated
                .families
                .intersection(allowed)
                .intersection(Families { v4: next_hop_v4.is_some(), v6: next_hop_v6.is_some() }),
            local_as: self.config.asn,
            ibgp: negotiated.is_internal,
            next_hop_v4,
            next_hop_v6,
            link_local: None,
        }
    }
}

fn own_v4(next_hop: NextHop<Ipv4Addr>, local: IpAddr) -> Option<Ipv4Addr> {
    match (next_hop, local) {
        (NextHop::Address(address), _) | (NextHop::SelfAddress, IpAddr::V4(address)) => Some(address),
        (NextHop::SelfAddress, IpAddr::V6(_)) => None,
    }
}

fn own_v6(next_hop: NextHop<Ipv6Addr>, local: IpAddr) -> Option<Ipv6Addr> {
    match (next_hop, local) {
        (NextHop::Address(address), _) | (NextHop::SelfAddress, IpAddr::V6(address)) => Some(address),
        (NextHop::SelfAddress, IpAddr::V4(_)) => None,
    }
}
