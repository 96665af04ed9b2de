//! Documents that providers publish of their own addresses, ready to be named in a configuration.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::config::{Format, JsonFormat, nearest};

/// A provider's document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// What it is called in a configuration.
    pub name: &'static str,
    /// Where it is.
    pub url: &'static str,
    /// Where its prefixes are.
    paths: &'static [&'static str],
    /// By what they can be chosen.
    choice: Choice,
}

/// By what prefixes of a document can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// By fields that stand beside each.
    Fields(&'static [&'static str]),
    /// By the name of the list that they are in, which is called so.
    ListName(&'static str),
}

/// All presets, by name.
const PRESETS: [Preset; 5] = [
    Preset {
        name: "aws",
        url: "https://ip-ranges.amazonaws.com/ip-ranges.json",
        paths: &["prefixes[].ip_prefix", "ipv6_prefixes[].ipv6_prefix"],
        choice: Choice::Fields(&["region", "service", "network_border_group"]),
    },
    Preset {
        name: "cloudflare",
        url: "https://api.cloudflare.com/client/v4/ips",
        paths: &["result.ipv4_cidrs[]", "result.ipv6_cidrs[]"],
        choice: Choice::Fields(&[]),
    },
    Preset {
        name: "fastly",
        url: "https://api.fastly.com/public-ip-list",
        paths: &["addresses[]", "ipv6_addresses[]"],
        choice: Choice::Fields(&[]),
    },
    Preset {
        name: "github",
        url: "https://api.github.com/meta",
        // Beside these it has lists of keys.
        paths: &[
            "hooks[]",
            "web[]",
            "api[]",
            "git[]",
            "github_enterprise_importer[]",
            "packages[]",
            "pages[]",
            "importer[]",
            "actions[]",
            "actions_macos[]",
            "codespaces[]",
            "dependabot[]",
            "copilot[]",
        ],
        choice: Choice::ListName("service"),
    },
    Preset {
        name: "google",
        url: "https://www.gstatic.com/ipranges/cloud.json",
        paths: &["prefixes[].ipv4Prefix", "prefixes[].ipv6Prefix"],
        choice: Choice::Fields(&["service", "scope"]),
    },
];

/// The preset of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The names of all, ascending.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|preset| preset.name)
    }

    /// How its document is read for the prefixes that match `filter`: names and patterns, in which `*` is any text, as in
    /// [`JsonFormat::filter`]. An empty filter takes all. The error says which name cannot be asked for, and which can.
    pub fn format(&self, filter: &[(String, String)]) -> Result<Format, String> {
        let known = match &self.choice {
            Choice::Fields(fields) => fields,
            Choice::ListName(name) => core::slice::from_ref(name),
        };
        if let Some((name, _)) = filter.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(self.unknown(name, known));
        }
        let json = match self.choice {
            Choice::ListName(_) if !filter.is_empty() => JsonFormat {
                paths: filter.iter().map(|(_, list)| list_path(list)).collect::<Result<_, _>>()?,
                filter: Vec::new(),
            },
            _ => JsonFormat {
                paths: self.paths.iter().map(ToString::to_string).collect(),
                filter: filter.to_vec(),
            },
        };
        Ok(Format::Json(json))
    }

    fn unknown(&self, name: &str, known: &[&str]) -> String {
        let preset = self.name;
        if known.is_empty() {
            return format!("prefixes of {preset:?} cannot be chosen; leave {name:?} out");
        }
        match nearest(name, known.iter().copied()) {
            Some(near) => format!("prefixes of {preset:?} have no {name:?}; did you mean {near:?}?"),
            None => format!("prefixes of {preset:?} have no {name:?}, only {}", known.join(", ")),
        }
    }
}

/// The path to lists of this name. It need not be one of those that we know: providers add some.
fn list_path(list: &str) -> Result<String, String> {
    let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '*');
    if list.is_empty() || !list.chars().all(is_name) {
        return Err(format!("{list:?} is no name of a list, like \"actions\""));
    }
    Ok(format!("{list}[]"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{ParsedList, check_format, parse};

    fn read(name: &str, filter: &[(&str, &str)]) -> ParsedList {
        let body: &[u8] = match name {
            "aws" => include_bytes!("../../../testdata/documents/aws.json"),
            "cloudflare" => include_bytes!("../../../testdata/documents/cloudflare.json"),
            "fastly" => include_bytes!("../../../testdata/documents/fastly.json"),
            "github" => include_bytes!("../../../testdata/documents/github.json"),
            _ => include_bytes!("../../../testdata/documents/google.json"),
        };
        let format = find(name).unwrap().format(&owned(filter)).unwrap();
        check_format(&format).unwrap();
        parse(&format, body, false).unwrap()
    }

    fn owned(filter: &[(&str, &str)]) -> Vec<(String, String)> {
        filter.iter().map(|(name, pattern)| (name.to_string(), pattern.to_string())).collect()
    }

    fn counts(name: &str, filter: &[(&str, &str)]) -> (usize, usize, usize) {
        let list = read(name, filter);
        (list.v4.len(), list.v6.len(), list.bad)
    }

    fn texts(name: &str, filter: &[(&str, &str)]) -> Vec<String> {
        let list = read(name, filter);
        let v4 = list.v4.iter().map(|prefix| prefix.to_string());
        v4.chain(list.v6.iter().map(|prefix| prefix.to_string())).collect()
    }

    #[test]
    fn each_document_is_read_whole() {
        assert_eq!(Preset::names().collect::<Vec<_>>(), ["aws", "cloudflare", "fastly", "github", "google"]);
        assert_eq!(find("azure"), None);
        assert_eq!(counts("aws", &[]), (7, 3, 0));
        assert_eq!(counts("cloudflare", &[]), (3, 2, 0));
        assert_eq!(counts("fastly", &[]), (3, 2, 0));
        assert_eq!(counts("google", &[]), (3, 1, 0));
        // Equal prefixes of several lists are one; keys are none.
        assert_eq!(counts("github", &[]), (15, 3, 0));
    }

    #[test]
    fn prefixes_are_chosen_by_the_fields_beside_them() {
        let eu = [("region", "eu-*"), ("service", "EC2")];
        assert_eq!(texts("aws", &eu), ["3.64.0.0/12", "2a05:d014::/35"]);
        assert_eq!(texts("aws", &[("network_border_group", "GLOBAL")]), ["120.52.22.96/27"]);
        let europe = [("service", "Google Cloud"), ("scope", "europe-*")];
        assert_eq!(texts("google", &europe), ["34.76.0.0/14", "2600:1900:4010::/44"]);
    }

    #[test]
    fn lists_of_github_are_chosen_by_their_names() {
        let actions = ["4.148.0.0/16", "4.149.0.0/18", "2a01:111:f403:c200::/64"];
        assert_eq!(texts("github", &[("service", "actions")]), actions);
        assert_eq!(counts("github", &[("service", "actions*")]), (3, 1, 0));
        assert_eq!(counts("github", &[("service", "actions"), ("service", "packages")]), (3, 1, 0));
        let format = find("github").unwrap().format(&owned(&[("service", "actoins")])).unwrap();
        let error =
            parse(&format, include_bytes!("../../../testdata/documents/github.json"), false).unwrap_err();
        assert_eq!(error.to_string(), "is JSON with nothing at actoins[]");
    }

    #[test]
    fn a_filter_that_cannot_choose_anything_is_an_error_with_what_can() {
        let fault =
            |name: &str, filter: &[(&str, &str)]| find(name).unwrap().format(&owned(filter)).unwrap_err();
        assert_eq!(
            fault("aws", &[("regoin", "x")]),
            "prefixes of \"aws\" have no \"regoin\"; did you mean \"region\"?"
        );
        assert_eq!(
            fault("google", &[("country", "x")]),
            "prefixes of \"google\" have no \"country\", only service, scope"
        );
        assert_eq!(
            fault("fastly", &[("service", "x")]),
            "prefixes of \"fastly\" cannot be chosen; leave \"service\" out"
        );
        assert_eq!(fault("github", &[("service", "a.b")]), "\"a.b\" is no name of a list, like \"actions\"");
    }
}
