//! The control socket and the commands that speak to it, as an operator meets them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use bgplite_host::control::Value;
use common::{Daemon, Scratch, bgplite, config};

struct Lab {
    dir: Scratch,
    file: PathBuf,
}

impl Lab {
    fn new(name: &str) -> Self {
        let dir = Scratch::new(name);
        dir.write("list.txt", "192.0.2.0/24\n198.51.100.0/24\n");
        let file = dir.write("a.toml", &config("127.0.0.1:0", ""));
        Self { dir, file }
    }

    fn start(&self) -> Daemon {
        Daemon::start(&self.dir, &self.file)
    }

    /// Runs a command against it: exit code, standard output, standard error.
    fn run(&self, arguments: &str) -> (i32, String, String) {
        let mut arguments: Vec<&str> = arguments.split(' ').collect();
        arguments.extend(["--config", self.file.to_str().unwrap()]);
        let output = bgplite(&arguments);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    #[track_caller]
    fn good(&self, arguments: &str) -> String {
        let (code, said, error) = self.run(arguments);
        assert_eq!((code, error.as_str()), (0, ""), "{arguments}");
        said
    }

    fn json(&self, arguments: &str) -> Value {
        self.good(&format!("{arguments} --json")).parse().unwrap()
    }

    fn socket(&self) -> PathBuf {
        self.dir.0.join("state/control.sock")
    }
}

#[test]
fn a_peer_is_registered_shown_changed_and_removed_from_the_command_line() {
    let lab = Lab::new("peer");
    let _daemon = lab.start();
    let said = lab.good(
        "peer add --name home --address 198.51.100.7 --asn 65001 --feed ru --prefix 203.0.113.0/24,2001:db8::/32 \
         --exclude 192.0.2.0/25 --community 65010:100 --max-prefixes 50 --on-limit trim --family ipv4",
    );
    assert!(said.starts_with("peer ") && said.ends_with(" is registered\n"), "{said}");
    let peers = lab.json("peer list");
    let [peer] = &peers.as_array().unwrap()[..] else { panic!("one peer") };
    let asked = &peer["subscription"];
    assert_eq!(asked["prefixes"].to_string(), "[\"203.0.113.0/24\",\"2001:db8::/32\"]");
    assert_eq!((asked["max_prefixes"].as_u64(), asked["on_limit"].as_str()), (Some(50), Some("trim")));
    let list = lab.good("peer list");
    let line = list.lines().nth(1).unwrap();
    for word in
        ["home", "198.51.100.7/32", "65001", "registered", "approved", "ru, 2 own prefixes, 1 excludes"]
    {
        assert!(line.contains(word), "no {word} in\n{list}");
    }
    // The same endpoint, address and ASN is the same peer.
    let said = lab.good("peer add --name home --address 198.51.100.7 --asn 65001 --feed ru");
    assert!(said.ends_with(" is replaced\n"), "{said}");
    assert!(lab.good("peer edit home --description at-home --country DE,FR").ends_with(" is changed\n"));
    let peer = lab.json("peer show home");
    assert_eq!(peer["description"], "at-home");
    assert_eq!(peer["subscription"]["feeds"].to_string(), "[\"ru\"]", "what is not named stays");
    assert_eq!(peer["subscription"]["countries"].to_string(), "[\"DE\",\"FR\"]");
    lab.good("peer edit home --clear country,description");
    assert_eq!(lab.json("peer show home")["subscription"]["countries"].to_string(), "[]");
    lab.good("peer remove home");
    assert_eq!(lab.json("peer show home")["state"], "removed");

    let (code, said, error) = lab.run("peer show nobody");
    assert_eq!((code, said.as_str(), error.as_str()), (1, "", "bgplite: there is no peer \"nobody\"\n"));
    let (code, _, error) = lab.run("peer add --address 198.51.100.7 --asn 0 --feed ru");
    assert!(code == 1 && error.starts_with("bgplite: asn: "), "{error}");
    let (code, _, error) = lab.run("peer add --asn 65001");
    assert_eq!((code, error.as_str()), (2, "bgplite: --address is missing\n"));
    assert_eq!(lab.run("peer add --address 198.51.100.7/33 --asn 65001").0, 2);
}

#[test]
fn sources_and_feeds_are_shown_compared_and_gone_back_to() {
    let lab = Lab::new("feeds");
    let daemon = lab.start();
    daemon.wait_for("event=feed_changed");
    let list = lab.good("source list");
    let line = list.lines().nth(1).unwrap();
    assert!(line.starts_with("list  file  fresh  2     0"), "{list}");
    lab.dir.write("list.txt", "192.0.2.0/24\n203.0.113.0/24\n");
    assert_eq!(lab.good("source fetch list"), "source list is asked\n");
    daemon.wait_for("feed=ru serial=2");
    assert_eq!(lab.json("source show list")["v4"], 2);
    assert_eq!(lab.good("feed diff ru 1 2"), "- 198.51.100.0/24\n+ 203.0.113.0/24\n");
    let said = lab.good("feed rollback ru 1");
    assert!(said.contains("bgplite feed release ru"), "{said}");
    assert_eq!(lab.json("feed show ru")["isPinned"], true);
    lab.good("feed release ru");
    assert!(lab.good("feed list").contains("ru"));
    let (code, _, error) = lab.run("source show lst");
    assert_eq!((code, error.as_str()), (1, "bgplite: there is no source \"lst\"; did you mean \"list\"?\n"));
}

#[test]
fn without_a_daemon_it_says_how_to_start_one() {
    let lab = Lab::new("nobody");
    let state = lab.dir.0.join("state");
    let wanted = format!(
        "bgplite: no bgplite runs with the state directory {}: start it with `bgplite serve --config FILE`, or name the \
         right one with --config or --socket\n",
        state.display()
    );
    assert_eq!(lab.run("session list"), (2, String::new(), wanted.clone()));
    // Nor is a socket that a killed one left a daemon.
    let mut daemon = lab.start();
    assert!(lab.good("session list").starts_with("PEER"));
    daemon.signal("KILL");
    daemon.wait();
    assert!(lab.socket().exists());
    assert_eq!(lab.run("session list"), (2, String::new(), wanted));
    let mut daemon = lab.start();
    lab.good("session list");
    daemon.signal("TERM");
    assert_eq!(daemon.wait().0, Some(0));
    assert!(!lab.socket().exists());
}

#[test]
fn the_socket_is_its_users_alone_and_bounded() {
    let lab = Lab::new("bounds");
    let _daemon = lab.start();
    assert_eq!(fs::metadata(lab.socket()).unwrap().mode() & 0o777, 0o600);
    let connect = || {
        let stream = UnixStream::connect(lab.socket()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    };
    let line = |stream: &UnixStream| {
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    };
    let mut first = connect();
    first.write_all(b"nonsense\n").unwrap();
    assert!(line(&first).starts_with("{\"id\":0,\"error\":{\"message\":\"this is no request: "));
    first.write_all(b"{\"id\":3,\"do\":\"stats\"}\n").unwrap();
    assert!(line(&first).starts_with("{\"id\":3,\"ok\":{"));
    // 1 MiB without an end.
    first.write_all(&vec![b' '; 1 << 20]).unwrap();
    first.write_all(b" ").unwrap();
    assert!(line(&first).contains("more than 1048576 octets"));
    assert_eq!(first.read(&mut [0]).unwrap(), 0, "closed");

    let crowd: Vec<UnixStream> = (0..16).map(|_| connect()).collect();
    for mut client in &crowd {
        client.write_all(b"{\"id\":1,\"do\":\"stats\"}\n").unwrap();
        assert!(line(client).starts_with("{\"id\":1,\"ok\""));
    }
    let mut late = connect();
    assert_eq!(line(&late), "{\"id\":0,\"error\":{\"message\":\"16 clients are connected already\"}}\n");
    assert_eq!(late.read(&mut [0]).unwrap(), 0);
    drop(crowd);
}

#[test]
fn the_store_is_checked_exported_and_imported_while_no_daemon_has_it() {
    let lab = Lab::new("store");
    let mut daemon = lab.start();
    lab.good("peer add --name home --address 198.51.100.7 --asn 65001 --feed ru");
    let export = lab.dir.0.join("export.json");
    let export = export.to_str().unwrap();
    for command in ["check", "export", &format!("export {export}")] {
        let (code, said, error) = lab.run(&format!("store {command}"));
        assert_eq!((code, said.as_str()), (2, ""));
        assert!(error.contains("another bgplite uses the state directory"), "{error}");
    }
    daemon.signal("TERM");
    daemon.wait();
    let said = lab.good("store check");
    assert!(said.starts_with("store: 1 peers, ") && said.ends_with("/state: good\n"), "{said}");
    assert_eq!(lab.run(&format!("store export {export}")).0, 0);
    let (code, text, _) = lab.run("store export");
    assert_eq!((code, text), (0, fs::read_to_string(export).unwrap()));
    // Gone with all its copies, but for what was exported.
    for name in ["store", "store.json", "store.log"] {
        let path = lab.dir.0.join("state").join(name);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    let (code, _, error) = lab.run("serve");
    assert!(code == 2 && error.contains("`bgplite store import FILE"), "{error}");
    assert_eq!(lab.run("store check").0, 1);
    assert_eq!(lab.run(&format!("store import {export}")).0, 0);
    let _daemon = lab.start();
    assert!(lab.good("peer list").contains("home"));
}
