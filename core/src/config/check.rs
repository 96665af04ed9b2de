//! What no single value shows: ranges, references, doubles.

mod source;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::{AsnMatch, Config, ConfigError, NextHop, PeerConfig, UnknownPeers, nearest};

impl Config {
    /// Checks what no single value shows: ranges, references, doubles.
    pub fn check(&self) -> Result<(), ConfigError> {
        check_server(self)?;
        source::check(self)?;
        check_names("source", self.sources.iter().map(|source| &source.name))?;
        check_names("feed", self.feeds.iter().map(|feed| &feed.name))?;
        for feed in &self.feeds {
            let path = format!("feed.{}.expr", feed.name);
            for source in feed.expr.sources() {
                let known = self.sources.iter().map(|known| known.name.as_str());
                check_reference(&path, "source", source, known)?;
            }
        }
        let mut names = BTreeSet::new();
        for (index, peer) in self.peers.iter().enumerate() {
            check_peer(self, index, peer)?;
            if !names.insert(peer.name.as_str()) {
                let problem = format!("there are two peers called \"{}\"", peer.name);
                return Err(error(format!("peer[{index}].name"), problem));
            }
        }
        Ok(())
    }
}

fn check_server(config: &Config) -> Result<(), ConfigError> {
    if !config.asn.is_usable() {
        return Err(error("bgp.asn", format!("{} is reserved; a router cannot have it", config.asn)));
    }
    if config.router_id == Ipv4Addr::UNSPECIFIED {
        return Err(error("bgp.router_id", "0.0.0.0 identifies nobody; use one of this machine's addresses"));
    }
    if matches!(config.hold_secs, 1 | 2) {
        return Err(error("bgp.hold_time", "must be 0 or at least 3 seconds"));
    }
    check_next_hops("bgp", Some(config.next_hop), Some(config.next_hop_v6))?;
    if let UnknownPeers::Default { feed, .. } = &config.unknown_peers {
        let known = config.feeds.iter().map(|known| known.name.as_str());
        check_reference("bgp.default_feed", "feed", feed, known)?;
    }
    Ok(())
}

fn check_peer(config: &Config, index: usize, peer: &PeerConfig) -> Result<(), ConfigError> {
    let path = |key: &str| format!("peer[{index}].{key}");
    check_name(&path("name"), &peer.name)?;
    if let AsnMatch::Is(asn) = peer.asn
        && !asn.is_usable()
    {
        return Err(error(path("asn"), format!("{asn} is reserved; a router cannot have it")));
    }
    if peer.families.is_empty() {
        return Err(error(path("families"), "is empty; name \"ipv4\", \"ipv6\" or both"));
    }
    let in_file = |fault: ConfigError| error(path(&fault.path), fault.problem);
    peer.subscription.check(config).map_err(in_file)?;
    check_next_hops(&format!("peer[{index}]"), peer.next_hop, peer.next_hop_v6)
}

pub(super) fn check_next_hops(
    section: &str,
    v4: Option<NextHop<Ipv4Addr>>,
    v6: Option<NextHop<Ipv6Addr>>,
) -> Result<(), ConfigError> {
    let problem = "is no address that a router can send packets to";
    if let Some(NextHop::Address(address)) = v4
        && (address.is_unspecified() || address.is_multicast() || address.is_broadcast())
    {
        return Err(error(format!("{section}.next_hop"), problem));
    }
    if let Some(NextHop::Address(address)) = v6
        && (address.is_unspecified() || address.is_multicast())
    {
        return Err(error(format!("{section}.next_hop_v6"), problem));
    }
    Ok(())
}

fn check_names<'a>(kind: &str, names: impl Iterator<Item = &'a String>) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    for name in names {
        let path = format!("{kind}.{name}");
        check_name(&path, name)?;
        if !seen.insert(name) {
            return Err(error(path, "stands here twice"));
        }
    }
    Ok(())
}

pub(super) fn check_name(path: &str, name: &str) -> Result<(), ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > MAX_NAME_LEN || !name.bytes().all(plain) || name.starts_with('.') {
        let problem = "is no name: use 1 to 64 letters, digits, '-', '_' or '.', not '.' first";
        return Err(error(path, problem));
    }
    Ok(())
}

pub(super) fn check_reference<'a>(
    path: &str,
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), ConfigError> {
    if known.clone().any(|known| known == name) {
        return Ok(());
    }
    let mut problem = format!("no {kind} is called \"{name}\"");
    if let Some(near) = nearest(name, known) {
        problem = format!("{problem}; did you mean \"{near}\"?");
    }
    Err(error(path, problem))
}

pub(super) fn error(path: impl Into<String>, problem: impl Into<String>) -> ConfigError {
    ConfigError { path: path.into(), problem: problem.into() }
}

const MAX_NAME_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::config::{
        AddressMatch, AsnListConfig, Expr, Families, FeedConfig, Format, Location, SourceConfig, Subscription,
    };
    use crate::ids::Asn;
    use crate::time::Duration;

    fn config() -> Config {
        let mut config = Config::new(Asn(65010), Ipv4Addr::new(203, 0, 113, 1));
        config.sources.push(SourceConfig::inline("list", Vec::new()));
        config.feeds.push(FeedConfig::new("ru", Expr::source("list")));
        config.asn_lists.push(AsnListConfig {
            name: "cdn".into(),
            asns: [Asn(13335)].into(),
            description: String::new(),
            communities: Vec::new(),
            large_communities: Vec::new(),
        });
        let home = PeerConfig::new("home", AddressMatch::Any, AsnMatch::Any);
        config.peers.push(PeerConfig { subscription: Subscription::feeds(["ru"]), ..home });
        config
    }

    #[test]
    fn each_fault_names_its_key() {
        type Break = fn(&mut Config);
        let faults: [(Break, &str); 20] = [
            (|c| c.asn = Asn(0), "bgp.asn"),
            (|c| c.router_id = Ipv4Addr::UNSPECIFIED, "bgp.router_id"),
            (|c| c.hold_secs = 2, "bgp.hold_time"),
            (|c| c.next_hop = NextHop::Address(Ipv4Addr::BROADCAST), "bgp.next_hop"),
            (|c| c.feeds[0].expr = Expr::source("lisp"), "feed.ru.expr"),
            (|c| c.sources.push(c.sources[0].clone()), "source.list"),
            (|c| c.peers[0].asn = AsnMatch::Is(Asn(23456)), "peer[0].asn"),
            (|c| c.peers[0].families = Families::NONE, "peer[0].families"),
            (|c| c.peers[0].subscription.feeds[0] = "rub".into(), "peer[0].feeds[0]"),
            (|c| c.peers.push(c.peers[0].clone()), "peer[1].name"),
            (|c| c.peers[0].subscription.lists.push("x".into()), "peer[0].lists[0]"),
            (|c| c.feed_versions = 0, "state.feed_versions"),
            (|c| c.ripestat.parallel = 65, "ripestat.parallel"),
            (|c| c.ripestat.url = "stat.ripe.net".into(), "ripestat.url"),
            (|c| c.asn_lists[0].asns.clear(), "asn_list.cdn.asns"),
            (|c| c.asn_lists.push(c.asn_lists[0].clone()), "asn_list.cdn"),
            (|c| c.sources[0].every = Some(Duration::from_secs(9)), "source.list.every"),
            (|c| c.sources[0].guard.max_shrink = Some(101), "source.list.guard.max_shrink"),
            (|c| c.sources[0].format = Format::Csv { column: " ".into() }, "source.list.format"),
            (|c| c.sources[0].location = Location::Ripestat { asn: Asn(0) }, "source.list.asn"),
        ];
        assert_eq!(config().check(), Ok(()));
        for (fault, path) in faults {
            let mut broken = config();
            fault(&mut broken);
            assert_eq!(broken.check().map_err(|error| error.path), Err(path.into()));
        }
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_name() {
        assert_eq!(nearest("hold_tiem", ["asn", "hold_time"].into_iter()), Some("hold_time"));
        assert_eq!(nearest("zebra", ["asn", "hold_time"].into_iter()), None);
        let mut broken = config();
        broken.feeds[0].expr = Expr::source("lisp");
        let problem = broken.check().map_err(|error| error.problem);
        assert_eq!(problem, Err("no source is called \"lisp\"; did you mean \"list\"?".into()));
    }
}
