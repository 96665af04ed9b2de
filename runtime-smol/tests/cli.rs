//! The command line as a user meets it: what it prints, and its exit code.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use common::{Scratch, bgplite, config};

/// Runs it, and gives its exit code and what it wrote to standard error.
fn fails(arguments: &[&str]) -> (Option<i32>, String) {
    let output = bgplite(arguments);
    assert_eq!(output.stdout, b"", "{arguments:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn check_says_what_a_good_file_asks_for() {
    let dir = Scratch::new("good");
    let peer = "[[peer]]\nname = \"home\"\naddress = \"any\"\nasn = \"any\"\nfeeds = [\"ru\"]\n";
    let file = dir.write("a.toml", &config("127.0.0.1:1790", peer));
    let output = bgplite(&["check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!(
            "{}: good\n  AS65010, router id 203.0.113.1, listening on 127.0.0.1:1790\n  1 source, 1 feed, 1 peer\n",
            file.display()
        )
    );
}

#[test]
fn check_and_serve_refuse_a_bad_file_in_the_same_words() {
    let dir = Scratch::new("bad");
    let file = dir.write("a.toml", &config("127.0.0.1:1790", "[log]\nlevel = \"loud\"\n"));
    let file = file.to_str().unwrap();
    let wanted = format!(
        "bgplite: {file}:16:9: log.level: \"loud\" is not known; write \"error\" or \"warn\" or \"info\" or \"debug\" \
         or \"trace\"\n 16 | level = \"loud\"\n    |         ^^^^^^\n"
    );
    assert_eq!(fails(&["check", file]), (Some(2), wanted.clone()));
    assert_eq!(fails(&["serve", "--config", file]), (Some(2), wanted));
    let missing = "/nonexistent/bgplite.toml";
    let wanted = format!("bgplite: {missing}: cannot be opened: No such file or directory (os error 2)\n");
    assert_eq!(fails(&["check", missing]), (Some(2), wanted));
}

#[test]
fn a_port_in_use_ends_serve_with_one_sentence() {
    let dir = Scratch::new("in-use");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = other.local_addr().unwrap().to_string();
    let file = dir.write("a.toml", &config(&endpoint, ""));
    let wanted = format!("bgplite: another program listens on {endpoint}: stop it or change bgp.listen\n");
    assert_eq!(fails(&["serve", "--config", file.to_str().unwrap()]), (Some(2), wanted));
}

#[test]
fn a_missing_privilege_ends_serve_with_one_sentence() {
    let lowest = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if lowest.trim() == "0" {
        // This kernel was told that no port is privileged.
        return;
    }
    let dir = Scratch::new("privilege");
    let file = dir.write("a.toml", &config("127.0.0.1:1", ""));
    // A copy, for a user who may not enter the build directory.
    let program = dir.0.join("bgplite");
    fs::copy(env!("CARGO_BIN_EXE_bgplite"), &program).unwrap();
    let mut command = Command::new(program);
    command.args(["serve", "--config", file.to_str().unwrap()]);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65534);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "bgplite: this user may not listen on 127.0.0.1:1: ports below 1024 need CAP_NET_BIND_SERVICE (setcap \
         cap_net_bind_service=+ep on the program, or AmbientCapabilities=CAP_NET_BIND_SERVICE in its service unit), \
         or change bgp.listen to a port from 1024 on\n"
    );
}

#[test]
fn an_unwritable_state_directory_ends_serve_with_one_sentence() {
    let dir = Scratch::new("unwritable");
    // A file where the directory should be: refuses root, too.
    let state = dir.write("state", "");
    let file = dir.write("a.toml", &config("127.0.0.1:0", ""));
    let wanted = format!(
        "bgplite: cannot write to the state directory {}: Not a directory (os error 20); let this user write there, \
         or change state.dir\n",
        state.display()
    );
    assert_eq!(fails(&["serve", "--config", file.to_str().unwrap()]), (Some(2), wanted));
}

#[test]
fn a_required_source_that_is_not_there_ends_serve() {
    let dir = Scratch::new("required");
    let more = "[source.other]\nkind = \"file\"\npath = \"nothing.txt\"\nrequired = true\n\
                [feed.other]\nexpr = \"other\"\n";
    let file = dir.write("a.toml", &config("127.0.0.1:0", more));
    let (code, said) = fails(&["serve", "--config", file.to_str().unwrap()]);
    assert_eq!(code, Some(2));
    let last = said.lines().last().unwrap();
    assert!(last.starts_with("bgplite: ") && last.contains("nothing.txt: there is no such file"), "{said}");
}

#[test]
fn a_reader_that_goes_away_ends_a_command_without_a_word() {
    let dir = Scratch::new("pipe");
    let file = dir.write("a.toml", &config("127.0.0.1:0", ""));
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgplite"));
    command.arg("check").arg(file).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_wrong_command_line_has_exit_code_2_and_a_hint() {
    let (code, said) = fails(&["srve"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("serve"), "{said}");
    assert_eq!(fails(&["serve"]).0, Some(2));
    let version = bgplite(&["--version"]);
    assert_eq!(version.stdout, b"bgplite 0.1.0\n");
}
