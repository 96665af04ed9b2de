use alloc::string::ToString;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::config::{Config, JsonFormat, SourceConfig};
use crate::feed::{BadLine, PrefixSet};
use crate::ids::Asn;
use crate::rib::{PrefixError, V4, V6};

mod document;

fn json(paths: &[&str], filter: &[(&str, &str)]) -> Format {
    Format::Json(JsonFormat {
        paths: paths.iter().map(ToString::to_string).collect(),
        filter: filter.iter().map(|(name, pattern)| (name.to_string(), pattern.to_string())).collect(),
    })
}

fn csv(column: &str) -> Format {
    Format::Csv { column: column.into() }
}

fn read(format: &Format, body: &str) -> ParsedList {
    parse(format, body.as_bytes(), false).unwrap()
}

fn fault(format: &Format, body: &str) -> String {
    parse(format, body.as_bytes(), false).unwrap_err().to_string()
}

fn shown(list: &ParsedList) -> Vec<String> {
    let v4 = list.v4.iter().map(|prefix| prefix.to_string());
    v4.chain(list.v6.iter().map(|prefix| prefix.to_string())).collect()
}

fn bad(list: &ParsedList) -> Vec<(usize, &str, PrefixError)> {
    assert_eq!(list.first_bad.len(), list.bad.min(5));
    list.first_bad.iter().map(|BadLine { line, text, error }| (*line, text.as_str(), *error)).collect()
}

#[test]
fn the_default_route_is_a_prefix_only_where_it_is_wanted() {
    for (format, body) in [
        (Format::Lines, "0.0.0.0/0\n::/0\n192.0.2.7/24"),
        (Format::Ranges, "0.0.0.0-255.255.255.255\n::/0\n192.0.2.7/24"),
        (csv("1"), "0.0.0.0/0,\n::/0,\n192.0.2.7/24,"),
        (json(&["[]"], &[]), r#"["0.0.0.0/0","::/0","192.0.2.7/24"]"#),
    ] {
        let list = read(&format, body);
        assert_eq!(shown(&list), ["192.0.2.0/24"], "{format:?}");
        let errors: Vec<_> = bad(&list).into_iter().map(|(line, _, error)| (line, error)).collect();
        assert_eq!(errors, [(1, PrefixError::DefaultRoute), (2, PrefixError::DefaultRoute)], "{format:?}");
        let list = parse(&format, body.as_bytes(), true).unwrap();
        assert_eq!(shown(&list), ["0.0.0.0/0", "192.0.2.0/24", "::/0"], "{format:?}");
        assert_eq!((list.lines, list.bad), (3, 0), "{format:?}");
    }
}

#[test]
fn every_format_masks_host_bits_and_refuses_mapped_addresses() {
    let body = "192.0.2.77/24 2001:DB8::1/32 ::ffff:192.0.2.1 192.0.2.0/33 198.51.100.7 x";
    let words = || body.split(' ');
    for (format, body) in [
        (Format::Lines, words().collect::<Vec<_>>().join("\n")),
        (Format::Ranges, words().collect::<Vec<_>>().join("\r\n")),
        (csv("p"), std::format!("p\n{}", words().collect::<Vec<_>>().join(",1\n"))),
        (json(&["a[]"], &[]), std::format!("{{\"a\":[\"{}\"]}}", words().collect::<Vec<_>>().join("\",\""))),
    ] {
        let list = read(&format, &body);
        assert_eq!(shown(&list), ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"], "{format:?}");
        let told: Vec<_> = bad(&list).into_iter().map(|(_, text, error)| (text, error)).collect();
        let expected = [
            ("::ffff:192.0.2.1", PrefixError::V4Mapped),
            ("192.0.2.0/33", PrefixError::TooLong),
            ("x", PrefixError::Address),
        ];
        assert_eq!((list.lines, told), (6, expected.to_vec()), "{format:?}");
    }
}

#[test]
fn a_range_is_the_fewest_prefixes_of_exactly_its_addresses() {
    let list = read(
        &Format::Ranges,
        "# from whois\n2.57.36.0-2.57.38.255\n198.51.100.7 - 198.51.100.7 # one\n203.0.113.0/24\n192.0.2.9\n\
         2001:db8::-2001:db8::2\n0.0.0.1-0.0.0.2\n",
    );
    assert_eq!(
        shown(&list),
        [
            "0.0.0.1/32",
            "0.0.0.2/32",
            "2.57.36.0/23",
            "2.57.38.0/24",
            "192.0.2.9/32",
            "198.51.100.7/32",
            "203.0.113.0/24",
            "2001:db8::/127",
            "2001:db8::2/128",
        ]
    );
    assert_eq!((list.lines, list.bad), (6, 0));
    let list = read(&Format::Ranges, "1.0.0.1-255.255.255.254\n::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
    assert_eq!((list.v4.len() + list.v6.len(), list.bad), (61 + 254, 0));
}

#[test]
fn what_is_no_range_is_a_bad_line() {
    let list = read(
        &Format::Ranges,
        "192.0.2.2-192.0.2.1\n192.0.2.1-2001:db8::\n192.0.2.0/24-192.0.3.0/24\n-\n192.0.2.1-\n\
         ::ffff:192.0.2.1-::ffff:192.0.2.9\n",
    );
    assert_eq!(list.bad, 6);
    assert_eq!(
        bad(&list),
        [
            (1, "192.0.2.2-192.0.2.1", PrefixError::Range),
            (2, "192.0.2.1-2001:db8::", PrefixError::Range),
            (3, "192.0.2.0/24-192.0.3.0/24", PrefixError::Address),
            (4, "-", PrefixError::Address),
            (5, "192.0.2.1-", PrefixError::Address),
        ]
    );
    let mapped = read(&Format::Ranges, "::ffff:192.0.2.1-::ffff:192.0.2.9\n::ffff:0:0-::1:0:0:5\n");
    assert_eq!(
        bad(&mapped).into_iter().map(|(.., error)| error).collect::<Vec<_>>(),
        [PrefixError::V4Mapped, PrefixError::V4Mapped]
    );
}

#[test]
fn ranges_that_become_millions_of_prefixes_are_refused() {
    // 250 prefixes a line.
    let line = "1::1-2fff:ffff:ffff:ffff:ffff:ffff:ffff:fffe\n";
    let body = line.repeat(20_000);
    assert_eq!(fault(&Format::Ranges, &body), "its ranges are more than 4194304 prefixes");
    assert!(parse(&Format::Ranges, line.repeat(10_000).as_bytes(), false).is_ok());
}

#[test]
fn a_column_is_found_by_its_name_or_its_number() {
    let body = "# made by hand, 2026\nname,prefix , note\n\nhome,192.0.2.0/24,x\r\n\"a \"\"b\"\", c\", \"2001:db8::/32\" ,\"two\nlines\"\n\
                short\nlab,nothing,\n";
    let list = read(&csv("prefix"), body);
    assert_eq!(shown(&list), ["192.0.2.0/24", "2001:db8::/32"]);
    assert_eq!(bad(&list), [(7, "short", PrefixError::Address), (8, "nothing", PrefixError::Address)]);
    assert_eq!(list, read(&csv("2"), body), "names are no bad line");
    assert_eq!(
        shown(&read(&csv("2"), "x,192.0.2.0/24\ny,198.51.100.0/24")),
        ["192.0.2.0/24", "198.51.100.0/24"]
    );
    assert_eq!(shown(&read(&csv("1"), "\u{FEFF}\"192.0.2.0/24\"")), ["192.0.2.0/24"]);
    assert_eq!(read(&csv("1"), ""), ParsedList::default());
}

#[test]
fn a_column_that_is_not_there_is_no_empty_list() {
    assert_eq!(
        fault(&csv("prefix"), "name,cidr\na,192.0.2.0/24"),
        "has no column \"prefix\"; its first row is \"name,cidr\""
    );
    assert_eq!(fault(&csv("prefix"), "\n"), "has no column \"prefix\": it has no row at all");
    assert_eq!(fault(&csv("1"), "192.0.2.0/24\n\"a\nb"), "line 2 opens a quote that nothing closes");
    assert_eq!(fault(&csv("1"), &",".repeat(2000)), "line 1 has more than 1024 columns");
    for column in ["0", "", " ", "1025"] {
        let error = check_format(&csv(column)).unwrap_err().to_string();
        assert_eq!(error, std::format!("{column:?} is no column: write its name, or its number from 1"));
    }
    assert_eq!(check_format(&csv("1024")), Ok(()));
}

#[test]
fn json_is_read_along_all_paths() {
    let body = r#"{"x":[[{"y":1}]],"a":{"b":[{"c":["192.0.2.0/24",["10.0.0.0/8"],{"d":"10.0.0.0/8"}],"d":"198.51.100.0/24"},
        {"d":" 2001:db8::/32 "},{"c":[]},{},7]},"b":"203.0.113.0/24"}"#;
    assert_eq!(shown(&read(&json(&["a.b[].d"], &[]), body)), ["198.51.100.0/24", "2001:db8::/32"]);
    let list = read(&json(&["a.b[].c[]", "a.b[].d", "b", "nowhere[].x"], &[]), body);
    assert_eq!(shown(&list), ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]);
    assert_eq!(bad(&list), [(2, "[…]", PrefixError::Address), (3, "{…}", PrefixError::Address)]);
    assert_eq!(shown(&read(&json(&["*"], &[]), body)), ["203.0.113.0/24"]);
    assert_eq!(bad(&read(&json(&["x[][].y"], &[]), body)), [(1, "1", PrefixError::Address)]);
    assert_eq!(
        shown(&read(&json(&["[].p"], &[]), "[{\"p\":\"192.0.2.0\\/24\"},{\"p\":null}]")),
        ["192.0.2.0/24"]
    );
}

#[test]
fn a_path_that_leads_nowhere_is_an_error_and_an_empty_array_is_none() {
    let paths = json(&["prefixes[].ip_prefix"], &[]);
    assert_eq!(read(&paths, r#"{"prefixes":[]}"#), ParsedList::default());
    for body in ["{}", "[]", "7", "null", r#"{"prefixes":{}}"#, r#"{"prefixes":[{"ip":"192.0.2.0/24"}]}"#] {
        assert_eq!(fault(&paths, body), "is JSON with nothing at prefixes[].ip_prefix", "{body}");
    }
    assert_eq!(fault(&json(&["a", "b[]"], &[]), "{}"), "is JSON with nothing at any of a, b[]");
    let error = check_format(&json(&["a[0]"], &[])).unwrap_err().to_string();
    assert!(error.starts_with("\"a[0]\" is no path: "), "{error}");
    assert_eq!(fault(&json(&["a[0]"], &[]), "{}"), error);
}

#[test]
fn a_configuration_names_the_source_whose_format_is_none() {
    let mut config = Config::new(Asn(65010), [203, 0, 113, 1].into());
    config.sources.push(SourceConfig::file("extra", "extra.json"));
    assert_eq!(config.check(), Ok(()));
    for format in [json(&["a[].b", "a[0]"], &[]), csv("0")] {
        config.sources[0].format = format.clone();
        let error = config.check().unwrap_err();
        assert_eq!(error.path, "source.extra.format");
        assert_eq!(error.problem, check_format(&format).unwrap_err().to_string());
    }
}

#[test]
fn what_is_no_json_says_what_it_is() {
    let error = fault(&json(&["a[]"], &[]), "<!DOCTYPE html><html><body>Maintenance</body></html>");
    assert_eq!(
        error,
        "is no JSON: expected value at line 1 column 1; it begins with \"<!DOCTYPE html><html><body>Maintenance</…\""
    );
    for body in ["", "{\"a\":[\"192.0.2.0/24\"]", "{\"a\":[\"192.0.2.0/24\"]}}", "{\"a\":[\"\u{1}\"]}"] {
        assert!(fault(&json(&["a[]"], &[]), body).starts_with("is no JSON: "), "{body}");
    }
    assert!(parse(&json(&["a[]"], &[]), b"{\"a\":[\"\xFF\"]}", false).is_err());
}

#[test]
fn a_filter_chooses_elements_by_all_names_and_any_pattern_of_each() {
    let body = r#"{"prefixes":[
        {"p":"10.0.0.0/24","region":"eu-west-1","service":"EC2"},
        {"service":"S3","p":"10.0.1.0/24","region":"eu-west-1"},
        {"region":"us-east-1","p":"10.0.2.0/24","service":"EC2"},
        {"p":"10.0.3.0/24"},
        {"p":"10.0.4.0/24","region":"eu-north-1","service":"EC2","id":7,"q":{"region":"x"}},
        {"p":"10.0.5.0/24","q":{"region":"eu-north-1","service":"EC2"}},
        {"p":"nothing","region":"us-east-1","service":"EC2"}
    ],"more":["10.1.0.0/24"]}"#;
    let with = |filter: &[(&str, &str)]| shown(&read(&json(&["prefixes[].p", "more[]"], filter), body));
    assert_eq!(with(&[("region", "eu-*"), ("service", "EC2")]), ["10.0.0.0/24", "10.0.4.0/24"]);
    assert_eq!(
        with(&[("region", "eu-w*"), ("region", "us-*"), ("service", "EC2")]),
        ["10.0.0.0/24", "10.0.2.0/24"]
    );
    assert_eq!(with(&[("service", "S3")]), ["10.0.1.0/24"]);
    assert_eq!(with(&[("id", "7")]), ["10.0.4.0/24"]);
    assert_eq!(with(&[("p", "10.0.3.*")]), ["10.0.3.0/24"]);
    assert_eq!(with(&[("zone", "*")]), Vec::<String>::new());
    assert_eq!(
        shown(&read(&json(&["a"], &[("b", "x")]), r#"{"a":"192.0.2.0/24","b":"x"}"#)),
        ["192.0.2.0/24"]
    );
    let nested =
        r#"[{"k":"1","p":"10.0.0.0/24","in":[{"k":"2","p":"10.0.1.0/24"},{"k":"1","p":"10.0.2.0/24"}]}]"#;
    assert_eq!(shown(&read(&json(&["[].p", "[].in[].p"], &[("k", "2")]), nested)), ["10.0.1.0/24"]);
    assert_eq!(
        shown(&read(&json(&["[].p", "[].in[].p"], &[("k", "1")]), nested)),
        ["10.0.0.0/24", "10.0.2.0/24"]
    );
}

#[test]
fn a_text_that_is_cut_while_it_waits_for_the_filter_is_no_prefix() {
    let body = std::format!(r#"[{{"p":"192.0.2.0/24{}x","k":"1"}}]"#, " ".repeat(300));
    assert_eq!(read(&json(&["[].p"], &[("k", "1")]), &body).bad, 1);
    let body = std::format!(r#"[{{{}"k":"1"}}]"#, "\"p\":\"192.0.2.0/24\",".repeat(1025));
    assert!(fault(&json(&["[].p"], &[("k", "1")]), &body).contains("an element has more than 1024 values"));
}

#[test]
fn arrays_inside_each_other_cost_no_stack() {
    let depth = 5_000_000;
    let body = std::format!("{{\"x\":{}{},\"a\":[\"192.0.2.0/24\"]}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(shown(&read(&json(&["a[]"], &[]), &body)), ["192.0.2.0/24"]);
    assert!(fault(&json(&["a[]"], &[]), &"[".repeat(depth)).starts_with("is no JSON: "));
    let path = std::format!("a{}", "[]".repeat(10_000));
    let body = std::format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(fault(&json(&[&path], &[]), &body).contains("recursion limit exceeded"));
}

proptest! {
    #[test]
    fn no_body_is_too_strange(body in prop::collection::vec(any::<u8>(), 0..200), default_route: bool) {
        for format in [
            Format::Lines, Format::Ranges, csv("1"), csv("a"), json(&["a[].b", "*[]"], &[("c", "*")]),
            Format::RisPrefixes, Format::AnnouncedPrefixes, Format::CountryResourceList,
        ] {
            if let Ok(list) = parse(&format, &body, default_route) {
                prop_assert_eq!(list.first_bad.len(), list.bad.min(5));
            }
        }
    }

    #[test]
    fn csv_of_any_text_is_read_or_refused(body in "[\"\n,a#1. ]{0,40}", column in "[a12]") {
        if let Ok(list) = parse(&csv(&column), body.as_bytes(), false) {
            prop_assert!(list.bad + list.v4.len() <= list.lines);
        }
    }

    #[test]
    fn every_format_says_the_same_of_the_same_prefixes(
        v4 in prop::collection::vec((any::<u32>(), 1u8..=32), 0..30),
        v6 in prop::collection::vec((1u128.., 1u8..=95), 0..30),
    ) {
        let v4: Vec<_> = v4.into_iter().filter_map(|(bits, len)| crate::rib::Prefix::<V4>::new(bits, len)).collect();
        let v6: Vec<_> = v6.into_iter().filter_map(|(bits, len)| crate::rib::Prefix::<V6>::new(bits, len)).collect();
        let texts: Vec<String> = v4.iter().map(ToString::to_string).chain(v6.iter().map(ToString::to_string)).collect();
        let quoted: Vec<String> = texts.iter().map(|text| std::format!("{{\"p\":\"{text}\",\"k\":\"v\"}}")).collect();
        let (set4, set6) = (PrefixSet::from_prefixes(v4), PrefixSet::from_prefixes(v6));
        for (format, body) in [
            (Format::Lines, texts.join("\n")),
            (Format::Ranges, texts.join("\n")),
            (csv("p"), std::format!("k,p\nv,{}", texts.join("\nv,"))),
            (json(&["[].p"], &[("k", "v")]), std::format!("[{}]", quoted.join(","))),
        ] {
            let list = parse(&format, body.as_bytes(), false).unwrap();
            prop_assert_eq!((&list.v4, &list.v6), (&set4, &set6));
        }
    }
}
