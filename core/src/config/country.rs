//! Countries by their two-letter code.

use core::fmt;
use core::str::FromStr;

/// A country by its ISO 3166-1 alpha-2 code, upper case: `DE`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// The text is no country's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountryError;

impl fmt::Display for CountryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is no country: use its code of two letters (ISO 3166-1), like \"DE\"")
    }
}

impl core::error::Error for CountryError {}

impl FromStr for Country {
    type Err = CountryError;

    /// Takes lower case too.
    fn from_str(text: &str) -> Result<Self, CountryError> {
        let &[first, second] = text.as_bytes() else { return Err(CountryError) };
        if !first.is_ascii_alphabetic() || !second.is_ascii_alphabetic() {
            return Err(CountryError);
        }
        Ok(Self([first.to_ascii_uppercase(), second.to_ascii_uppercase()]))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

crate::coding::as_text!(Country);
