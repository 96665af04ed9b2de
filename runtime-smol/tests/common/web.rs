//! A stand-in for RIPEstat and for servers of lists, good and bad: plain threads and literal bytes, on the loopback.
//! It shares no code with what it tests.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How a path is answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// 200 with Content-Length.
    Body(Vec<u8>),
    /// A status line, headers and a body, with Content-Length.
    Full(&'static str, Vec<(&'static str, String)>, Vec<u8>),
    /// The body in chunks of this many bytes.
    Chunked(Vec<u8>, usize),
    /// The body in stored blocks of gzip.
    Gzip(Vec<u8>),
    /// 304 to whoever has this tag, otherwise the body with it.
    Tagged(&'static str, Vec<u8>),
    /// What is next, after a while.
    Delay(Duration, Box<Answer>),
    /// Nothing at all, as long as the other side waits.
    Silence,
    /// A good head and the beginning of a body, then a byte now and then, for ever.
    Drip(Vec<u8>, Duration),
    /// A byte of a header now and then, for ever.
    DripHead(Duration),
    /// Content-Length of the body and so many more, which never come.
    Truncated(Vec<u8>, usize),
    /// No length at all: the end of the connection is the end of the body.
    Unmeasured(Vec<u8>),
    /// These bytes, whatever they are.
    Raw(Vec<u8>),
    /// The beginning of a body, and a reset.
    Reset(Vec<u8>),
    /// So many bytes of `line`, over and over, made while they are sent; in chunks if so asked.
    Huge { line: &'static str, bytes: u64, is_chunked: bool },
    /// A redirect.
    Redirect(u16, String),
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// With its query.
    pub(crate) target: String,
    /// The whole head.
    pub(crate) head: String,
}

impl Request {
    /// The value of a header, by its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        pairs.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

#[derive(Default)]
struct State {
    answers: Mutex<BTreeMap<String, Answer>>,
    requests: Mutex<Vec<Request>>,
    written: AtomicU64,
    is_over: AtomicBool,
    at_once: AtomicU64,
    most_at_once: AtomicU64,
}

/// A running server; it stops with the test.
pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

impl Web {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let now = shared.at_once.fetch_add(1, Ordering::SeqCst) + 1;
                    shared.most_at_once.fetch_max(now, Ordering::SeqCst);
                    // An error is a client that has heard enough.
                    let _ = shared.talk(stream);
                    shared.at_once.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, state }
    }

    /// The URL of a path, which begins with `/`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers `path`, whatever its query or whatever follows in it, in this way from now on.
    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.state.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// The requests for `path` so far.
    pub(crate) fn requests(&self, path: &str) -> Vec<Request> {
        let requests = self.state.requests.lock().unwrap();
        let is_for = |request: &&Request| request.target.split('?').next() == Some(path);
        requests.iter().filter(is_for).cloned().collect()
    }

    /// Bytes of bodies that the network has taken so far.
    pub(crate) fn written(&self) -> u64 {
        self.state.written.load(Ordering::SeqCst)
    }

    /// The most connections that were open at one time.
    pub(crate) fn most_at_once(&self) -> u64 {
        self.state.most_at_once.load(Ordering::SeqCst)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        // So that it hears of it.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn talk(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            // The last byte of the head stays unread where a reset is wanted: closing then is one.
            if head.ends_with(b"\r\n\r") {
                let mut peeked = [0];
                stream.peek(&mut peeked)?;
                let text = String::from_utf8_lossy(&head).into_owned();
                if let Some(Answer::Reset(body)) = self.find(&text) {
                    self.note(&text);
                    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len() + 9)?;
                    stream.write_all(&body)?;
                    thread::sleep(Duration::from_millis(50));
                    return Ok(());
                }
            }
            if stream.read(&mut byte)? == 0 {
                return Ok(());
            }
            head.push(byte[0]);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        self.note(&text);
        let answer = self.find(&text).unwrap_or(Answer::Full("404 Not Found", Vec::new(), Vec::new()));
        self.say(&mut stream, &text, answer)
    }

    fn note(&self, head: &str) {
        let target = target(head).to_owned();
        self.requests.lock().unwrap().push(Request { target, head: head.to_owned() });
    }

    /// The answer for the longest beginning of the target that somebody set one for: a path, or that with the first
    /// part of its query.
    fn find(&self, head: &str) -> Option<Answer> {
        let target = target(head);
        let answers = self.answers.lock().unwrap();
        let ends: Vec<usize> =
            target.match_indices(['?', '&']).map(|(at, _)| at).chain([target.len()]).collect();
        ends.into_iter().rev().find_map(|end| answers.get(&target[..end]).cloned())
    }

    fn say(&self, stream: &mut TcpStream, head: &str, answer: Answer) -> std::io::Result<()> {
        match answer {
            Answer::Body(body) => self.full(stream, "200 OK", &[], &body),
            Answer::Full(status, headers, body) => self.full(stream, status, &headers, &body),
            Answer::Chunked(body, size) => {
                write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                for chunk in body.chunks(size) {
                    write!(stream, "{:x}\r\n", chunk.len())?;
                    self.write(stream, chunk)?;
                    write!(stream, "\r\n")?;
                }
                write!(stream, "0\r\n\r\n")
            }
            Answer::Gzip(body) => {
                let headers = [("Content-Encoding", "gzip".to_owned())];
                self.full(stream, "200 OK", &headers, &gzip(&body))
            }
            Answer::Tagged(tag, body) => {
                let headers = [("ETag", tag.to_owned())];
                if head.to_lowercase().contains(&format!("if-none-match: {}\r\n", tag.to_lowercase())) {
                    write!(stream, "HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n")
                } else {
                    self.full(stream, "200 OK", &headers, &body)
                }
            }
            Answer::Delay(time, then) => {
                thread::sleep(time);
                self.say(stream, head, *then)
            }
            Answer::Silence => {
                let mut byte = [0];
                stream.read(&mut byte).map(|_| ())
            }
            Answer::Drip(body, every) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")?;
                self.write(stream, &body)?;
                self.drip(stream, b"#", every)
            }
            Answer::DripHead(every) => {
                write!(stream, "HTTP/1.1 200 OK\r\nX-Slow: ")?;
                self.drip(stream, b"a", every)
            }
            Answer::Truncated(body, missing) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len() + missing)?;
                self.write(stream, &body)
            }
            Answer::Unmeasured(body) => {
                write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
                self.write(stream, &body)
            }
            Answer::Raw(bytes) => stream.write_all(&bytes),
            // Said before the whole request is read.
            Answer::Reset(_) => Ok(()),
            Answer::Huge { line, bytes, is_chunked } => self.huge(stream, line, bytes, is_chunked),
            Answer::Redirect(status, location) => write!(
                stream,
                "HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\ngone"
            ),
        }
    }

    fn full(
        &self,
        stream: &mut TcpStream,
        status: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> std::io::Result<()> {
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len())?;
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        write!(stream, "\r\n")?;
        self.write(stream, body)
    }

    fn drip(&self, stream: &mut TcpStream, byte: &[u8], every: Duration) -> std::io::Result<()> {
        while !self.is_over.load(Ordering::SeqCst) {
            self.write(stream, byte)?;
            thread::sleep(every);
        }
        Ok(())
    }

    fn huge(&self, stream: &mut TcpStream, line: &str, bytes: u64, is_chunked: bool) -> std::io::Result<()> {
        let block = line.repeat(65_536 / line.len());
        if is_chunked {
            write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        } else {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n")?;
        }
        let mut left = bytes;
        while left > 0 && !self.is_over.load(Ordering::SeqCst) {
            let piece = &block.as_bytes()[..block.len().min(left as usize)];
            if is_chunked {
                write!(stream, "{:x}\r\n", piece.len())?;
            }
            self.write(stream, piece)?;
            if is_chunked {
                write!(stream, "\r\n")?;
            }
            left -= piece.len() as u64;
        }
        if is_chunked { write!(stream, "0\r\n\r\n") } else { Ok(()) }
    }

    fn write(&self, stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
        stream.write_all(bytes)?;
        self.written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        Ok(())
    }
}

/// What a request asks for.
fn target(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

/// A gzip member (RFC 1952) of stored blocks (RFC 1951 3.2.4).
pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks = body.chunks(65_535).count().max(1);
    for index in 0..blocks {
        let block = body.chunks(65_535).nth(index).unwrap_or_default();
        let len = block.len() as u16;
        out.push(u8::from(index + 1 == blocks));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(block);
    }
    let mut crc = !0_u32;
    for byte in body {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    out.extend((!crc).to_le_bytes());
    out.extend((body.len() as u32).to_le_bytes());
    out
}
