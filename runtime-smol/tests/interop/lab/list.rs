//! The list under test, as files that a test may edit and as the prefixes that they mean.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::route::{Family, Prefix};

/// The repository's copy of the Russian list.
fn original(family: Family) -> PathBuf {
    let lists = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/lists");
    lists.join(file_name(family))
}

/// The name of a family's file, here and beside the server's configuration.
pub(crate) fn file_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "ru.v4.txt",
        Family::V6 => "ru.v6.txt",
    }
}

/// A change of one family's file: one prefix goes, one comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit {
    pub(crate) removed: Prefix,
    pub(crate) added: Prefix,
}

impl Edit {
    /// Neither prefix has a sibling in the list, so that it is one route with and without aggregation.
    pub(crate) fn of(family: Family) -> Self {
        let (removed, added) = match family {
            Family::V4 => ("2.26.8.0/24", "198.51.100.0/24"),
            Family::V6 => ("2001:678:13::/48", "2001:db8:1::/48"),
        };
        let parse = |text| Prefix::parse(text).expect("a literal prefix parses");
        Self { removed: parse(removed), added: parse(added) }
    }
}

/// Copies both lists to where a server reads them.
pub(crate) fn install(dir: &Path) {
    for family in Family::BOTH {
        fs::copy(original(family), dir.join(file_name(family))).expect("the list can be copied");
    }
}

/// The prefixes of a family's file in `dir`.
pub(crate) fn read(dir: &Path, family: Family) -> BTreeSet<Prefix> {
    let text = fs::read_to_string(dir.join(file_name(family))).expect("the list can be read");
    text.lines().map(|line| Prefix::parse(line).expect("a line is a prefix")).collect()
}

/// Applies `edit` to the file in `dir`, in one rename: the server never sees half a file.
pub(crate) fn apply(dir: &Path, edit: Edit) {
    let family = edit.removed.family();
    let mut prefixes = read(dir, family);
    assert!(prefixes.remove(&edit.removed), "{} is in the list", edit.removed);
    assert!(prefixes.insert(edit.added), "{} is not in the list", edit.added);
    let lines: Vec<String> = prefixes.iter().map(Prefix::to_string).collect();
    let next = dir.join("next.txt");
    fs::write(&next, lines.join("\n") + "\n").expect("the list can be written");
    fs::rename(&next, dir.join(file_name(family))).expect("the list can be replaced");
}
