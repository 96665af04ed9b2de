//! Documents of RIPEstat.

use super::*;
use crate::feed::parse_lines;

macro_rules! document {
    ($name:literal) => {
        include_str!(concat!("../../../../../testdata/ripestat/", $name))
    };
}

/// What lists of lines hold together.
fn lines(bodies: &[&str]) -> (PrefixSet<V4>, PrefixSet<V6>) {
    let list = parse_lines(bodies.join("\n").as_bytes());
    assert_eq!(list.bad, 0);
    (list.v4, list.v6)
}

fn sets(format: &Format, bodies: &[&str]) -> (PrefixSet<V4>, PrefixSet<V6>) {
    let lists: Vec<ParsedList> = bodies.iter().map(|body| read(format, body)).collect();
    assert!(lists.iter().all(|list| list.bad == 0));
    let v4: Vec<_> = lists.iter().map(|list| &list.v4).collect();
    let v6: Vec<_> = lists.iter().map(|list| &list.v6).collect();
    (PrefixSet::union(&v4), PrefixSet::union(&v6))
}

#[test]
fn both_documents_of_an_as_hold_what_it_originates() {
    let telegram = lines(&[document!("telegram.v4.txt"), document!("telegram.v6.txt")]);
    assert_eq!((telegram.0.len(), telegram.1.len()), (15, 3));
    let ris = [
        document!("ris-prefixes-AS62041.json"),
        document!("ris-prefixes-AS62014.json"),
        document!("ris-prefixes-AS59930.json"),
        document!("ris-prefixes-AS44907.json"),
        document!("ris-prefixes-AS211157.json"),
    ];
    assert_eq!(sets(&Format::RisPrefixes, &ris), telegram);
    let announced = [
        document!("announced-prefixes-AS62041.json"),
        document!("announced-prefixes-AS62014.json"),
        document!("announced-prefixes-AS59930.json"),
        document!("announced-prefixes-AS44907.json"),
        document!("announced-prefixes-AS211157.json"),
    ];
    assert_eq!(sets(&Format::AnnouncedPrefixes, &announced), telegram);

    let meta = lines(&[document!("meta.v4.txt"), document!("meta.v6.txt")]);
    assert_eq!((meta.0.len(), meta.1.len()), (28, 3));
    assert_eq!(sets(&Format::RisPrefixes, &[document!("ris-prefixes-AS32934.json")]), meta);
    assert_eq!(sets(&Format::AnnouncedPrefixes, &[document!("announced-prefixes-AS32934.json")]), meta);
}

#[test]
fn a_country_holds_its_prefixes_and_ranges() {
    let list = read(&Format::CountryResourceList, document!("country-resource-list-RU.json"));
    assert_eq!((list.v4.len(), list.v6.len(), list.bad), (12_424, 5_449, 0));
    let russia = lines(&[
        include_str!("../../../../../testdata/lists/ru.v4.txt"),
        include_str!("../../../../../testdata/lists/ru.v6.txt"),
    ]);
    assert_eq!((list.v4, list.v6), russia);
}

#[test]
fn an_answer_that_says_it_is_none_is_an_error_with_its_message() {
    let body = |status: &str, code: &str, messages: &str| {
        std::format!(
            r#"{{"messages":{messages},"status":"{status}","status_code":{code},
            "data":{{"prefixes":[{{"prefix":"192.0.2.0/24","timelines":[]}}]}}}}"#
        )
    };
    let announced = &Format::AnnouncedPrefixes;
    assert_eq!(shown(&read(announced, &body("ok", "200", "[]"))), ["192.0.2.0/24"]);
    assert_eq!(
        fault(announced, &body("error", "400", r#"[["info","Hello"],["error","no such AS"]]"#)),
        "is an answer with status \"error\", code 400: \"no such AS\""
    );
    assert_eq!(
        fault(announced, &body("maintenance", "200", r#"[["info","back at noon"]]"#)),
        "is an answer with status \"maintenance\", code 200: \"back at noon\""
    );
    assert_eq!(fault(announced, &body("ok", "500", "[]")), "is an answer with status \"ok\", code 500");
    assert!(
        fault(announced, &body("error", "400", "[[\"error\",\"x\"]]").replace("\"data\"", "\"date\""))
            .contains("\"x\"")
    );
    let long = std::format!("[[\"error\",\"{}\"]]", "щ".repeat(10_000));
    assert!(fault(announced, &body("error", "400", &long)).len() < 500);
}

#[test]
fn a_document_without_its_list_is_an_error_and_an_empty_list_is_a_list() {
    let ris = &Format::RisPrefixes;
    let data = |data: &str| std::format!(r#"{{"status":"ok","status_code":200,"data":{data}}}"#);
    let empty = read(ris, &data(r#"{"prefixes":{"v4":{"originating":[]},"v6":{"originating":[]}}}"#));
    assert_eq!(empty, ParsedList::default());
    let v4 = r#""prefixes":{"v4":{"originating":["192.0.2.0/24"],"transiting":["10.0.0.0/8"]}}"#;
    assert_eq!(
        shown(&read(ris, &data(&std::format!("{{{v4}}}")))),
        ["192.0.2.0/24"],
        "a family not asked for"
    );
    let none = r#""counts":{"v6":{"originating":0}}"#;
    assert_eq!(shown(&read(ris, &data(&std::format!("{{{v4},{none}}}")))), ["192.0.2.0/24"]);
    let some = r#""counts":{"v6":{"originating":3}}"#;
    let error = fault(ris, &data(&std::format!("{{{some},{v4}}}")));
    assert_eq!(error, "has no data.prefixes.v6.originating[]");
    for body in
        [data("{}"), data(r#"{"prefixes":{"v4":{},"v6":{}}}"#), "{}".into(), data("{\"prefixes\":[]}")]
    {
        assert_eq!(fault(ris, &body), "has no data.prefixes.v4.originating[]", "{body}");
    }
    assert_eq!(read(&Format::AnnouncedPrefixes, &data("{\"prefixes\":[]}")), ParsedList::default());
    assert_eq!(fault(&Format::AnnouncedPrefixes, &data("{}")), "has no data.prefixes[].prefix");
    let country = &Format::CountryResourceList;
    let list = read(country, &data(r#"{"resources":{"asn":["64496"],"ipv4":[],"ipv6":["2001:db8::/32"]}}"#));
    assert_eq!(shown(&list), ["2001:db8::/32"]);
    let error = fault(country, &data(r#"{"resources":{"asn":[],"ipv4":["192.0.2.0/24"]}}"#));
    assert_eq!(error, "has no data.resources.ipv6[]");
}

#[test]
fn entries_of_a_document_are_numbered_from_1() {
    let list = read(
        &Format::CountryResourceList,
        r#"{"data":{"resources":{"ipv4":["192.0.2.0/24","x"],"ipv6":["2001:db8::/32","::ffff:192.0.2.0/120"]}}}"#,
    );
    assert_eq!(
        bad(&list),
        [(2, "x", PrefixError::Address), (4, "::ffff:192.0.2.0/120", PrefixError::V4Mapped)]
    );
}
