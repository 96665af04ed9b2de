//! A BGP client with the simplest table there is: what it was told, prefix by prefix.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use bgplite_core::config::Families;
use bgplite_core::ids::Asn;
use bgplite_core::rib::{Prefix4, Prefix6};
use bgplite_core::rng::Rng;
use bgplite_core::session::{DownReason, Event, Session, SessionConfig, State};
use bgplite_core::time::{Duration, Instant};
use bgplite_core::wire::{AfiSafi, Community, LargeCommunity, ReceivedUpdate, RefreshKind, RouteRefresh};

/// What a client says of itself.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Its ASN.
    pub asn: Asn,
    /// Its BGP identifier.
    pub router_id: Ipv4Addr,
    /// The families it offers.
    pub families: Families,
    /// The hold time it offers, in seconds.
    pub hold_secs: u16,
}

impl ClientConfig {
    /// Both families, 240 seconds, and an identifier made of the ASN.
    pub fn new(asn: u32) -> Self {
        let router_id = Ipv4Addr::from_bits(0x0A00_0000 | asn & 0xFF_FFFF);
        Self { asn: Asn(asn), router_id, families: Families::BOTH, hold_secs: 240 }
    }
}

/// A route as a client holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The next hop.
    pub next_hop: Option<IpAddr>,
    /// Its standard communities.
    pub communities: Vec<Community>,
    /// Its large communities.
    pub large_communities: Vec<LargeCommunity>,
}

/// One client: the real session in client role, and a table.
#[derive(Debug)]
pub struct Client {
    /// Its end of the session.
    pub session: Session,
    /// Its IPv4 routes.
    pub v4: BTreeMap<Prefix4, Route>,
    /// Its IPv6 routes.
    pub v6: BTreeMap<Prefix6, Route>,
    /// Families whose End-of-RIB has come, in order.
    pub end_of_rib: Vec<AfiSafi>,
    /// BoRR and EoRR as they came.
    pub refresh_marks: Vec<(RefreshKind, AfiSafi)>,
    /// UPDATEs that were not an End-of-RIB.
    pub updates: usize,
    /// Prefixes announced and withdrawn by them.
    pub announced: usize,
    /// Prefixes withdrawn by them.
    pub withdrawn: usize,
    /// Octets received.
    pub received: usize,
    /// Whether it was Established at any time.
    pub was_established: bool,
    /// Why its session ended.
    pub down: Option<DownReason>,
}

impl Client {
    /// A client whose connection has just come up. It sends its OPEN at once.
    pub fn new(config: &ClientConfig, seed: u64, now: Instant) -> Self {
        let session = SessionConfig {
            asn: config.asn,
            router_id: config.router_id,
            hold_secs: config.hold_secs,
            families: config.families,
            open_delay: Duration::ZERO,
            send_hold: Duration::from_secs(480),
            max_received: None,
        };
        Self {
            session: Session::new(session, Rng::new(seed), now),
            v4: BTreeMap::new(),
            v6: BTreeMap::new(),
            end_of_rib: Vec::new(),
            refresh_marks: Vec::new(),
            updates: 0,
            announced: 0,
            withdrawn: 0,
            received: 0,
            was_established: false,
            down: None,
        }
    }

    /// Takes bytes that the server sent.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.received += bytes.len();
        self.session.handle_bytes(bytes);
        self.drive(now);
    }

    /// Lets the session's events happen.
    pub fn drive(&mut self, now: Instant) {
        while let Some(event) = self.session.poll_event(now) {
            match event {
                Event::Opened => {}
                Event::Established => self.was_established = true,
                Event::Update(update) => self.learn(&update),
                Event::Refresh(RouteRefresh { family, kind }) => self.refresh_marks.push((kind, family)),
                Event::Down(reason) => self.down = Some(reason),
            }
        }
    }

    /// Whether routes may flow.
    pub fn is_established(&self) -> bool {
        self.session.state() == State::Established
    }

    fn learn(&mut self, update: &ReceivedUpdate) {
        if let Some(family) = update.end_of_rib() {
            self.end_of_rib.push(family);
            return;
        }
        self.updates += 1;
        for prefix in update.withdrawn_v4() {
            self.withdrawn += 1;
            self.v4.remove(&prefix);
        }
        for prefix in update.withdrawn_v6() {
            self.withdrawn += 1;
            self.v6.remove(&prefix);
        }
        let route = |next_hop: Option<IpAddr>| Route {
            next_hop,
            communities: update.communities().to_vec(),
            large_communities: update.large_communities().to_vec(),
        };
        self.announced += update.announced_v4().len() + update.announced_v6().len();
        let v4 = route(update.next_hop_v4().map(IpAddr::V4));
        self.v4.extend(update.announced_v4().iter().map(|&prefix| (prefix, v4.clone())));
        let v6 = route(update.next_hop_v6().map(IpAddr::V6));
        self.v6.extend(update.announced_v6().iter().map(|&prefix| (prefix, v6.clone())));
    }
}
