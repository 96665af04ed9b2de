use alloc::string::ToString;

use proptest::prelude::*;

use super::*;

fn texts(list: &ParsedList) -> Vec<String> {
    let v4 = list.v4.iter().map(|prefix| prefix.to_string());
    v4.chain(list.v6.iter().map(|prefix| prefix.to_string())).collect()
}

#[test]
fn prefixes_addresses_comments_and_blanks_are_read() {
    let body =
        b"# a list\n\n192.0.2.77/24\n  198.51.100.7\t# one host\n2001:db8::/32#v6\n \t \n#\n2001:DB8:1::1";
    let list = parse_lines(body);
    assert_eq!(texts(&list), ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32", "2001:db8:1::1/128"]);
    assert_eq!((list.lines, list.bad), (4, 0));
}

#[test]
fn byte_order_mark_and_carriage_returns_are_no_content() {
    let list = parse_lines(b"\xEF\xBB\xBF192.0.2.0/24\r\n\r\n2001:db8::/32\r\n198.51.100.0/24\r");
    assert_eq!(texts(&list), ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"]);
    assert_eq!((list.lines, list.bad), (3, 0));
}

#[test]
fn an_empty_body_is_an_empty_list() {
    assert_eq!(parse_lines(b""), ParsedList::default());
    assert_eq!(parse_lines(b"\xEF\xBB\xBF"), ParsedList::default());
    assert_eq!(parse_lines(b"\n\n"), ParsedList::default());
}

#[test]
fn bad_lines_are_counted_and_named_by_number_text_and_fault() {
    let list = parse_lines(
        b"192.0.2.0/24\n\nrubbish # why\r\n192.0.2.0/33\n0.0.0.0/0\n\xFF\x00\n10.0.0.1/08\n1.2.3\n",
    );
    assert_eq!((list.lines, list.bad, list.v4.len()), (7, 6, 1));
    let told: Vec<_> = list.first_bad.iter().map(|bad| (bad.line, bad.text.as_str(), bad.error)).collect();
    assert_eq!(
        told,
        [
            (3, "rubbish", PrefixError::Address),
            (4, "192.0.2.0/33", PrefixError::TooLong),
            (5, "0.0.0.0/0", PrefixError::DefaultRoute),
            (6, "\u{FFFD}\0", PrefixError::Address),
            (7, "10.0.0.1/08", PrefixError::Length),
        ]
    );
}

#[test]
fn the_text_of_a_bad_line_is_cut_to_80_characters() {
    let line = "щ".repeat(100_000);
    let list = parse_lines(line.as_bytes());
    assert_eq!(list.first_bad[0].text, "щ".repeat(80));
    let html = "<".repeat(81);
    assert_eq!(parse_lines(html.as_bytes()).first_bad[0].text.len(), 80);
}

#[test]
fn the_real_lists_are_read_whole() {
    let list = parse_lines(include_bytes!("../../../../testdata/lists/ru.v4.txt"));
    assert_eq!((list.v4.len(), list.v6.len(), list.bad), (12_424, 0, 0));
    assert_eq!(crate::feed::aggregate(&list.v4).len(), 12_423);
    let list = parse_lines(include_bytes!("../../../../testdata/lists/ru.v6.txt"));
    assert_eq!((list.v4.len(), list.v6.len(), list.bad), (0, 5_449, 0));
    assert_eq!(crate::feed::aggregate(&list.v6).len(), 5_449);
}

/// What the shared parser says about one line, nothing else in the body.
fn slowly(line: &str) -> Option<Prefix4> {
    match line.parse() {
        Ok(AnyPrefix::V4(prefix)) => Some(prefix),
        _ => None,
    }
}

proptest! {
    #[test]
    fn the_fast_path_never_disagrees_with_the_shared_parser(
        line in "[0-9]{1,4}(\\.[0-9]{0,4}){2,4}(/[0-9]{0,4})?[.x/ ]?",
    ) {
        if let Some((prefix, rest)) = plain_v4(line.as_bytes()) {
            prop_assert_eq!(Some(prefix), slowly(&line));
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn the_fast_path_takes_every_plain_line(bits: u32, len in 1u8..=32, host: bool, crlf: bool) {
        let address = core::net::Ipv4Addr::from_bits(bits);
        let text = if host { address.to_string() } else { std::format!("{address}/{len}") };
        let end = if crlf { "\r\n" } else { "\n" };
        let body = std::format!("{text}{end}rest");
        let (prefix, rest) = plain_v4(body.as_bytes()).unwrap();
        prop_assert_eq!(Some(prefix), slowly(&text));
        prop_assert_eq!(rest, b"rest");
    }

    #[test]
    fn each_line_of_any_body_is_blank_good_or_bad(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let list = parse_lines(&body);
        prop_assert!(list.bad + list.v4.len() + list.v6.len() <= list.lines);
        prop_assert_eq!(list.first_bad.len(), list.bad.min(5));
    }

    #[test]
    fn line_ends_and_order_do_not_matter(
        mut lines in prop::collection::vec(prop_oneof![
            (any::<u32>(), 1u8..=32).prop_map(|(b, l)| Prefix4::new(b, l).unwrap().to_string()),
            (1u128.., 1u8..=95).prop_map(|(b, l)| Prefix::<V6>::new(b, l).unwrap().to_string()),
        ], 0..50),
    ) {
        let list = parse_lines(lines.join("\n").as_bytes());
        prop_assert_eq!(list.bad, 0);
        lines.reverse();
        prop_assert_eq!(parse_lines((lines.join("\r\n") + "\r\n").as_bytes()), list);
    }
}
