//! What a peer may ask for, however it says so: bounds and references, checked before anything is kept.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::check::{check_name, check_next_hops, check_reference, error};
use super::{AddressMatch, AsnMatch, Config, ConfigError, PeerConfig, Subscription, Url};
use crate::ids::Asn;
use crate::rib::AnyPrefix;

impl Subscription {
    /// Feeds, AS lists and countries that one may name, each.
    pub const MAX_NAMES: usize = 256;
    /// ASNs of its own choice.
    pub const MAX_ASNS: usize = 256;
    /// Prefixes of its own.
    pub const MAX_PREFIXES: usize = 10_000;
    /// Prefixes that it excludes.
    pub const MAX_EXCLUDE: usize = 1000;
    /// Communities of its filter.
    pub const MAX_COMMUNITIES: usize = 256;
    /// URLs of its own.
    pub const MAX_URLS: usize = 8;

    /// Whether it keeps to the bounds, and names only what `config` has. Paths are of the subscription's own fields:
    /// `feeds[2]`.
    pub(crate) fn check(&self, config: &Config) -> Result<(), ConfigError> {
        check_count("feeds", self.feeds.len(), Self::MAX_NAMES)?;
        for (index, feed) in self.feeds.iter().enumerate() {
            let known = config.feeds.iter().map(|known| known.name.as_str());
            check_reference(&format!("feeds[{index}]"), "feed", feed, known)?;
        }
        check_count("lists", self.lists.len(), Self::MAX_NAMES)?;
        for (index, list) in self.lists.iter().enumerate() {
            let known = config.asn_lists.iter().map(|known| known.name.as_str());
            check_reference(&format!("lists[{index}]"), "AS list", list, known)?;
        }
        check_count("countries", self.countries.len(), Self::MAX_NAMES)?;
        check_count("prefixes", self.prefixes.len(), Self::MAX_PREFIXES)?;
        for (index, &prefix) in self.prefixes.iter().enumerate() {
            check_prefix(|| format!("prefixes[{index}]"), prefix)?;
        }
        check_count("asns", self.asns.len(), Self::MAX_ASNS)?;
        for (index, &asn) in self.asns.iter().enumerate() {
            check_asn(|| format!("asns[{index}]"), asn)?;
        }
        self.check_urls(config)?;
        check_count("exclude", self.exclude.len(), Self::MAX_EXCLUDE)?;
        check_count("communities", self.communities.len(), Self::MAX_COMMUNITIES)?;
        if self.max_prefixes == Some(0) {
            return Err(error("max_prefixes", "must be at least 1; leave it out for no limit"));
        }
        Ok(())
    }

    fn check_urls(&self, config: &Config) -> Result<(), ConfigError> {
        if !self.urls.is_empty() && !config.own_urls {
            return Err(error("urls", "lists by URL are not allowed on this server"));
        }
        check_count("urls", self.urls.len(), Self::MAX_URLS)?;
        for (index, url) in self.urls.iter().enumerate() {
            let problem = match Url::parse(url) {
                Ok(Url { port: 80 | 443, .. }) => continue,
                Ok(Url { port, .. }) => format!("leads to port {port}; lists of peers come from 80 or 443"),
                Err(fault) => fault.to_string(),
            };
            return Err(error(format!("urls[{index}]"), problem));
        }
        Ok(())
    }

    /// Everything once, in order, so that what asks for the same is the same.
    pub(crate) fn tidy(&mut self) {
        fn tidy<T: Ord>(values: &mut Vec<T>) {
            values.sort_unstable();
            values.dedup();
            values.shrink_to_fit();
        }
        tidy(&mut self.feeds);
        tidy(&mut self.lists);
        tidy(&mut self.countries);
        tidy(&mut self.prefixes);
        tidy(&mut self.asns);
        tidy(&mut self.urls);
        tidy(&mut self.exclude);
        tidy(&mut self.communities);
    }
}

/// Whether somebody may register this; its name apart. Paths are of the peer's own fields: `asn`,
/// `subscription.feeds[2]`.
pub(crate) fn check_registration(config: &Config, peer: &PeerConfig) -> Result<(), ConfigError> {
    check_address(peer.address, peer.listen)?;
    if let AsnMatch::Is(asn) = peer.asn {
        check_asn(|| "asn".into(), asn)?;
    }
    if peer.families.is_empty() {
        return Err(error("families", "is empty; name \"ipv4\", \"ipv6\" or both"));
    }
    let within = |section: &str, ConfigError { path, problem }| match path.strip_prefix("peer.") {
        Some(path) => error(path, problem),
        None => error(format!("{section}.{path}"), problem),
    };
    check_next_hops("peer", peer.next_hop, peer.next_hop_v6).map_err(|fault| within("peer", fault))?;
    peer.subscription.check(config).map_err(|fault| within("subscription", fault))
}

/// Whether a peer may be called this. `own` is the name that its id gives it.
pub(crate) fn check_chosen_name(name: &str, own: &str) -> Result<(), ConfigError> {
    check_name("name", name)?;
    let is_given = name
        .strip_prefix("peer-")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    if is_given && name != own {
        return Err(error("name", "looks like a name that is given to peers without one; choose another"));
    }
    Ok(())
}

fn check_address(address: AddressMatch, listen: Option<SocketAddr>) -> Result<(), ConfigError> {
    if let Some(listen) = listen
        && (listen.port() == 0 || listen.ip().is_multicast())
    {
        return Err(error(
            "listen",
            format!("{listen} is no endpoint; name an address and a port of this server"),
        ));
    }
    let prefix = match address {
        AddressMatch::Prefix(prefix) => Some(prefix),
        AddressMatch::Any => None,
    };
    let is_single = prefix.is_some_and(|prefix| prefix.len() == max_len(prefix));
    if !is_single && listen.is_none() {
        let problem = "is not one address; a peer of any of several needs an endpoint of its own (listen)";
        return Err(error("address", problem));
    }
    let Some(prefix) = prefix else { return Ok(()) };
    let first = first_address(prefix);
    let is_broadcast = matches!(first, IpAddr::V4(address) if address.is_broadcast());
    if first.is_multicast() || is_broadcast || is_single && first.is_unspecified() {
        return Err(error("address", format!("{first} is no address that a router can have")));
    }
    check_mapped("address", prefix)
}

/// One of a peer's own prefixes.
fn check_prefix(path: impl Fn() -> String, prefix: AnyPrefix) -> Result<(), ConfigError> {
    if prefix.len() == 0 {
        return Err(error(path(), format!("{prefix} is a default route; those are not sent")));
    }
    match prefix {
        AnyPrefix::V4(_) => Ok(()),
        AnyPrefix::V6(_) => check_mapped(&path(), prefix),
    }
}

/// An IPv4 address written as IPv6 matches nothing.
fn check_mapped(path: &str, prefix: AnyPrefix) -> Result<(), ConfigError> {
    match first_address(prefix) {
        IpAddr::V6(address) if prefix.len() >= 96 && address.to_ipv4_mapped().is_some() => {
            Err(error(path, format!("{prefix} is an IPv4 address in IPv6 notation; write it as IPv4")))
        }
        _ => Ok(()),
    }
}

fn check_asn(path: impl Fn() -> String, asn: Asn) -> Result<(), ConfigError> {
    if asn.is_usable() {
        return Ok(());
    }
    Err(error(path(), format!("{asn} is reserved; a router cannot have it")))
}

fn check_count(path: &str, count: usize, max: usize) -> Result<(), ConfigError> {
    if count > max {
        return Err(error(path, format!("has {count} entries; at most {max} are allowed")));
    }
    Ok(())
}

fn first_address(prefix: AnyPrefix) -> IpAddr {
    match prefix {
        AnyPrefix::V4(prefix) => core::net::Ipv4Addr::from_bits(prefix.bits()).into(),
        AnyPrefix::V6(prefix) => Ipv6Addr::from_bits(prefix.bits()).into(),
    }
}

const fn max_len(prefix: AnyPrefix) -> u8 {
    match prefix {
        AnyPrefix::V4(_) => 32,
        AnyPrefix::V6(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use core::net::Ipv4Addr;

    use super::*;
    use crate::config::{Expr, Families, FeedConfig, NextHop, SourceConfig};
    use crate::rib::Prefix6;

    fn config() -> Config {
        let mut config = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
        config.sources.push(SourceConfig::inline("list", Vec::new()));
        config.feeds.push(FeedConfig::new("ru", Expr::source("list")));
        config.own_urls = true;
        config
    }

    fn peer() -> PeerConfig {
        let address = AddressMatch::Prefix("198.51.100.7".parse().unwrap());
        let peer = PeerConfig::new("", address, AsnMatch::Is(Asn(65001)));
        PeerConfig { subscription: Subscription::feeds(["ru"]), ..peer }
    }

    fn prefixes(count: u32) -> Vec<AnyPrefix> {
        (0..count).map(|n| AnyPrefix::from(IpAddr::from(Ipv4Addr::from_bits(0x0A00_0000 + n)))).collect()
    }

    fn at(prefix: &str) -> AddressMatch {
        AddressMatch::Prefix(prefix.parse().unwrap())
    }

    #[test]
    fn each_fault_of_a_registration_names_its_field() {
        type Break = fn(&mut PeerConfig);
        let faults: [(Break, &str); 26] = [
            (|p| p.asn = AsnMatch::Is(Asn(0)), "asn"),
            (|p| p.asn = AsnMatch::Is(Asn(65535)), "asn"),
            (|p| p.families = Families::NONE, "families"),
            (|p| p.address = AddressMatch::Any, "address"),
            (|p| p.address = at("198.51.100.0/24"), "address"),
            (|p| p.address = at("224.0.0.5"), "address"),
            (|p| p.address = at("255.255.255.255"), "address"),
            (|p| p.address = at("0.0.0.0"), "address"),
            (|p| p.address = at("ff02::1"), "address"),
            (|p| p.listen = Some(([203, 0, 113, 1], 0).into()), "listen"),
            (|p| p.next_hop = Some(NextHop::Address(Ipv4Addr::UNSPECIFIED)), "next_hop"),
            (|p| p.next_hop_v6 = Some(NextHop::Address(Ipv6Addr::UNSPECIFIED)), "next_hop_v6"),
            (|p| p.subscription.feeds.push("rub".into()), "subscription.feeds[1]"),
            (|p| p.subscription.lists = vec!["cdn".into()], "subscription.lists[0]"),
            (|p| p.subscription.prefixes = prefixes(10_001), "subscription.prefixes"),
            (
                |p| p.subscription.prefixes = vec![AnyPrefix::V6(Prefix6::new(0, 0).unwrap())],
                "subscription.prefixes[0]",
            ),
            (|p| p.subscription.asns = vec![Asn(1), Asn(23456)], "subscription.asns[1]"),
            (|p| p.subscription.asns = vec![Asn(1); 257], "subscription.asns"),
            (|p| p.subscription.exclude = prefixes(1001), "subscription.exclude"),
            (|p| p.subscription.max_prefixes = Some(0), "subscription.max_prefixes"),
            (|p| p.subscription.urls = vec!["https://a.example".into(); 9], "subscription.urls"),
            (|p| p.subscription.urls = vec!["ftp://a.example/".into()], "subscription.urls[0]"),
            (|p| p.subscription.urls = vec!["http://u:p@a.example/".into()], "subscription.urls[0]"),
            (|p| p.subscription.urls = vec!["http:///list".into()], "subscription.urls[0]"),
            (|p| p.subscription.urls = vec!["http://a.example:25/".into()], "subscription.urls[0]"),
            (|p| p.subscription.urls = vec!["http://a.example/a b".into()], "subscription.urls[0]"),
        ];
        assert_eq!(check_registration(&config(), &peer()), Ok(()));
        for (number, (fault, path)) in faults.into_iter().enumerate() {
            let mut broken = peer();
            fault(&mut broken);
            let found = check_registration(&config(), &broken).map_err(|error| error.path);
            assert_eq!(found, Err(path.into()), "fault {number}");
        }
    }

    #[test]
    fn the_bounds_themselves_are_allowed() {
        let mut largest = peer();
        largest.subscription.prefixes = prefixes(10_000);
        largest.subscription.exclude = prefixes(1000);
        largest.subscription.asns = vec![Asn(64512); 256];
        largest.subscription.urls = vec!["https://a.example/list.txt?x=1".into(); 8];
        largest.subscription.max_prefixes = Some(1);
        assert_eq!(check_registration(&config(), &largest), Ok(()));
        largest.address = AddressMatch::Any;
        largest.listen = Some(([0, 0, 0, 0], 1801).into());
        assert_eq!(check_registration(&config(), &largest), Ok(()));
    }

    #[test]
    fn own_urls_are_refused_where_the_operator_does_not_allow_them() {
        let mut config = config();
        config.own_urls = false;
        let mut asking = peer();
        asking.subscription.urls = vec!["https://a.example/".into()];
        let found = check_registration(&config, &asking).map_err(|error| error.path);
        assert_eq!(found, Err("subscription.urls".into()));
    }

    #[test]
    fn a_mistyped_feed_is_answered_with_the_nearest_name() {
        let mut asking = peer();
        asking.subscription.feeds = vec!["rru".into()];
        let problem = check_registration(&config(), &asking).map_err(|error| error.problem);
        assert_eq!(problem, Err("no feed is called \"rru\"; did you mean \"ru\"?".into()));
    }

    #[test]
    fn a_name_of_the_given_kind_may_only_be_ones_own() {
        assert_eq!(check_chosen_name("home", "peer-7"), Ok(()));
        assert_eq!(check_chosen_name("peer-7", "peer-7"), Ok(()));
        assert_eq!(check_chosen_name("peer-lab", "peer-7"), Ok(()));
        assert!(check_chosen_name("peer-8", "peer-7").is_err());
        assert!(check_chosen_name("", "peer-7").is_err());
    }

    #[test]
    fn what_is_asked_for_twice_is_asked_for_once() {
        let mut subscription = Subscription::feeds(["b", "a", "b"]);
        subscription.tidy();
        assert_eq!(subscription.feeds, ["a", "b"]);
    }
}
