//! Measures what a large list costs, from text to shared bytes:
//! `cargo run --release -p bgplite-core --example feed_bench`.
//!
//! Each figure is the best of five runs.

use std::fmt::Write as _;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bgplite_core::config::{Aggregate, Families};
use bgplite_core::feed::{FeedPart, FeedTable, PrefixSet, aggregate, parse_lines};
use bgplite_core::ids::{Asn, FeedId, Serial};
use bgplite_core::rib::{Diff, ImageCache, Plan, Prefix, Prefix4, Progress, TagSet, V4, View, WireProfile};
use bgplite_core::rng::Rng;
use bgplite_core::server::Batch;
use bgplite_core::wire::Community;

const MILLION: usize = 1_000_000;

fn main() {
    let sorted = spread(MILLION);
    let mut shuffled = sorted.clone();
    let mut rng = Rng::new(1);
    for place in (1..shuffled.len()).rev() {
        shuffled.swap(place, rng.below(place as u64 + 1) as usize);
    }
    let (sorted_text, shuffled_text) = (text(&sorted), text(&shuffled));
    let list = measure("parse 1M sorted lines", || parse_lines(sorted_text.as_bytes()));
    measure("parse 1M shuffled lines", || parse_lines(shuffled_text.as_bytes()));
    measure("build 1M routes, aggregation off", || feed(1, &list.v4, Aggregate::Off));
    measure("build 1M routes, aggregation exact", || feed(1, &list.v4, Aggregate::Exact));
    measure("parse and build 1M shuffled lines", || {
        let list = parse_lines(shuffled_text.as_bytes());
        feed(1, &list.v4, Aggregate::Exact)
    });
    measure("aggregate 1M", || aggregate(&list.v4));
    bar(&list.v4);
    algebra(&list.v4);

    let without_some = PrefixSet::from_prefixes(list.v4.iter().step_by(2).collect());
    let (all, half) = (view(1, &list.v4), view(2, &without_some));
    measure("diff 1M against half of them", || said(&half, &all) + said(&all, &half));
    let changed = list.v4.iter().map(nudged);
    let changed = view(3, &PrefixSet::from_prefixes(changed.collect()));
    measure("diff 1M against 1M others", || said(&all, &changed));

    let small = PrefixSet::from_prefixes(list.v4.iter().step_by(10).collect());
    let one_less =
        PrefixSet::from_prefixes(small.iter().filter(|p| Some(*p) != small.iter().nth(50_000)).collect());
    let (small, one_less) = (view(4, &small), view(5, &one_less));
    measure("diff 100k, one change", || said(&small, &one_less));
    let two_feeds = |serial| {
        let half = |n| PrefixSet::from_prefixes(list.v4.iter().skip(n).step_by(20).collect());
        let table = |id, n| Arc::new(table(id, serial, &half(n), Aggregate::Off));
        Arc::new(View::new(vec![table(1, 0), table(2, 7)]))
    };
    let (told, current) = (two_feeds(1), two_feeds(2));
    measure("diff 100k in two new feeds, no change", || said(&told, &current));
    let mut one_new = told.tables().to_vec();
    one_new.pop();
    one_new.extend(current.tables().last().cloned());
    let one_new = View::new(one_new);
    measure("diff 100k in two feeds, one of them new, no change", || said(&told, &one_new));

    let empty = Arc::new(View::empty());
    measure("first segment of 1M", || poll(&empty, &all, 4096, 1));
    measure("encode 1M in 4096-octet messages", || poll(&empty, &all, 4096, usize::MAX));
    measure("encode 1M in 65535-octet messages", || poll(&empty, &all, 65535, usize::MAX));
    measure("withdraw 1M", || poll(&all, &empty, 4096, usize::MAX));
    measure("encode the difference of two 1M views", || poll(&half, &all, 4096, usize::MAX));
}

/// The whole way of a new body of a large list: aggregated, built, and compared with what was there before.
fn bar(set: &PrefixSet<V4>) {
    let other = PrefixSet::from_prefixes(set.iter().enumerate().filter_map(|(n, p)| other(n, p)).collect());
    println!("           two sets of {} and {} prefixes:", set.len(), other.len());
    let first = measure("  aggregate the first", || aggregate(set));
    let second = measure("  aggregate the second", || aggregate(&other));
    println!("           they come to {} and {}", first.len(), second.len());
    let old = measure("  build the first", || view(1, &first));
    let new = measure("  build the second", || view(2, &second));
    let count = measure("  diff them", || said(&old, &new));
    println!("           {count} announced and withdrawn");
    measure("aggregate, build and diff two sets of 1M, together", || {
        let (first, second) = (aggregate(set), aggregate(&other));
        said(&view(1, &first), &view(2, &second))
    });
}

/// One in a hundred is another prefix, one in a hundred is gone.
fn other(n: usize, prefix: Prefix4) -> Option<Prefix4> {
    match n % 100 {
        7 => Some(nudged(prefix)),
        50 => None,
        _ => Some(prefix),
    }
}

fn algebra(set: &PrefixSet<V4>) {
    // Half of them inside prefixes of the list, half beside them.
    let holes = set.iter().step_by(10).enumerate().filter_map(|(n, prefix)| {
        let prefix = if n % 2 == 0 { prefix } else { nudged(prefix) };
        Prefix::new(prefix.bits() | 0x40, 27)
    });
    let holes = PrefixSet::from_prefixes(holes.collect());
    measure("1M minus 100k", || set.minus(&holes));
    measure("100k minus 1M", || holes.minus(set));
    measure("1M intersected with 100k", || set.intersect(&holes));
    measure("union of 1M and 100k", || PrefixSet::union(&[set, &holes]));
    measure("1M minus one prefix", || {
        set.minus(&PrefixSet::from_prefixes(set.iter().skip(MILLION / 2).take(1).collect()))
    });
    let asked: Vec<Prefix4> = holes.iter().collect();
    measure("100k times covers and overlaps in 1M", || {
        asked.iter().filter(|&&prefix| set.covers(prefix) || set.overlaps(prefix)).count()
    });
}

fn measure<T>(what: &str, mut work: impl FnMut() -> T) -> T {
    let mut best = Duration::MAX;
    let mut result = None;
    for _ in 0..5 {
        drop(result.take());
        let start = Instant::now();
        result = Some(black_box(work()));
        best = best.min(start.elapsed());
    }
    println!("{:9.3} ms  {what}", best.as_secs_f64() * 1e3);
    result.expect("five runs")
}

/// Prefixes that neither cover nor touch each other, of the lengths a real table has.
fn spread(count: usize) -> Vec<Prefix4> {
    let mut rng = Rng::new(7);
    (0..count as u32).filter_map(|n| Prefix::new(0x0100_0000 + (n << 11), 22 + rng.below(3) as u8)).collect()
}

fn text(prefixes: &[Prefix4]) -> String {
    prefixes.iter().fold(String::new(), |mut text, prefix| {
        let _ = writeln!(text, "{prefix}");
        text
    })
}

fn table(id: u32, serial: u64, set4: &PrefixSet<V4>, policy: Aggregate) -> FeedTable {
    let part = FeedPart {
        set4,
        set6: &PrefixSet::default(),
        tags: Arc::new(TagSet::new(vec![Community(0xFDF2_0064)], vec![])),
    };
    FeedTable::build(FeedId(id), Serial(serial), &[part], policy)
}

fn feed(serial: u64, set4: &PrefixSet<V4>, policy: Aggregate) -> FeedTable {
    table(1, serial, set4, policy)
}

fn view(serial: u64, set4: &PrefixSet<V4>) -> Arc<View> {
    Arc::new(View::new(vec![Arc::new(feed(serial, set4, Aggregate::Off))]))
}

/// A prefix right after this one that is in no list here.
fn nudged(prefix: Prefix4) -> Prefix4 {
    Prefix::new(prefix.bits() + (1 << 10), prefix.len()).unwrap_or(prefix)
}

fn said(told: &View, current: &View) -> usize {
    let diff = Diff::new(told, current);
    diff.announces::<V4>().count() + diff.withdraws::<V4>().count()
}

/// Encodes until the plan is done, or `budget` octets are out.
fn poll(told: &Arc<View>, current: &Arc<View>, max_len: usize, budget: usize) -> usize {
    let mut cache = ImageCache::new(0);
    let mut cursor = cache.open(Plan {
        told: Arc::clone(told),
        current: Arc::clone(current),
        resend: false,
        withdraw_first: false,
        profile: Arc::new(WireProfile {
            as4: true,
            max_len,
            families: Families::BOTH,
            local_as: Asn(65010),
            ibgp: false,
            next_hop_v4: Some(Ipv4Addr::new(192, 0, 2, 1)),
            next_hop_v6: None,
            link_local: None,
        }),
    });
    let mut batch = Batch::new();
    let progress = cache.poll(&mut cursor, &mut batch, budget);
    assert!(budget < usize::MAX || progress == Progress::Done);
    cache.close(cursor);
    batch.len()
}
