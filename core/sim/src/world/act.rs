//! What an incident does.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bgplite_core::ids::{Asn, ConnId};
use bgplite_core::rib::Prefix4;
use bgplite_core::rng::Rng;
use bgplite_core::session::State;
use bgplite_core::time::{Duration, Instant};
use bgplite_core::wire::{
    AfiSafi, AsPath, Attribute, Notification, Open, Origin, RefreshKind, RouteRefresh, Update, WireParams,
    encode_keepalive,
};

use super::World;
use super::incident::{Incident, What};
use super::link::{Link, Phase, Speaker};
use super::queue::Event;
use super::setup;

/// What lies between a client and the server. Each trouble lasts until its time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    far: Instant,
    delay: Duration,
    pub(crate) segmented: Instant,
    pub(crate) segment: usize,
    stalled: Instant,
    pub(crate) slow: Instant,
    /// Octets in a tenth of a second.
    pub(crate) rate: usize,
    deaf: Instant,
    pub(crate) refused: Instant,
    pub(crate) vanished: Instant,
    pub(crate) garbled: Instant,
}

impl Line {
    pub(crate) fn latency(&self, now: Instant) -> Duration {
        if self.far > now { self.delay } else { Duration::from_millis(1) }
    }

    /// Whether it may cost a session.
    pub(crate) fn is_troubled(&self, now: Instant) -> bool {
        [self.far, self.stalled, self.slow, self.deaf, self.garbled].into_iter().any(|until| until > now)
    }

    /// Until when nothing arrives.
    pub(crate) fn blocked_until(&self, is_down: bool, is_ignorant: bool) -> Instant {
        let deaf = if is_down { self.deaf } else { Instant::ZERO };
        let gone = if is_down && is_ignorant { self.vanished } else { Instant::ZERO };
        self.stalled.max(deaf).max(gone)
    }
}

/// An address that a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address(pub(crate) IpAddr);

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        Self(address)
    }
}

impl World<'_> {
    pub(super) fn act(&mut self, index: usize) {
        let Some(incident) = self.incidents.get(index).cloned() else { return };
        let is_for_server = matches!(
            incident.what.fault(),
            super::Fault::Reload
                | super::Fault::View
                | super::Fault::Operator
                | super::Fault::Registry
                | super::Fault::Shutdown
        );
        if is_for_server && self.defer(Event::Incident(index)) {
            return;
        }
        self.trace.word(18 << 32 | incident.what as u64);
        self.say(format_args!("incident {incident}"));
        self.acted += 1;
        let until = self.now + incident.lasts;
        match incident.what.fault() {
            super::Fault::Net | super::Fault::Slow | super::Fault::Client => {
                self.act_on_client(&incident, until);
            }
            super::Fault::Hostile => self.act_hostile(&incident, until),
            super::Fault::Source | super::Fault::Web => self.act_on_page(&incident, until),
            super::Fault::Operator => self.operate(&incident),
            super::Fault::Registry => self.register(&incident),
            super::Fault::Store if incident.what == What::StoreSlow => self.store_slow = until,
            super::Fault::Store => self.store_fails = until,
            super::Fault::Reload | super::Fault::View => {
                let mut config = self.config.clone();
                let people: Vec<_> = self.clients.iter().map(|client| client.person.clone()).collect();
                let mut rng = Rng::new(incident.salt);
                if setup::change(&mut config, incident.what, incident.who, &people, &mut rng) {
                    self.reload(config);
                }
            }
            super::Fault::Crash => self.crash(&incident),
            super::Fault::Clock => {
                if self.node.server.is_some() && !self.is_asleep() {
                    self.node.is_asleep = true;
                    self.node.asleep_until = until;
                    self.queue.push(until, Event::Wake);
                    self.disturb_all();
                }
            }
            super::Fault::Shutdown => {
                if self.node.server.is_some() {
                    self.node.up_at = until + Duration::from_secs(30);
                    self.disturb_all();
                    self.shut_down();
                }
            }
        }
    }

    fn disturb_all(&mut self) {
        self.links.values_mut().for_each(|link| link.is_disturbed = true);
    }

    fn crash(&mut self, incident: &Incident) {
        if self.node.server.is_none() {
            return;
        }
        self.store.crash(&mut Rng::new(incident.salt));
        self.stop(incident.lasts);
        let now = self.now;
        let conns: Vec<ConnId> = self.links.keys().copied().collect();
        for conn in conns {
            let Some(link) = self.links.get_mut(&conn) else { continue };
            link.phase = Phase::Gone;
            link.has_bytes = false;
            link.batch.clear();
            link.written = (0, 0);
            link.up.cut();
            link.watch.is_up = false;
            if let Some(since) = link.up_since.take() {
                self.session_nanos += (now - since).as_nanos();
            }
            if incident.what == What::Crash {
                self.reset_client(conn);
            }
            self.bury(conn);
        }
    }

    fn act_on_page(&mut self, incident: &Incident, until: Instant) {
        let is_web = incident.what.fault() == super::Fault::Web;
        let is_file = |place: &&String| is_web || !place.contains("//");
        let places: Vec<&String> = self.web.pages.keys().filter(is_file).collect();
        let Some(index) = (incident.who as usize).checked_rem(places.len()) else { return };
        let Some(place) = places.get(index).map(|place| (*place).clone()) else { return };
        if let Some(page) = self.web.pages.get_mut(&place) {
            page.suffer(incident.what, incident.salt, until);
        }
    }

    /// The connections of a client that its end still knows.
    fn conns_of(&self, client: usize) -> Vec<ConnId> {
        let is_its = |link: &Link| link.client == Some(client) && !link.is_client_gone;
        self.links.iter().filter(|(_, link)| is_its(link)).map(|(conn, _)| *conn).collect()
    }

    fn act_on_client(&mut self, incident: &Incident, until: Instant) {
        let Some(client) = (incident.who as usize).checked_rem(self.clients.len()) else { return };
        let Some(line) = self.lines.get_mut(client) else { return };
        let mut rng = Rng::new(incident.salt);
        let is_harmless = matches!(
            incident.what,
            What::Segment | What::Refuse | What::Refresh | What::Double | What::Announce
        );
        match incident.what {
            What::Latency => (line.far, line.delay) = (until, Duration::from_millis(1 + rng.below(2_000))),
            What::Segment => (line.segmented, line.segment) = (until, 1 + rng.below(16) as usize),
            What::Stall => line.stalled = until,
            What::Refuse => line.refused = until,
            What::Slow => (line.slow, line.rate) = (until, 1 + rng.below(200) as usize),
            What::Deaf => line.deaf = until,
            What::Vanish => line.vanished = until,
            _ => {}
        }
        if !is_harmless {
            let its = self.links.values_mut().filter(|link| link.client == Some(client));
            its.for_each(|link| link.is_disturbed = true);
        }
        if incident.what == What::Double {
            let has_one = !self.conns_of(client).is_empty();
            if has_one && self.node.server.is_some() && !self.is_asleep() {
                self.connect(client);
            }
            return;
        }
        for conn in self.conns_of(client) {
            self.act_on_conn(incident, conn, &mut rng);
        }
        if incident.what == What::Vanish {
            self.dial_later(client);
        }
    }

    fn act_on_conn(&mut self, incident: &Incident, conn: ConnId, rng: &mut Rng) {
        let now = self.now;
        let Some(link) = self.links.get_mut(&conn) else { return };
        match incident.what {
            What::Reset => {
                link.up.cut();
                link.down.cut();
                self.queue.push(now + Duration::from_millis(rng.below(50)), Event::ServerLost(conn));
                self.queue.push(now + Duration::from_millis(rng.below(50)), Event::ClientLost(conn));
            }
            What::LostServer => {
                self.client_lost(conn);
                if let Some(link) = self.links.get_mut(&conn) {
                    link.up.cut();
                    link.down.is_void = false;
                    link.is_client_ignorant = true;
                }
            }
            What::LostClient => self.queue.push(now, Event::ServerLost(conn)),
            What::Vanish => {
                link.is_client_gone = true;
                link.is_client_ignorant = true;
                link.up.cut();
                self.bury(conn);
            }
            What::Refresh => {
                if let Speaker::Session { session, .. } = &mut link.speaker {
                    if rng.below(3) > 0 {
                        session.refresh(AfiSafi::IPV4_UNICAST);
                    }
                    if rng.below(3) > 0 {
                        session.refresh(AfiSafi::IPV6_UNICAST);
                    }
                }
                self.output(conn);
            }
            What::Close => {
                if let Speaker::Session { session, .. } = &mut link.speaker {
                    session.close(Notification::with_text(6, 4, "maintenance"));
                }
                self.drive(conn);
            }
            What::Announce => {
                if let Speaker::Session { session, .. } = &link.speaker
                    && session.state() == State::Established
                    && let Some(negotiated) = session.negotiated()
                {
                    let asn = link.client.and_then(|index| self.clients.get(index)).map(|c| c.person.asn);
                    let bytes = routes(asn.filter(|_| !negotiated.is_internal), negotiated.params, rng);
                    self.send_up(conn, &bytes);
                }
            }
            _ => {}
        }
    }

    fn act_hostile(&mut self, incident: &Incident, until: Instant) {
        let mut rng = Rng::new(incident.salt);
        match incident.what {
            What::Stranger | What::Dribble => self.stranger(incident, &mut rng),
            what => {
                let Some(client) = (incident.who as usize).checked_rem(self.clients.len()) else { return };
                for conn in self.conns_of(client) {
                    let Some(link) = self.links.get_mut(&conn) else { continue };
                    link.taint();
                    let mut bytes = Vec::new();
                    if what == What::Flood {
                        (0..=rng.below(500)).for_each(|_| message(&mut rng, &mut bytes));
                    } else {
                        message(&mut rng, &mut bytes);
                        mutate(&mut bytes, &mut rng);
                    }
                    self.send_up(conn, &bytes);
                }
                if let Some(line) = self.lines.get_mut(client)
                    && what == What::Garble
                {
                    line.garbled = until;
                }
            }
        }
    }

    fn stranger(&mut self, incident: &Incident, rng: &mut Rng) {
        if self.node.server.is_none() || self.is_asleep() {
            return;
        }
        let mut script = Vec::new();
        let open = Open {
            asn: Asn(64512 + rng.below(1000) as u32),
            hold_secs: 90,
            router_id: Ipv4Addr::from_bits(rng.next_u64() as u32 | 1),
            capabilities: Vec::new(),
        };
        let kind = if incident.what == What::Dribble { 3 } else { rng.below(4) };
        match kind {
            0 => script.extend_from_slice(b"GET / HTTP/1.1\r\nHost: bgp.example\r\n\r\n"),
            1 => script.extend_from_slice(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC]),
            2 => {
                open.encode(&mut script);
                encode_keepalive(&mut script);
                mutate(&mut script, rng);
            }
            _ => {
                open.encode(&mut script);
                encode_keepalive(&mut script);
                (0..rng.below(20)).for_each(|_| message(rng, &mut script));
            }
        }
        let piece = if incident.what == What::Dribble { 1 } else { 1 + rng.below(40) as usize };
        let address = IpAddr::V4(Ipv4Addr::from_bits(0xC612_0000 + rng.below(200) as u32));
        let local = SocketAddr::new(Ipv4Addr::new(203, 0, 113, 1).into(), 179);
        let speaker = Speaker::Stranger { script: VecDeque::from(script), piece };
        let conn = self.link(None, local, address.into(), speaker, rng.fork());
        if let Some(link) = self.links.get_mut(&conn) {
            link.taint();
        }
        self.accept(conn);
        self.queue.push(self.now + Duration::from_millis(10), Event::Strange(conn));
    }

    /// A stranger says its next piece.
    pub(super) fn strange(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(&conn).filter(|link| !link.is_client_gone) else { return };
        let Speaker::Stranger { script, piece } = &mut link.speaker else { return };
        let len = script.len().min(*piece);
        let bytes: Vec<u8> = script.drain(..len).collect();
        let gap = if *piece == 1 { 1_000 } else { 20 };
        if !bytes.is_empty() {
            self.send_up(conn, &bytes);
            self.queue.push(self.now + Duration::from_millis(gap), Event::Strange(conn));
        }
    }

    /// Faults stop: everything works from now on, and everybody may find together.
    pub(super) fn heal(&mut self) {
        self.say(format_args!("all faults stop"));
        let now = self.now;
        self.is_healed = true;
        self.lines.iter_mut().for_each(|line| *line = Line::default());
        (self.store_slow, self.store_fails) = (now, now);
        for page in self.web.pages.values_mut() {
            (page.spoiled, page.late) = (now, now);
        }
        let conns: Vec<ConnId> = self.links.keys().copied().collect();
        for conn in conns {
            let Some(link) = self.links.get(&conn) else { continue };
            if link.is_tainted {
                self.queue.push(now, Event::ServerLost(conn));
                self.queue.push(now, Event::ClientLost(conn));
            } else if link.phase == Phase::Gone {
                self.queue.push(now, Event::ClientLost(conn));
            }
        }
        if self.node.server.is_none() {
            self.node.up_at = now;
            self.queue.push(now, Event::Start);
            return;
        }
        if self.is_asleep() {
            self.rouse();
        }
        self.reload(self.config.clone());
        if !self.node.is_stopping {
            // What the reload asks for is under way before more is asked for.
            self.settle();
            self.ask_for_all();
        }
    }
}

/// One message that is well-formed, and may be unexpected.
fn message(rng: &mut Rng, out: &mut Vec<u8>) {
    let family = if rng.below(2) == 0 { AfiSafi::IPV4_UNICAST } else { AfiSafi::IPV6_UNICAST };
    match rng.below(6) {
        0 | 1 => encode_keepalive(out),
        2 => RouteRefresh { family, kind: RefreshKind::Request }.encode(out),
        3 => RouteRefresh { family, kind: RefreshKind::Begin }.encode(out),
        4 => out.extend(routes(Some(Asn(64999)), WireParams { as4: true, extended: false }, rng)),
        _ => {
            Update::default().encode(WireParams::default(), out);
        }
    }
}

/// An UPDATE that announces some IPv4 routes; from outside of our AS when `asn` is there.
fn routes(asn: Option<Asn>, params: WireParams, rng: &mut Rng) -> Vec<u8> {
    let path = asn.map_or_else(AsPath::default, |asn| AsPath::sequence(&[asn]));
    let mut attributes = vec![
        Attribute::Origin(Origin::Igp),
        Attribute::AsPath(path.clone()),
        Attribute::NextHop(Ipv4Addr::new(198, 51, 100, 1)),
    ];
    if asn.is_none() {
        attributes.push(Attribute::LocalPref(100));
    }
    if asn.is_some_and(|asn| asn.0 > 65535) && !params.as4 {
        attributes.push(Attribute::As4Path(path));
    }
    let nlri = (0..=rng.below(50)).filter_map(|_| Prefix4::new(rng.next_u64() as u32, 24)).collect();
    let mut out = Vec::new();
    Update { withdrawn: Vec::new(), attributes, nlri }.encode(params, &mut out);
    out
}

/// Flips, drops, repeats and inserts a few octets.
pub(crate) fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(3) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.below(bytes.len() as u64) as usize;
        match rng.below(5) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, rng.next_u64() as u8),
            2 => bytes.truncate(at),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << rng.below(8);
                }
            }
        }
    }
}
