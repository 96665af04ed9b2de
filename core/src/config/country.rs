//! Countries by their two-letter code.

use core::fmt;
use core::str::FromStr;

/// A country by its ISO 3166-1 alpha-2 code, upper case: `DE`. There are no others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// The text is no country's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountryError {
    /// The country that was meant, where a wrong code is known to stand for one: `GB` for `UK`.
    pub meant: Option<Country>,
}

impl fmt::Display for CountryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (problem, example) = match self.meant {
            Some(meant) => ("is no country's code (ISO 3166-1): write", meant),
            None => ("is no country: use its code of two letters (ISO 3166-1), like", Country(*b"DE")),
        };
        write!(f, "{problem} \"{example}\"")
    }
}

impl core::error::Error for CountryError {}

impl Country {
    /// Every one, ascending.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.split(' ').filter_map(Self::from_code)
    }

    /// Two upper case letters, whether or not they are a code.
    fn from_code(code: &str) -> Option<Self> {
        code.as_bytes().try_into().ok().map(Self)
    }
}

impl FromStr for Country {
    type Err = CountryError;

    /// Takes lower case too.
    fn from_str(text: &str) -> Result<Self, CountryError> {
        let upper = text.to_ascii_uppercase();
        if let Some(country) = Self::all().find(|country| country.0 == *upper.as_bytes()) {
            return Ok(country);
        }
        let slip = SLIPS.iter().find(|(wrong, _)| *wrong == upper);
        Err(CountryError { meant: slip.and_then(|(_, right)| Self::from_code(right)) })
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

/// The officially assigned codes of ISO 3166-1, ascending. None of those that are only reserved or for private use.
const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE \
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM \
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC \
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA \
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW \
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO \
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Codes that people write, and those that are meant.
const SLIPS: &[(&str, &str)] = &[
    ("UK", "GB"),
    ("EN", "GB"),
    ("EL", "GR"),
    ("BU", "MM"),
    ("DD", "DE"),
    ("FX", "FR"),
    ("TP", "TL"),
    ("ZR", "CD"),
    ("CHN", "CN"),
    ("DEU", "DE"),
    ("GBR", "GB"),
    ("IRN", "IR"),
    ("RUS", "RU"),
    ("UKR", "UA"),
    ("USA", "US"),
];

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn there_are_249_countries_each_once_in_order() {
        let all: Vec<Country> = Country::all().collect();
        assert_eq!(all.len(), 249);
        assert!(all.is_sorted_by(|a, b| a < b));
        assert!(all.iter().all(|country| country.0.iter().all(u8::is_ascii_uppercase)));
    }

    #[test]
    fn of_all_pairs_of_letters_only_the_assigned_ones_are_countries() {
        let letters = || (b'A'..=b'Z').map(char::from);
        let pairs = letters().flat_map(|first| letters().map(move |second| format!("{first}{second}")));
        let taken: Vec<_> = pairs.filter(|pair| pair.parse::<Country>().is_ok()).collect();
        assert_eq!(taken.join(" "), CODES);
        for code in ["DE", "GB", "RU", "US", "AX", "SS", "BQ", "ZW"] {
            assert_eq!(code.parse::<Country>().unwrap().to_string(), code);
            assert_eq!(code.to_ascii_lowercase().parse::<Country>().unwrap().to_string(), code);
        }
        // Reserved, for private use, withdrawn, or never there.
        for text in [
            "EU", "UK", "SU", "XK", "AN", "YU", "ZZ", "QM", "AA", "D", "", "DEU", " DE", "D E", "Дe", "DE GB",
        ] {
            assert!(text.parse::<Country>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_code_that_people_write_for_another_names_that_one() {
        let told = |text: &str| text.parse::<Country>().unwrap_err().to_string();
        assert_eq!(told("UK"), "is no country's code (ISO 3166-1): write \"GB\"");
        assert_eq!(told("usa"), "is no country's code (ISO 3166-1): write \"US\"");
        assert_eq!(told("XX"), "is no country: use its code of two letters (ISO 3166-1), like \"DE\"");
        for (wrong, right) in SLIPS {
            assert!(wrong.parse::<Country>().is_err() && right.parse::<Country>().is_ok(), "{wrong} {right}");
        }
    }
}
