//! The daemon, an established client, and servers of lists that do everything wrong: the session stays up, nothing is
//! withdrawn, and the log says what happened.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use common::web::{Answer, Web};
use common::{Client, Daemon, Scratch, bgplite};

/// A server of one feed of `sources`, for everybody, and what else `more` says.
fn start(name: &str, more: &str) -> (Scratch, Daemon) {
    let dir = Scratch::new(name);
    let text = format!(
        "[bgp]\nasn = 65010\nrouter_id = \"203.0.113.1\"\nlisten = [\"127.0.0.1:0\"]\nopen_delay = \"0s\"\n\
         next_hop = \"192.0.2.254\"\n[state]\ndir = \"state\"\n{more}"
    );
    let file = dir.write("a.toml", &text);
    let daemon = Daemon::start(&dir, &file);
    (dir, daemon)
}

/// `count` prefixes, one a line, none beside another.
fn list(count: u8) -> Vec<u8> {
    let mut text = String::new();
    for number in 0..count {
        writeln!(text, "192.0.{}.0/24", 2 * number).unwrap();
    }
    text.into_bytes()
}

/// Reads up to End-of-RIB.
fn table(client: &mut Client) -> BTreeSet<String> {
    let mut table = BTreeSet::new();
    loop {
        let (withdrawn, announced) = client.update();
        assert_eq!(withdrawn, [""; 0], "a first table withdraws nothing");
        if announced.is_empty() {
            return table;
        }
        table.extend(announced);
    }
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

fn document(name: &str) -> Vec<u8> {
    let path = format!("{}/../testdata/ripestat/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Has the daemon ask a source now.
fn refresh(dir: &Scratch, source: &str) {
    let config = dir.0.join("a.toml");
    let output = bgplite(&["source", "fetch", source, "--config", config.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
}

fn has_withdrawn_nothing(daemon: &Daemon) {
    let log = daemon.log();
    assert!(!log.contains("session_down"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn no_fault_of_a_list_server_takes_a_route_or_a_session_away() {
    let html = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>Welcome</body>\n</html>\n";
    let headers = |name, value: &str| vec![(name, value.to_owned())];
    let tick = Duration::from_millis(20);
    let late = Box::new(Answer::Body(list(20)));
    let faults = [
        (Answer::Delay(Duration::from_secs(5), late), "no answer within 700ms"),
        (Answer::Silence, "no answer within 700ms"),
        (Answer::DripHead(tick), "no answer within 700ms"),
        (Answer::Drip(list(20), tick), "the body was not complete within 700ms"),
        (Answer::Full("500 Oops", vec![], list(1)), "it answers 500 Internal Server Error"),
        (Answer::Full("404 Gone", vec![], list(1)), "it answers 404 Not Found"),
        (Answer::Truncated(list(3), 50), "the connection ended in the middle of the body"),
        (Answer::Unmeasured(list(3)), "it does not say where the body ends"),
        (Answer::Raw(b"\x16\x03\x01 no HTTP\r\n\r\n".to_vec()), "the answer is no HTTP"),
        (Answer::Body((0..=255).cycle().take(5000).collect()), "lines are no prefixes"),
        (
            Answer::Full("200 OK", headers("Content-Type", "text/html"), html.to_vec()),
            "lines are no prefixes",
        ),
        (
            Answer::Full("200 OK", headers("Content-Encoding", "gzip"), list(3)),
            "is said to be gzip and is not",
        ),
        (Answer::Redirect(302, "/login".into()), "redirects are not allowed"),
        (Answer::Redirect(301, "/list".into()), "redirects are not allowed"),
        (
            Answer::Huge { line: "192.0.2.0/24\n", bytes: 2 << 30, is_chunked: false },
            "the body has more than 10000 bytes",
        ),
        (
            Answer::Huge { line: "192.0.2.0/24\n", bytes: 2 << 30, is_chunked: true },
            "the body has more than 10000 bytes",
        ),
        (Answer::Reset(list(3)), "the connection "),
        (Answer::Body(list(2)), "max_shrink is 50%, and it has 2 prefixes instead of 20"),
        (Answer::Body(Vec::new()), "min is 1, and it has 0 prefixes"),
        (
            Answer::Full("429 Slow", headers("Retry-After", "1"), vec![]),
            "it answers 429 Too Many Requests, and asks to come again in 1 s",
        ),
    ];
    let web = Web::start();
    web.answer("/list", Answer::Body(list(20)));
    let (dir, daemon) = start(
        "faults",
        &format!(
            "[source.web]\nkind = \"http\"\nurl = \"{}\"\ntimeout = \"700ms\"\nmax_body = \"10kB\"\nevery = \"1d\"\n\
             [feed.ru]\nexpr = \"web\"\n",
            web.url("/list?token=hunter2")
        ),
    );
    daemon.wait_for("event=source_loaded source=web v4=20");
    let mut client = Client::establish(daemon.endpoints()[0]);
    assert_eq!(table(&mut client).len(), 20);
    for (answer, said) in faults {
        web.answer("/list", answer);
        // What was said of an earlier fault does not count.
        let before = daemon.log().matches(said).count();
        refresh(&dir, "web");
        let deadline = Instant::now() + Duration::from_secs(20);
        while daemon.log().matches(said).count() == before {
            assert!(Instant::now() < deadline, "no \"{said}\" in\n{}", daemon.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        has_withdrawn_nothing(&daemon);
    }
    assert!(!daemon.log().contains("hunter2"), "{}", daemon.log());
    // The first that the client hears of all this is the one prefix that a good body has more.
    web.answer("/list", Answer::Gzip(list(21)));
    refresh(&dir, "web");
    assert_eq!(client.update(), (vec![], vec!["192.0.40.0/24".to_owned()]));
    has_withdrawn_nothing(&daemon);
}

#[test]
fn a_redirect_is_followed_where_it_is_allowed_and_a_loop_ends() {
    let web = Web::start();
    web.answer("/list", Answer::Redirect(302, "/there".into()));
    web.answer("/there", Answer::Body(list(20)));
    let (dir, daemon) = start(
        "redirects",
        &format!(
            "[source.web]\nkind = \"http\"\nurl = \"{}\"\nredirects = 2\n[feed.ru]\nexpr = \"web\"\n",
            web.url("/list")
        ),
    );
    daemon.wait_for("event=source_loaded source=web v4=20");
    let mut client = Client::establish(daemon.endpoints()[0]);
    assert_eq!(table(&mut client).len(), 20);
    web.answer("/there", Answer::Redirect(302, "/list".into()));
    refresh(&dir, "web");
    daemon.wait_for("after 2 redirects, which are as many as are allowed");
    has_withdrawn_nothing(&daemon);
}

#[test]
fn an_as_by_ripestat_survives_every_fault_of_it_and_a_restart_without_it() {
    let web = Web::start();
    let path = "/data/ris-prefixes/data.json";
    web.answer(path, Answer::Body(document("ris-prefixes-AS32934.json")));
    let more = format!("[ripestat]\nurl = \"{}\"\ntimeout = \"2s\"\n", web.url(""));
    let peer = "[[peer]]\nname = \"home\"\naddress = \"127.0.0.1\"\nasn = 65001\nasns = [32934]\n\
                [source.none]\nkind = \"inline\"\nprefixes = []\n[feed.ru]\nexpr = \"none\"\n";
    let (dir, mut daemon) = start("asn", &format!("{more}{peer}"));
    daemon.wait_for("event=source_loaded source=@as32934 v4=28 v6=3");
    let mut client = Client::establish(daemon.endpoints()[0]);
    let wanted = lines(&String::from_utf8(document("meta.v4.txt")).unwrap());
    assert_eq!(table(&mut client), wanted);
    let asked = &web.requests(path)[0];
    assert_eq!(
        asked.target,
        "/data/ris-prefixes/data.json?resource=AS32934&list_prefixes=true&types=o&noise=filter&sourceapp=bgplite"
    );

    let good = String::from_utf8(document("ris-prefixes-AS32934.json")).unwrap();
    let error = r#"{"messages":[["error","Try again later"]],"status":"error","status_code":500,"data":{}}"#;
    for (answer, said) in [
        (Answer::Body(error.into()), "Try again later"),
        (Answer::Body(b"{\"status\":\"ok\",\"status_code\":200,\"data\":{}}".to_vec()), "source=@as32934"),
        (Answer::Body(good.as_bytes()[..good.len() / 2].to_vec()), "source=@as32934"),
        (Answer::Full("503 Busy", vec![("Retry-After", "1".into())], vec![]), "it answers 503"),
    ] {
        web.answer(path, answer);
        let before = daemon.log().matches("event=source_failed").count();
        refresh(&dir, "@as32934");
        let deadline = Instant::now() + Duration::from_secs(20);
        while daemon.log().matches("event=source_failed").count() == before {
            assert!(Instant::now() < deadline, "{}", daemon.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        daemon.wait_for(said);
        has_withdrawn_nothing(&daemon);
    }
    let more_prefixes = good.replacen("\"originating\":[\"", "\"originating\":[\"198.51.100.0/24\",\"", 1);
    assert_ne!(more_prefixes, good);
    web.answer(path, Answer::Body(more_prefixes.into()));
    refresh(&dir, "@as32934");
    assert_eq!(client.update(), (vec![], vec!["198.51.100.0/24".to_owned()]));
    has_withdrawn_nothing(&daemon);

    // Without anybody to ask, the same prefixes are served.
    drop(client);
    daemon.signal("TERM");
    assert_eq!(daemon.wait().0, Some(0));
    web.answer(path, Answer::Full("500 Down", vec![], vec![]));
    let daemon = Daemon::start(&dir, &dir.0.join("a.toml"));
    daemon.wait_for("event=source_failed source=@as32934 kept=32");
    let mut client = Client::establish(daemon.endpoints()[0]);
    let mut again = wanted;
    again.insert("198.51.100.0/24".to_owned());
    assert_eq!(table(&mut client), again);
}

#[test]
fn a_country_by_ripestat_arrives_to_the_last_address() {
    let web = Web::start();
    let path = "/data/country-resource-list/data.json";
    let text = document("country-resource-list-RU.json");
    web.answer(&format!("{path}?resource=RU"), Answer::Gzip(text.clone()));
    let (_dir, daemon) = start(
        "country",
        &format!(
            "[ripestat]\nurl = \"{}\"\n[source.russia]\nkind = \"country\"\ncountry = \"ru\"\n\
             [feed.ru]\nexpr = \"russia\"\n",
            web.url("")
        ),
    );
    daemon.wait_for("event=source_loaded source=russia");
    let mut client = Client::establish(daemon.endpoints()[0]);
    let announced: Vec<String> = table(&mut client).into_iter().collect();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let listed = json["data"]["resources"]["ipv4"].as_array().unwrap();
    let listed: Vec<String> = listed.iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    assert!(listed.len() > 8_000 && listed.iter().any(|text| text.contains('-')));
    assert!(spans(&announced) == spans(&listed), "the addresses are those of the document");
}

/// The addresses of prefixes and ranges, joined: first and last of each run.
fn spans(texts: &[String]) -> Vec<(u32, u32)> {
    let address = |text: &str| text.parse::<Ipv4Addr>().unwrap().to_bits();
    let span = |text: &String| match (text.split_once('-'), text.split_once('/')) {
        (Some((first, last)), _) => (address(first), address(last)),
        (_, Some((first, len))) => {
            let first = address(first);
            (first, first | u32::MAX.checked_shr(len.parse().unwrap()).unwrap_or(0))
        }
        _ => (address(text), address(text)),
    };
    let mut spans: Vec<(u32, u32)> = texts.iter().map(span).collect();
    spans.sort_unstable();
    let mut joined: Vec<(u32, u32)> = Vec::new();
    for (first, last) in spans {
        match joined.last_mut() {
            Some(run) if u64::from(first) <= u64::from(run.1) + 1 => run.1 = run.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

#[test]
fn never_more_requests_at_once_than_allowed() {
    let web = Web::start();
    let path = "/data/ris-prefixes/data.json";
    let answer = Answer::Body(document("ris-prefixes-AS44907.json"));
    web.answer(path, Answer::Delay(Duration::from_millis(100), Box::new(answer)));
    let (_dir, daemon) = start(
        "parallel",
        &format!(
            "[ripestat]\nurl = \"{}\"\nparallel = 3\n[asn_list.many]\nasns = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n\
             [source.none]\nkind = \"inline\"\nprefixes = []\n[feed.ru]\nexpr = \"none\"\n",
            web.url("")
        ),
    );
    for asn in 1..=10 {
        daemon.wait_for(&format!("event=source_loaded source=@as{asn} v4=3"));
    }
    assert_eq!(web.requests(path).len(), 10);
    assert_eq!(web.most_at_once(), 3);
}
