//! The expression of a feed: for now, a union of sources.

use super::error::FileError;
use super::reader::Value;

/// The names in `a + b + c`, in order and each once.
pub(super) fn union(value: &Value<'_>) -> Result<Vec<String>, FileError> {
    let text = value.string()?;
    let mut names: Vec<String> = Vec::new();
    let mut wants_name = true;
    for (offset, token) in tokens(text) {
        let problem = match (token, wants_name) {
            ("-" | "&" | "(" | ")", _) => {
                format!("\"{token}\" is not supported by this version yet; join sources with \"+\"")
            }
            ("+", false) => {
                wants_name = true;
                continue;
            }
            ("+", true) => "here must stand the name of a source, not \"+\"".to_owned(),
            (name, true) => {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
                wants_name = false;
                continue;
            }
            (name, false) => format!("before {name:?} must stand \"+\""),
        };
        return Err(value.error_inside(offset, token.len(), problem));
    }
    if wants_name {
        return Err(value.error(match names.last() {
            None => "is empty; name the sources it is made of, like \"ru + extra\"",
            Some(_) => "ends with \"+\"; after it must stand the name of a source",
        }));
    }
    Ok(names)
}

/// Names and operators with their offsets. A `-` inside a name belongs to it (`aws-eu`).
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let mut word: Option<usize> = None;
    for (at, char) in text.char_indices() {
        let is_operator = matches!(char, '+' | '&' | '(' | ')') || (char == '-' && word.is_none());
        if is_operator || char.is_whitespace() {
            if let Some(start) = word.take() {
                tokens.push((start, &text[start..at]));
            }
            if is_operator {
                tokens.push((at, &text[at..=at]));
            }
        } else if word.is_none() {
            word = Some(at);
        }
    }
    if let Some(start) = word {
        tokens.push((start, &text[start..]));
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_belongs_to_the_name_it_stands_in() {
        assert_eq!(
            tokens("aws-eu+ru - (x)"),
            [(0, "aws-eu"), (6, "+"), (7, "ru"), (10, "-"), (12, "("), (13, "x"), (14, ")")]
        );
        assert_eq!(tokens("  "), []);
        assert_eq!(tokens("-ü"), [(0, "-"), (1, "ü")]);
    }
}
