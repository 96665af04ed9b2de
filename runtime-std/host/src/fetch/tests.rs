//! Claims about where URLs of peers may lead, with a policy that takes one address of the loopback for the internet.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use bgplite_core::feed::HttpRequest;
use bgplite_core::server::{FetchOutcome, FetchRequest, Validators};

use super::fetch_with;
use super::resolve::Policy;

const POLICY: Policy = Policy {
    is_port_allowed: |port| port > 1023,
    is_address_allowed: |address| address == IpAddr::V4(Ipv4Addr::LOCALHOST),
};

/// Answers one request on `address` and gives the port. The thread ends with the true answer whether it was asked.
fn answer_once(address: &str, answer: String) -> (SocketAddr, thread::JoinHandle<bool>) {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let local = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let run = move || {
        for _ in 0..100 {
            if let Ok((mut stream, _)) = listener.accept() {
                stream.set_nonblocking(false).unwrap();
                let _ = stream.read(&mut [0; 4096]);
                stream.write_all(answer.as_bytes()).unwrap();
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    };
    (local, thread::spawn(run))
}

fn ask(url: String, redirects: u8) -> FetchOutcome {
    let request = HttpRequest {
        url,
        headers: Vec::new(),
        timeout: Duration::from_secs(5),
        max_bytes: 1000,
        redirects,
        is_foreign: true,
        validators: Validators::default(),
    };
    fetch_with(&FetchRequest::Http(request), POLICY)
}

fn redirect(url: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n")
}

#[test]
fn an_address_that_is_allowed_is_asked() {
    let body = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n192.0.2.0/24\n";
    let (address, _) = answer_once("127.0.0.1", body.into());
    let FetchOutcome::Body(body) = ask(format!("http://{address}/"), 0) else { panic!("no body") };
    assert_eq!(&*body, b"192.0.2.0/24\n");
}

#[test]
fn a_redirect_to_an_address_that_is_not_allowed_reaches_nobody() {
    let (private, was_asked) = answer_once("127.0.0.2", String::new());
    let (public, _) = answer_once("127.0.0.1", redirect(&format!("http://{private}/admin")));
    let FetchOutcome::Failed(reason) = ask(format!("http://{public}/"), 3) else { panic!("not refused") };
    assert_eq!(
        reason,
        format!(
            "http://{private}/admin: it leads to 127.0.0.2, which is no address of the internet; lists of peers may \
             come from there only"
        )
    );
    assert!(!was_asked.join().unwrap());
}

#[test]
fn a_redirect_to_a_port_that_is_not_allowed_reaches_nobody() {
    let (public, _) = answer_once("127.0.0.1", redirect("http://127.0.0.1:25/"));
    let FetchOutcome::Failed(reason) = ask(format!("http://{public}/"), 3) else { panic!("not refused") };
    let wanted = format!(
        "http://{public}/: it redirects to http://127.0.0.1:25/, port 25 is not allowed: lists of peers come from 80 \
         or 443"
    );
    assert_eq!(reason, wanted);
}

/// A name with a good and a bad address is refused whole: nobody knows which one would be taken.
#[test]
fn one_bad_address_of_a_name_is_enough() {
    let policy = Policy { is_address_allowed: |address| address.is_ipv6(), ..POLICY };
    let (address, was_asked) = answer_once("127.0.0.1", String::new());
    let request = HttpRequest {
        url: format!("http://localhost:{}/", address.port()),
        headers: Vec::new(),
        timeout: Duration::from_secs(5),
        max_bytes: 1000,
        redirects: 0,
        is_foreign: true,
        validators: Validators::default(),
    };
    let FetchOutcome::Failed(reason) = fetch_with(&FetchRequest::Http(request), policy) else {
        panic!("not refused")
    };
    assert!(reason.contains("it leads to 127.0.0.1, which"), "{reason}");
    assert!(!was_asked.join().unwrap());
}
