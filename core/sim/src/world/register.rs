//! Who registers, changes and removes which peer; and that what was acknowledged stays so.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bgplite_core::config::{AddressMatch, AsnMatch, Families, Subscription};
use bgplite_core::ids::{Asn, ConnId, PeerId};
use bgplite_core::rng::Rng;
use bgplite_core::server::{
    Command, CommandError, Input, PeerOrigin, PeerRecord, PeerSpec, PeerState, Reply,
};

use super::incident::{Incident, What};
use super::node::Asked;
use super::{World, setup, wish};

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    what: What,
    id: Option<PeerId>,
    spec: Option<PeerSpec>,
    state: PeerState,
    /// Whether nothing is wrong with the fields.
    is_sound: bool,
}

/// Everything that was ever acknowledged: by id, the last revision.
pub(crate) type Ledger = BTreeMap<PeerId, u64>;

impl World<'_> {
    pub(super) fn register(&mut self, incident: &Incident) {
        if self.node.server.is_none() {
            return;
        }
        let mut rng = Rng::new(incident.salt);
        let records = &self.store.records().peers;
        let index = (incident.who as usize).checked_rem(records.len());
        let known = index.and_then(|index| records.get(index)).cloned();
        let id = match &known {
            Some(record) if rng.below(16) > 0 => record.id,
            _ => PeerId(7),
        };
        let mut wanted = Wanted {
            what: incident.what,
            id: Some(id),
            spec: None,
            state: PeerState::Approved,
            is_sound: true,
        };
        let command = match incident.what {
            What::Register => {
                let Some(client) = (incident.who as usize).checked_rem(self.clients.len()) else { return };
                let Some(person) = self.clients.get(client).map(|client| client.person.clone()) else {
                    return;
                };
                let mut spec = wish::spec(&self.oracle.config, client, &person, &mut rng);
                wanted.is_sound = !spoil(&mut spec, &mut rng);
                wanted.id = None;
                wanted.state = if rng.below(4) == 0 { PeerState::Pending } else { PeerState::Approved };
                wanted.spec = Some(spec.clone());
                Command::PutPeer { spec: Box::new(spec), state: wanted.state }
            }
            What::Revise => {
                let Some(record) = known else { return };
                let mut spec = spec_of(&record);
                match rng.below(4) {
                    0 => (spec.next_hop, spec.next_hop_v6) = setup::peer_next_hops(&mut rng),
                    1 => spec.families = setup::some_families(&mut rng),
                    _ => spec.subscription = wish::subscription(&self.oracle.config, &mut rng),
                }
                wanted.is_sound = !spoil(&mut spec, &mut rng);
                wanted.spec = Some(spec.clone());
                let revision =
                    [None, Some(record.revision), Some(record.revision + 1)][rng.below(3) as usize];
                Command::SetPeer { id, revision, spec: Box::new(spec) }
            }
            What::Unregister => Command::RemovePeer { id },
            What::Admit => Command::ApprovePeer { id },
            What::Resend => Command::ResendPeer { id },
            _ => {
                let name =
                    self.oracle.peers.iter().find(|record| record.id == id).map(|r| r.peer.name.clone());
                for conn in name.map(|name| self.conns_named(&name)).unwrap_or_default() {
                    if let Some(link) = self.links.get_mut(&conn) {
                        link.is_disturbed = true;
                    }
                }
                Command::ResetPeer { id }
            }
        };
        let ticket = self.ask(Asked::Peer(Box::new(wanted)));
        let unix_secs = self.unix_secs();
        self.tell(Input::Command { ticket, unix_secs, command });
    }

    /// The answer to a command about a peer.
    pub(super) fn registered(&mut self, wanted: &Wanted, reply: &Reply) {
        let verdict = match reply {
            Reply::Peer { id, revision, .. } => self.judge_peer(wanted, *id, *revision),
            Reply::Done => self.judge_done(wanted),
            // Somebody else may have the name.
            Reply::Refused(CommandError::Field { field, .. }) if field == "name" => Ok(()),
            Reply::Refused(CommandError::Field { field, problem }) if wanted.is_sound => {
                Err(format!("refused for {field}: {problem}"))
            }
            Reply::Refused(CommandError::Store(_)) if self.store.failed_at() != Some(self.now) => {
                Err("refused for a store that did not fail".into())
            }
            Reply::Refused(CommandError::Busy) => Err("nobody can be that busy".into()),
            Reply::Refused(_) => Ok(()),
            _ => Err(format!("answered with {reply:?}")),
        };
        if let Err(problem) = verdict {
            self.fail(format!("{wanted:?}: {problem}"));
        }
    }

    /// Acknowledged: so it is durable, and as it was asked for.
    fn judge_peer(&mut self, wanted: &Wanted, id: PeerId, revision: u64) -> Result<(), String> {
        if !wanted.is_sound {
            return Err("nonsense is acknowledged".into());
        }
        self.ledger.insert(id, revision);
        let Some(record) = self.store.records().peers.iter().find(|record| record.id == id) else {
            return Err("acknowledged, and the store does not have it".into());
        };
        if record.revision < revision {
            return Err(format!(
                "revision {revision} is acknowledged, and the store has {}",
                record.revision
            ));
        }
        if record.revision > revision {
            return Ok(());
        }
        let state = match wanted.what {
            What::Unregister => Some(PeerState::Removed),
            What::Admit => Some(PeerState::Approved),
            What::Register if revision == 1 => Some(wanted.state),
            _ => None,
        };
        if state.is_some_and(|state| record.state != state) {
            return Err(format!("it is {:?}", record.state));
        }
        let Some(spec) = &wanted.spec else { return Ok(()) };
        let has = spec_of(record);
        let is_it = (has.address, has.asn, has.listen, has.families)
            == (spec.address, spec.asn, spec.listen, spec.families)
            && has.description == spec.description
            && (has.next_hop, has.next_hop_v6) == (spec.next_hop, spec.next_hop_v6)
            && tidy(&has.subscription) == tidy(&spec.subscription);
        if is_it { Ok(()) } else { Err(format!("the store has {record:?}")) }
    }

    fn judge_done(&mut self, wanted: &Wanted) -> Result<(), String> {
        let record = self.oracle.peers.iter().find(|record| Some(record.id) == wanted.id);
        match wanted.what {
            What::Resend => {
                let name = record.map(|record| record.peer.name.clone()).unwrap_or_default();
                for conn in self.conns_named(&name) {
                    if let Some(link) = self.links.get_mut(&conn) {
                        link.watch.expect_all_again();
                    }
                }
                Ok(())
            }
            What::ResetPeer => Ok(()),
            What::Unregister if record.is_none_or(|record| record.state == PeerState::Removed) => {
                if let Some(record) = record {
                    self.ledger.insert(record.id, record.revision);
                }
                Ok(())
            }
            _ => Err("answered with nothing".into()),
        }
    }

    /// After a start: every acknowledged registration is there, or what came after it.
    pub(super) fn check_registered(&mut self) {
        let records = &self.store.records().peers;
        let lost = self.ledger.iter().find(|(id, revision)| {
            let record = records.iter().find(|record| record.id == **id);
            record.is_none_or(|record| record.revision < **revision)
        });
        if let Some((id, revision)) = lost {
            self.fail(format!("revision {revision} of peer {id} was acknowledged, and is lost"));
        }
        self.check_registry();
    }

    /// The server's registry is what the store has, whatever else is under way.
    pub(super) fn check_registry(&mut self) {
        let Some(server) = &self.node.server else { return };
        let registered = server.registered().filter(|info| info.origin == PeerOrigin::Registered);
        let has: BTreeMap<PeerId, (u64, PeerState)> =
            registered.map(|info| (info.id, (info.revision, info.state))).collect();
        let records = self.store.records().peers.iter();
        let should: BTreeMap<PeerId, (u64, PeerState)> =
            records.map(|record| (record.id, (record.revision, record.state))).collect();
        if has != should {
            self.fail(format!("registered are {has:?}, and the store has {should:?}"));
        }
    }

    /// The registered peers are others now: sessions of those that changed may end, and of nobody else.
    pub(super) fn excuse_changed(&mut self) {
        let who = |world: &Self| -> Vec<(ConnId, Option<_>)> {
            let fars = world.links.iter().filter_map(|(conn, link)| Some((*conn, link.far_end()?)));
            fars.map(|(conn, far)| {
                let found = world.oracle.identify(&far);
                let coded = found.map(|(entry, identity)| {
                    (identity, entry.map(|entry| (entry.families, entry.next_hop, entry.next_hop_v6)))
                });
                (conn, coded)
            })
            .collect()
        };
        let before = who(self);
        let peers = self.store.records().peers.clone();
        self.oracle.register(&peers);
        self.forget_sources();
        for ((conn, before), (_, after)) in before.into_iter().zip(who(self)) {
            if before != after
                && let Some(link) = self.links.get_mut(&conn)
            {
                link.is_disturbed = true;
            }
        }
    }
}

/// Something that no registration may say. `false` when nothing is spoiled.
fn spoil(spec: &mut PeerSpec, rng: &mut Rng) -> bool {
    match rng.below(40) {
        0 => spec.asn = AsnMatch::Is(Asn([0, 23456, 65535, u32::MAX][rng.below(4) as usize])),
        1 => spec.subscription.feeds.push("nowhere".into()),
        2 => spec.subscription.lists.push("nowhere".into()),
        3 => spec.description = "x".repeat(257),
        4 => spec.families = Families::NONE,
        5 => (spec.address, spec.listen) = (AddressMatch::Any, None),
        6 => spec.name = Some("not a name".into()),
        7 => spec.subscription.max_prefixes = Some(0),
        8 => spec.subscription.urls.push("ftp://lists.example/x".into()),
        _ => return false,
    }
    true
}

fn spec_of(record: &PeerRecord) -> PeerSpec {
    let peer = record.peer.clone();
    PeerSpec {
        name: Some(peer.name),
        description: record.description.clone(),
        address: peer.address,
        asn: peer.asn,
        listen: peer.listen,
        subscription: peer.subscription,
        next_hop: peer.next_hop,
        next_hop_v6: peer.next_hop_v6,
        families: peer.families,
    }
}

/// Each wish once, in order.
fn tidy(subscription: &Subscription) -> Subscription {
    fn sort<T: Ord>(items: &mut Vec<T>) {
        items.sort_unstable();
        items.dedup();
    }
    let mut tidy = subscription.clone();
    sort(&mut tidy.feeds);
    sort(&mut tidy.lists);
    sort(&mut tidy.countries);
    sort(&mut tidy.prefixes);
    sort(&mut tidy.asns);
    sort(&mut tidy.urls);
    sort(&mut tidy.exclude);
    sort(&mut tidy.communities);
    tidy
}

/// Where a client connects to, as an endpoint of its own.
pub(crate) fn endpoint(local: SocketAddr) -> Option<SocketAddr> {
    (local.port() != 179).then_some(local)
}
