//! What peers wish for, and what they register with.

use bgplite_core::config::{AddressMatch, AsnMatch, Config, Country, OnLimit, OwnAddress, Subscription, Tag};
use bgplite_core::ids::Asn;
use bgplite_core::rib::AnyPrefix;
use bgplite_core::rng::Rng;
use bgplite_core::server::PeerSpec;
use bgplite_core::wire::{Community, LargeCommunity};

use super::register::endpoint;
use super::setup::{Person, peer_next_hops, some, some_families, some_feeds};

/// What a peer may wish for besides feeds, each now and then.
pub(crate) fn wishes(config: &Config, feeds: Vec<String>, rng: &mut Rng) -> Subscription {
    let mut wishes = Subscription::feeds(feeds);
    let lists: Vec<&String> = config.asn_lists.iter().map(|list| &list.name).collect();
    let now_and_then = |rng: &mut Rng| rng.below(4) == 0;
    if now_and_then(rng) {
        wishes.lists = some(&lists, 2, rng);
    }
    if now_and_then(rng) {
        wishes.asns.push(Asn(65300 + rng.below(4) as u32));
    }
    if now_and_then(rng) {
        wishes.countries.extend(["PL", "SE", "JP"][rng.below(3) as usize].parse::<Country>());
    }
    if now_and_then(rng) {
        wishes.urls.push(format!("https://own.example/u{}", rng.below(3)));
    }
    let prefixes = |texts: &[&str], rng: &mut Rng| -> Vec<AnyPrefix> {
        texts.iter().filter(|_| rng.below(3) == 0).filter_map(|text| text.parse().ok()).collect()
    };
    if now_and_then(rng) {
        let own = ["10.0.0.0/20", "192.0.2.7/32", "10.16.1.0/24", "2001:db8:7::/48", "198.51.0.0/16"];
        wishes.prefixes = prefixes(&own, rng);
    }
    if now_and_then(rng) {
        let not = [
            "10.0.0.0/18",
            "10.16.7.64/26",
            "10.33.1.1/32",
            "2001:db8:3::/50",
            "192.0.2.0/25",
            "2001:db8::/36",
        ];
        wishes.exclude = prefixes(&not, rng);
    }
    if rng.below(8) == 0 {
        let tag = 100 + rng.below(8) as u32;
        wishes.communities.push(Tag::Standard(Community((65010 << 16) | tag)));
        wishes.communities.push(Tag::Large(LargeCommunity { global: 65010, local1: 0, local2: 102 }));
        wishes.communities.push(Tag::Standard(Community((65010 << 16) | (700 + tag % 3))));
    }
    if rng.below(4) == 0 {
        wishes.own_address = OwnAddress::Keep;
    }
    if rng.below(6) == 0 {
        limit(&mut wishes, rng);
    }
    wishes
}

pub(crate) fn limit(subscription: &mut Subscription, rng: &mut Rng) {
    subscription.max_prefixes = (rng.below(3) > 0).then(|| 1 + rng.below(120) as u32);
    subscription.on_limit = if rng.below(2) == 0 { OnLimit::Hold } else { OnLimit::Trim };
}

/// What somebody registers with.
pub(crate) fn subscription(config: &Config, rng: &mut Rng) -> Subscription {
    let feeds = some_feeds(config, rng);
    if rng.below(2) == 0 { Subscription::feeds(feeds) } else { wishes(config, feeds, rng) }
}

/// A registration that fits `person`, who is client `index`.
pub(crate) fn spec(config: &Config, index: usize, person: &Person, rng: &mut Rng) -> PeerSpec {
    let asn = if rng.below(4) == 0 { AsnMatch::Any } else { AsnMatch::Is(person.asn) };
    let mut spec = PeerSpec::new(AddressMatch::Prefix(person.address.into()), asn);
    spec.name = (rng.below(2) == 0).then(|| format!("r{index}"));
    spec.listen = endpoint(person.local);
    if spec.listen.is_some() && rng.below(3) == 0 {
        spec.address = AddressMatch::Any;
    }
    spec.subscription = subscription(config, rng);
    (spec.next_hop, spec.next_hop_v6) = peer_next_hops(rng);
    if rng.below(4) == 0 {
        spec.families = some_families(rng);
    }
    spec
}
