//! The dependency law: which package may know which. Read from the manifests, so that a new edge is a decision.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Package folder, then everything it may depend on (dev-dependencies are free).
const LAW: [(&str, &[&str]); 6] = [
    ("core", &["log", "serde", "serde_json"]),
    ("core/sim", &["bgplite-core"]),
    (
        "runtime-std/host",
        &[
            "bgplite-core",
            "env_logger",
            "flate2",
            "ipnetwork",
            "libc",
            "log",
            "serde",
            "serde_json",
            "sled",
            "socket2",
            "toml",
            "ureq",
        ],
    ),
    ("api", &["bgplite-core", "ipnetwork", "log", "serde", "serde_json", "tide"]),
    ("runtime-std", &["bgplite-api", "bgplite-core", "bgplite-host", "log"]),
    (
        "runtime-smol",
        &[
            "async-io",
            "async-signal",
            "bgplite-api",
            "bgplite-core",
            "bgplite-host",
            "clap",
            "libc",
            "log",
            "smol",
        ],
    ),
];

#[test]
fn every_package_depends_only_on_what_the_law_allows() {
    for (folder, allowed) in LAW {
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let manifest = read(folder, "Cargo.toml");
        for dependency in dependencies(&manifest) {
            assert!(allowed.contains(dependency.as_str()), "{folder} may not depend on {dependency}");
        }
    }
}

#[test]
fn every_member_but_the_examples_has_a_law() {
    let root = read(".", "Cargo.toml");
    let members = root.lines().find_map(|line| line.strip_prefix("members = ")).unwrap();
    for member in members.split('"').skip(1).step_by(2).filter(|&member| member != "examples") {
        assert!(LAW.iter().any(|(folder, _)| *folder == member), "{member} has no law");
    }
}

#[test]
fn the_core_has_neither_std_nor_unsafe_code() {
    let lib = read("core", "src/lib.rs");
    assert!(lib.contains("#![no_std]") && lib.contains("#![forbid(unsafe_code)]"));
    assert!(!lib.replace("#[cfg(test)]\nextern crate std;", "").contains("extern crate std"));
}

#[test]
fn a_dependency_is_seen_however_it_is_written() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\n\"b\" = \"1\"\n\
                    [dependencies.c]\nversion = \"1\"\n[dev-dependencies]\nd = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\ne = { version = \"1\" }\n[build-dependencies]\nf = \"1\"\n";
    assert_eq!(dependencies(manifest), ["a", "b", "c", "e", "f"]);
}

fn read(folder: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names under every `dependencies` and `build-dependencies` table of a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            let (parent, name) = table.rsplit_once('.').unwrap_or(("", table));
            is_inside = is_runtime(name);
            if is_runtime(parent.rsplit('.').next().unwrap_or_default()) {
                found.push(name.trim_matches('"').to_owned());
            }
        } else if is_inside && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            found.push(name.trim_matches('"').to_owned());
        }
    }
    found
}

fn is_runtime(table: &str) -> bool {
    matches!(table, "dependencies" | "build-dependencies")
}
