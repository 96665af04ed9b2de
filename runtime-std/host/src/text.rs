//! Text that others chose, made safe for one line of a terminal or a log.

use std::fmt;

/// Prints a text with its control characters escaped (`\n`, `\u{1b}`), and all others as they are.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(char::is_control) {
            let (plain, tail) = rest.split_at(at);
            f.write_str(plain)?;
            let mut chars = tail.chars();
            if let Some(control) = chars.next() {
                control.escape_default().fmt(f)?;
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_others_kept() {
        let text = "a\u{1b}[31m\nпривет\u{7f}\u{9b}\"";
        assert_eq!(Printable(text).to_string(), "a\\u{1b}[31m\\nпривет\\u{7f}\\u{9b}\"");
    }
}
