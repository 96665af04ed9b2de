//! What a source finds when it looks: lists in several forms, on disk and on the web, and the troubles with both.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use bgplite_core::config::{Format, JsonFormat};
use bgplite_core::rng::Rng;
use bgplite_core::time::Instant;

use super::incident::What;
use super::list;
use super::net::{Net, fewest, split};

/// How a page says its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Lines,
    Ranges,
    Json,
    Csv,
    Ris,
    Announced,
    Country,
}

impl Form {
    /// What a source that reads it is told about it.
    pub(crate) fn format(self) -> Format {
        match self {
            Self::Lines => Format::Lines,
            Self::Ranges => Format::Ranges,
            Self::Json => Format::Json(JsonFormat {
                paths: vec!["prefixes[].ip_prefix".into(), "ipv6_prefixes[].ipv6_prefix".into()],
                filter: vec![("service".into(), "EDGE*".into())],
            }),
            Self::Csv => Format::Csv { column: "network".into() },
            Self::Ris => Format::RisPrefixes,
            Self::Announced => Format::AnnouncedPrefixes,
            Self::Country => Format::CountryResourceList,
        }
    }
}

/// A body, and what whoever understands it takes from it.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) said: Rc<Said>,
}

/// What a body says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing that anybody understands.
    Nothing,
    /// These prefixes, sorted, each once, and so many entries that are none.
    List { nets: Vec<Net>, bad: usize },
}

/// What a reader gets.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Body(Body),
    /// As before, says the server.
    Unchanged,
    Failed,
    /// Come again after so many seconds.
    Busy(u64),
}

/// One list, and what is wrong with its place.
#[derive(Debug)]
pub(crate) struct Page {
    form: Form,
    list: BTreeSet<Net>,
    body: Body,
    fault: What,
    /// Until when the fault lasts.
    pub(crate) spoiled: Instant,
    /// Until when nobody is answered.
    pub(crate) late: Instant,
    rng: Rng,
}

impl Page {
    pub(crate) fn new(form: Form, list: BTreeSet<Net>, rng: &mut Rng) -> Self {
        let mut rng = rng.fork();
        let body = write(form, &list, &mut rng);
        Self { form, list, body, fault: What::Edit, spoiled: Instant::ZERO, late: Instant::ZERO, rng }
    }

    /// An incident befalls it.
    pub(crate) fn suffer(&mut self, what: What, salt: u64, until: Instant) {
        self.rng = Rng::new(salt);
        // The same troubles as on disk have names of their own on the web.
        let what = match what {
            What::WebEdit => What::Edit,
            What::WebTruncated => What::Truncated,
            What::WebLie => What::Lie,
            What::WebLate => What::Late,
            what => what,
        };
        match what {
            What::Edit => {
                list::edit(&mut self.list, &mut self.rng);
                self.body = write(self.form, &self.list, &mut self.rng);
            }
            What::Late => self.late = until,
            fault => (self.fault, self.spoiled) = (fault, until),
        }
    }

    /// What a reader finds, who may know an earlier body by this.
    pub(crate) fn read(&self, now: Instant, etag: Option<&str>) -> Answer {
        if self.spoiled > now {
            let mut rng = self.rng.clone();
            return self.spoil(&mut rng);
        }
        if etag.is_some_and(|known| known == etag_of(&self.body.bytes)) {
            return Answer::Unchanged;
        }
        Answer::Body(self.body.clone())
    }

    /// What it holds when nothing is wrong with it.
    pub(crate) fn said(&self) -> &Rc<Said> {
        &self.body.said
    }

    fn spoil(&self, rng: &mut Rng) -> Answer {
        let text = |bytes: &[u8]| Answer::Body(body(bytes.into(), Said::Nothing));
        match self.fault {
            What::Missing | What::Down => Answer::Failed,
            What::Busy => Answer::Busy([0, 1, 30, 120, 86_400 * 30][rng.below(5) as usize]),
            What::Unasked => Answer::Unchanged,
            What::Shrunk => {
                let kept = self.list.len() / 10;
                Answer::Body(write(self.form, &self.list.iter().copied().take(kept).collect(), rng))
            }
            What::ErrorPage => text(match rng.below(3) {
                0 => br#"{"status":"error","status_code":500,"messages":[["error","no data"]],"data":{}}"#,
                1 => br#"{"status":"maintenance","status_code":503,"data":{"prefixes":[]}}"#,
                _ => b"<html><body>502 Bad Gateway</body></html>\n",
            }),
            fault if self.form == Form::Lines => {
                list::spoil(&self.body.bytes, fault, rng).map_or(Answer::Failed, |bytes| {
                    let said = parse(&bytes);
                    Answer::Body(body(bytes, said))
                })
            }
            What::Empty => Answer::Body(write(self.form, &BTreeSet::new(), rng)),
            What::Lie => Answer::Body(write(self.form, &list::fresh(8, rng), rng)),
            What::Truncated if matches!(self.form, Form::Ranges | Form::Csv) => {
                let kept = rng.below(self.list.len() as u64) as usize;
                Answer::Body(write(self.form, &self.list.iter().copied().take(kept).collect(), rng))
            }
            What::Truncated => {
                let end = rng.below(self.body.bytes.len() as u64 - 1) as usize;
                text(self.body.bytes.get(..end).unwrap_or_default())
            }
            _ => text(match rng.below(2) {
                0 => b"<html><body>502 Bad Gateway</body></html>\n",
                _ => b"\x00\xFF\x13\x37 nothing of use\n\n\xC3\x28\n",
            }),
        }
    }
}

/// By what the web server knows a body again.
pub(crate) fn etag_of(bytes: &[u8]) -> String {
    format!("\"{:016x}\"", fnv(bytes))
}

pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

fn body(bytes: Vec<u8>, said: Said) -> Body {
    Body { bytes: bytes.into(), said: Rc::new(said) }
}

/// A list as its form has it. Now and then an entry is nonsense.
fn write(form: Form, list: &BTreeSet<Net>, rng: &mut Rng) -> Body {
    if form == Form::Lines {
        let bytes = list::write(list, rng);
        let said = parse(&bytes);
        return body(bytes, said);
    }
    let mut writer = Writer { bad: 0, nets: Vec::new() };
    let text = match form {
        Form::Lines | Form::Ranges => writer.ranges(list, rng),
        Form::Json => writer.json(list, rng),
        Form::Csv => writer.csv(list, rng),
        Form::Ris | Form::Announced | Form::Country => writer.ripestat(form, list, rng),
    };
    let Writer { mut nets, bad } = writer;
    nets.sort_unstable();
    nets.dedup();
    body(text.into_bytes(), Said::List { nets, bad })
}

struct Writer {
    nets: Vec<Net>,
    bad: usize,
}

impl Writer {
    /// The texts of a list's prefixes of one family, each in quotes.
    fn texts(&mut self, list: &BTreeSet<Net>, v6: bool, rng: &mut Rng) -> Vec<String> {
        let mut texts = Vec::new();
        for &net in list.iter().filter(|net| net.v6 == v6) {
            if rng.below(60) == 0 {
                self.bad += 1;
                texts.push("\"nonsense\"".into());
            }
            self.nets.push(net);
            texts.push(format!("\"{net}\""));
        }
        texts
    }

    fn ranges(&mut self, list: &BTreeSet<Net>, rng: &mut Rng) -> String {
        let mut out = String::from("# first - last\n");
        for &net in list {
            let (first, last) = net.range();
            let unit = if net.v6 { 1 } else { 1 << 96 };
            let text = |bits: u128| Net::new(net.v6, bits, if net.v6 { 128 } else { 32 }).address();
            // A few addresses less at its end are several prefixes.
            let less = u128::from(rng.below(4)) * unit;
            let _ = match rng.below(4) {
                0 => {
                    self.nets.push(net);
                    writeln!(out, "{net}")
                }
                1 if last - first > 8 * unit => {
                    split(net.v6, first, last - less, &mut self.nets);
                    writeln!(out, "{}-{}", text(first), text(last - less))
                }
                _ => {
                    self.nets.push(net);
                    writeln!(out, "{} - {}", text(first), text(last))
                }
            };
            if rng.below(60) == 0 {
                self.bad += 1;
                out.push_str("10.0.0.9-10.0.0.1\n");
            }
        }
        out
    }

    /// Only half of the services are asked for.
    fn json(&mut self, list: &BTreeSet<Net>, rng: &mut Rng) -> String {
        let mut families = [Vec::new(), Vec::new()];
        for &net in list {
            let is_asked = rng.below(8) != 0;
            let service = if is_asked { "EDGE_1" } else { "STORE" };
            let key = if net.v6 { "ipv6_prefix" } else { "ip_prefix" };
            if is_asked {
                self.nets.push(net);
            }
            families[usize::from(net.v6)]
                .push(format!("{{\"{key}\": \"{net}\", \"region\": null, \"service\": \"{service}\"}}"));
        }
        let [v4, v6] = families;
        format!(
            "{{\"syncToken\": \"17\", \"prefixes\": [{}],\n \"ipv6_prefixes\": [{}]}}\n",
            v4.join(",\n  "),
            v6.join(",\n  ")
        )
    }

    fn csv(&mut self, list: &BTreeSet<Net>, rng: &mut Rng) -> String {
        let mut out = String::from("name,network,note\r\n");
        for (index, &net) in list.iter().enumerate() {
            self.nets.push(net);
            let note = if rng.below(4) == 0 { "\"a, b\"" } else { "" };
            let _ = write!(out, "n{index},{net},{note}\r\n");
            if rng.below(60) == 0 {
                self.bad += 1;
                out.push_str("x,nonsense,\r\n");
            }
        }
        out
    }

    fn ripestat(&mut self, form: Form, list: &BTreeSet<Net>, rng: &mut Rng) -> String {
        let (v4, v6) = (self.texts(list, false, rng), self.texts(list, true, rng));
        let data = match form {
            Form::Ris => format!(
                "{{\"prefixes\":{{\"v4\":{{\"originating\":[{}],\"transiting\":[]}},\
                 \"v6\":{{\"originating\":[{}],\"transiting\":[]}}}}}}",
                v4.join(","),
                v6.join(",")
            ),
            Form::Announced => {
                let all: Vec<String> = v4
                    .iter()
                    .chain(&v6)
                    .map(|text| format!("{{\"prefix\":{text},\"timelines\":[]}}"))
                    .collect();
                format!("{{\"prefixes\":[{}]}}", all.join(","))
            }
            _ => format!(
                "{{\"query_time\":\"2026-06-16T00:00:00\",\"resources\":{{\"asn\":[\"65551\"],\"ipv4\":[{}],\
                 \"ipv6\":[{}]}}}}",
                v4.join(","),
                v6.join(",")
            ),
        };
        format!("{{\"messages\":[],\"status\":\"ok\",\"status_code\":200,\"data\":{data}}}")
    }
}

/// The prefixes of a list of lines, sorted, each once, and how many lines are none.
pub(crate) fn parse(body: &[u8]) -> Said {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let (mut nets, mut bad) = (Vec::new(), 0);
    for line in body.split(|&byte| byte == b'\n') {
        let content = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
        if content.is_empty() {
            continue;
        }
        match std::str::from_utf8(content).ok().and_then(Net::parse) {
            Some(net) => nets.push(net),
            None => bad += 1,
        }
    }
    nets.sort_unstable();
    nets.dedup();
    Said::List { nets, bad }
}

/// Whether every address of `net` is in `nets`.
pub(crate) fn covers(nets: &[Net], net: Net) -> bool {
    fewest(nets).iter().any(|other| other.holds(net))
}
