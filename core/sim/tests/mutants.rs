//! The deliberate bugs of `core/sim/mutants` still fit the code. That each is caught is a matter of minutes, and of
//! `core/sim/mutants/run`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_mutant_applies_in_exactly_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for patch in patches() {
        let text = fs::read_to_string(&patch).unwrap();
        let mut file = String::new();
        let mut hunks = 0;
        for section in text.split("\n--- a/").skip(1) {
            let (path, rest) = section.split_once('\n').unwrap();
            file = fs::read_to_string(root.join(path)).unwrap();
            for hunk in rest.split("\n@@ ").skip(1) {
                hunks += 1;
                let before = before(hunk);
                let places = file.match_indices(&before).count();
                assert_eq!(places, 1, "{}: this stands {places} times in {path}:\n{before}", patch.display());
            }
        }
        assert!(hunks > 0 && !file.is_empty(), "{} changes nothing", patch.display());
    }
}

#[test]
fn there_are_twenty_mutants_and_each_stands_in_the_list() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let names: Vec<String> =
        patches().iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        assert!(readme.contains(&format!("| {name} |")), "{name} is not in README.md");
    }
}

/// The lines that a hunk needs to find.
fn before(hunk: &str) -> String {
    let lines = hunk.lines().skip(1).take_while(|line| line.starts_with([' ', '-', '+']) || line.is_empty());
    let kept = lines.filter(|line| !line.starts_with('+'));
    kept.flat_map(|line| [line.get(1..).unwrap_or_default(), "\n"]).collect()
}

fn patches() -> Vec<PathBuf> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut patches: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "patch")).collect();
    patches.sort();
    patches
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mutants")
}
