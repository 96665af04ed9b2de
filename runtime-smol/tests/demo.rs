//! `bgplite demo`: what the README promises of it.

use std::process::Command;

#[test]
fn the_demonstration_ends_by_itself_with_every_client_in_sync_and_one_difference() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_bgplite")).args(["demo", "--clients", "8"]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    // 12,424 prefixes are 12,423 after exact aggregation; the seventh client takes IPv4 alone, the eighth IPv6.
    let row = |peer: &str| -> Vec<String> {
        let line =
            out.lines().find(|line| line.contains(peer)).unwrap_or_else(|| panic!("no {peer} in {out}"));
        line.split_whitespace().map(Into::into).collect()
    };
    assert_eq!(row("AS65100")[1..4], ["ipv4,ipv6", "12423", "5449"]);
    assert_eq!(row("AS4200000001")[1..4], ["ipv4,ipv6", "12423", "5449"]);
    assert_eq!(row("AS65106")[1..4], ["ipv4", "12423", "0"]);
    assert_eq!(row("AS65107")[1..4], ["ipv6", "0", "5449"]);
    assert!(out.contains("6 clients got 1 announcement and 1 withdrawal each"), "{out}");
    assert!(out.contains("2 clients that take only IPv6 got not a byte"), "{out}");
    assert!(out.contains("protocol bgp bgplite") && out.contains("router bgp 65099"), "{out}");
    assert_eq!(err, "", "nothing to complain about");
}
