//! `Retry-After`: seconds, or a date (RFC 9110 sections 5.6.7 and 10.2.3).

/// How many seconds from `now` on, in seconds since the Unix epoch; `None` when it says neither. A date that has
/// passed is 0.
pub(super) fn retry_secs(text: &str, now: u64) -> Option<u64> {
    let text = text.trim_ascii();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are longer than anybody waits.
        return Some(text.parse().unwrap_or(u64::MAX));
    }
    unix_secs(text).map(|at| at.saturating_sub(now))
}

/// Seconds since the Unix epoch of a date in any of the three forms that a recipient must accept; `None` for other
/// texts and for dates before 1970.
pub(super) fn unix_secs(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    // "Sun, 06 Nov 1994 08:49:37 GMT" and "Sunday, 06-Nov-94 08:49:37 GMT", or "Sun Nov  6 08:49:37 1994".
    let ([_, day, month, year, time, "GMT"] | [_, month, day, time, year]) = words[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let year = match (year.len(), number(year)?) {
        (4, year) => year,
        // RFC 850's two digits; none of this century's servers means the last one.
        (2, year) => 2000 + year,
        _ => return None,
    };
    let mut parts = time.split(':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let day = number(day).filter(|day| (1..=31).contains(day))?;
    let days = days_since_epoch(year, month, day)?;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days from 1970-01-01 (Gregorian; Hinnant's `days_from_civil`).
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    // The year begins in March, so that a leap day is its last.
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let era = year / 400;
    let year_of_era = year % 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_a_date_are_one_moment() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(unix_secs(text), Some(784_111_777), "{text}");
        }
        assert_eq!(unix_secs("Friday, 31-Jul-26 12:00:00 GMT"), Some(1_785_499_200));
        assert_eq!(unix_secs("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400));
        assert_eq!(unix_secs("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "soon",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Now 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "Sun, 06 Jan 0000 08:49:37 GMT",
            "a b c d e f g",
        ] {
            assert_eq!(unix_secs(text), None, "{text}");
        }
    }

    #[test]
    fn a_wait_is_seconds_or_the_time_until_a_date() {
        assert_eq!(retry_secs(" 120 ", 0), Some(120));
        assert_eq!(retry_secs("99999999999999999999", 0), Some(u64::MAX));
        assert_eq!(retry_secs("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_770), Some(7));
        assert_eq!(retry_secs("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_778), Some(0));
        for text in ["-1", "1.5", "", "later"] {
            assert_eq!(retry_secs(text, 0), None, "{text}");
        }
    }
}
