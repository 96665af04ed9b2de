//! Reads along with every byte that the server hands out on one connection, and objects.
//!
//! It decodes by itself, keeps the table that the client will come to, and knows every table that the client should
//! have had since the server last had nothing more to say.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use bgplite_core::config::Families;
use bgplite_core::ids::Asn;
use bgplite_core::server::{Batch, Chunk};
use bgplite_core::time::{Duration, Instant};
use bgplite_core::wire::{
    AfiSafi, Capability, MAX_EXTENDED_LEN, MAX_LEN, MessageKind, Notification, Open, ReceivedUpdate,
    RefreshKind, RouteRefresh, Update, WireParams, frame,
};

use super::net::Net;
use super::oracle::{Due, Seen, Wish};
use super::stock::Rows;
use super::table::{Change, Route, Table, dark, difference, lit};

/// What is known of one connection by its bytes.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and most pairs occur")]
#[derive(Debug)]
pub(crate) struct Watch {
    /// The server's ASN; its OPEN may say AS_TRANS.
    asn: Asn,
    /// Octets of the client's that do not make a message yet.
    heard: Vec<u8>,
    /// The OPEN that the server was sent, and the one it sent.
    pub(crate) theirs: Option<Open>,
    pub(crate) ours: Option<Open>,
    pub(crate) params: WireParams,
    /// Hold time in force, in seconds.
    hold_secs: u16,
    has_enhanced_refresh: bool,
    last_keepalive: Option<Instant>,
    /// When the client's last octet reached the server.
    last_heard: Option<Instant>,
    batch_bytes: usize,
    pub(crate) notification: Option<Notification>,
    /// From SessionUp on.
    pub(crate) is_up: bool,
    /// Families of the session.
    pub(crate) families: Families,
    pub(crate) table: Table,
    /// What the client should have had since the server last fell silent, oldest first.
    versions: Vec<Rc<Table>>,
    /// There is too much for it: it has one of these, and whether that is loaded is nobody's business.
    instead: Option<Seen>,
    /// The same, if that was so at any time since the server last fell silent.
    was_instead: Option<Seen>,
    /// How many routes it may have; `None` for any number.
    limit: Option<u32>,
    /// The most that it might have had since the server last fell silent.
    bound: Option<u32>,
    is_loaded: bool,
    /// Something has happened that the client has to be told.
    pub(crate) is_due: bool,
    is_changed: bool,
    /// Families whose routes are to be said again: the client has asked, or their next hop is another one.
    asked: Families,
    /// By family, IPv4 first: what was announced since the client asked for all of it.
    again: [Option<BTreeSet<Net>>; 2],
    next_hops: (Option<Ipv4Addr>, Option<Ipv6Addr>),
    end_of_rib: Families,
    is_refreshing: Families,
    /// The client's bytes were tampered with: what it may have asked for is not known.
    pub(crate) is_tainted: bool,
}

impl Watch {
    pub(crate) fn new(asn: Asn, batch_bytes: usize) -> Self {
        Self {
            asn,
            batch_bytes,
            last_heard: None,
            heard: Vec::new(),
            theirs: None,
            ours: None,
            params: WireParams::default(),
            hold_secs: 0,
            has_enhanced_refresh: false,
            last_keepalive: None,
            notification: None,
            is_up: false,
            families: Families::NONE,
            table: Table::new(),
            versions: Vec::new(),
            instead: None,
            was_instead: None,
            limit: None,
            bound: None,
            is_loaded: false,
            is_due: false,
            is_changed: false,
            asked: Families::NONE,
            again: [None, None],
            next_hops: (None, None),
            end_of_rib: Families::NONE,
            is_refreshing: Families::NONE,
            is_tainted: false,
        }
    }

    /// The session is established: from now on routes may be said.
    pub(crate) fn establish(&mut self, families: Families, wish: &Wish, due: &Due) {
        self.next_hops = (wish.next_hop_v4, wish.next_hop_v6);
        self.families = families;
        self.is_up = true;
        self.is_due = true;
        self.is_changed = true;
        self.versions.clear();
        self.bound = due.limit;
        self.want(due);
    }

    /// What the client should have is this now.
    pub(crate) fn expect(&mut self, wish: &Wish, due: &Due) {
        if !self.is_up {
            return;
        }
        self.asked.v4 |= self.next_hops.0 != wish.next_hop_v4;
        self.asked.v6 |= self.next_hops.1 != wish.next_hop_v6;
        self.next_hops = (wish.next_hop_v4, wish.next_hop_v6);
        if self.is_loaded != due.is_loaded {
            self.is_due = true;
        }
        let is_same = |last: &Rc<Table>| Rc::ptr_eq(last, &due.table) || **last == *due.table;
        let is_kept = self.instead.is_none() && due.instead.is_none() && self.limit == due.limit;
        if !is_kept || !self.versions.last().is_some_and(is_same) {
            self.is_due = true;
            self.is_changed = true;
            self.want(due);
        }
        self.is_loaded = due.is_loaded;
    }

    /// The server sends everything again, because an operator asked for it.
    pub(crate) fn expect_all_again(&mut self) {
        if self.is_up {
            self.is_due = true;
            self.asked = Families::BOTH;
            for again in &mut self.again {
                again.get_or_insert_default();
            }
        }
    }

    fn want(&mut self, due: &Due) {
        if due.instead.is_none() {
            self.versions.push(Rc::clone(&due.table));
        } else {
            self.was_instead.clone_from(&due.instead);
        }
        self.bound = self.bound.zip(due.limit).map(|(one, other)| one.max(other));
        self.limit = due.limit;
        self.instead.clone_from(&due.instead);
        self.is_loaded = due.is_loaded;
    }

    /// Whether it is what the client should have, or any of the tables that will do instead.
    pub(crate) fn is_satisfied(&self, table: &Table) -> Result<(), String> {
        let Some(instead) = &self.instead else {
            return match self.versions.last() {
                Some(wanted) if *table != **wanted => Err(difference(table, wanted)),
                _ => Ok(()),
            };
        };
        let (v4, v6) = (self.next_hops.0.is_some(), self.next_hops.1.is_some());
        let is_had = |rows: &Rc<Rows>| {
            let rows = rows.iter().filter(|(net, _)| if net.v6 { v6 } else { v4 });
            rows.eq(table.iter().map(|(net, route)| (net, &route.tags)))
        };
        let is_within = self.limit.is_none_or(|limit| table.len() <= limit as usize);
        if is_within && (table.is_empty() || instead.borrow().iter().rev().any(is_had)) {
            return Ok(());
        }
        Err(format!("over its limit of {:?} it has {} routes that nobody ever had", self.limit, table.len()))
    }

    /// Whether a client that has too much may have had this route.
    fn may_keep(&self, net: &Net, route: &Route) -> bool {
        let is_it = |rows: &Rc<Rows>| rows.get(net) == Some(&route.tags);
        self.was_instead.as_ref().is_some_and(|seen| seen.borrow().iter().rev().any(is_it))
    }

    /// Families that both OPENs offer.
    fn offered(&self) -> Families {
        let supports = |open: &Option<Open>, family| open.as_ref().is_some_and(|open| open.supports(family));
        let both = |family| supports(&self.theirs, family) && supports(&self.ours, family);
        Families { v4: both(AfiSafi::IPV4_UNICAST), v6: both(AfiSafi::IPV6_UNICAST) }
    }

    /// The longest message that the client may send (RFC 8654): it may not before both have said so.
    pub(crate) fn longest_heard(&self) -> usize {
        let capabilities = self.theirs.iter().flat_map(|open| &open.capabilities);
        let is_extended = capabilities.into_iter().any(|capability| is_usable(capability, 6));
        if is_extended { MAX_EXTENDED_LEN } else { MAX_LEN }
    }

    /// Bytes have come up as far as the server.
    pub(crate) fn hear(&mut self, now: Instant, bytes: &[u8]) {
        self.last_heard = Some(now);
        let mut heard = std::mem::take(&mut self.heard);
        heard.extend_from_slice(bytes);
        let mut used = 0;
        while let Ok(Some(frame)) = frame(heard.get(used..).unwrap_or_default(), MAX_EXTENDED_LEN) {
            match frame.kind {
                MessageKind::Open if self.theirs.is_none() => {
                    self.theirs = Open::decode(frame.body).ok();
                    self.agree();
                }
                // Whatever it asks for, it may get.
                MessageKind::RouteRefresh => {
                    self.is_due = true;
                    self.asked = Families::BOTH;
                    if let Ok(RouteRefresh { family, kind: RefreshKind::Request }) =
                        RouteRefresh::decode(frame.body)
                        && self.is_up
                    {
                        let is_v6 = usize::from(family == AfiSafi::IPV6_UNICAST);
                        self.again[is_v6].get_or_insert_default();
                    }
                }
                _ => {}
            }
            used += frame.len;
        }
        heard.drain(..used);
        if heard.len() > MAX_EXTENDED_LEN {
            heard.clear();
        }
        self.heard = heard;
    }

    /// A third of the hold time may not pass without a KEEPALIVE; what the clock or the client did to the time is
    /// forgiven.
    pub(crate) const fn forgive(&mut self, now: Instant) {
        self.last_heard = Some(now);
        if self.last_keepalive.is_some() {
            self.last_keepalive = Some(now);
        }
    }

    /// Whether a KEEPALIVE is overdue.
    pub(crate) fn check_keepalive(&self, now: Instant) -> Result<(), String> {
        let third = Duration::from_secs(u64::from(self.hold_secs)) / 3;
        match self.last_keepalive {
            Some(last) if !third.is_zero() && self.notification.is_none() && now - last > third => {
                Err(format!("no KEEPALIVE since {last}, hold time {} s", self.hold_secs))
            }
            _ => Ok(()),
        }
    }

    /// Whether a client that is silent has outlived the hold time (RFC 4271 6.5).
    pub(crate) fn check_hold(&self, now: Instant) -> Result<(), String> {
        let hold = Duration::from_secs(u64::from(self.hold_secs));
        match self.last_heard {
            Some(last)
                if self.is_up && !hold.is_zero() && self.notification.is_none() && now - last > hold =>
            {
                Err(format!(
                    "not an octet since {last}, hold time {} s, and the session lives",
                    self.hold_secs
                ))
            }
            _ => Ok(()),
        }
    }

    /// A batch is handed out.
    pub(crate) fn read(&mut self, now: Instant, batch: &Batch) -> Result<(), String> {
        if batch.len() > self.batch_bytes + self.params.max_len() {
            return Err(format!("a batch of {} octets", batch.len()));
        }
        let bytes: Vec<u8> = batch.chunks().iter().flat_map(Chunk::as_bytes).copied().collect();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let len = match frame(rest, self.params.max_len()) {
                Ok(Some(frame)) => {
                    self.message(now, frame.kind, frame.body)?;
                    frame.len
                }
                Ok(None) => return Err("a batch ends inside of a message".into()),
                Err(error) => return Err(format!("the server's bytes do not decode: {error:?}")),
            };
            rest = rest.get(len..).unwrap_or_default();
        }
        Ok(())
    }

    /// The server has nothing more to say.
    pub(crate) fn fall_silent(&mut self) -> Result<(), String> {
        if !self.is_up || self.notification.is_some() {
            return Ok(());
        }
        self.is_due = false;
        self.asked = Families::NONE;
        for said in std::mem::take(&mut self.again).into_iter().enumerate() {
            if let (is_v6, Some(said)) = said
                && let Some(net) =
                    self.table.keys().find(|net| usize::from(net.v6) == is_v6 && !said.contains(net))
                && !self.is_tainted
            {
                return Err(format!("all is said, and a refresh did not bring {net}"));
            }
        }
        if self.is_changed {
            self.is_satisfied(&self.table).map_err(|what| format!("all is said, and {what}"))?;
        }
        self.is_changed = false;
        self.bound = self.limit;
        if self.families != self.offered() {
            return Err(format!("the session has {}, and both offer {}", self.families, self.offered()));
        }
        if self.is_loaded && self.instead.is_none() && self.end_of_rib != self.families {
            return Err(format!("all is said and loaded, and End-of-RIB only of {}", self.end_of_rib));
        }
        self.was_instead.clone_from(&self.instead);
        if self.instead.is_some() {
            self.versions = vec![Rc::new(self.table.clone())];
        } else {
            self.versions.drain(..self.versions.len().saturating_sub(1));
        }
        Ok(())
    }

    fn message(&mut self, now: Instant, kind: MessageKind, body: &[u8]) -> Result<(), String> {
        if let Some(notification) = &self.notification {
            return Err(format!("{kind:?} after NOTIFICATION {notification}"));
        }
        if self.ours.is_none() && !matches!(kind, MessageKind::Open | MessageKind::Notification) {
            return Err(format!("{kind:?} before OPEN"));
        }
        match kind {
            MessageKind::Open if self.ours.is_some() => Err("a second OPEN".into()),
            MessageKind::Open => {
                self.ours = Some(Open::decode(body).map_err(|error| format!("bad OPEN: {error:?}"))?);
                self.agree();
                Ok(())
            }
            MessageKind::Keepalive => {
                self.check_keepalive(now)?;
                self.last_keepalive = Some(now);
                Ok(())
            }
            MessageKind::Notification => {
                let notification = Notification::decode(body);
                self.notification =
                    Some(notification.map_err(|error| format!("bad NOTIFICATION: {error:?}"))?);
                Ok(())
            }
            MessageKind::RouteRefresh => self.mark(body),
            MessageKind::Update => {
                let update =
                    Update::decode(body, self.params).map_err(|error| format!("bad UPDATE: {error:?}"))?;
                self.update(&update)
            }
        }
    }

    fn mark(&mut self, body: &[u8]) -> Result<(), String> {
        let refresh = RouteRefresh::decode(body).map_err(|error| format!("bad ROUTE-REFRESH: {error:?}"))?;
        if !self.has_enhanced_refresh || refresh.kind == RefreshKind::Request {
            return Err(format!("nobody asked for {refresh:?}"));
        }
        let marked = if refresh.family == AfiSafi::IPV4_UNICAST {
            &mut self.is_refreshing.v4
        } else {
            &mut self.is_refreshing.v6
        };
        let is_begin = refresh.kind == RefreshKind::Begin;
        if std::mem::replace(marked, is_begin) == is_begin {
            return Err(format!("{refresh:?} out of turn"));
        }
        self.justify("ROUTE-REFRESH")
    }

    fn justify(&self, what: &str) -> Result<(), String> {
        if !self.is_up {
            return Err(format!("{what} before Established"));
        }
        if !self.is_due && !self.is_tainted {
            return Err(format!("{what} although nothing has changed"));
        }
        Ok(())
    }

    fn update(&mut self, update: &ReceivedUpdate) -> Result<(), String> {
        self.justify("UPDATE")?;
        if let Some(family) = update.end_of_rib() {
            return self.end(family);
        }
        let change = Change::new(update);
        if change.is_odd {
            return Err(format!("an UPDATE with faults: {update:?}"));
        }
        if !change.announced.is_empty() {
            self.check_path(update)?;
        }
        for (net, route) in &change.announced {
            if self.table.get(net) == Some(route) && !self.may_repeat(net.v6) {
                return Err(format!("announces {net}, which the client has just so"));
            }
            let is_wanted = self.versions.iter().rev().any(|version| version.get(net) == Some(route));
            if !is_wanted && !self.may_keep(net, route) {
                return Err(format!("announces {net} {route:?}, which the client should never have had"));
            }
        }
        if let Some(net) = change.withdrawn.iter().find(|&net| !self.table.contains_key(net)) {
            return Err(format!("withdraws {net}, which was not announced"));
        }
        for (net, _) in &change.announced {
            if let Some(said) = &mut self.again[usize::from(net.v6)] {
                said.insert(*net);
            }
        }
        let withdrawn = change.withdrawn.clone();
        let has_announced = !change.announced.is_empty();
        change.apply(&mut self.table);
        self.is_changed = true;
        if let Some(bound) = self.bound
            && has_announced
            && self.table.len() > bound as usize
        {
            return Err(format!("{} routes, and it takes {bound}", self.table.len()));
        }
        if self.bound.is_some() || self.limit.is_some() {
            // Within a limit, what goes has to go first.
            return Ok(());
        }
        for net in withdrawn {
            let mut ranges = dark(&self.table, net.v6, &[net.range()]);
            for version in &self.versions {
                ranges = lit(version, net.v6, &ranges);
            }
            if !ranges.is_empty() {
                return Err(format!("{net} goes dark, although it was and is to be there"));
            }
        }
        Ok(())
    }

    const fn may_repeat(&self, v6: bool) -> bool {
        self.is_tainted || if v6 { self.asked.v6 } else { self.asked.v4 }
    }

    fn end(&mut self, family: AfiSafi) -> Result<(), String> {
        let is_v6 = family == AfiSafi::IPV6_UNICAST;
        let said = if is_v6 { &mut self.end_of_rib.v6 } else { &mut self.end_of_rib.v4 };
        if std::mem::replace(said, true) {
            return Err(format!("a second End-of-RIB of {family:?}"));
        }
        if self.instead.is_some() {
            return Ok(());
        }
        if !self.is_loaded {
            return Err("End-of-RIB before every feed has loaded".into());
        }
        let Some(wanted) = self.versions.last() else { return Ok(()) };
        let told = self.table.iter().filter(|(net, _)| net.v6 == is_v6);
        if !told.eq(wanted.iter().filter(|(net, _)| net.v6 == is_v6)) {
            return Err(format!("End-of-RIB, and {}", difference(&self.table, wanted)));
        }
        Ok(())
    }

    /// Our ASN alone outside of our AS; inside an empty path, and LOCAL_PREF (RFC 4271 5.1.2, 5.1.5).
    fn check_path(&self, update: &ReceivedUpdate) -> Result<(), String> {
        let Some(theirs) = &self.theirs else { return Ok(()) };
        let expected: &[_] = if self.asn == theirs.asn { &[] } else { &[self.asn] };
        let is_right = update.full_as_path().is_some_and(|path| path.asns().eq(expected.iter().copied()));
        if is_right { Ok(()) } else { Err(format!("AS_PATH is not {expected:?}: {:?}", update.as_path())) }
    }

    fn agree(&mut self) {
        let (Some(ours), Some(theirs)) = (&self.ours, &self.theirs) else { return };
        let both = |code| {
            let has = |open: &Open| open.capabilities.iter().any(|capability| is_usable(capability, code));
            has(ours) && has(theirs)
        };
        self.params = WireParams { as4: both(65), extended: both(6) };
        self.has_enhanced_refresh = both(70);
        self.hold_secs = ours.hold_secs.min(theirs.hold_secs);
        debug_assert!(self.params.max_len() >= MAX_LEN);
    }
}

fn is_usable(capability: &Capability, code: u8) -> bool {
    capability.code() == code && !matches!(capability, Capability::Unknown { .. })
}
