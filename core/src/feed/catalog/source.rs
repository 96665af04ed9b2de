//! One source: what it holds, what its guard holds back, and what an answer does to both.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::guard;
use super::key::SourceKey;
use super::schedule::Schedule;
use crate::config::{Format, Location, RipestatConfig, SourceConfig};
use crate::coverage::{self, Source as Fate};
use crate::feed::{BadLine, FetchOutcome, ParsedList, PrefixSet, SourceRecord, Validators, parse};
use crate::ids::{FeedId, Serial};
use crate::rib::AnyPrefix;

#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) key: SourceKey,
    pub(super) config: SourceConfig,
    pub(super) held: Option<Held>,
    pub(super) candidate: Option<Candidate>,
    /// What an operator dropped: not asked about again while it keeps coming.
    pub(super) rejected: Option<Arc<ParsedList>>,
    pub(super) last: Last,
    pub(super) sizes: VecDeque<Size>,
    pub(super) schedule: Schedule,
    /// The feeds that have it.
    pub(super) feeds: BTreeSet<FeedId>,
}

/// A source's last good body, parsed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    #[serde(with = "crate::coding::shared_one")]
    pub(super) list: Arc<ParsedList>,
    pub(super) serial: Serial,
    /// When it was fetched, or last said to stand still.
    pub(super) unix_secs: u64,
    pub(super) validators: Validators,
}

/// A body that the guard holds back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Candidate {
    #[serde(with = "crate::coding::shared_one")]
    pub(super) list: Arc<ParsedList>,
    #[serde(with = "crate::coding::body")]
    pub(super) body: Arc<[u8]>,
    pub(super) validators: Validators,
    pub(super) unix_secs: u64,
    pub(super) reason: String,
}

/// What the last answer of this run was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Last {
    /// There was none.
    Nothing,
    Fresh,
    Unchanged,
    /// A body that an operator has dropped.
    Rejected,
    Empty(String),
    Failed(String),
}

/// How many prefixes a body had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    /// When it was fetched, in seconds since the Unix epoch.
    pub unix_secs: u64,
    /// IPv4 prefixes.
    pub v4: usize,
    /// IPv6 prefixes.
    pub v6: usize,
}

/// What came of a fetch.
#[derive(Debug, PartialEq, Eq)]
pub enum SourceOutcome {
    /// The source is gone, or had not asked, or has another place or form since it asked.
    Ignored {
        /// Whether nobody had asked.
        is_stale: bool,
    },
    /// Usable, and as before.
    Unchanged {
        /// Lines that are no prefixes, where they differ from before: how many, and the first few.
        bad: Option<(usize, Vec<BadLine>)>,
        /// Whether a body that was held back is pointless now.
        is_superseding: bool,
    },
    /// Usable and new.
    Fresh {
        /// To be kept over restarts.
        record: SourceRecord,
        /// IPv4 and IPv6 prefixes in it.
        counts: (usize, usize),
        /// Lines that are no prefixes: how many, and the first few.
        bad: (usize, Vec<BadLine>),
        /// Whether a body that was held back is pointless now.
        is_superseding: bool,
    },
    /// Its guard holds it back.
    Held {
        /// IPv4 and IPv6 prefixes that are served.
        served: (usize, usize),
        /// IPv4 and IPv6 prefixes that are held back.
        held: (usize, usize),
        /// Which bound it breaks.
        reason: String,
        /// Whether it is another one than at the last fetch.
        is_news: bool,
        /// Nothing is served, and the source is required.
        is_fatal: bool,
    },
    /// What an operator has dropped before.
    Rejected,
    /// Not usable.
    Failed {
        /// Why, with the place.
        error: String,
        /// Prefixes still held from before.
        kept: usize,
        /// Nothing is held, and the source is required.
        is_fatal: bool,
    },
}

impl SourceOutcome {
    /// Whether the next attempt should come sooner than usual.
    pub(super) const fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

/// A body as it came.
pub(super) struct Arrived {
    pub(super) body: Arc<[u8]>,
    pub(super) validators: Validators,
    pub(super) unix_secs: u64,
}

impl Source {
    pub(super) fn new(key: SourceKey, config: SourceConfig) -> Self {
        let mut source = Self {
            key,
            config,
            held: None,
            candidate: None,
            rejected: None,
            last: Last::Nothing,
            sizes: VecDeque::new(),
            schedule: Schedule::default(),
            feeds: BTreeSet::new(),
        };
        source.hold_inline();
        source
    }

    /// Prefixes of the configuration are held without further ado.
    pub(super) fn hold_inline(&mut self) {
        let Location::Inline { prefixes } = &self.config.location else { return };
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for prefix in prefixes {
            match *prefix {
                AnyPrefix::V4(prefix) => v4.push(prefix),
                AnyPrefix::V6(prefix) => v6.push(prefix),
            }
        }
        let list = ParsedList {
            v4: PrefixSet::from_prefixes(v4),
            v6: PrefixSet::from_prefixes(v6),
            ..ParsedList::default()
        };
        self.last = Last::Fresh;
        self.candidate = None;
        self.held = Some(Held {
            list: Arc::new(list),
            serial: Serial(0),
            unix_secs: 0,
            validators: Validators::default(),
        });
    }

    /// Takes what the store kept. `None` when nothing can be made of it, or something newer is held.
    pub(super) fn restore(&mut self, record: &SourceRecord, ripestat: &RipestatConfig) -> Option<usize> {
        if self.held.is_some() {
            return None;
        }
        let format = self.config.body_format(ripestat);
        let list = parse(&format, &record.body, self.config.default_route).ok();
        let Some(list) = list.filter(|list| list.bad <= list.total()) else {
            coverage::hit(Fate::RecordUnusable);
            return None;
        };
        coverage::hit(Fate::Restored);
        let total = list.total();
        self.note_size(record.unix_secs, &list);
        self.held = Some(Held {
            list: Arc::new(list),
            serial: record.serial,
            unix_secs: record.unix_secs,
            validators: record.validators.clone(),
        });
        Some(total)
    }

    /// Takes an answer in.
    pub(super) fn take(
        &mut self,
        unix_secs: u64,
        outcome: FetchOutcome,
        ripestat: &RipestatConfig,
    ) -> SourceOutcome {
        let (body, validators) = match outcome {
            FetchOutcome::Body(body) => (body, Validators::default()),
            FetchOutcome::Validated { body, validators } => (body, validators),
            FetchOutcome::Unchanged => return self.take_unchanged(unix_secs),
            FetchOutcome::Failed(error) => {
                coverage::hit(Fate::Failed);
                return self.fail(error);
            }
            FetchOutcome::Busy { error, .. } => {
                coverage::hit(Fate::Busy);
                return self.fail(error);
            }
        };
        let origin = self.config.location.origin();
        let format: Format = self.config.body_format(ripestat);
        let list = match parse(&format, &body, self.config.default_route) {
            Ok(list) => list,
            Err(error) => {
                coverage::hit(Fate::WrongForm);
                return self.fail(format!("{origin}: {error}"));
            }
        };
        if list.bad > list.total() {
            coverage::hit(Fate::Garbled);
            return self.fail(garbled(&origin, &list));
        }
        self.judge(Arrived { body, validators, unix_secs }, list)
    }

    fn take_unchanged(&mut self, unix_secs: u64) -> SourceOutcome {
        let Some(held) = &mut self.held else {
            coverage::hit(Fate::UnchangedWithoutBody);
            let origin = self.config.location.origin();
            return self.fail(format!("{origin}: says that nothing changed, but nothing is held"));
        };
        coverage::hit(Fate::Unchanged);
        held.unix_secs = unix_secs;
        self.last = Last::Unchanged;
        SourceOutcome::Unchanged { bad: None, is_superseding: self.supersede() }
    }

    /// Decides about a body that can be read: as before, to be served, or to be held back.
    pub(super) fn judge(&mut self, arrived: Arrived, list: ParsedList) -> SourceOutcome {
        let bad = (list.bad, list.first_bad.clone());
        if let Some(old) = &mut self.held
            && old.list.same_prefixes(&list)
        {
            coverage::hit(Fate::Same);
            let is_news = bad.0 > 0 && bad != (old.list.bad, old.list.first_bad.clone());
            old.list = Arc::new(list);
            (old.unix_secs, old.validators) = (arrived.unix_secs, arrived.validators);
            self.last = Last::Unchanged;
            let is_superseding = self.supersede();
            return SourceOutcome::Unchanged { bad: is_news.then_some(bad), is_superseding };
        }
        if self.rejected.as_ref().is_some_and(|rejected| rejected.same_prefixes(&list)) {
            coverage::hit(Fate::RejectedAgain);
            self.last = Last::Rejected;
            return SourceOutcome::Rejected;
        }
        let served = self.held.as_ref().map(|held| &*held.list);
        match guard::check(&self.config.guard, served, &list) {
            Ok(()) => {
                let is_superseding = self.supersede();
                let counts = list.counts();
                let record = self.accept(arrived, Arc::new(list));
                SourceOutcome::Fresh { record, counts, bad, is_superseding }
            }
            Err(_) if list.total() == 0 && self.held.is_none() => {
                coverage::hit(Fate::Empty);
                let error = format!("{}: holds no prefix", self.config.location.origin());
                let outcome = self.fail(error.clone());
                self.last = Last::Empty(error);
                outcome
            }
            Err(reason) => self.hold_back(arrived, list, reason),
        }
    }

    /// A body becomes what is held; returns what to store.
    pub(super) fn accept(&mut self, arrived: Arrived, list: Arc<ParsedList>) -> SourceRecord {
        coverage::hit(if self.held.is_none() { Fate::First } else { Fate::Fresh });
        let Arrived { body, validators, unix_secs } = arrived;
        let serial = Serial(self.held.as_ref().map_or(0, |old| old.serial.0) + 1);
        self.note_size(unix_secs, &list);
        self.rejected = None;
        self.last = Last::Fresh;
        self.held = Some(Held { list, serial, unix_secs, validators: validators.clone() });
        SourceRecord { name: format!("{}", self.key), serial, unix_secs, validators, body }
    }

    fn hold_back(&mut self, arrived: Arrived, list: ParsedList, reason: String) -> SourceOutcome {
        let before = self.candidate.as_ref();
        let is_news = before.is_none_or(|candidate| !candidate.list.same_prefixes(&list));
        coverage::hit(if is_news { Fate::HeldBack } else { Fate::HeldAgain });
        let outcome = SourceOutcome::Held {
            served: self.held.as_ref().map_or((0, 0), |held| held.list.counts()),
            held: list.counts(),
            reason: reason.clone(),
            is_news,
            is_fatal: self.config.required && self.held.is_none(),
        };
        let Arrived { body, validators, unix_secs } = arrived;
        self.candidate = Some(Candidate { list: Arc::new(list), body, validators, unix_secs, reason });
        outcome
    }

    /// Drops what is held back, since another body makes it pointless. Whether there was something.
    fn supersede(&mut self) -> bool {
        let is_some = self.candidate.take().is_some();
        if is_some {
            coverage::hit(Fate::Superseded);
        }
        is_some
    }

    fn fail(&mut self, error: String) -> SourceOutcome {
        let kept = self.held.as_ref().map_or(0, |held| held.list.total());
        let is_fatal = self.config.required && self.held.is_none();
        coverage::hit(if is_fatal { Fate::Fatal } else { Fate::Survived });
        self.last = Last::Failed(error.clone());
        SourceOutcome::Failed { error, kept, is_fatal }
    }

    fn note_size(&mut self, unix_secs: u64, list: &ParsedList) {
        if self.sizes.len() >= MAX_SIZES {
            self.sizes.pop_front();
        }
        let (v4, v6) = list.counts();
        self.sizes.push_back(Size { unix_secs, v4, v6 });
    }
}

/// Why a body with too little in it is not taken.
fn garbled(origin: &str, list: &ParsedList) -> String {
    let (bad, good) = (list.bad, list.total());
    let first = list.first_bad.first();
    let first = first.map(|bad| format!("; the first is line {}: {bad}", bad.line)).unwrap_or_default();
    format!("{origin}: {bad} lines are no prefixes and {good} are{first}")
}

/// Sizes that are kept of each source.
const MAX_SIZES: usize = 50;
