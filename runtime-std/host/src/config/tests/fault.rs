//! Claims about what each fault says, and what none ever says.

use super::{MINIMAL, bgp_fault, fault};

#[test]
fn a_typo_names_the_nearest_key_and_its_place() {
    assert_eq!(
        bgp_fault("hold_tiem = \"9s\""),
        "5:1: bgp.hold_tiem: unknown key; did you mean \"hold_time\"?"
    );
    assert_eq!(fault(&format!("{MINIMAL}[[pear]]\n")), "5:3: pear: unknown key; did you mean \"peer\"?");
    assert_eq!(
        fault(&format!("{MINIMAL}[state]\n  zebra = 1\n")),
        "6:3: state.zebra: unknown key; known here are dir, store, feed_versions"
    );
    // A slip of a key that must be there is named as the slip that it is.
    assert_eq!(
        fault("[bgp]\nans = 1\nrouter_id = \"192.0.2.1\"\n"),
        "2:1: bgp.ans: unknown key; known here are asn, router_id, listen, hold_time, open_delay, next_hop, \
         next_hop_v6, unknown_peers, default_feed, max_unknown_peers, max_unknown_per_address, \
         max_received_prefixes, ttl"
    );
}

#[test]
fn a_wrong_type_or_value_shows_its_key_and_a_caret() {
    assert_eq!(
        bgp_fault("  hold_time = \"forever\"  # why not"),
        "5:15: bgp.hold_time: \"forever\" is no duration; write a number with its unit (ms, s, m, h or d), like \
         \"240s\"\n 5 | hold_time = \"forever\"\n   |             ^^^^^^^^^"
    );
    let mut wrong = Vec::new();
    for (line, sentence) in FAULTS.into_iter().chain(WEB_FAULTS) {
        let shown = bgp_fault(line);
        if shown.lines().next() != Some(sentence) {
            wrong.push((line, shown));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_fault_in_an_expression_has_its_own_column() {
    let feed = |expr: &str| {
        let text =
            format!("{MINIMAL}[source.ru]\nkind = \"inline\"\nprefixes = []\n[feed.ru]\nexpr = {expr}\n");
        fault(&text)
    };
    assert_eq!(
        feed("\"ru + ru ru\""),
        "9:17: feed.ru.expr: before \"ru\" must stand \"+\", \"-\" or \"&\"\n 9 | expr = \"ru + ru ru\"\n   |                 ^^"
    );
    for (expr, sentence) in [
        ("\"+ ru\"", "9:9: feed.ru.expr: here must stand the name of a source, not \"+\""),
        ("\"ru +\"", "9:13: feed.ru.expr: ends too early; after it must stand the name of a source"),
        ("\"(ru\"", "9:12: feed.ru.expr: here must stand \")\""),
        ("\" \"", "9:10: feed.ru.expr: is empty; name the sources it is made of, like \"ru + extra\""),
        ("\"rux\"", "9:8: feed.ru.expr: no source is called \"rux\"; did you mean \"ru\"?"),
        ("\"ru - rux\"", "9:8: feed.ru.expr: no source is called \"rux\"; did you mean \"ru\"?"),
        ("\"\\u0072u x\"", "9:8: feed.ru.expr: before \"x\" must stand \"+\", \"-\" or \"&\""),
    ] {
        assert_eq!(feed(expr).lines().next().unwrap(), sentence);
    }
}

#[test]
fn a_fault_that_the_core_finds_has_its_place_too() {
    let peer = |lines: &str| {
        let good = "[[peer]]\nname = \"a\"\naddress = \"any\"\nasn = 1\nfeeds = []\n";
        fault(&format!("{MINIMAL}{good}[[peer]]\n{lines}\n"))
    };
    let rest = "address = \"any\"\nasn = \"any\"";
    assert_eq!(
        peer(&format!("name = \"b\"\nfeeds = [\"rux\"]\n{rest}")),
        "12:9: peer[1].feeds[0]: no feed is called \"rux\"\n 12 | feeds = [\"rux\"]\n    |         ^^^^^^^"
    );
    for (lines, sentence) in [
        (format!("name = \"a\"\nfeeds = []\n{rest}"), "11:8: peer[1].name: there are two peers called \"a\""),
        (
            "name = \"b\"\naddress = \"any\"\nfeeds = []\nasn = 23456".into(),
            "14:7: peer[1].asn: 23456 is reserved; a router cannot have it",
        ),
        (
            format!("name = \"b\"\nfeeds = []\nfamilies = []\n{rest}"),
            "13:12: peer[1].families: is empty; name \"ipv4\", \"ipv6\" or both",
        ),
        (
            format!("name = \"b\"\n{rest}"),
            "10:1: peer[1].feeds: is missing; write the feeds it gets, like feeds = [\"ru\"]",
        ),
        (
            "name = \"b\"\nfeeds = []\nasn = 1\naddress = \"10.0.0.1/8\"".into(),
            "14:11: peer[1].address: \"10.0.0.1/8\" has host bits; write \"10.0.0.0/8\" or one address",
        ),
        (
            "name = \"b\"\nfeeds = []\nasn = 1\naddress = \"0.0.0.0/0\"".into(),
            "14:11: peer[1].address: \"0.0.0.0/0\" is every address; write \"any\"",
        ),
        (
            "name = \"b\"\nfeeds = []\nasn = 1\naddress = \"::ffff:10.0.0.1\"".into(),
            "14:11: peer[1].address: \"::ffff:10.0.0.1\" is no address (an IPv4 address written as IPv6; write it as IPv4); write an address, a prefix, or \"any\"",
        ),
        (
            "name = \"b\"\nfeeds = []\naddress = \"any\"\nasn = \"65001\"".into(),
            "14:7: peer[1].asn: \"65001\" is no ASN; write a number without quotes, or \"any\"",
        ),
    ] {
        assert_eq!(peer(&lines).lines().next().unwrap(), sentence, "{lines}");
    }
    assert_eq!(
        fault("[bgp]\nasn = 0\nrouter_id = \"192.0.2.1\"\n").lines().next().unwrap(),
        "2:7: bgp.asn: 0 is out of range; write a number from 1 to 4294967295"
    );
    assert_eq!(
        fault("[bgp]\nrouter_id = \"192.0.2.1\"\n"),
        "1:1: bgp.asn: is missing; write the ASN of this server, like asn = 65010"
    );
    assert_eq!(fault(""), "1:1: bgp: is missing; write a section [bgp] with at least asn and router_id");
    assert_eq!(
        fault("[bgp]\nasn = 1\nrouter_id = \"0.0.0.0\"\nunknown_peers = \"refuse\"\n")
            .lines()
            .next()
            .unwrap(),
        "3:13: bgp.router_id: 0.0.0.0 identifies nobody; use one of this machine's addresses"
    );
    assert_eq!(
        fault("[bgp]\nasn = 1\nrouter_id = \"192.0.2.1\"\n"),
        "1:2: bgp.default_feed: is \"ru\" where it does not stand, and there is no such feed; write default_feed = \
         \"ru\", or unknown_peers = \"refuse\""
    );
}

#[test]
fn what_is_no_toml_is_told_by_place_and_without_the_line() {
    assert_eq!(bgp_fault("md5 = \"hunter2"), "5:15: this is no TOML: invalid basic string, expected `\"`");
    assert_eq!(bgp_fault("asn = 1"), "5:1: asn: stands here twice; remove one");
    assert_eq!(fault(&format!("{MINIMAL}[bgp]\n")), "5:2: bgp: stands here twice; remove one");
    let deep = format!("{MINIMAL}x = {}", "[".repeat(200_000));
    assert!(fault(&deep).contains("this is no TOML"));
}

#[test]
fn a_secret_is_never_shown() {
    const SECRET: &str = "hunter2";
    for line in [
        "md5 = \"hunter2\"",
        "password = \"hunter2\"",
        "asn = { md5 = \"hunter2\" }",
        "hold_time = [{ x = \"hunter2\" }]",
        "ttl = 0 # hunter2",
        "listen = [ # hunter2\n]",
        "listen = [\"x\", # hunter2\n]",
        "md5 = \"hunter2",
        "token = hunter2",
        "next_hop = \"x\" token = \"hunter2\"",
        "[api]\nadmin_token = \"hunter2\"",
        "[source.x]\nkind = \"http\"\nheaders = { \"X-Api-Key\" = \"hunter2\" }",
        "[source.x]\nkind = \"http\"\nurl = \"http://h/\"\nheaders = { \"X-Api-Key\" = \"hunter2\" }",
        "[source.x]\nkind = \"http\"\nurl = \"http://h/\"\nheaders.authorization = \"hunter2\"",
        "[source.x]\nkind = \"http\"\nurl = \"http://h/\"\nheaders = { X = \"hunter2\\u0001\" }",
        "[source.x]\nkind = \"http\"\nurl = \"http://h/\"\nheaders = { Host = \"hunter2\" }",
        "[source.x]\nkind = \"http\"\nurl = \"http://h/\"\nheaders = \"hunter2\"",
        "[source.x]\nkind = \"http\"\nurl = \"http://bob:hunter2@h/\"",
        "[source.x]\nkind = \"http\"\nurl = [\"http://h/?hunter2\"]",
        "[source.x]\nkind = \"file\"\npath = \"x\"\nurl = \"http://h/?hunter2\"",
        "[ripestat]\nurl = \"http://bob:hunter2@h/\"",
        "[[peer]]\nname = \"a\"\naddress = \"any\"\nasn = 1\nurls = [\"http://bob:hunter2@h/\"]",
        "[source.x]\nkind = \"file\"\npath = \"x\"\nheaders = { \"X-Api-Key\" = \"hunter2\" }",
        "[[peer]]\nname = \"a\"\naddress = \"any\"\nasn = 1\nfeeds = []\nmd5 = \"hunter2\"",
        "peer = [{ name = \"a\", md5 = \"hunter2\" }]",
        "[peer]\nmd5 = \"hunter2\"",
    ] {
        let shown = format!("{:?}", bgp_fault(line));
        assert!(!shown.contains(SECRET), "{line} shows {shown}");
    }
    let inline = "peer = [{ md5 = \"hunter2\", asn = true, name = \"a\", address = \"any\", feeds = [] }]";
    let shown = fault(&format!("{inline}\n{MINIMAL}"));
    assert!(!shown.contains(SECRET), "{shown}");
    // Even where the fault is on the very line of a secret that a later version will serve.
    let own = "peer = [{ name = 7, address = \"any\", asn = 1, feeds = [] }] # hunter2";
    assert_eq!(
        fault(&format!("{own}\n{MINIMAL}")),
        "1:18: peer[0].name: is an integer; write a string in quotes\n 1 | name = 7\n   |        ^"
    );
}

/// A line or more from line 5 on, and the first line of what is said of it.
const FAULTS: [(&str, &str); 29] = [
    (
        "hold_time = 240",
        "5:13: bgp.hold_time: is an integer; write a number with its unit (ms, s, m, h or d), like \"240s\"",
    ),
    ("hold_time = \"2s\"", "5:13: bgp.hold_time: must be 0 or at least 3 seconds"),
    ("hold_time = \"1500ms\"", "5:13: bgp.hold_time: must be whole seconds, at most 65535s"),
    ("hold_time = \"2d\"", "5:13: bgp.hold_time: must be whole seconds, at most 65535s"),
    ("ttl = 0", "5:7: bgp.ttl: 0 is out of range; write a number from 1 to 255"),
    ("ttl = -1", "5:7: bgp.ttl: -1 is out of range; write a number from 1 to 255"),
    ("ttl = \"1\"", "5:7: bgp.ttl: is a string; write a number from 1 to 255"),
    (
        "next_hop = \"2001:db8::1\"",
        "5:12: bgp.next_hop: \"2001:db8::1\" is no IPv4 address; write one like \"192.0.2.1\", or \"self\"",
    ),
    ("next_hop = \"0.0.0.0\"", "5:12: bgp.next_hop: is no address that a router can send packets to"),
    (
        "next_hop_v6 = \"::ffff:192.0.2.1\"",
        "5:15: bgp.next_hop_v6: ::ffff:192.0.2.1 is an IPv4 address written as IPv6; write 192.0.2.1",
    ),
    (
        "listen = \"0.0.0.0:179\"",
        "5:10: bgp.listen: is a string; write an array, like [\"0.0.0.0:179\", \"[::]:179\"]",
    ),
    ("listen = []", "5:10: bgp.listen: is empty; no peer could connect"),
    ("listen = [\"::1\"]", "5:11: bgp.listen: \"::1\" has no port; write \"[::1]:179\""),
    (
        "listen = [\"[::ffff:127.0.0.1]:179\"]",
        "5:11: bgp.listen: ::ffff:127.0.0.1 is an IPv4 address written as IPv6; write 127.0.0.1",
    ),
    (
        "listen = [\"localhost:179\"]",
        "5:11: bgp.listen: \"localhost:179\" is no address and port; write one like \"0.0.0.0:179\" or \"[::]:179\"",
    ),
    (
        "listen = [\"0.0.0.0:179\", \"127.0.0.1:179\"]",
        "5:26: bgp.listen: 127.0.0.1:179 overlaps 0.0.0.0:179; remove one",
    ),
    (
        "max_unknown_peers = 0",
        "5:21: bgp.max_unknown_peers: 0 is out of range; write a number from 1 to 1000000",
    ),
    ("[log]\nlevel = \"infos\"", "6:9: log.level: \"infos\" is not known; did you mean \"info\"?"),
    (
        "[log]\nformat = \"json\"",
        "6:10: log.format: \"json\" is not supported by this version yet; write \"logfmt\"",
    ),
    (
        "[limits]\nsend_hold = \"0s\"",
        "6:13: limits.send_hold: must be longer than 0; no peer reads that fast",
    ),
    ("[state]\ndir = \"\"", "6:7: state.dir: is empty; name a directory, like \"/var/lib/bgplite\""),
    ("[limits.x]", "5:9: limits.x: unknown key; known here are connections, send_hold"),
    ("[[log]]", "5:1: log: is an array; write a section, [log]"),
    ("[peer]", "5:1: peer: is a table; write sections, each [[peer]] with two brackets"),
    (
        "[source.a]\nkind = \"http\"\nurl = \"x\"",
        "7:1: source.a.url: is no web address; write one like \"https://lists.example.net/extra.txt\"",
    ),
    (
        "[source.a]\nkind = \"file\"",
        "5:1: source.a.path: is missing; write the list's path, like path = \"ru.txt\"",
    ),
    (
        "[source.a]\nkind = \"inline\"\nprefixes = []\npath = \"x\"",
        "8:8: source.a.path: belongs to kind = \"file\"; an inline source has prefixes",
    ),
    (
        "[source.a]\nkind = \"inline\"\nprefixes = [\n \"192.0.2.0/24\",\n \"192.0.2.0/33\" ]",
        "9:2: source.a.prefixes: \"192.0.2.0/33\" is no prefix: prefix length is longer than the address",
    ),
    (
        "[source.\"a b\"]\nkind = \"inline\"\nprefixes = []",
        "5:9: source.a b: is no name: use 1 to 64 letters, digits, '-', '_' or '.', not '.' first",
    ),
];

/// The same, of sources, lists and what peers ask for.
const WEB_FAULTS: [(&str, &str); 49] = [
    (
        "[source.a]\nkind = \"preset\"\npreset = \"asw\"",
        "7:10: source.a.preset: \"asw\" is not known; write \"aws\", \"cloudflare\", \"fastly\", \"github\" or \
         \"google\"",
    ),
    (
        "[source.a]\nkind = \"preset\"\npreset = \"cloudfare\"",
        "7:10: source.a.preset: \"cloudfare\" is not known; did you mean \"cloudflare\"?",
    ),
    (
        "[source.a]\nkind = \"preset\"\npreset = \"aws\"\nwhere = { regoin = \"eu-*\" }",
        "8:9: source.a.where: prefixes of \"aws\" have no \"regoin\"; did you mean \"region\"?",
    ),
    (
        "[source.a]\nkind = \"preset\"\npreset = \"aws\"\nformat = \"lines\"",
        "8:10: source.a.format: belongs to kind = \"file\" or \"http\"; a preset source has a preset",
    ),
    ("[source.a]\nkind = \"htpp\"", "6:8: source.a.kind: \"htpp\" is not known; did you mean \"http\"?"),
    (
        "[source.a]\nkind = \"http\"",
        "5:1: source.a.url: is missing; write the list's URL, like url = \"https://lists.example.net/extra.txt\"",
    ),
    (
        "[source.a]\nkind = \"ripestat\"",
        "5:1: source.a.asn: is missing; write the AS whose prefixes are meant, like asn = 13335",
    ),
    (
        "[source.a]\nkind = \"country\"",
        "5:1: source.a.country: is missing; write its code of two letters, like country = \"DE\"",
    ),
    (
        "[source.a]\nkind = \"country\"\ncountry = \"Germany\"",
        "7:11: source.a.country: \"Germany\" is no country: use its code of two letters (ISO 3166-1), like \"DE\"",
    ),
    (
        "[source.a]\nkind = \"ripestat\"\nasn = 23456",
        "7:7: source.a.asn: 23456 is reserved; nobody announces it",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\ntimeout = \"1s\"",
        "8:11: source.a.timeout: belongs to kind = \"http\" or \"preset\"; a file source has a path",
    ),
    (
        "[source.a]\nkind = \"inline\"\nprefixes = []\nguard = {}",
        "8:9: source.a.guard: belongs to kind = \"file\", \"http\", \"ripestat\", \"country\" or \"preset\"; an inline \
         source has prefixes",
    ),
    (
        "[source.a]\nkind = \"http\"\nurl = \"http://h/\"\nevery = \"5s\"",
        "8:9: source.a.every: must be at least 10s; ask no server more often",
    ),
    (
        "[source.a]\nkind = \"http\"\nurl = \"http://h/\"\ntimeout = \"2h\"",
        "8:11: source.a.timeout: must be longer than 0 and at most 1h",
    ),
    (
        "[source.a]\nkind = \"http\"\nurl = \"http://h/\"\nmax_body = \"10\"",
        "8:12: source.a.max_body: \"10\" is no size; write a number with its unit (B, kB, MB, GB, KiB, MiB or GiB), \
         like \"10MB\"",
    ),
    (
        "[source.a]\nkind = \"http\"\nurl = \"http://h/\"\nmax_body = \"2GB\"",
        "8:12: source.a.max_body: must be from 1 byte to 1GB",
    ),
    (
        "[source.a]\nkind = \"http\"\nurl = \"http://h/\"\nredirects = 11",
        "8:13: source.a.redirects: 11 is out of range; write a number from 0 to 10",
    ),
    (
        "[source.a]\nkind = \"http\"\nurl = \"http://h/\"\nheaders = { \"x y\" = \"1\" }",
        "8:13: source.a.headers.x y: is no name of a header; write one like \"X-Api-Key\"",
    ),
    (
        "[source.a]\nkind = \"http\"\nurl = \"http://h/\"\nheaders = { Range = \"1\" }",
        "8:13: source.a.headers.Range: is a header that belongs to the exchange itself; remove it",
    ),
    (
        "[source.a]\nkind = \"http\"\nurl = \"http://h/\"\nheaders = { \"X-Api-Key\" = \"k\" }",
        "8:27: source.a.headers.X-Api-Key: is a secret by its name, and must not stand in this file; write \
         \"env:NAME\" or \"file:PATH\"",
    ),
    (
        "[source.a]\nkind = \"http\"\nurl = \"http://h/\"\nheaders = { X = \"env:\" }",
        "8:17: source.a.headers.X: names no environment variable; write one like \"env:EXTRA_KEY\"",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nformat = \"xml\"",
        "8:10: source.a.format: \"xml\" is not known; write \"lines\", \"ranges\", \"json:PATH\" like \
         \"json:prefixes[].ip_prefix\", or \"csv:COLUMN\"",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nformat = [\"json:a\", \"lines\"]",
        "8:21: source.a.format: is no path; only paths into JSON can be several",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nformat = \"json:a,,b\"",
        "8:10: source.a.format: \"\" is no path: a name is missing; write it like \"prefixes[].ip_prefix\"",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nformat = \"csv:\"",
        "8:10: source.a.format: \"\" is no column: write its name, or its number from 1",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nwhere = { a = \"b\" }",
        "8:9: source.a.where: filters the fields of JSON; it needs format = \"json:PATH\"",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nformat = \"json:a\"\nwhere = { a = [] }",
        "9:15: source.a.where.a: is empty, and nothing would pass; write a pattern like \"*\"",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nguard = { max_shrink = 50 }",
        "8:24: source.a.guard.max_shrink: is an integer; write a percentage like \"50%\", or \"none\"",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nguard = { max_shrink = \"101%\" }",
        "8:24: source.a.guard.max_shrink: must be from 0% to 100%, or \"none\"",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nguard = { max_growth = \"-1%\" }",
        "8:24: source.a.guard.max_growth: \"-1%\" is no percentage; write a percentage like \"50%\", or \"none\"",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nguard = { max_shrnk = \"1%\" }",
        "8:11: source.a.guard.max_shrnk: unknown key; did you mean \"max_shrink\"?",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nguard = { must_contain = [\"x\"] }",
        "8:27: source.a.guard.must_contain: \"x\" is no prefix: not an IPv4 or IPv6 address",
    ),
    (
        "[source.a]\nkind = \"file\"\npath = \"x\"\nguard = { must_contain = [\"10.0.0.0/8\"], must_not_contain = \
         [\"10.1.0.0/16\"] }",
        "8:61: source.a.guard.must_not_contain: 10.1.0.0/16 overlaps 10.0.0.0/8 in must_contain; no list could have \
         both",
    ),
    ("[ripestat]\nparallel = 65", "6:12: ripestat.parallel: 65 is out of range; write a number from 1 to 64"),
    ("[ripestat]\nevery = \"9s\"", "6:9: ripestat.every: must be at least 10s; ask no server more often"),
    ("[ripestat]\ntimeout = \"0\"", "6:11: ripestat.timeout: must be longer than 0 and at most 1h"),
    (
        "[ripestat]\nsource_app = \"a b\"",
        "6:14: ripestat.source_app: is no name for RIPEstat: use 1 to 64 letters, digits or signs, like \"bgplite\"",
    ),
    (
        "[ripestat]\nurl = \"https://h/?x\"",
        "6:1: ripestat.url: ends with a query; write the address of the service alone",
    ),
    (
        "[ripestat]\nasn_data = \"ris\"",
        "6:12: ripestat.asn_data: \"ris\" is not known; write \"ris-prefixes\" or \"announced-prefixes\"",
    ),
    ("[asn_list.a]\nasns = []", "6:8: asn_list.a.asns: must name 1 to 1000 ASNs, like [13335, 209242]"),
    ("[asn_list.a]\nasns = [1, 65535]", "6:8: asn_list.a.asns: 65535 is reserved; nobody announces it"),
    (
        "[asn_list.a]\nasns = [\"AS1\"]",
        "6:9: asn_list.a.asns: is a string; write a number from 1 to 4294967295",
    ),
    (
        "[state]\nfeed_versions = 0",
        "6:17: state.feed_versions: 0 is out of range; write a number from 1 to 1000",
    ),
    ("[api]\nown_urls = true", "6:12: api.own_urls: is a boolean; write a string in quotes"),
    (
        "[[peer]]\nname = \"a\"\naddress = \"any\"\nasn = 1\nlists = [\"x\"]",
        "9:9: peer[0].lists[0]: no AS list is called \"x\"",
    ),
    (
        "[[peer]]\nname = \"a\"\naddress = \"any\"\nasn = 1\ncountries = [\"D\"]",
        "9:14: peer[0].countries: \"D\" is no country: use its code of two letters (ISO 3166-1), like \"DE\"",
    ),
    (
        "[[peer]]\nname = \"a\"\naddress = \"any\"\nasn = 1\nfeeds = []\nmax_prefixes = 0",
        "10:16: peer[0].max_prefixes: 0 is out of range; write a number from 1 to 4294967295",
    ),
    (
        "[[peer]]\nname = \"a\"\naddress = \"any\"\nasn = 1\nfeeds = []\non_limit = \"drop\"",
        "10:12: peer[0].on_limit: \"drop\" is not known; write \"hold\" or \"trim\"",
    ),
    (
        "[[peer]]\nname = \"a\"\naddress = \"any\"\nasn = 1\nfeeds = []\ncommunities = [\"1:2:3:4\"]",
        "10:16: peer[0].communities: \"1:2:3:4\": a community is two numbers up to 65535, like \"65010:100\"; for an \
         ASN of four bytes use large_community",
    ),
];
