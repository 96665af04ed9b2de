//! Files and web servers: who asks for which page, how often, and what it is told.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use bgplite_core::config::{Config, Location, RipestatConfig, SourceConfig};
use bgplite_core::ids::SourceId;
use bgplite_core::rng::Rng;
use bgplite_core::server::{FetchOutcome, FetchRequest, Input, Validators};
use bgplite_core::time::{Duration, Instant};

use super::page::{Answer, Body, Form, Page, Said, etag_of, fnv, parse};
use super::plan::{country_name, url_name};
use super::queue::Event;
use super::stock::Heard;
use super::{World, list};

/// All that can be asked for, and everything that was ever said.
#[derive(Debug, Default)]
pub(crate) struct Web {
    pub(crate) pages: BTreeMap<String, Page>,
    /// What each body says, by its digest: the store brings bodies back.
    readings: BTreeMap<u64, Rc<Said>>,
    /// Of pages that nobody has asked for yet.
    seed: u64,
    /// Prefixes in them, about.
    size: u64,
}

/// What the server's present life has asked for.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    /// Which source a fetch is for.
    names: BTreeMap<SourceId, String>,
    out: BTreeMap<SourceId, Out>,
    /// By name: when it may be asked next, and failures in a row.
    allowed: BTreeMap<String, (Instant, u32)>,
    /// Counts wishes and requests, to tell which came first.
    clock: u64,
    wanted: BTreeMap<String, u64>,
    /// Where each source was last looked for.
    places: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug)]
struct Out {
    is_web: bool,
    since: u64,
}

impl Web {
    pub(crate) fn new(seed: u64, size: u64) -> Self {
        Self { seed, size, ..Self::default() }
    }

    pub(crate) fn put(&mut self, place: &str, form: Form, size: u64, rng: &mut Rng) {
        self.pages.insert(place.to_owned(), Page::new(form, list::fresh(size, rng), rng));
    }

    /// What a body says that the store kept.
    pub(crate) fn read(&self, bytes: &[u8]) -> Rc<Said> {
        self.readings.get(&fnv(bytes)).cloned().unwrap_or_else(|| Rc::new(parse(bytes)))
    }

    /// A page, which comes to be when it is first looked at.
    fn page(&mut self, place: &str) -> &mut Page {
        let (seed, size) = (self.seed, self.size);
        self.pages.entry(place.to_owned()).or_insert_with(|| {
            let mut rng = Rng::new(seed ^ fnv(place.as_bytes()));
            Page::new(form_of(place), list::fresh(size, &mut rng), &mut rng)
        })
    }
}

fn form_of(place: &str) -> Form {
    if place.contains("/ris-prefixes/") {
        Form::Ris
    } else if place.contains("/announced-prefixes/") {
        Form::Announced
    } else if place.contains("/country-resource-list/") {
        Form::Country
    } else {
        Form::Lines
    }
}

/// The store's name of the source that asks for a page.
fn name_of(config: &Config, place: &str, is_web: bool) -> String {
    let value = |key: &str| {
        let rest = place.split_once(key)?.1;
        Some(rest.split('&').next().unwrap_or(rest))
    };
    let resource = value("resource=").filter(|_| place.starts_with(&config.ripestat.url));
    let is_it = |location: &Location| match location {
        Location::File { path } => !is_web && path == place,
        Location::Http(location) => is_web && location.url == place,
        Location::Ripestat { asn } => resource == Some(&format!("AS{asn}")),
        Location::Country { country } => resource == Some(&country.to_string()),
        Location::Inline { .. } => false,
    };
    if let Some(source) = config.sources.iter().find(|source| is_it(&source.location)) {
        return source.name.clone();
    }
    match resource.map(|resource| (resource, resource.strip_prefix("AS"))) {
        Some((_, Some(asn))) if asn.bytes().all(|byte| byte.is_ascii_digit()) && !asn.is_empty() => {
            format!("@as{asn}")
        }
        Some((country, _)) => country_name(country),
        None => url_name(place),
    }
}

/// How often a source is asked, and for how long at most it is left alone after failures.
fn rhythm(config: &Config, name: &str) -> (Option<Duration>, Duration) {
    let RipestatConfig { every, .. } = config.ripestat;
    match config.sources.iter().find(|source| source.name == name) {
        Some(source) => match source.location {
            Location::File { .. } => (source.every, Duration::from_secs(300)),
            Location::Ripestat { .. } | Location::Country { .. } => {
                (Some(source.every.unwrap_or(every)), Duration::from_secs(600))
            }
            _ => (source.every, Duration::from_secs(600)),
        },
        None if name.starts_with("@url-") => (Some(Duration::from_secs(3600)), Duration::from_secs(600)),
        None => (Some(every), Duration::from_secs(600)),
    }
}

impl World<'_> {
    /// A new configuration asks for what has no rhythm of its own, and for what is not as it was.
    pub(super) fn allow_by_reload(&mut self, before: &Config) {
        let is_asked = |source: &&SourceConfig| {
            let has_rhythm = source.every.is_some()
                || !matches!(source.location, Location::File { .. } | Location::Http(_));
            !has_rhythm || !before.sources.contains(source)
        };
        let asked = self.oracle.config.sources.iter().filter(is_asked);
        let names: Vec<String> = asked.map(|source| source.name.clone()).collect();
        for name in names {
            self.allow(&name);
        }
    }

    /// Somebody has asked for a source: it need not wait for its turn.
    pub(super) fn allow(&mut self, name: &str) {
        let now = self.now;
        let asking = &mut self.node.asking;
        asking.clock += 1;
        asking.wanted.insert(name.to_owned(), asking.clock);
        asking.allowed.entry(name.to_owned()).or_insert((now, 0)).0 = now;
    }

    /// A source that waits for ever: it does not know what its page says.
    pub(super) fn forgotten(&self) -> Option<String> {
        let mut outside = self.oracle.stock.outside();
        let forgotten = outside.find(|name| {
            let page = self.node.asking.places.get(*name).and_then(|place| self.web.pages.get(place));
            page.is_none_or(|page| !self.oracle.stock.knows(name, page.said()))
        });
        forgotten.map(|name| format!("source {name} has not heard what its page says"))
    }

    /// Sources that nobody wants any more are not listened to, should their answer still come.
    pub(super) fn forget_sources(&mut self) {
        let stock = &self.oracle.stock;
        self.node.asking.names.retain(|_, name| stock.has(name));
        self.node.asking.allowed.retain(|name, _| stock.has(name));
    }

    pub(super) fn fetch(&mut self, source: SourceId, request: FetchRequest) {
        let now = self.now;
        self.trace.word(10 << 32 | u64::from(source.0));
        let is_web = matches!(request, FetchRequest::Http(_));
        let (place, timeout, etag) = match request {
            FetchRequest::File { path, .. } => (path, None, None),
            FetchRequest::Http(http) => (http.url, Some(http.timeout), http.validators.etag),
        };
        let name = name_of(&self.oracle.config, &place, is_web);
        if let Some((at, failures)) = self.node.asking.allowed.get(&name)
            && *at > now
        {
            let (at, failures) = (*at, *failures);
            self.fail(format!("{name} is asked before its time, {at}, after {failures} failures"));
        }
        let asking = &mut self.node.asking;
        asking.clock += 1;
        if asking.out.insert(source, Out { is_web, since: asking.clock }).is_some() {
            self.fail(format!("source {source} is asked for twice at once"));
        }
        let at_once = self.node.asking.out.values().filter(|out| out.is_web).count();
        let parallel = self.oracle.config.ripestat.parallel.max(1);
        if is_web && at_once > parallel {
            self.fail(format!("{at_once} requests at once, and {parallel} may be"));
        }
        if etag.is_some() && !self.oracle.stock.holds(&name) {
            self.fail(format!("{name} is asked for what has changed, and nothing is held"));
        }
        self.node.asking.places.insert(name.clone(), place.clone());
        self.node.asking.names.insert(source, name);
        let wait = Duration::from_millis(1 + self.rng.below(50));
        let late = self.web.page(&place).late;
        let late = late.max(now) + wait;
        let (at, is_in_time) = match timeout.map(|timeout| now + timeout) {
            Some(end) if end < late => (end, false),
            _ => (late, true),
        };
        let epoch = self.node.epoch;
        self.queue.push(at, Event::Fetched { epoch, source, place, etag, is_in_time });
    }

    pub(super) fn fetched(
        &mut self,
        epoch: u64,
        source: SourceId,
        place: String,
        etag: Option<String>,
        is_in_time: bool,
    ) {
        if epoch != self.node.epoch {
            return;
        }
        if self.is_asleep() {
            self.defer(Event::Fetched { epoch, source, place, etag, is_in_time });
            return;
        }
        let now = self.now;
        let Some(out) = self.node.asking.out.remove(&source) else { return };
        let name = self.node.asking.names.remove(&source).unwrap_or_default();
        let page = self.web.page(&place);
        let answer = if is_in_time { page.read(now, etag.as_deref()) } else { Answer::Failed };
        self.trace.word(3);
        if let Answer::Body(body) = &answer {
            self.trace.bytes(&body.bytes);
            self.web.readings.insert(fnv(&body.bytes), Rc::clone(&body.said));
        }
        let outcome = outcome(&place, &answer, out.is_web);
        let (heard, retry_secs) = match &answer {
            Answer::Body(body) => (self.oracle.stock.hear(&name, &body.said), 0),
            Answer::Unchanged if self.oracle.stock.stands(&name) => (Heard::Same, 0),
            Answer::Unchanged | Answer::Failed => (Heard::Failed, 0),
            Answer::Busy(secs) => (Heard::Failed, *secs),
        };
        if self.trace.is_heard() {
            self.say(format_args!("fetched \"{name}\" from {place}: {}, {heard:?}", word(&answer)));
        }
        if !name.is_empty() {
            self.note_answer(&name, out, heard, Duration::from_secs(retry_secs));
        }
        let unix_secs = self.unix_secs();
        self.tell(Input::Fetched { source, unix_secs, outcome });
        if heard == Heard::Taken {
            self.oracle.forget();
            self.expect_all();
        }
    }

    /// After this answer the source is left alone for a while; a tenth less is jitter.
    fn note_answer(&mut self, name: &str, out: Out, heard: Heard, retry: Duration) {
        let (every, longest) = rhythm(&self.oracle.config, name);
        let failures = self.node.asking.allowed.get(name).map_or(0, |(_, failures)| *failures);
        let (wait, failures) = if heard == Heard::Failed {
            let back_off = Duration::from_secs(10) * (1 << failures.min(10));
            (back_off.min(every.unwrap_or(longest)), failures + 1)
        } else {
            // Without a rhythm it is asked when somebody wants it, and not by itself.
            (every.unwrap_or(Duration::from_secs(1 << 30)), 0)
        };
        let wait = (wait * 9 / 10).max(retry.min(Duration::from_secs(86_400)));
        let asking = &mut self.node.asking;
        let wanted = asking.wanted.get(name).copied().unwrap_or_default();
        // Wanted again since it was asked: what has come may be older than that.
        let wait = if wanted > out.since { Duration::ZERO } else { wait };
        asking.allowed.insert(name.to_owned(), (self.now + wait, failures));
    }
}

fn word(answer: &Answer) -> String {
    match answer {
        Answer::Body(Body { bytes, said }) => match &**said {
            Said::Nothing => format!("{} octets of nothing", bytes.len()),
            Said::List { nets, bad } => format!("{} prefixes and {bad} bad", nets.len()),
        },
        other => format!("{other:?}"),
    }
}

fn outcome(place: &str, answer: &Answer, is_web: bool) -> FetchOutcome {
    match answer {
        Answer::Body(Body { bytes, .. }) if is_web => FetchOutcome::Validated {
            body: Arc::clone(bytes),
            validators: Validators { etag: Some(etag_of(bytes)), last_modified: None },
        },
        Answer::Body(Body { bytes, .. }) => FetchOutcome::Body(Arc::clone(bytes)),
        Answer::Unchanged => FetchOutcome::Unchanged,
        Answer::Failed => FetchOutcome::Failed(format!("{place}: not there")),
        Answer::Busy(retry_secs) => {
            FetchOutcome::Busy { error: format!("{place}: 429"), retry_secs: *retry_secs }
        }
    }
}
