//! What commands ask for, checked against the registry and the changes that go out with them.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Answer, Happening, MAX_REMOVED, PeerRecord};
use crate::config::{Config, ConfigError, PeerConfig, Subscription, check_chosen_name, check_registration};
use crate::coverage::{self, Registration};
use crate::ids::PeerId;
use crate::rng::Rng;
use crate::server::peer::{Key, Origin, Registry};
use crate::server::{Command, CommandError, PeerChange, PeerSpec, PeerState};

/// A registry with changes that are not in force yet.
pub(super) struct Staging<'a> {
    registry: &'a Registry,
    config: &'a Config,
    rng: &'a mut Rng,
    unix_secs: u64,
    changes: BTreeMap<PeerId, PeerChange>,
    /// What changed peers match, or matched after an earlier one of the changes.
    keys: BTreeMap<Key, PeerId>,
    /// What they are called, or were.
    names: BTreeMap<String, PeerId>,
    happenings: Vec<(String, Happening)>,
}

impl<'a> Staging<'a> {
    pub(super) const fn new(
        registry: &'a Registry,
        config: &'a Config,
        rng: &'a mut Rng,
        unix_secs: u64,
    ) -> Self {
        Self {
            registry,
            config,
            rng,
            unix_secs,
            changes: BTreeMap::new(),
            keys: BTreeMap::new(),
            names: BTreeMap::new(),
            happenings: Vec::new(),
        }
    }

    /// Takes one command, wholly or not at all.
    pub(super) fn handle(&mut self, command: Command) -> Result<Answer, CommandError> {
        match command {
            Command::PutPeer { spec, state } => self.put(*spec, state),
            Command::SetPeer { id, revision, spec } => self.set(id, revision, *spec),
            Command::RemovePeer { id } => self.remove(id),
            Command::ApprovePeer { id } => self.approve(id),
            _ => Err(CommandError::Conflict("this is no change of a peer".into())),
        }
    }

    /// Each changed peer once, and everything that happened, in order.
    pub(super) fn finish(mut self) -> (Vec<PeerChange>, Vec<(String, Happening)>) {
        self.forget_oldest();
        (self.changes.into_values().collect(), self.happenings)
    }

    fn put(&mut self, spec: PeerSpec, state: PeerState) -> Result<Answer, CommandError> {
        if state == PeerState::Removed {
            return Err(field("state", "a peer is registered as approved or as pending"));
        }
        let (name, description, mut peer) = self.check(spec)?;
        let key = Key::of(&peer);
        let Some(before) = self.find_key(&key).and_then(|id| self.find(id)).cloned() else {
            let id = self.registry.fresh_id(self.rng, |id| self.changes.contains_key(&id));
            peer.name = self.choose_name(id, name)?;
            let now = self.unix_secs;
            coverage::hit(Registration::New);
            let record = PeerRecord {
                id,
                revision: 1,
                state,
                created_unix_secs: now,
                changed_unix_secs: now,
                description,
                peer,
            };
            return Ok(self.stage(record, Happening::Registered));
        };
        peer.name = self.choose_name(before.id, name)?;
        let is_back = before.state == PeerState::Removed;
        let state = if is_back { state } else { before.state };
        coverage::hit(if is_back { Registration::Back } else { Registration::Again });
        let happening = if is_back { Happening::Registered } else { Happening::Replaced };
        Ok(self.change(&before, state, description, peer, happening))
    }

    fn set(&mut self, id: PeerId, revision: Option<u64>, spec: PeerSpec) -> Result<Answer, CommandError> {
        let before = self.changeable(id)?.clone();
        if let Some(revision) = revision
            && revision != before.revision
        {
            coverage::hit(Registration::OtherRevision);
            let (name, is) = (&before.peer.name, before.revision);
            let problem = format!("peer {name:?} has revision {is} by now, not {revision}; read it again");
            return Err(CommandError::Conflict(problem));
        }
        let (name, description, mut peer) = self.check(spec)?;
        peer.name = self.choose_name(id, name)?;
        let other =
            self.find_key(&Key::of(&peer)).and_then(|id| self.find(id)).filter(|other| other.id != id);
        match other.map(|other| (other.id, other.state, &other.peer.name)) {
            None => {}
            Some((other, PeerState::Removed, _)) => self.forget(other),
            Some((other, _, name)) => {
                coverage::hit(Registration::OtherPeers);
                let problem =
                    format!("peer {name:?} (id {other}) has this address, ASN and endpoint already");
                return Err(CommandError::Conflict(problem));
            }
        }
        let state = before.state;
        Ok(self.change(&before, state, description, peer, Happening::Replaced))
    }

    fn remove(&mut self, id: PeerId) -> Result<Answer, CommandError> {
        let before = self.changeable(id)?.clone();
        coverage::hit(Registration::Removed);
        // What it asked for is of no use any more, and may be large.
        let peer = PeerConfig { subscription: Subscription::default(), ..before.peer.clone() };
        let description = before.description.clone();
        self.change(&before, PeerState::Removed, description, peer, Happening::Removed);
        Ok(Answer::Done)
    }

    fn approve(&mut self, id: PeerId) -> Result<Answer, CommandError> {
        let before = self.changeable(id)?.clone();
        let (description, peer) = (before.description.clone(), before.peer.clone());
        coverage::hit(Registration::Approved);
        Ok(self.change(&before, PeerState::Approved, description, peer, Happening::Approved))
    }

    /// A peer that can be changed by its id.
    fn changeable(&self, id: PeerId) -> Result<&PeerRecord, CommandError> {
        if let Some(entry) = self.registry.entry(id)
            && let Origin::File { peer, .. } = &entry.origin
        {
            return Err(of_the_file(peer));
        }
        let is_there = |record: &&PeerRecord| record.state != PeerState::Removed;
        self.find(id).filter(is_there).ok_or_else(|| {
            coverage::hit(Registration::NotFound);
            CommandError::not_found("peer", id.to_string(), core::iter::empty())
        })
    }

    /// Everything that is not between two peers' names. Returns the name that was asked for, the description, and
    /// the peer without a name.
    fn check(&self, spec: PeerSpec) -> Result<(Option<String>, String, PeerConfig), CommandError> {
        let PeerSpec {
            name,
            description,
            address,
            asn,
            listen,
            subscription,
            next_hop,
            next_hop_v6,
            families,
        } = spec;
        if description.len() > MAX_DESCRIPTION || description.chars().any(char::is_control) {
            let problem = format!("must have at most {MAX_DESCRIPTION} octets and no control characters");
            return Err(field("description", problem));
        }
        let name_later = String::new();
        let mut peer = PeerConfig {
            name: name_later,
            address,
            asn,
            listen,
            subscription,
            next_hop,
            next_hop_v6,
            families,
        };
        check_registration(self.config, &peer).map_err(fault)?;
        peer.subscription.tidy();
        if let Some(other) =
            self.registry.find_file_key(&Key::of(&peer)).and_then(|id| self.registry.find(id))
        {
            return Err(of_the_file(other));
        }
        Ok((name, description, peer))
    }

    /// The name that was asked for, if this peer may have it, or the one that its id gives it.
    fn choose_name(&self, id: PeerId, name: Option<String>) -> Result<String, CommandError> {
        let own = format!("peer-{id}");
        let name = name.unwrap_or_else(|| own.clone());
        check_chosen_name(&name, &own).map_err(fault)?;
        let is_taken =
            self.registry.has_file_name(&name) || self.find_name(&name).is_some_and(|other| other != id);
        if is_taken {
            coverage::hit(Registration::NameTaken);
            return Err(field("name", format!("there is a peer called {name:?} already; choose another")));
        }
        Ok(name)
    }

    /// Stages what differs from `before`; nothing, when nothing does.
    fn change(
        &mut self,
        before: &PeerRecord,
        state: PeerState,
        description: String,
        peer: PeerConfig,
        happening: Happening,
    ) -> Answer {
        if (before.state, &before.description, &before.peer) == (state, &description, &peer) {
            return Answer::Peer { id: before.id, revision: before.revision, is_new: false };
        }
        let (revision, changed_unix_secs) = (before.revision.saturating_add(1), self.unix_secs);
        let PeerRecord { id, created_unix_secs, .. } = *before;
        let record =
            PeerRecord { id, revision, state, created_unix_secs, changed_unix_secs, description, peer };
        self.stage(record, happening)
    }

    fn stage(&mut self, record: PeerRecord, happening: Happening) -> Answer {
        let PeerRecord { id, revision, .. } = record;
        self.keys.insert(Key::of(&record.peer), id);
        self.names.insert(record.peer.name.clone(), id);
        self.happenings.push((record.peer.name.clone(), happening));
        self.changes.insert(id, PeerChange::Put(Box::new(record)));
        Answer::Peer { id, revision, is_new: matches!(happening, Happening::Registered) }
    }

    fn forget(&mut self, id: PeerId) {
        coverage::hit(Registration::Forgotten);
        if let Some(record) = self.find(id) {
            self.happenings.push((record.peer.name.clone(), Happening::Forgotten));
        }
        self.changes.insert(id, PeerChange::Forget(id));
    }

    /// Keeps the number of removed peers within its bound.
    fn forget_oldest(&mut self) {
        let is_removed = |record: Option<&PeerRecord>| {
            usize::from(record.is_some_and(|record| record.state == PeerState::Removed))
        };
        let ids: Vec<PeerId> = self.changes.keys().copied().collect();
        let (mut gone, mut come) = (0, 0);
        for &id in &ids {
            gone += is_removed(self.registry.record(id));
            come += is_removed(self.find(id));
        }
        let excess = (self.registry.removed().len() + come).saturating_sub(gone + MAX_REMOVED);
        let registry = self.registry;
        let is_untouched = |id: &PeerId| ids.binary_search(id).is_err();
        for id in registry.removed().filter(is_untouched).take(excess) {
            self.forget(id);
        }
    }

    /// A registered peer as it will be.
    fn find(&self, id: PeerId) -> Option<&PeerRecord> {
        match self.changes.get(&id) {
            Some(PeerChange::Put(record)) => Some(record),
            Some(PeerChange::Forget(_)) => None,
            None => self.registry.record(id),
        }
    }

    fn find_key(&self, key: &Key) -> Option<PeerId> {
        let is_its = |id: &PeerId| self.find(*id).is_some_and(|record| Key::of(&record.peer) == *key);
        let staged = self.keys.get(key).copied().filter(is_its);
        staged.or_else(|| self.registry.find_key(key).filter(is_its))
    }

    fn find_name(&self, name: &str) -> Option<PeerId> {
        let is_its = |id: &PeerId| {
            self.find(*id)
                .is_some_and(|record| record.peer.name == name && record.state != PeerState::Removed)
        };
        let staged = self.names.get(name).copied().filter(is_its);
        staged.or_else(|| self.registry.find_name(name).filter(is_its))
    }
}

fn of_the_file(peer: &PeerConfig) -> CommandError {
    coverage::hit(Registration::Configured);
    CommandError::Conflict(format!("peer {:?} is set in the configuration file; change it there", peer.name))
}

fn field(field: &str, problem: impl Into<String>) -> CommandError {
    CommandError::Field { field: field.into(), problem: problem.into() }
}

fn fault(ConfigError { path, problem }: ConfigError) -> CommandError {
    CommandError::Field { field: path, problem }
}

/// Octets of a description.
const MAX_DESCRIPTION: usize = 256;
