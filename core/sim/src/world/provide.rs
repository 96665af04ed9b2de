//! What files and web servers have for the server, and within which bounds it takes that.

use bgplite_core::config::{AsnData, AsnListConfig, Config, Guard, HttpLocation, Location, SourceConfig};
use bgplite_core::ids::Asn;
use bgplite_core::rib::AnyPrefix;
use bgplite_core::rng::Rng;
use bgplite_core::time::Duration;
use bgplite_core::wire::Community;

use super::page::Form;
use super::web::Web;

const LISTS: u32 = 3;
/// Of the pages that sources of the configuration read.
const FORMS: [Form; 4] = [Form::Json, Form::Csv, Form::Ranges, Form::Lines];

/// What web servers have for the server.
pub(crate) fn provide(config: &mut Config, rng: &mut Rng) {
    config.ripestat.parallel = 1 + rng.below(4) as usize;
    config.ripestat.every = Duration::from_secs(60 + rng.below(120));
    config.ripestat.timeout = Duration::from_secs(20);
    if rng.below(2) == 0 {
        config.ripestat.asn_data = AsnData::AnnouncedPrefixes;
    }
    config.feed_versions = 1 + rng.below(6) as usize;
    config.own_urls = true;
    for (index, form) in FORMS.into_iter().enumerate() {
        let location = HttpLocation {
            url: page_url(index),
            headers: Vec::new(),
            timeout: Duration::from_secs(10 + rng.below(30)),
            max_body: 1 << 20,
            redirects: 0,
            is_foreign: false,
        };
        let mut source = SourceConfig::new(format!("h{index}"), Location::Http(location));
        source.format = form.format();
        config.sources.push(source);
    }
    config.sources.push(SourceConfig::new("r0", Location::Ripestat { asn: Asn(65100) }));
    if let Ok(country) = "DE".parse() {
        config.sources.push(SourceConfig::new("c0", Location::Country { country }));
    }
    for (index, source) in config.sources.iter_mut().enumerate() {
        if matches!(source.location, Location::Http(_)) || rng.below(4) == 0 {
            source.every = Some(Duration::from_secs(10 + rng.below(110)));
        }
        if rng.below(8) == 0 {
            source.communities.push(Community((65010 << 16) | (500 + index as u32)));
        }
        if rng.below(6) == 0 {
            guard(&mut source.guard, rng);
        }
    }
    config.asn_lists = (0..LISTS)
        .map(|index| AsnListConfig {
            name: format!("l{index}"),
            asns: (0..=rng.below(2)).map(|n| Asn(65200 + index + n as u32)).collect(),
            description: String::new(),
            communities: vec![Community((65010 << 16) | (700 + index))],
            large_communities: Vec::new(),
        })
        .collect();
}

/// Bounds that a list breaks now and then.
pub(crate) fn guard(guard: &mut Guard, rng: &mut Rng) {
    *guard = Guard::default();
    match rng.below(6) {
        0 => guard.max_shrink = None,
        1 => guard.max_shrink = Some(rng.below(30) as u32),
        2 => guard.min = 1 + rng.below(80) as usize,
        3 => guard.must_contain.extend("10.0.0.0/26".parse::<AnyPrefix>()),
        4 => guard.must_not_contain.extend("10.0.255.0/26".parse::<AnyPrefix>()),
        _ => {}
    }
}

fn page_url(index: usize) -> String {
    format!("https://lists.example/h{index}")
}

/// The files and the pages of the configuration; others come to be when they are asked for.
pub(crate) fn web(config: &Config, size: u64, rng: &mut Rng) -> Web {
    let mut web = Web::new(rng.next_u64(), (size / 8).max(2));
    for source in &config.sources {
        match &source.location {
            Location::File { path } => web.put(path, Form::Lines, size, rng),
            Location::Http(location) => {
                let form = FORMS.into_iter().find(|form| form.format() == source.format);
                web.put(&location.url, form.unwrap_or(Form::Lines), size / 2 + 1, rng);
            }
            _ => {}
        }
    }
    web
}
