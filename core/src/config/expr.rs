//! What a feed is made of: sources joined by `+` (union), `-` (minus) and `&` (intersection).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// A feed's expression. `&` binds tighter than `+` and `-`, which bind alike, from left to right; parentheses
/// group. A `-` inside a name belongs to it (`aws-eu`): as an operator it stands between blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// The prefixes of a source.
    Source(String),
    /// Those of either.
    Union(Box<Self>, Box<Self>),
    /// Those of the first without the addresses of the second: prefixes are split where they overlap.
    Minus(Box<Self>, Box<Self>),
    /// The addresses of both.
    Intersect(Box<Self>, Box<Self>),
}

/// Why a text is no expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    /// Where the fault begins, in octets.
    pub offset: usize,
    /// How long it is, in octets; 0 at the end of the text.
    pub len: usize,
    /// What is wrong there and what would be right.
    pub problem: String,
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl core::error::Error for ExprError {}

impl Expr {
    /// One source.
    pub fn source(name: impl Into<String>) -> Self {
        Self::Source(name.into())
    }

    /// The union of these sources; `None` of none.
    pub fn union_of<S: AsRef<str>>(names: &[S]) -> Option<Self> {
        let sources = names.iter().map(|name| Self::source(name.as_ref()));
        sources.reduce(|left, right| Self::Union(Box::new(left), Box::new(right)))
    }

    /// The names of all sources in it, in order, each as often as it stands there.
    pub fn sources(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect(&mut names);
        names
    }

    /// Whether the source stands anywhere in it.
    pub fn names(&self, source: &str) -> bool {
        match self {
            Self::Source(name) => name == source,
            Self::Union(left, right) | Self::Minus(left, right) | Self::Intersect(left, right) => {
                left.names(source) || right.names(source)
            }
        }
    }

    /// Gives the source another name wherever it stands.
    pub fn rename(&mut self, from: &str, to: &str) {
        match self {
            Self::Source(name) if name == from => *name = to.into(),
            Self::Source(_) => {}
            Self::Union(left, right) | Self::Minus(left, right) | Self::Intersect(left, right) => {
                left.rename(from, to);
                right.rename(from, to);
            }
        }
    }

    fn collect<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::Source(name) => names.push(name),
            Self::Union(left, right) | Self::Minus(left, right) | Self::Intersect(left, right) => {
                left.collect(names);
                right.collect(names);
            }
        }
    }

    /// With parentheses where what stands around it binds at least as tightly.
    fn write(&self, f: &mut fmt::Formatter<'_>, is_right: bool, is_factor: bool) -> fmt::Result {
        let (left, sign, right) = match self {
            Self::Source(name) => return f.write_str(name),
            Self::Union(left, right) => (left, "+", right),
            Self::Minus(left, right) => (left, "-", right),
            Self::Intersect(left, right) => (left, "&", right),
        };
        let is_product = sign == "&";
        let is_closed = if is_product { is_factor && is_right } else { is_factor || is_right };
        f.write_str(if is_closed { "(" } else { "" })?;
        left.write(f, false, is_product)?;
        write!(f, " {sign} ")?;
        right.write(f, true, is_product)?;
        f.write_str(if is_closed { ")" } else { "" })
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false, false)
    }
}

impl FromStr for Expr {
    type Err = ExprError;

    fn from_str(text: &str) -> Result<Self, ExprError> {
        let mut parser = Parser { tokens: tokens(text), at: 0, end: text.len(), depth: 0 };
        let expr = parser.sum()?;
        match parser.peek() {
            None => Ok(expr),
            Some((_, ")")) => Err(parser.error("closes what nothing opened; remove it")),
            Some((_, word)) => {
                let problem = format!("before {word:?} must stand \"+\", \"-\" or \"&\"");
                Err(parser.error(&problem))
            }
        }
    }
}

crate::coding::as_text!(Expr);

struct Parser<'a> {
    tokens: Vec<(usize, &'a str)>,
    at: usize,
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<(usize, &'a str)> {
        self.tokens.get(self.at).copied()
    }

    fn take(&mut self, signs: &[&str]) -> Option<&'a str> {
        let (_, sign) = self.peek().filter(|(_, token)| signs.contains(token))?;
        self.at += 1;
        Some(sign)
    }

    fn sum(&mut self) -> Result<Expr, ExprError> {
        let mut left = self.product()?;
        while let Some(sign) = self.take(&["+", "-"]) {
            let right = Box::new(self.product()?);
            left = if sign == "+" {
                Expr::Union(Box::new(left), right)
            } else {
                Expr::Minus(Box::new(left), right)
            };
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr, ExprError> {
        let mut left = self.factor()?;
        while self.take(&["&"]).is_some() {
            left = Expr::Intersect(Box::new(left), Box::new(self.factor()?));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Expr, ExprError> {
        if self.depth > MAX_DEPTH || self.at > MAX_TOKENS {
            return Err(self.error("is too much for one feed; make it of fewer sources"));
        }
        match self.peek() {
            Some((_, "(")) => {
                self.at += 1;
                self.depth += 1;
                let inner = self.sum()?;
                self.depth -= 1;
                self.take(&[")"]).map(|_| inner).ok_or_else(|| self.error("here must stand \")\""))
            }
            Some((_, sign @ ("+" | "-" | "&" | ")"))) => {
                Err(self.error(&format!("here must stand the name of a source, not {sign:?}")))
            }
            Some((_, name)) => {
                self.at += 1;
                Ok(Expr::Source(name.to_string()))
            }
            None if self.tokens.is_empty() => {
                Err(self.error("is empty; name the sources it is made of, like \"ru + extra\""))
            }
            None => Err(self.error("ends too early; after it must stand the name of a source")),
        }
    }

    fn error(&self, problem: &str) -> ExprError {
        let (offset, len) = self.peek().map_or((self.end, 0), |(offset, token)| (offset, token.len()));
        ExprError { offset, len, problem: problem.to_string() }
    }
}

/// Names and operators with their offsets.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let mut word: Option<usize> = None;
    for (at, char) in text.char_indices() {
        let is_operator = matches!(char, '+' | '&' | '(' | ')') || (char == '-' && word.is_none());
        if !is_operator && !char.is_whitespace() {
            word.get_or_insert(at);
            continue;
        }
        if let Some(name) = word.take().and_then(|start| Some((start, text.get(start..at)?))) {
            tokens.push(name);
        }
        if is_operator && let Some(sign) = text.get(at..=at) {
            tokens.push((at, sign));
        }
    }
    if let Some(name) = word.and_then(|start| Some((start, text.get(start..)?))) {
        tokens.push(name);
    }
    tokens
}

/// Parentheses inside each other.
const MAX_DEPTH: usize = 32;
/// Names and signs in one expression.
const MAX_TOKENS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Expr>().unwrap().to_string()
    }

    #[test]
    fn a_dash_belongs_to_the_name_it_stands_in() {
        assert_eq!(
            tokens("aws-eu+ru - (x)"),
            [(0, "aws-eu"), (6, "+"), (7, "ru"), (10, "-"), (12, "("), (13, "x"), (14, ")")]
        );
        assert_eq!(tokens("  "), []);
        assert_eq!(tokens("-ü"), [(0, "-"), (1, "ü")]);
    }

    #[test]
    fn intersection_binds_tighter_and_the_rest_goes_from_left_to_right() {
        let name = |name: &str| Box::new(Expr::source(name));
        assert_eq!(
            "a + b & c - d".parse(),
            Ok(Expr::Minus(
                Box::new(Expr::Union(name("a"), Box::new(Expr::Intersect(name("b"), name("c"))))),
                name("d")
            ))
        );
        assert_eq!(shown("a - (b + c)"), "a - (b + c)");
        assert_eq!(shown("(a - b) + c"), "a - b + c");
        assert_eq!(shown("(a + b) & c"), "(a + b) & c");
        assert_eq!(shown("a & (b & c)"), "a & (b & c)");
        assert_eq!(shown("a&b & c"), "a & b & c");
    }

    #[test]
    fn a_fault_says_where_it_is() {
        let fault = |text: &str| {
            let error = text.parse::<Expr>().unwrap_err();
            (error.offset, error.len, error.problem)
        };
        assert_eq!(fault("a b"), (2, 1, "before \"b\" must stand \"+\", \"-\" or \"&\"".into()));
        assert_eq!(fault("a + & b"), (4, 1, "here must stand the name of a source, not \"&\"".into()));
        assert_eq!(fault("(a + b").0, 6);
        assert_eq!(fault("a)").2, "closes what nothing opened; remove it");
        assert_eq!(fault("a +").0, 3);
        assert!(fault(" ").2.starts_with("is empty"));
        assert!("(".repeat(100_000).parse::<Expr>().is_err());
    }
}
