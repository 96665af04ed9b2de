//! One GET, its redirects among it.

use std::io::Read;
use std::time::Instant;

use bgplite_core::config::{MAX_URL_LEN, Url, UrlError, shown_url};
use bgplite_core::feed::{HttpRequest, Validators};
use bgplite_core::server::FetchOutcome;
use flate2::read::MultiGzDecoder;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

use super::date;
use super::header::resolve;
use super::resolve::{Checked, Policy};
use super::sentence::{Phase, describe};
use crate::clock;

/// Asks for the body. Ends within the request's timeout, give or take a system call.
pub(super) fn fetch(request: &HttpRequest, policy: Policy) -> FetchOutcome {
    let mut exchange = Exchange {
        request,
        foreign: request.is_foreign.then_some(policy),
        started: Instant::now(),
        url: request.url.clone(),
    };
    exchange
        .run()
        .unwrap_or_else(|reason| FetchOutcome::Failed(format!("{}: {reason}", shown_url(&exchange.url))))
}

struct Exchange<'a> {
    request: &'a HttpRequest,
    /// The policy for URLs that peers brought; `None` for the operator's own.
    foreign: Option<Policy>,
    started: Instant,
    /// What is asked: after a redirect another one than the request's.
    url: String,
}

/// A sentence part that says why there is no body.
type Reason = String;

impl Exchange<'_> {
    fn run(&mut self) -> Result<FetchOutcome, Reason> {
        self.check(&self.url)?;
        let headers = resolve(&self.request.headers)?;
        let mut redirects = 0;
        loop {
            let response = self.ask(&headers)?;
            if !is_redirect(response.status()) {
                return self.judge(response);
            }
            let target = self.target(&response)?;
            if redirects >= self.request.redirects {
                return Err(match redirects {
                    0 => format!(
                        "it redirects to {}, and redirects are not allowed: ask that URL, or allow some with redirects",
                        shown_url(&target)
                    ),
                    count => format!(
                        "after {count} redirects, which are as many as are allowed, it redirects to {}",
                        shown_url(&target)
                    ),
                });
            }
            redirects += 1;
            self.url = target;
        }
    }

    /// Whether the URL may be asked at all.
    fn check(&self, url: &str) -> Result<(), Reason> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        if url.is_https && !cfg!(feature = "https") {
            return Err(
                "this build of bgplite speaks no https: build it with the feature \"https\"".to_owned()
            );
        }
        if let Some(policy) = self.foreign
            && !(policy.is_port_allowed)(url.port)
        {
            return Err(format!("port {} is not allowed: lists of peers come from 80 or 443", url.port));
        }
        Ok(())
    }

    fn ask(&self, headers: &[(HeaderName, HeaderValue)]) -> Result<Response<Body>, Reason> {
        let left = self.request.timeout.saturating_sub(self.started.elapsed());
        if left.is_zero() {
            return Err(self.describe(&ureq::Error::Timeout(ureq::Timeout::Global), Phase::Head));
        }
        let config = Agent::config_builder()
            .timeout_global(Some(left))
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_idle_connections(0)
            .accept_encoding("gzip")
            .user_agent(USER_AGENT)
            .build();
        let resolver = Checked { foreign: self.foreign, inner: DefaultResolver::default() };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        let mut request = agent.get(&self.url);
        // What is meant for one server is not told to another.
        if self.is_at_home() {
            for (name, value) in headers {
                request = request.header(name, value);
            }
        }
        let Validators { etag, last_modified } = &self.request.validators;
        for (name, value) in [(header::IF_NONE_MATCH, etag), (header::IF_MODIFIED_SINCE, last_modified)] {
            if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                request = request.header(name, value);
            }
        }
        request.call().map_err(|error| self.describe(&error, Phase::Head))
    }

    /// Whether no redirect has led to another server.
    fn is_at_home(&self) -> bool {
        match (Url::parse(&self.request.url), Url::parse(&self.url)) {
            (Ok(first), Ok(now)) => first.is_same_origin(&now),
            _ => false,
        }
    }

    /// Where a redirect leads to, checked.
    fn target(&self, response: &Response<Body>) -> Result<String, Reason> {
        let location = text(response.headers(), &header::LOCATION)
            .filter(|location| !location.is_empty() && location.len() <= MAX_URL_LEN);
        let location = location.ok_or_else(|| {
            format!("it redirects ({}) without saying where to", response.status().as_u16())
        })?;
        let base = Url::parse(&self.url).map_err(|error| error.to_string())?;
        let target = base.join(location);
        let refused = |why: &str| format!("it redirects to {}, {why}", shown_url(&target));
        match Url::parse(&target) {
            Err(error @ UrlError::Credentials) => Err(format!("it redirects to a URL that {error}")),
            Err(_) => Err("it redirects to something that is no web address".to_owned()),
            Ok(url) if base.is_https && !url.is_https => {
                Err(refused("which anybody on the way could read and change: from https it must stay https"))
            }
            Ok(_) => match self.check(&target) {
                Err(reason) => Err(refused(&reason)),
                Ok(()) => Ok(target),
            },
        }
    }

    /// What an answer that is no redirect comes to.
    fn judge(&self, response: Response<Body>) -> Result<FetchOutcome, Reason> {
        let status = response.status();
        match status {
            StatusCode::OK => self.read(response),
            StatusCode::NOT_MODIFIED if self.request.validators != Validators::default() => {
                Ok(FetchOutcome::Unchanged)
            }
            StatusCode::NOT_MODIFIED => {
                Err("it answers 304 Not Modified, which was not asked for".to_owned())
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let reason = answers(status);
                let headers = response.headers();
                // By the server's own clock, if it shows one: ours may be wrong.
                let now = text(headers, &header::DATE).and_then(date::unix_secs);
                let now = now.unwrap_or_else(clock::unix_secs);
                match text(headers, &header::RETRY_AFTER).and_then(|text| date::retry_secs(text, now)) {
                    Some(retry_secs) => {
                        let place = shown_url(&self.url);
                        let error = format!("{place}: {reason}, and asks to come again in {retry_secs} s");
                        Ok(FetchOutcome::Busy { error, retry_secs })
                    }
                    None => Err(reason),
                }
            }
            _ => Err(answers(status)),
        }
    }

    /// The body of a 200.
    fn read(&self, mut response: Response<Body>) -> Result<FetchOutcome, Reason> {
        let most = self.request.max_bytes;
        let headers = response.headers();
        let length = response.body().content_length();
        let is_gzip = match text(headers, &header::CONTENT_ENCODING).map(str::trim_ascii) {
            None | Some("" | "identity") => false,
            Some("gzip" | "x-gzip") => true,
            Some(_) => return Err("it sends the body in an encoding that was not asked for".to_owned()),
        };
        // Without any, the end of the connection is the end of the body, however much is missing. A gzip stream
        // knows its own end.
        let is_measured =
            [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].iter().any(|name| headers.contains_key(name));
        if !is_measured && !is_gzip {
            return Err(
                "it does not say where the body ends, so that one that is cut off would look whole: it \
                        must send Content-Length or chunks"
                    .to_owned(),
            );
        }
        if !is_gzip && length.is_some_and(|length| length > most) {
            return Err(too_long(most));
        }
        let validators = Validators {
            etag: validator(headers, &header::ETAG),
            last_modified: validator(headers, &header::LAST_MODIFIED),
        };
        let mut body = Vec::with_capacity(length.unwrap_or(0).min(FIRST_ALLOCATION) as usize);
        let raw = response.body_mut().as_reader();
        let read = if is_gzip {
            self.read_all(MultiGzDecoder::new(raw), &mut body)
        } else {
            self.read_all(raw, &mut body)
        };
        read?;
        let body = body.into();
        if validators == Validators::default() {
            return Ok(FetchOutcome::Body(body));
        }
        Ok(FetchOutcome::Validated { body, validators })
    }

    fn read_all(&self, reader: impl Read, body: &mut Vec<u8>) -> Result<(), Reason> {
        let most = self.request.max_bytes;
        let read = reader.take(most.saturating_add(1)).read_to_end(body);
        read.map_err(|error| {
            let is_gzip_fault = error.get_ref().is_none_or(|inner| !inner.is::<ureq::Error>());
            match ureq::Error::from(error) {
                ureq::Error::Io(error)
                    if is_gzip_fault && error.kind() == std::io::ErrorKind::InvalidInput =>
                {
                    "the body is said to be gzip and is not".to_owned()
                }
                error => self.describe(&error, Phase::Body),
            }
        })?;
        if body.len() as u64 > most {
            return Err(too_long(most));
        }
        Ok(())
    }

    fn describe(&self, error: &ureq::Error, phase: Phase) -> Reason {
        describe(error, phase, self.request.timeout)
    }
}

fn too_long(most: u64) -> Reason {
    format!("the body has more than {most} bytes; if that is right, raise max_body")
}

fn answers(status: StatusCode) -> Reason {
    match status.canonical_reason() {
        Some(reason) => format!("it answers {} {reason}", status.as_u16()),
        None => format!("it answers {}", status.as_u16()),
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A validator worth keeping.
fn validator(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = text(headers, name)?.trim_ascii();
    (!value.is_empty() && value.len() <= MAX_VALIDATOR).then(|| value.to_owned())
}

/// How we call ourselves.
const USER_AGENT: &str = concat!("bgplite/", env!("CARGO_PKG_VERSION"));
/// Octets of an `ETag` or a `Last-Modified` that are kept and sent back.
const MAX_VALIDATOR: usize = 512;
/// Octets that a body gets at first; a server that promises more must send it.
const FIRST_ALLOCATION: u64 = 1 << 20;
