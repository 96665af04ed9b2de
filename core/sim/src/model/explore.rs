//! Breadth first: every state once, and the shortest way to whatever is wrong.
//!
//! States are not kept. What is kept is how each was first reached, and its fingerprint; a state whose turn has
//! come is made again by its events, and must come out the same. So a million states cost some tens of megabytes.

use std::collections::HashSet;
use std::fmt::{self, Debug, Display};

use super::Violation;
use super::canon::{Fnv, fingerprint};
use bgplite_core::time::Instant;

/// A system that can be explored.
pub trait Model: Clone + Debug {
    /// Something that can happen.
    type Event: Copy + Display;

    /// All that can happen now, in a fixed order.
    fn events(&self) -> Vec<Self::Event>;

    /// Lets one of these happen, and holds what must hold then.
    fn apply(&mut self, event: Self::Event) -> Result<(), Violation>;

    /// Lets everything go well from here on: what must come of that comes. Each event is also added to `trace`.
    fn settle(self, trace: &mut Vec<Self::Event>) -> Result<(), Violation>;

    /// Where it stands.
    fn outcome(&self) -> Outcome;

    /// The virtual clock.
    fn now(&self) -> Instant;
}

/// Where a state stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A session is Established on both ends.
    Established,
    /// Nothing is left.
    Closed,
    /// Neither.
    Between,
}

/// How often what multiplies the states may happen on one path. While things come right none of these counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Something goes wrong: a connection breaks, an end vanishes or closes, the operator intervenes.
    pub faults: u8,
    /// A timer fires.
    pub timers: u8,
    /// Somebody asks for routes again.
    pub refreshes: u8,
}

impl Budget {
    pub(super) fn fault(&mut self) {
        self.faults = self.faults.saturating_sub(1);
    }

    pub(super) fn timer(&mut self) {
        self.timers = self.timers.saturating_sub(1);
    }

    pub(super) fn refresh(&mut self) {
        self.refreshes = self.refreshes.saturating_sub(1);
    }
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events on one path.
    pub depth: usize,
    /// Different states in all.
    pub states: usize,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Report<E> {
    /// Different states, the first included.
    pub states: usize,
    /// Events applied.
    pub transitions: u64,
    /// Events on the longest path.
    pub depth: usize,
    /// States in which a session is Established on both ends.
    pub established: usize,
    /// States in which nothing is left.
    pub closed: usize,
    /// States whose events were not tried, for the depth or the number was reached.
    pub unexplored: usize,
    /// Hash of the states in the order in which they were found: the same on every machine.
    pub hash: u64,
    /// The nearest violation; the search ends with it.
    pub found: Option<Found<E>>,
}

/// A violation, and the events that lead to it: no fewer do.
#[derive(Clone, Debug)]
pub struct Found<E> {
    /// From the first state on.
    pub events: Vec<E>,
    /// What follows by itself, with nothing more going wrong, until the violation shows.
    pub then: Vec<E>,
    /// What did not hold.
    pub violation: Violation,
}

impl<E: Display> Display for Found<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, event) in self.events.iter().enumerate() {
            writeln!(f, "{:4}. {event}", index + 1)?;
        }
        if !self.then.is_empty() {
            writeln!(f, "      and from there, with nothing more going wrong:")?;
        }
        for event in &self.then {
            writeln!(f, "      {event}")?;
        }
        write!(f, "violated: {}", self.violation)
    }
}

/// How a state was first reached.
struct Node<E> {
    parent: u32,
    event: E,
    hash: u64,
}

/// Visits every state that `start` leads to within `limits`.
pub fn explore<M: Model>(start: &M, limits: Limits) -> Report<M::Event> {
    let mut search = Search {
        start,
        nodes: Vec::new(),
        seen: HashSet::new(),
        hash: Fnv::default(),
        report: Report {
            states: 0,
            transitions: 0,
            depth: 0,
            established: 0,
            closed: 0,
            unexplored: 0,
            hash: 0,
            found: None,
        },
    };
    let found = search.run(limits);
    let mut report = search.report;
    report.states = search.seen.len();
    report.hash = search.hash.finish();
    report.found = found.err();
    report
}

struct Search<'a, M: Model> {
    start: &'a M,
    /// All states but the first, in the order in which they were found.
    nodes: Vec<Node<M::Event>>,
    seen: HashSet<u64>,
    hash: Fnv,
    report: Report<M::Event>,
}

impl<M: Model> Search<'_, M> {
    fn run(&mut self, limits: Limits) -> Result<(), Found<M::Event>> {
        self.visit(self.start, ROOT, None)?;
        self.expand(&self.start.clone(), ROOT)?;
        let (mut begin, mut depth) = (0, 1);
        // The last state made again, for those found from one state stand side by side.
        let mut parent = (ROOT, self.start.clone());
        while begin < self.nodes.len() {
            let end = self.nodes.len();
            self.report.depth = depth;
            if depth >= limits.depth || end >= limits.states {
                self.report.unexplored = end - begin;
                return Ok(());
            }
            for index in begin..end {
                if self.nodes.len() >= limits.states {
                    self.report.unexplored = self.nodes.len() - index;
                    return Ok(());
                }
                let node = &self.nodes[index];
                if parent.0 != node.parent {
                    parent = (node.parent, self.replay(node.parent));
                }
                let mut state = parent.1.clone();
                let is_same =
                    state.apply(node.event).is_ok() && fingerprint(state.now(), &state) == node.hash;
                let index = u32::try_from(index).unwrap_or(ROOT);
                if !is_same {
                    return Err(self.found(index, None, Vec::new(), Violation::NotRepeatable));
                }
                self.expand(&state, index)?;
            }
            (begin, depth) = (end, depth + 1);
        }
        Ok(())
    }

    /// Tries all that can happen at a state.
    fn expand(&mut self, state: &M, index: u32) -> Result<(), Found<M::Event>> {
        for event in state.events() {
            self.report.transitions += 1;
            let mut next = state.clone();
            if let Err(violation) = next.apply(event) {
                return Err(self.found(index, Some(event), Vec::new(), violation));
            }
            self.visit(&next, index, Some(event))?;
        }
        Ok(())
    }

    /// Takes in a state, if it is a new one.
    fn visit(&mut self, state: &M, parent: u32, event: Option<M::Event>) -> Result<(), Found<M::Event>> {
        let hash = fingerprint(state.now(), state);
        if !self.seen.insert(hash) {
            return Ok(());
        }
        self.hash.write(&hash.to_le_bytes());
        if let Some(event) = event {
            self.nodes.push(Node { parent, event, hash });
        }
        match state.outcome() {
            Outcome::Established => self.report.established += 1,
            Outcome::Closed => self.report.closed += 1,
            Outcome::Between => {}
        }
        let mut then = Vec::new();
        state.clone().settle(&mut then).map_err(|violation| self.found(parent, event, then, violation))
    }

    fn replay(&self, index: u32) -> M {
        let mut state = self.start.clone();
        for event in self.path(index) {
            // It was applied before, and held; whether it came out the same is seen by the fingerprint.
            let _ = state.apply(event);
        }
        state
    }

    fn path(&self, mut index: u32) -> Vec<M::Event> {
        let mut events = Vec::new();
        while let Some(node) = self.nodes.get(index as usize) {
            events.push(node.event);
            index = node.parent;
        }
        events.reverse();
        events
    }

    fn found(
        &self,
        parent: u32,
        event: Option<M::Event>,
        then: Vec<M::Event>,
        violation: Violation,
    ) -> Found<M::Event> {
        let mut events = self.path(parent);
        events.extend(event);
        Found { events, then, violation }
    }
}

/// The first state's index: that of no node.
const ROOT: u32 = u32::MAX;
