use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use core::fmt::Write as _;
use std::format;

use proptest::prelude::*;

use super::*;
use crate::feed::Routed;
use crate::rib::testing::{model, tags, view, views};
use crate::rib::{Bits, Family, Prefix, Prefix4, Prefix6, TagSet, View};
use crate::wire::{Community, LargeCommunity};

fn profile(max_len: usize) -> WireProfile {
    WireProfile {
        as4: true,
        max_len,
        families: Families::BOTH,
        local_as: Asn(65010),
        ibgp: false,
        next_hop_v4: Some(Ipv4Addr::new(192, 0, 2, 1)),
        next_hop_v6: Some("2001:db8::1".parse().unwrap()),
        link_local: None,
    }
}

fn plan(told: &Arc<View>, current: &Arc<View>, resend: bool, profile: WireProfile) -> Plan {
    Plan {
        told: Arc::clone(told),
        current: Arc::clone(current),
        resend,
        withdraw_first: false,
        profile: Arc::new(profile),
    }
}

fn packed(plan: Plan) -> Vec<u8> {
    let mut out = vec![];
    assert!(!Packer::new(plan).pack(&mut out, usize::MAX));
    out
}

/// The bytes of one announcement of `routes`, which are all of one tag number.
fn announced(v4: &[Prefix4], v6: &[Prefix6], tag: u32, profile: WireProfile) -> Vec<u8> {
    let current = view(1, &[vec![(v4.to_vec(), v6.to_vec(), tag)]]);
    packed(plan(&Arc::default(), &current, false, profile))
}

fn hex(bytes: &[u8]) -> std::string::String {
    let mut text = std::string::String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

const MARKER: &str = "ffffffffffffffffffffffffffffffff";

fn net4() -> Prefix4 {
    Prefix4::new(0xC633_6400, 24).unwrap()
}

fn net6() -> Prefix6 {
    Prefix6::new(0x2001_0db8_0001 << 80, 48).unwrap()
}

#[test]
fn an_ipv4_announcement_is_this() {
    let expected = format!(
        "{MARKER}0036020000001b\
         40010100\
         4002060201{asn}\
         400304c0000201\
         c0080400000002\
         18c63364",
        asn = "0000fdf2"
    );
    assert_eq!(hex(&announced(&[net4()], &[], 2, profile(4096))), expected);
}

#[test]
fn an_ipv6_announcement_has_its_routes_in_the_first_attribute() {
    let expected = format!(
        "{MARKER}005a0200000043\
         900e001c00020110 20010db8000000000000000000000001 00 30 20010db80001\
         40010100\
         40020602010000fdf2\
         c0080400000003\
         c0200c0000fdf20000000700000003"
    );
    let bytes = announced(&[], &[net6()], 3, profile(4096));
    assert_eq!(hex(&bytes), expected.replace(' ', ""));
}

#[test]
fn a_link_local_next_hop_follows_the_global_one() {
    let mut profile = profile(4096);
    profile.link_local = Some("fe80::1".parse().unwrap());
    let bytes = announced(&[], &[net6()], 0, profile);
    let expected =
        "900e002c000201 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00 30";
    assert_eq!(hex(&bytes[23..65]), expected.replace(' ', ""));
}

#[test]
fn withdrawals_are_these() {
    let told = view(1, &[vec![(vec![net4()], vec![net6()], 1)]]);
    let bytes = packed(plan(&told, &Arc::default(), false, profile(4096)));
    let expected = format!(
        "{MARKER}001b02000418c633640000\
         {MARKER}00250200 00 000e 900f000a 000201 3020010db80001"
    );
    assert_eq!(hex(&bytes), expected.replace(' ', ""));
}

#[test]
fn two_octet_peers_see_as_trans_and_pass_on_as4_path() {
    let mut profile = profile(4096);
    profile.as4 = false;
    let short = hex(&announced(&[net4()], &[], 0, profile.clone()));
    assert!(short.ends_with("40010100 4002040201fdf2 400304c0000201 18c63364".replace(' ', "").as_str()));
    profile.local_as = Asn(4_200_000_001);
    let long = hex(&announced(&[net4()], &[], 3, profile));
    let attributes = "40010100 400204 0201 5ba0 400304c0000201 c0080400000003 \
                      c01106 0201 fa56ea01 c0200c0000fdf20000000700000003 18c63364";
    assert!(long.ends_with(attributes.replace(' ', "").as_str()), "{long}");
}

#[test]
fn a_peer_in_our_as_gets_an_empty_path_and_local_pref() {
    let mut profile = profile(4096);
    profile.ibgp = true;
    profile.as4 = false;
    profile.local_as = Asn(4_200_000_001);
    let bytes = hex(&announced(&[net4()], &[], 2, profile));
    let attributes = "40010100 400200 400304c0000201 40050400000064 c0080400000002 18c63364";
    assert!(bytes.ends_with(attributes.replace(' ', "").as_str()), "{bytes}");
}

#[test]
fn a_family_out_of_force_or_without_next_hop_is_silent() {
    let told = view(1, &[vec![(vec![Prefix4::host(1)], vec![Prefix6::host(1)], 1)]]);
    let current = view(2, &[vec![(vec![net4()], vec![net6()], 1)]]);
    let full = decode(&packed(plan(&told, &current, false, profile(4096))));
    let mut without_v4 = profile(4096);
    without_v4.next_hop_v4 = None;
    let mut without_v6 = profile(4096);
    without_v6.families.v6 = false;
    let family = |afi| full.iter().filter(|m| m.afi == afi).cloned().collect::<Vec<_>>();
    assert_eq!((family(1).len(), family(2).len()), (2, 2));
    assert_eq!(decode(&packed(plan(&told, &current, false, without_v4))), family(2));
    assert_eq!(decode(&packed(plan(&told, &current, false, without_v6))), family(1));
}

#[test]
fn everything_is_announced_before_anything_is_withdrawn() {
    let told = view(1, &[vec![(vec![Prefix4::host(1)], vec![Prefix6::host(1)], 1)]]);
    let current = view(2, &[vec![(vec![net4()], vec![net6()], 1)]]);
    let messages = decode(&packed(plan(&told, &current, false, profile(4096))));
    let order: Vec<_> = messages.iter().map(|m| (m.afi, m.tags.is_some())).collect();
    assert_eq!(order, [(1, true), (2, true), (1, false), (2, false)]);
}

#[test]
fn communities_without_room_are_left_out_and_the_route_goes() {
    let many = TagSet::new(
        (0..2000).map(Community).collect(),
        vec![LargeCommunity { global: 1, local1: 2, local2: 3 }],
    );
    for mp in [false, true] {
        let mut buffer = vec![];
        let tags = Arc::new(many.clone());
        let mut message = if mp {
            Message::announce::<V6>(&profile(4096), Some(&tags), Vec::new())
        } else {
            Message::announce::<V4>(&profile(4096), Some(&tags), Vec::new())
        };
        let run6 = Run { bits: &[1, 2], lens: &[128, 128], tag: TagId::default() };
        let run4 = Run { bits: &[1, 2], lens: &[32, 32], tag: TagId::default() };
        if mp {
            message.fill::<V6>(&run6, &mut buffer);
        } else {
            message.fill::<V4>(&run4, &mut buffer);
        }
        message.flush(&mut buffer);
        let messages = decode(&buffer);
        assert!((1..=2).contains(&messages.len()));
        for message in messages {
            assert!(message.octets <= 4096);
            let (standard, large) = message.tags.unwrap();
            assert!((980..1020).contains(&standard.len()), "{}", standard.len());
            assert!(large.is_empty());
        }
    }
}

#[test]
fn more_tag_sets_than_open_messages_lose_nothing() {
    let parts: Vec<_> = (0..200u32)
        .map(|tag| {
            let hosts = (0..5).map(|n| Prefix4::host(n * 1000 + tag * 7 % 200));
            (hosts.collect(), vec![], tag)
        })
        .collect();
    let current = view(1, &[parts]);
    let messages = decode(&packed(plan(&Arc::default(), &current, false, profile(4096))));
    let mut told = BTreeMap::new();
    apply::<V4>(&mut told, &messages);
    assert_eq!(told, said::<V4>(&current));
}

/// Communities as numbers.
type Tags = (Vec<u32>, Vec<[u32; 3]>);

/// An UPDATE as a reader of the RFCs sees it. `tags` is `None` in one that withdraws.
#[derive(Clone, Debug, PartialEq)]
struct Decoded {
    octets: usize,
    afi: u16,
    tags: Option<Tags>,
    prefixes: Vec<(u8, Vec<u8>)>,
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1])
}

fn u32s(bytes: &[u8]) -> Vec<u32> {
    let words = bytes.chunks(4);
    words.map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect()
}

fn nlri(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut prefixes = vec![];
    while let [len, rest @ ..] = bytes {
        let (octets, after) = rest.split_at(usize::from(*len).div_ceil(8));
        prefixes.push((*len, octets.to_vec()));
        bytes = after;
    }
    prefixes
}

fn decode(mut stream: &[u8]) -> Vec<Decoded> {
    let mut messages = vec![];
    while !stream.is_empty() {
        assert_eq!(&stream[..16], [0xFF; 16]);
        assert_eq!(stream[18], 2);
        let (message, rest) = stream.split_at(u16_at(stream, 16));
        messages.push(decode_update(message));
        stream = rest;
    }
    messages
}

fn decode_update(message: &[u8]) -> Decoded {
    let withdrawn_end = 21 + u16_at(message, 19);
    let attributes_end = withdrawn_end + 2 + u16_at(message, withdrawn_end);
    let withdrawn = nlri(&message[21..withdrawn_end]);
    let mut attributes = &message[withdrawn_end + 2..attributes_end];
    let mut kinds: Vec<(u8, Vec<u8>)> = vec![];
    while let [flags, kind, ..] = attributes {
        let (start, len) = match flags & 0x10 {
            0 => (3, usize::from(attributes[2])),
            _ => (4, u16_at(attributes, 2)),
        };
        kinds.push((*kind, attributes[start..start + len].to_vec()));
        attributes = &attributes[start + len..];
    }
    let rest = kinds.iter().skip(usize::from(matches!(kinds.first(), Some((14 | 15, _)))));
    assert!(rest.is_sorted_by(|a, b| a.0 < b.0), "ascending but for the first");
    let find = |wanted| kinds.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| &**value);
    let standard = u32s(find(8).unwrap_or_default());
    let large = u32s(find(32).unwrap_or_default());
    let large = large.chunks(3).map(|part| part.try_into().unwrap()).collect();
    let tags = Some((standard, large));
    let octets = message.len();
    let (afi, tags, prefixes) = match (find(14), find(15)) {
        (Some(reach), None) => {
            assert_eq!(reach[..3], [0, 2, 1]);
            (2, tags, nlri(&reach[5 + usize::from(reach[3])..]))
        }
        (None, Some(unreach)) => {
            assert_eq!((&unreach[..3], kinds.len()), (&[0, 2, 1][..], 1));
            (2, None, nlri(&unreach[3..]))
        }
        (None, None) if !withdrawn.is_empty() => {
            assert_eq!((kinds.len(), attributes_end), (0, octets));
            (1, None, withdrawn)
        }
        _ => (1, tags, nlri(&message[attributes_end..])),
    };
    assert!(!prefixes.is_empty(), "an UPDATE without prefixes is an End-of-RIB");
    Decoded { octets, afi, tags, prefixes }
}

fn prefix<F: Family>(len: u8, octets: &[u8]) -> Prefix<F> {
    let mut wide = <F::Bits as Bits>::Octets::default();
    wide.as_mut()[..octets.len()].copy_from_slice(octets);
    let prefix = Prefix::new(F::Bits::from_octets(wide), len).unwrap();
    assert_eq!(prefix.bits(), F::Bits::from_octets(wide), "host bits are zero");
    prefix
}

/// What a peer holds after these messages.
fn apply<F: Family>(routes: &mut BTreeMap<Prefix<F>, Tags>, messages: &[Decoded]) {
    for message in messages.iter().filter(|m| m.afi == F::AFI_SAFI.afi) {
        for (len, octets) in &message.prefixes {
            let prefix = prefix::<F>(*len, octets);
            match &message.tags {
                Some(tags) => drop(routes.insert(prefix, tags.clone())),
                None => assert!(routes.remove(&prefix).is_some(), "{prefix} was never said"),
            }
        }
    }
}

/// What a peer that was told `view` holds.
fn said<F: Routed>(view: &View) -> BTreeMap<Prefix<F>, Tags> {
    let plain = |tags: Arc<TagSet>| {
        let large = tags.large().iter().map(|l| [l.global, l.local1, l.local2]);
        (tags.standard().iter().map(|c| c.0).collect(), large.collect())
    };
    model::<F>(view).into_iter().map(|(prefix, tags)| (prefix, plain(tags))).collect()
}

/// Checks that each message is so full that the next one's first prefix would not fit. One of the same kind and
/// tags, that is: these follow each other, with others in between.
fn assert_filled(messages: &[Decoded], max_len: usize) {
    let mut open: BTreeMap<(u16, Option<Tags>), usize> = BTreeMap::new();
    for message in messages {
        assert!(message.octets <= max_len);
        let kind = (message.afi, message.tags.clone());
        if let Some(octets) = open.insert(kind, message.octets) {
            assert!(octets + 1 + message.prefixes[0].1.len() > max_len, "room left in {octets}");
        }
    }
}

proptest! {
    #[test]
    fn what_a_peer_decodes_is_what_is_current(
        (told, current) in views(), resend: bool, max_len in 150usize..600,
    ) {
        let messages = decode(&packed(plan(&told, &current, resend, profile(max_len))));
        assert_filled(&messages, max_len);
        let (mut v4, mut v6) = (said::<V4>(&told), said::<V6>(&told));
        apply::<V4>(&mut v4, &messages);
        apply::<V6>(&mut v6, &messages);
        prop_assert_eq!(v4, said::<V4>(&current));
        prop_assert_eq!(v6, said::<V6>(&current));
        if resend {
            let announced: usize = messages.iter().filter(|m| m.tags.is_some()).map(|m| m.prefixes.len()).sum();
            prop_assert_eq!(announced, current.count_v4() + current.count_v6());
        }
    }

    #[test]
    fn a_peer_that_is_told_withdrawals_first_never_has_more_than_either_view(
        (told, current) in views(), max_len in 150usize..600,
    ) {
        let plan = Plan { withdraw_first: true, ..plan(&told, &current, false, profile(max_len)) };
        let (mut v4, mut v6) = (said::<V4>(&told), said::<V6>(&told));
        let max = (v4.len() + v6.len()).max(current.count_v4() + current.count_v6());
        for message in decode(&packed(plan)) {
            let message = core::slice::from_ref(&message);
            apply::<V4>(&mut v4, message);
            apply::<V6>(&mut v6, message);
            prop_assert!(v4.len() + v6.len() <= max);
        }
        prop_assert_eq!(v4, said::<V4>(&current));
        prop_assert_eq!(v6, said::<V6>(&current));
    }

    #[test]
    fn pieces_are_the_same_bytes_as_the_whole(
        (told, current) in views(), resend: bool, piece in 1usize..300,
    ) {
        let plan = plan(&told, &current, resend, profile(160));
        let (mut packer, mut out, mut more) = (Packer::new(plan.clone()), vec![], true);
        while more {
            let target = out.len() + piece;
            more = packer.pack(&mut out, target);
        }
        prop_assert_eq!(out, packed(plan));
    }

    #[test]
    fn no_message_is_a_byte_too_long_or_short(lens in prop::collection::vec(1u8..=32, 3000), big: bool) {
        let max_len = if big { 65535 } else { 4096 };
        let prefixes = lens.iter().zip(0u32..).map(|(len, n)| Prefix4::new(n << 20 | n, *len).unwrap());
        let current = view(1, &[vec![(prefixes.collect(), vec![], 1)]]);
        let messages = decode(&packed(plan(&Arc::default(), &current, false, profile(max_len))));
        assert_filled(&messages, max_len);
        let mut held = BTreeMap::new();
        apply::<V4>(&mut held, &messages);
        prop_assert_eq!(held, said::<V4>(&current));
    }
}

#[test]
fn the_fullest_message_there_is_has_exactly_the_negotiated_length() {
    // 23 octets around 5-octet prefixes: 4096 - 23 is no multiple of 5, 4098 - 23 is.
    let hosts: Vec<_> = (0..2000).map(Prefix4::host).collect();
    let told = view(1, &[vec![(hosts, vec![], 1)]]);
    for (max_len, first) in [(4096, 4093), (4098, 4098), (4097, 4093), (65535, 10023)] {
        let messages = decode(&packed(plan(&told, &Arc::default(), false, profile(max_len))));
        assert_eq!(messages[0].octets, first, "{max_len}");
    }
    assert_eq!(tags(0).standard(), []);
}
