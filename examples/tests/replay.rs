//! Every recording in `testdata/replay` plays back to the same answers, and `replay` says so in its exit code.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn recordings() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/replay");
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect()
}

fn bird() -> PathBuf {
    recordings().into_iter().find(|path| path.ends_with("bird2-session.jsonl")).unwrap()
}

fn replay(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_replay")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A file of this text, removed by the caller.
fn scratch(name: &str, body: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("bgplite-replay-{}-{name}.jsonl", std::process::id()));
    fs::write(&path, body).unwrap();
    path
}

#[test]
fn every_recording_plays_back_to_the_same_answers() {
    let recordings = recordings();
    assert!(!recordings.is_empty());
    for path in recordings {
        let output = replay(&[path.to_str().unwrap()]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).trim_end().ends_with("the same answers"), "{}", text(&output.stdout));
    }
}

#[test]
fn the_first_difference_is_shown_with_its_step_and_line_and_ends_with_exit_code_1() {
    let recording = fs::read_to_string(bird()).unwrap();
    let other =
        recording.replacen(r#""out":["441 octets 8dcad8857190f3f9"]"#, r#""out":["441 octets 0"]"#, 1);
    assert_ne!(other, recording);
    let path = scratch("other", &other);
    let output = replay(&[path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for part in [
        ": line 11: step 10: the core answers otherwise",
        "\n  - 441 octets 0\n  + 441 octets 8dcad8857190f3f9\n",
        r#"{"t":1213296796,"in":"transmit","conn":1,"#,
    ] {
        assert!(said.contains(part), "no {part} in\n{said}");
    }
    // Before it, all is well.
    let before = replay(&[path.to_str().unwrap(), "--until", "9", "--quiet"]);
    assert_eq!((before.status.code(), text(&before.stdout)), (Some(0), ""));
    // What the core answers now can be taken for right.
    let accepted = replay(&[path.to_str().unwrap(), "--accept"]);
    let untouched = replay(&[bird().to_str().unwrap(), "--accept"]);
    assert_eq!(text(&accepted.stdout), text(&untouched.stdout));
    assert!(text(&accepted.stdout).contains("441 octets 8dcad8857190f3f9"));
    fs::remove_file(path).unwrap();
}

#[test]
fn the_state_at_a_step_is_json_with_long_texts_cut() {
    let output = replay(&[bird().to_str().unwrap(), "--until", "25", "--state"]);
    assert!(output.status.success());
    let state: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(state["conns"]["1"]["session"]["state"], "established");
    assert_eq!(state["stats"]["established"], 1);
    assert_eq!(state["phase"], "serving");
    let prefixes = state["tables"][0]["v4"]["prefixes"].as_str().unwrap();
    assert!(prefixes.starts_with('<') && prefixes.contains(" words, "), "{prefixes}");
}

#[test]
fn a_last_line_cut_short_is_left_out_and_a_file_that_is_no_recording_is_exit_code_2() {
    let recording = fs::read_to_string(bird()).unwrap();
    let path = scratch("cut", recording.get(..recording.len() - 20).unwrap());
    let output = replay(&[path.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("the last line is cut short and was left out"));
    let broken = recording.replacen("\"in\":\"sent\"", "\"in\":\"sunk\"", 1);
    for (body, said) in [
        ("", "the first line is missing or cut short"),
        ("hello\n", "line 1 is no head of a recording"),
        (&recording.replacen("\"record\":1", "\"record\":7", 1), "format 7"),
        (&broken, "line 8 is no entry of a recording: unknown variant `sunk`"),
    ] {
        fs::write(&path, body).unwrap();
        let output = replay(&[path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "no {said} in {}", text(&output.stderr));
    }
    fs::remove_file(path).unwrap();
}
