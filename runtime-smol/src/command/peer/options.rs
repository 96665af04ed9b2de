//! What can be said of a peer on the command line.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use bgplite_core::config::{
    AddressMatch, AsnMatch, Country, Families, NextHop, OnLimit, OwnAddress, Subscription, Tag,
};
use bgplite_core::ids::Asn;
use bgplite_core::rib::AnyPrefix;
use bgplite_core::server::PeerSpec;

use crate::command::remote::{Failure, Result};

#[derive(clap::Args)]
pub(super) struct Options {
    /// From where it may connect: an address, a prefix, or "any".
    #[arg(long, value_parser = address)]
    address: Option<AddressMatch>,
    /// The ASN that it must show: a number, or "any".
    #[arg(long, value_parser = asn_match)]
    asn: Option<AsnMatch>,
    /// The endpoint of ours that it must connect to, like 0.0.0.0:1801.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Its name in the log; without one it is called after its id.
    #[arg(long)]
    name: Option<String>,
    /// A note for people.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A feed; like all lists here, several times or with commas between.
    #[arg(long = "feed", value_name = "NAME", value_delimiter = ',')]
    feeds: Vec<String>,
    /// An AS list of the configuration.
    #[arg(long = "list", value_name = "NAME", value_delimiter = ',')]
    lists: Vec<String>,
    /// A country, by its code of two letters.
    #[arg(long = "country", value_name = "CODE", value_delimiter = ',')]
    countries: Vec<Country>,
    /// A prefix of its own.
    #[arg(long = "prefix", value_name = "PREFIX", value_delimiter = ',')]
    prefixes: Vec<AnyPrefix>,
    /// An AS whose prefixes it gets.
    #[arg(long = "prefixes-of", value_name = "ASN", value_delimiter = ',', value_parser = asn)]
    asns: Vec<Asn>,
    /// The URL of a list of its own.
    #[arg(long = "url", value_name = "URL")]
    urls: Vec<String>,
    /// Addresses that it never gets.
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    exclude: Vec<AnyPrefix>,
    /// The community filter: only routes with one of these.
    #[arg(long = "community", value_name = "COMMUNITY", value_delimiter = ',')]
    communities: Vec<Tag>,
    /// How many prefixes it takes at most.
    #[arg(long, value_name = "NUMBER")]
    max_prefixes: Option<u32>,
    /// What happens to more: hold (it keeps what it has) or trim (it gets as many as it takes).
    #[arg(long, value_parser = on_limit)]
    on_limit: Option<OnLimit>,
    /// What happens to its own address in what it gets: split (it is taken out) or keep.
    #[arg(long, value_parser = own_address)]
    own_address: Option<OwnAddress>,
    /// Next hop of its IPv4 routes: an address, or "self".
    #[arg(long, value_parser = next_hop::<Ipv4Addr>)]
    next_hop: Option<NextHop<Ipv4Addr>>,
    /// Next hop of its IPv6 routes.
    #[arg(long, value_parser = next_hop::<Ipv6Addr>)]
    next_hop_v6: Option<NextHop<Ipv6Addr>>,
    /// The families it may have: ipv4, ipv6, or both.
    #[arg(long = "family", value_name = "FAMILY", value_delimiter = ',', value_parser = family)]
    families: Vec<Families>,
}

/// What `edit` gives its default again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clear {
    Listen,
    Description,
    Feeds,
    Lists,
    Countries,
    Prefixes,
    Asns,
    Urls,
    Exclude,
    Communities,
    MaxPrefixes,
    NextHop,
    NextHopV6,
}

impl Options {
    /// A peer of nothing but these.
    pub(super) fn to_spec(&self) -> Result<PeerSpec> {
        let missing = |what| Failure::Impossible(format!("--{what} is missing"));
        let address = self.address.ok_or_else(|| missing("address"))?;
        let mut spec = PeerSpec::new(address, self.asn.ok_or_else(|| missing("asn"))?);
        self.apply(&mut spec);
        Ok(spec)
    }

    /// Changes in `spec` what is named here.
    pub(super) fn apply(&self, spec: &mut PeerSpec) {
        set(&mut spec.address, self.address.as_ref());
        set(&mut spec.asn, self.asn.as_ref());
        set(&mut spec.description, self.description.as_ref());
        set_some(&mut spec.listen, self.listen.as_ref());
        set_some(&mut spec.name, self.name.as_ref());
        set_some(&mut spec.next_hop, self.next_hop.as_ref());
        set_some(&mut spec.next_hop_v6, self.next_hop_v6.as_ref());
        if let Some(families) = self.families.iter().copied().reduce(Families::union) {
            spec.families = families;
        }
        let Subscription {
            feeds,
            lists,
            countries,
            prefixes,
            asns,
            urls,
            exclude,
            communities,
            max_prefixes,
            on_limit,
            own_address,
        } = &mut spec.subscription;
        set_list(feeds, &self.feeds);
        set_list(lists, &self.lists);
        set_list(countries, &self.countries);
        set_list(prefixes, &self.prefixes);
        set_list(asns, &self.asns);
        set_list(urls, &self.urls);
        set_list(exclude, &self.exclude);
        set_list(communities, &self.communities);
        set_some(max_prefixes, self.max_prefixes.as_ref());
        set(on_limit, self.on_limit.as_ref());
        set(own_address, self.own_address.as_ref());
    }
}

fn set<T: Clone>(field: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        field.clone_from(value);
    }
}

fn set_some<T: Clone>(field: &mut Option<T>, value: Option<&T>) {
    if let Some(value) = value {
        *field = Some(value.clone());
    }
}

fn set_list<T: Clone>(field: &mut Vec<T>, values: &[T]) {
    if !values.is_empty() {
        values.clone_into(field);
    }
}

impl Clear {
    const ALL: [(&'static str, Self); 13] = [
        ("listen", Self::Listen),
        ("description", Self::Description),
        ("feed", Self::Feeds),
        ("list", Self::Lists),
        ("country", Self::Countries),
        ("prefix", Self::Prefixes),
        ("prefixes-of", Self::Asns),
        ("url", Self::Urls),
        ("exclude", Self::Exclude),
        ("community", Self::Communities),
        ("max-prefixes", Self::MaxPrefixes),
        ("next-hop", Self::NextHop),
        ("next-hop-v6", Self::NextHopV6),
    ];

    pub(super) fn apply(self, spec: &mut PeerSpec) {
        let subscription = &mut spec.subscription;
        match self {
            Self::Listen => spec.listen = None,
            Self::Description => spec.description.clear(),
            Self::Feeds => subscription.feeds.clear(),
            Self::Lists => subscription.lists.clear(),
            Self::Countries => subscription.countries.clear(),
            Self::Prefixes => subscription.prefixes.clear(),
            Self::Asns => subscription.asns.clear(),
            Self::Urls => subscription.urls.clear(),
            Self::Exclude => subscription.exclude.clear(),
            Self::Communities => subscription.communities.clear(),
            Self::MaxPrefixes => subscription.max_prefixes = None,
            Self::NextHop => spec.next_hop = None,
            Self::NextHopV6 => spec.next_hop_v6 = None,
        }
    }
}

impl std::str::FromStr for Clear {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let known = Self::ALL.iter().find(|(name, _)| *name == text);
        let names = || Self::ALL.map(|(name, _)| name).join(", ");
        known.map(|(_, clear)| *clear).ok_or_else(|| format!("can be {}", names()))
    }
}

type Parsed<T> = std::result::Result<T, String>;

fn address(text: &str) -> Parsed<AddressMatch> {
    if text == "any" {
        return Ok(AddressMatch::Any);
    }
    text.parse().map(AddressMatch::Prefix).map_err(|error: bgplite_core::rib::PrefixError| error.to_string())
}

fn asn(text: &str) -> Parsed<Asn> {
    let digits = text.strip_prefix("AS").unwrap_or(text);
    digits.parse().map(Asn).map_err(|_| "is no ASN: write a number, like 65001".to_owned())
}

fn asn_match(text: &str) -> Parsed<AsnMatch> {
    if text == "any" { Ok(AsnMatch::Any) } else { asn(text).map(AsnMatch::Is) }
}

fn next_hop<A: std::str::FromStr>(text: &str) -> Parsed<NextHop<A>> {
    if text == "self" {
        return Ok(NextHop::SelfAddress);
    }
    text.parse().map(NextHop::Address).map_err(|_| "is no address of this family, nor \"self\"".to_owned())
}

fn on_limit(text: &str) -> Parsed<OnLimit> {
    match text {
        "hold" => Ok(OnLimit::Hold),
        "trim" => Ok(OnLimit::Trim),
        _ => Err("can be hold or trim".to_owned()),
    }
}

fn own_address(text: &str) -> Parsed<OwnAddress> {
    match text {
        "split" => Ok(OwnAddress::Split),
        "keep" => Ok(OwnAddress::Keep),
        _ => Err("can be split or keep".to_owned()),
    }
}

fn family(text: &str) -> Parsed<Families> {
    match text {
        "ipv4" => Ok(Families { v4: true, v6: false }),
        "ipv6" => Ok(Families { v4: false, v6: true }),
        "both" => Ok(Families::BOTH),
        _ => Err("can be ipv4, ipv6 or both".to_owned()),
    }
}
