//! What is too strange to be served before somebody has looked at it.

use alloc::format;
use alloc::string::String;

use crate::config::Guard;
use crate::coverage::{self, Source as Fate};
use crate::feed::ParsedList;
use crate::rib::AnyPrefix;

impl ParsedList {
    /// IPv4 and IPv6 prefixes.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.v4.len(), self.v6.len())
    }

    /// Prefixes of both families.
    pub(super) fn total(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Whether it has the same prefixes, whatever else was in the body.
    pub(super) fn same_prefixes(&self, other: &Self) -> bool {
        self.v4 == other.v4 && self.v6 == other.v6
    }

    fn covers(&self, prefix: AnyPrefix) -> bool {
        match prefix {
            AnyPrefix::V4(prefix) => self.v4.covers(prefix),
            AnyPrefix::V6(prefix) => self.v6.covers(prefix),
        }
    }

    fn overlaps(&self, prefix: AnyPrefix) -> bool {
        match prefix {
            AnyPrefix::V4(prefix) => self.v4.overlaps(prefix),
            AnyPrefix::V6(prefix) => self.v6.overlaps(prefix),
        }
    }
}

/// Whether `new` may be served in the place of `served`, which is `None` before the first body; otherwise which bound
/// it breaks, with its value and what there is.
pub(super) fn check(guard: &Guard, served: Option<&ParsedList>, new: &ParsedList) -> Result<(), String> {
    let count = new.total();
    if count < guard.min {
        coverage::hit(Fate::TooFew);
        return Err(format!("min is {}, and it has {count} prefixes", guard.min));
    }
    if let Some(served) = served.map(ParsedList::total) {
        if let Some(percent) = guard.max_shrink
            && exceeds(served.saturating_sub(count), percent, served)
        {
            coverage::hit(Fate::Shrunk);
            return Err(format!("max_shrink is {percent}%, and it has {count} prefixes instead of {served}"));
        }
        if let Some(percent) = guard.max_growth
            && count > Guard::GROWTH_FLOOR
            && exceeds(count.saturating_sub(served), percent, served)
        {
            coverage::hit(Fate::Grown);
            return Err(format!("max_growth is {percent}%, and it has {count} prefixes instead of {served}"));
        }
    }
    if let Some(missing) = guard.must_contain.iter().find(|prefix| !new.covers(**prefix)) {
        coverage::hit(Fate::Lacking);
        return Err(format!("must_contain names {missing}, and it does not cover all of that"));
    }
    if let Some(forbidden) = guard.must_not_contain.iter().find(|prefix| new.overlaps(**prefix)) {
        coverage::hit(Fate::Forbidden);
        return Err(format!("must_not_contain names {forbidden}, and it covers some of that"));
    }
    Ok(())
}

/// Whether `part` is more than `percent` of `whole`.
fn exceeds(part: usize, percent: u32, whole: usize) -> bool {
    part as u128 * 100 > u128::from(percent) * whole as u128
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use core::fmt::Write as _;

    use super::*;
    use crate::feed::parse_lines;

    fn list(count: usize) -> ParsedList {
        let mut text = String::new();
        for host in 0..count {
            writeln!(text, "10.{}.{}.{}", host >> 16, host >> 8 & 255, host & 255).unwrap();
        }
        parse_lines(text.as_bytes())
    }

    fn is_held(guard: &Guard, served: usize, new: usize) -> bool {
        check(guard, Some(&list(served)), &list(new)).is_err()
    }

    #[test]
    fn half_may_go_and_not_one_more() {
        let guard = Guard::default();
        assert!(!is_held(&guard, 100, 50));
        assert!(is_held(&guard, 100, 49));
        assert!(!is_held(&guard, 101, 51));
        assert!(is_held(&guard, 101, 50));
        assert!(is_held(&guard, 1, 0));
    }

    #[test]
    fn no_percent_is_no_prefix_and_no_bound_is_all_of_them() {
        let none = Guard { max_shrink: Some(0), max_growth: Some(0), ..Guard::default() };
        assert!(!is_held(&none, 1500, 1500));
        assert!(is_held(&none, 1500, 1499));
        assert!(is_held(&none, 1500, 1501));
        let all = Guard { min: 0, max_shrink: None, max_growth: None, ..Guard::default() };
        assert!(!is_held(&all, 1500, 0));
        assert!(!is_held(&all, 1, 5000));
    }

    #[test]
    fn growth_is_bounded_from_a_thousand_and_one_prefixes_on() {
        let guard = Guard::default();
        assert!(!is_held(&guard, 1, 1000));
        assert!(is_held(&guard, 1, 1001));
        assert!(!is_held(&guard, 300, 1200));
        assert!(is_held(&guard, 300, 1201));
    }

    #[test]
    fn a_first_body_has_nothing_to_shrink_or_grow_from() {
        assert_eq!(check(&Guard::default(), None, &list(5000)), Ok(()));
        assert!(check(&Guard::default(), None, &list(0)).is_err());
        let guard = Guard { min: 10, ..Guard::default() };
        let reason = check(&guard, None, &list(9)).unwrap_err();
        assert_eq!(reason, "min is 10, and it has 9 prefixes");
    }

    #[test]
    fn what_must_be_there_may_be_covered_by_several_and_what_must_not_by_none() {
        let list = parse_lines(b"192.0.2.0/25\n192.0.2.128/25\n2001:db8::/32\n");
        let must = |prefix: &str| Guard { must_contain: vec![prefix.parse().unwrap()], ..Guard::default() };
        let not =
            |prefix: &str| Guard { must_not_contain: vec![prefix.parse().unwrap()], ..Guard::default() };
        for (guard, is_fine) in [
            (must("192.0.2.0/24"), true),
            (must("192.0.2.0/23"), false),
            (must("2001:db8:1::/48"), true),
            (must("2001:db9::/48"), false),
            (not("192.0.2.1"), false),
            (not("192.0.0.0/16"), false),
            (not("192.0.3.0/24"), true),
            (not("2001:db8:1::/48"), false),
        ] {
            assert_eq!(check(&guard, None, &list).is_ok(), is_fine, "{guard:?}");
        }
    }
}
