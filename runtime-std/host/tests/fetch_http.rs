//! Claims about web sources: whatever a server does ends in a whole body, in "as before", or in a sentence.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../../runtime-smol/tests/common/web.rs"]
#[allow(dead_code, reason = "each test target uses its part")]
mod web;

use std::io::Write as _;
use std::time::{Duration, Instant};

use bgplite_core::server::{FetchOutcome, FetchRequest, HttpRequest, Validators};
use bgplite_host::fetch::fetch;
use web::{Answer, Web};

const LIST: &[u8] = b"192.0.2.0/24\n198.51.100.0/24\n";

fn request(url: String) -> HttpRequest {
    HttpRequest {
        url,
        headers: Vec::new(),
        timeout: Duration::from_secs(5),
        max_bytes: 1000,
        redirects: 0,
        is_foreign: false,
        validators: Validators::default(),
    }
}

/// The body, or the sentence without the URL in front.
fn get(request: HttpRequest) -> Result<Vec<u8>, String> {
    let prefix = format!("{}: ", request.url);
    match fetch(&FetchRequest::Http(request)) {
        FetchOutcome::Body(body) | FetchOutcome::Validated { body, .. } => Ok(body.to_vec()),
        FetchOutcome::Failed(reason) => {
            Err(reason.strip_prefix(&prefix).map(str::to_owned).unwrap_or(reason))
        }
        other => panic!("{other:?}"),
    }
}

/// What comes of one answer.
fn ask(answer: Answer) -> Result<Vec<u8>, String> {
    let web = Web::start();
    web.answer("/x", answer);
    get(request(web.url("/x")))
}

#[track_caller]
fn assert_fails(answer: Answer, sentence: &str) {
    assert_eq!(ask(answer), Err(sentence.to_owned()));
}

#[test]
fn a_body_arrives_however_it_is_sent() {
    for answer in [
        Answer::Body(LIST.to_vec()),
        Answer::Chunked(LIST.to_vec(), 1),
        Answer::Chunked(LIST.to_vec(), 1000),
        Answer::Gzip(LIST.to_vec()),
        Answer::Delay(Duration::from_millis(50), Box::new(Answer::Body(LIST.to_vec()))),
        Answer::Full("200 OK", vec![("Content-Type", "image/png".into())], LIST.to_vec()),
        Answer::Raw(
            [b"HTTP/1.1 200\r\ncontent-encoding: identity\r\nCONTENT-LENGTH: 29\r\n\r\n", LIST].concat(),
        ),
        // A stream of gzip knows its own end.
        Answer::Raw([&b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"[..], &web::gzip(LIST)].concat()),
    ] {
        let shown = format!("{answer:?}");
        assert_eq!(ask(answer), Ok(LIST.to_vec()), "{shown}");
    }
    assert_eq!(ask(Answer::Body(Vec::new())), Ok(Vec::new()));
}

#[test]
fn a_request_says_who_asks_and_that_gzip_is_welcome() {
    let web = Web::start();
    web.answer("/x", Answer::Body(LIST.to_vec()));
    get(request(web.url("/x?resource=AS1&a=b"))).unwrap();
    let seen = &web.requests("/x")[0];
    assert_eq!(seen.target, "/x?resource=AS1&a=b");
    assert!(seen.head.starts_with("GET /x?"));
    assert_eq!(seen.header("User-Agent"), Some(concat!("bgplite/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(seen.header("Accept-Encoding"), Some("gzip"));
    assert_eq!(seen.header("If-None-Match"), None);
}

#[test]
fn a_body_that_is_cut_off_is_none() {
    assert_fails(Answer::Truncated(LIST.to_vec(), 7), "the connection ended in the middle of the body");
    assert_fails(
        Answer::Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1d\r\n192.0.2.0/24\n".to_vec()),
        "the connection ended in the middle of the body",
    );
    let unmeasured = "it does not say where the body ends, so that one that is cut off would look whole: it must send \
                      Content-Length or chunks";
    assert_fails(Answer::Unmeasured(LIST.to_vec()), unmeasured);
    let zipped = web::gzip(LIST);
    let short = zipped[..zipped.len() - 1].to_vec();
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    assert_fails(Answer::Raw([&head[..], &short].concat()), "the connection ended in the middle of the body");
    let reset = ask(Answer::Reset(LIST.to_vec())).unwrap_err();
    assert!(reset.starts_with("the connection "), "{reset}");
}

#[test]
fn what_is_no_answer_is_told() {
    let garbage = ask(Answer::Raw(b"\x00\x01\x02 garbage\r\n\r\n".to_vec())).unwrap_err();
    assert!(garbage.starts_with("the answer is no HTTP: "), "{garbage}");
    let ssh = ask(Answer::Raw(b"SSH-2.0-OpenSSH_10.0\r\n".to_vec())).unwrap_err();
    assert!(ssh.starts_with("the answer is no HTTP: "), "{ssh}");
    assert_fails(Answer::Raw(Vec::new()), "the server closed the connection without an answer");
    let zipped = Answer::Full("200 OK", vec![("Content-Encoding", "gzip".into())], LIST.to_vec());
    assert_fails(zipped, "the body is said to be gzip and is not");
    let brotli = Answer::Full("200 OK", vec![("Content-Encoding", "br".into())], LIST.to_vec());
    assert_fails(brotli, "it sends the body in an encoding that was not asked for");
    let wide = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    assert_fails(Answer::Raw(wide.into_bytes()), "the answer has more than 65536 bytes of headers");
}

#[test]
fn another_status_than_200_is_no_body() {
    let status = |status| Answer::Full(status, Vec::new(), LIST.to_vec());
    assert_fails(status("404 Not Found"), "it answers 404 Not Found");
    assert_fails(status("500 Oops"), "it answers 500 Internal Server Error");
    assert_fails(status("299 Odd"), "it answers 299");
    assert_fails(status("206 Partial Content"), "it answers 206 Partial Content");
    assert_fails(status("429 Slow Down"), "it answers 429 Too Many Requests");
    assert_fails(status("300 Choose"), "it answers 300 Multiple Choices");
    assert_fails(
        Answer::Raw(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()),
        "it answers 304 Not Modified, which was not asked for",
    );
}

#[test]
fn a_server_that_asks_for_patience_says_how_much() {
    let web = Web::start();
    let busy = |status, headers| {
        web.answer("/x", Answer::Full(status, headers, Vec::new()));
        match fetch(&FetchRequest::Http(request(web.url("/x")))) {
            FetchOutcome::Busy { error, retry_secs } => {
                assert!(error.starts_with(&web.url("/x: it answers ")), "{error}");
                retry_secs
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(busy("429 x", vec![("Retry-After", "120".into())]), 120);
    let dates = vec![
        ("Date", "Sun, 06 Nov 1994 08:49:37 GMT".into()),
        ("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT".into()),
    ];
    assert_eq!(busy("503 x", dates), 60);
    // Long ago, by our own clock.
    assert_eq!(busy("503 x", vec![("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT".into())]), 0);
}

#[test]
fn a_server_that_never_ends_is_left_at_the_time_limit() {
    let tick = Duration::from_millis(20);
    for (answer, sentence) in [
        (Answer::Silence, "no answer within 400ms"),
        (Answer::DripHead(tick), "no answer within 400ms"),
        (Answer::Drip(LIST.to_vec(), tick), "the body was not complete within 400ms"),
        (
            Answer::Delay(Duration::from_secs(3), Box::new(Answer::Body(LIST.to_vec()))),
            "no answer within 400ms",
        ),
    ] {
        let web = Web::start();
        web.answer("/x", answer);
        let started = Instant::now();
        let request = HttpRequest { timeout: Duration::from_millis(400), ..request(web.url("/x")) };
        assert_eq!(get(request), Err(sentence.to_owned()));
        let took = started.elapsed();
        assert!(took > Duration::from_millis(350) && took < Duration::from_secs(2), "{took:?}");
    }
}

#[test]
fn the_time_limit_is_for_all_redirects_together() {
    let web = Web::start();
    let next = Answer::Redirect(302, "/x".into());
    web.answer("/x", Answer::Delay(Duration::from_millis(150), Box::new(next)));
    let started = Instant::now();
    let timeout = Duration::from_millis(400);
    let request = HttpRequest { timeout, redirects: 10, ..request(web.url("/x")) };
    assert_eq!(get(request), Err("no answer within 400ms".into()));
    assert!(started.elapsed() < Duration::from_secs(2));
    assert!(web.requests("/x").len() <= 3);
}

#[test]
fn a_body_of_two_gigabytes_is_left_at_its_limit() {
    const TOO_LONG: &str = "the body has more than 1000 bytes; if that is right, raise max_body";
    let line = "192.0.2.0/24\n";
    for is_chunked in [false, true] {
        let web = Web::start();
        web.answer("/x", Answer::Huge { line, bytes: 2 << 30, is_chunked });
        let started = Instant::now();
        assert_eq!(get(request(web.url("/x"))), Err(TOO_LONG.to_owned()));
        assert!(started.elapsed() < Duration::from_secs(3));
        // What sockets hold on the way, and nothing more.
        assert!(web.written() < 16 << 20, "{}", web.written());
    }
    // Two gigabytes that fit into two megabytes.
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![b'\n'; 1 << 20];
    for _ in 0..100 {
        zipped.write_all(&zeros).unwrap();
    }
    let headers = vec![("Content-Encoding", "gzip".to_owned())];
    assert_fails(Answer::Full("200 OK", headers, zipped.finish().unwrap()), TOO_LONG);
    // The limit itself is fine.
    assert_eq!(ask(Answer::Body(vec![b'\n'; 1000])).map(|body| body.len()), Ok(1000));
    assert_eq!(ask(Answer::Chunked(vec![b'\n'; 1001], 77)), Err(TOO_LONG.to_owned()));
    assert_eq!(ask(Answer::Gzip(vec![b'\n'; 1000])).map(|body| body.len()), Ok(1000));
}

#[test]
fn validators_are_kept_and_sent_back_and_304_is_as_before() {
    let web = Web::start();
    web.answer("/x", Answer::Tagged("\"v1\"", LIST.to_vec()));
    let FetchOutcome::Validated { body, validators } = fetch(&FetchRequest::Http(request(web.url("/x"))))
    else {
        panic!("no validators");
    };
    assert_eq!(&*body, LIST);
    assert_eq!(validators, Validators { etag: Some("\"v1\"".into()), last_modified: None });
    let again = HttpRequest { validators, ..request(web.url("/x")) };
    assert!(matches!(fetch(&FetchRequest::Http(again.clone())), FetchOutcome::Unchanged));
    assert_eq!(web.requests("/x")[1].header("If-None-Match"), Some("\"v1\""));

    web.answer("/x", Answer::Tagged("\"v2\"", b"203.0.113.0/24\n".to_vec()));
    assert!(matches!(fetch(&FetchRequest::Http(again)), FetchOutcome::Validated { .. }));

    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    web.answer("/y", Answer::Full("200 OK", vec![("Last-Modified", date.into())], LIST.to_vec()));
    let FetchOutcome::Validated { validators, .. } = fetch(&FetchRequest::Http(request(web.url("/y"))))
    else {
        panic!("no validators");
    };
    assert_eq!(validators.last_modified.as_deref(), Some(date));
    get(HttpRequest { validators, ..request(web.url("/y")) }).unwrap();
    assert_eq!(web.requests("/y")[1].header("If-Modified-Since"), Some(date));
}

#[test]
fn redirects_are_refused_unless_allowed_and_the_target_is_named() {
    let web = Web::start();
    web.answer("/x", Answer::Redirect(302, "/y?token=hunter2".into()));
    web.answer("/y", Answer::Body(LIST.to_vec()));
    let refused = get(request(web.url("/x"))).unwrap_err();
    assert_eq!(
        refused,
        format!(
            "it redirects to {}, and redirects are not allowed: ask that URL, or allow some with redirects",
            web.url("/y?token=...")
        )
    );
    assert!(web.requests("/y").is_empty());
    for status in [301, 302, 303, 307, 308] {
        web.answer("/x", Answer::Redirect(status, "y".into()));
        assert_eq!(
            get(HttpRequest { redirects: 1, ..request(web.url("/x")) }),
            Ok(LIST.to_vec()),
            "{status}"
        );
    }
    web.answer("/loop", Answer::Redirect(301, "/loop".into()));
    let looped = get(HttpRequest { redirects: 3, ..request(web.url("/loop")) }).unwrap_err();
    assert_eq!(
        looped,
        format!("after 3 redirects, which are as many as are allowed, it redirects to {}", web.url("/loop"))
    );
    assert_eq!(web.requests("/loop").len(), 4);
    for (location, sentence) in [
        ("", "it redirects (301) without saying where to"),
        ("file:///etc/passwd", "it redirects to something that is no web address"),
    ] {
        web.answer("/bad", Answer::Redirect(301, location.into()));
        let bad = get(HttpRequest { redirects: 3, ..request(web.url("/bad")) });
        assert_eq!(bad, Err(sentence.to_owned()));
    }
    web.answer("/bad", Answer::Redirect(301, "http://bob:hunter2@127.0.0.1/".into()));
    let bad = get(HttpRequest { redirects: 3, ..request(web.url("/bad")) }).unwrap_err();
    assert!(bad.starts_with("it redirects to a URL that has a user or a password"), "{bad}");
    assert!(!bad.contains("hunter2"));
}

#[test]
fn headers_are_resolved_when_sent_and_told_to_nobody_else() {
    let (home, other) = (Web::start(), Web::start());
    home.answer("/x", Answer::Redirect(302, "/y".into()));
    home.answer("/y", Answer::Redirect(302, other.url("/z")));
    other.answer("/z", Answer::Body(LIST.to_vec()));
    let file = std::env::temp_dir().join(format!("bgplite-header-{}", std::process::id()));
    std::fs::write(&file, "hunter2\n").unwrap();
    let headers = vec![
        ("X-Api-Key".to_owned(), format!("file:{}", file.display())),
        ("X-Path".to_owned(), "env:PATH".to_owned()),
        ("X-Plain".to_owned(), "as it stands".to_owned()),
    ];
    let asked = HttpRequest { redirects: 2, headers, ..request(home.url("/x")) };
    assert_eq!(get(asked), Ok(LIST.to_vec()));
    std::fs::remove_file(&file).unwrap();
    for path in ["/x", "/y"] {
        let seen = &home.requests(path)[0];
        assert_eq!(seen.header("X-Api-Key"), Some("hunter2"), "{path}");
        assert_eq!(seen.header("X-Path"), std::env::var("PATH").ok().as_deref());
        assert_eq!(seen.header("X-Plain"), Some("as it stands"));
    }
    let seen = &other.requests("/z")[0];
    assert_eq!((seen.header("X-Api-Key"), seen.header("X-Plain")), (None, None));
}

#[test]
fn a_secret_that_is_missing_is_named_and_one_that_is_there_is_never_shown() {
    let web = Web::start();
    let with = |value: &str| {
        let headers = vec![("X-Api-Key".to_owned(), value.to_owned())];
        get(HttpRequest { headers, ..request(web.url("/x")) }).unwrap_err()
    };
    assert_eq!(
        with("env:BGPLITE_TEST_NO_SUCH_KEY"),
        "the header X-Api-Key: the environment variable BGPLITE_TEST_NO_SUCH_KEY is not set"
    );
    assert_eq!(
        with("file:/no/such/file"),
        "the header X-Api-Key: the file /no/such/file cannot be read: entity not found"
    );
    assert!(web.requests("/x").is_empty());
    assert!(!with("hunter2\u{1}").contains("hunter2"));
    assert!(!with("hunter2").contains("hunter2"));
    let url = web.url("/x?key=hunter2");
    let shown = get(request(url)).unwrap_err();
    assert_eq!(shown, format!("{}: it answers 404 Not Found", web.url("/x?key=...")));
    let bad = get(request("http://bob:hunter2@127.0.0.1/".into())).unwrap_err();
    assert!(!bad.contains("hunter2") && bad.contains("use headers"), "{bad}");
}

#[test]
fn a_place_where_nobody_answers_is_told_in_words() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let refused = get(request(format!("http://{address}/x")));
    assert_eq!(refused, Err("the connection was refused: nothing listens there".into()));
    let unknown = get(request("http://no-such-host.invalid/x".into())).unwrap_err();
    assert!(unknown.starts_with("the name cannot be resolved: "), "{unknown}");
}

#[cfg(feature = "https")]
#[test]
fn https_to_a_server_without_tls_is_told_in_words() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        std::thread::sleep(Duration::from_secs(1));
    });
    let sentence = get(request(format!("https://{address}/x"))).unwrap_err();
    assert!(sentence.contains("TLS"), "{sentence}");
}

#[cfg(not(feature = "https"))]
#[test]
fn https_is_refused_by_a_build_without_it() {
    let sentence = get(request("https://127.0.0.1:1/x".into())).unwrap_err();
    assert_eq!(sentence, "this build of bgplite speaks no https: build it with the feature \"https\"");
}

#[test]
fn a_url_of_a_peer_leads_only_to_the_internet() {
    let web = Web::start();
    web.answer("/x", Answer::Body(LIST.to_vec()));
    let foreign = |url: String| get(HttpRequest { is_foreign: true, ..request(url) }).unwrap_err();
    let port = web.address.port();
    assert_eq!(
        foreign(web.url("/x")),
        format!("port {port} is not allowed: lists of peers come from 80 or 443")
    );
    for host in ["127.0.0.1", "[::1]", "localhost", "0.0.0.0", "169.254.169.254", "10.0.0.1", "2130706433"] {
        let sentence = foreign(format!("http://{host}/x"));
        assert!(
            sentence.contains("which is no address of the internet")
                || sentence.contains("cannot be resolved"),
            "{host}: {sentence}"
        );
    }
    assert!(web.requests("/x").is_empty());
}

/// Damage anywhere in a good answer is a sentence or a body, and never a panic or a wait.
#[test]
fn no_answer_makes_it_panic_or_wait() {
    let web = Web::start();
    let mut rng = bgplite_core::rng::Rng::new(7);
    let good = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 29\r\nETag: \"x\"\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1d\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 52\r\n\r\n".to_vec(),
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec(),
    ];
    let tails = [LIST.to_vec(), [LIST, b"\r\n0\r\n\r\n"].concat(), web::gzip(LIST), Vec::new()];
    for round in 0..400 {
        let which = rng.below(4) as usize;
        let mut bytes = [good[which].clone(), tails[which].clone()].concat();
        for _ in 0..=rng.below(4) {
            let at = rng.below(bytes.len() as u64) as usize;
            match rng.below(3) {
                0 => bytes[at] ^= 1 << rng.below(8),
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, rng.below(256) as u8),
            }
        }
        web.answer("/x", Answer::Raw(bytes.clone()));
        let started = Instant::now();
        let request = HttpRequest { timeout: Duration::from_secs(2), redirects: 1, ..request(web.url("/x")) };
        if let FetchOutcome::Failed(reason) = fetch(&FetchRequest::Http(request)) {
            assert!(!reason.contains("gave up"), "{round}: {}", bytes.escape_ascii());
            assert!(reason.starts_with("http"), "{reason}");
        }
        assert!(started.elapsed() < Duration::from_secs(4), "{}", bytes.escape_ascii());
    }
}
