//! Paths into JSON documents, and patterns.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::ParseError;

/// Where values stand: `prefixes[].ip_prefix`, `[].cidr`, `data.v*.list[]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<Step>);

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into the fields of an object whose name matches this pattern.
    Field(String),
    /// Into each element of an array.
    Each,
}

impl Path {
    /// Names between dots, each followed by as many `[]` as arrays stand inside each other there. A path that begins
    /// with `[]` is into a document that is an array.
    pub(super) fn parse(text: &str) -> Result<Self, ParseError> {
        let error = |problem: &str| Err(ParseError(format!("{text:?} is no path: {problem}")));
        let mut steps = Vec::new();
        for (index, part) in text.split('.').enumerate() {
            let name = part.trim_end_matches("[]");
            if name.contains(['[', ']']) {
                return error("brackets stand only as \"[]\" after a name, like \"prefixes[].ip_prefix\"");
            }
            let is_array_of_all = index == 0 && name.len() < part.len();
            if name.is_empty() && !is_array_of_all {
                return error("a name is missing; write it like \"prefixes[].ip_prefix\"");
            }
            if !name.is_empty() {
                steps.push(Step::Field(name.into()));
            }
            let arrays = part.len().saturating_sub(name.len()) / 2;
            steps.extend(core::iter::repeat_n(Step::Each, arrays));
        }
        Ok(Self(steps))
    }
}

/// At least one path.
pub(super) fn parse_all(texts: &[String]) -> Result<Vec<Path>, ParseError> {
    if texts.is_empty() {
        return Err(ParseError("a path is missing; name one, like \"prefixes[].ip_prefix\"".into()));
    }
    texts.iter().map(|text| Path::parse(text)).collect()
}

/// Whether `text` is what the pattern says, in which each `*` is any text.
pub(super) fn is_match(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let Some((middle, end)) = rest.rsplit_once('*') else { return text.ends_with(rest) };
    // The first place for each piece leaves most to the next.
    for piece in middle.split('*') {
        match text.find(piece).and_then(|at| text.get(at.saturating_add(piece.len())..)) {
            Some(after) => text = after,
            None => return false,
        }
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn field(name: &str) -> Step {
        Step::Field(name.to_string())
    }

    #[test]
    fn a_path_is_names_and_arrays() {
        let path = |text| Path::parse(text).unwrap().0;
        assert_eq!(path("prefixes[].ip_prefix"), [field("prefixes"), Step::Each, field("ip_prefix")]);
        assert_eq!(path("result.ipv4_cidrs[]"), [field("result"), field("ipv4_cidrs"), Step::Each]);
        assert_eq!(path("[].a[][]"), [Step::Each, field("a"), Step::Each, Step::Each]);
        assert_eq!(path("[]"), [Step::Each]);
        assert_eq!(path("*[]"), [field("*"), Step::Each]);
    }

    #[test]
    fn what_is_no_path_is_told_with_one_that_is() {
        for text in ["", "a..b", ".a", "a.", "a[0].b", "a[", "a].b", "a.[]", "a[]b"] {
            let error = Path::parse(text).unwrap_err().0;
            assert!(error.contains("prefixes[].ip_prefix"), "{text}: {error}");
        }
        assert!(parse_all(&[]).is_err());
    }

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text) in [
            ("eu-*", "eu-west-1"),
            ("*", ""),
            ("*", "x"),
            ("EC2", "EC2"),
            ("*-west-*", "eu-west-1"),
            ("a*b*c", "abbc"),
            ("*ab", "aab"),
            ("**", "x"),
            ("a*a", "aa"),
        ] {
            assert!(is_match(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("eu-*", "us-east-1"),
            ("EC2", "EC2X"),
            ("a*a", "a"),
            ("a*b*c", "acb"),
            ("", "x"),
            ("ab*ba", "aba"),
        ] {
            assert!(!is_match(pattern, text), "{pattern} {text}");
        }
    }
}
