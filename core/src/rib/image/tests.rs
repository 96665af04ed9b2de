use alloc::vec;
use core::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::config::Families;
use crate::ids::Asn;
use crate::rib::Prefix4;
use crate::rib::testing::view;

fn profile() -> Arc<WireProfile> {
    Arc::new(WireProfile {
        as4: true,
        max_len: 4096,
        families: Families::BOTH,
        local_as: Asn(65010),
        ibgp: false,
        next_hop_v4: Some(Ipv4Addr::new(192, 0, 2, 1)),
        next_hop_v6: None,
        link_local: None,
    })
}

/// The plan that announces `count` hosts.
fn plan(serial: u64, count: u32) -> Plan {
    let hosts = (0..count).map(Prefix4::host).collect();
    Plan {
        told: Arc::default(),
        current: view(serial, &[vec![(hosts, vec![], 1)]]),
        resend: false,
        withdraw_first: false,
        profile: profile(),
    }
}

fn bytes(batch: &Batch) -> Vec<u8> {
    batch.chunks().iter().flat_map(Chunk::as_bytes).copied().collect()
}

fn drain(cache: &mut ImageCache, cursor: &mut Cursor, budget: usize) -> Vec<u8> {
    let mut out = vec![];
    loop {
        let mut batch = Batch::new();
        let progress = cache.poll(cursor, &mut batch, budget);
        out.extend(bytes(&batch));
        if progress == Progress::Done {
            return out;
        }
    }
}

/// Lengths of the messages, if `stream` is whole messages.
fn message_lens(mut stream: &[u8]) -> Vec<usize> {
    let mut lens = vec![];
    while !stream.is_empty() {
        assert_eq!(&stream[..16], [0xFF; 16]);
        let len = usize::from(stream[16]) << 8 | usize::from(stream[17]);
        lens.push(len);
        stream = &stream[len..];
    }
    lens
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_budgets_give_the_same_bytes_in_whole_messages(
        count in 0u32..40_000, budgets in prop::collection::vec(0usize..100_000, 1..8),
    ) {
        let mut cache = ImageCache::new(0);
        let (mut one, mut other) = (cache.open(plan(1, count)), cache.open(plan(1, count)));
        let whole = drain(&mut cache, &mut one, usize::MAX);
        let mut pieces = vec![];
        for budget in budgets.iter().cycle() {
            let mut batch = Batch::new();
            let progress = cache.poll(&mut other, &mut batch, *budget);
            let lens = message_lens(&bytes(&batch));
            prop_assert!(batch.len() <= *budget || lens.len() == 1, "{} of {}", batch.len(), budget);
            prop_assert!(!lens.is_empty() || progress == Progress::Done);
            pieces.extend(bytes(&batch));
            if progress == Progress::Done {
                break;
            }
        }
        prop_assert_eq!(pieces, whole);
        cache.close(one);
        cache.close(other);
        prop_assert_eq!(cache.stats().images, 0);
    }
}

#[test]
fn the_first_pays_and_the_others_share_the_same_memory() {
    let mut cache = ImageCache::new(0);
    let (mut one, mut other) = (cache.open(plan(1, 50_000)), cache.open(plan(1, 50_000)));
    let (mut left, mut right) = (Batch::new(), Batch::new());
    assert_eq!(cache.poll(&mut one, &mut left, usize::MAX), Progress::Done);
    let encoded = cache.stats().encoded;
    assert_eq!(cache.poll(&mut other, &mut right, usize::MAX), Progress::Done);
    assert_eq!(encoded, left.len() as u64);
    assert_eq!((cache.stats().encoded, cache.stats().hits), (encoded, 1));
    for pair in left.chunks().iter().zip(right.chunks()) {
        let (Chunk::Shared { image: a, .. }, Chunk::Shared { image: b, .. }) = pair else {
            panic!("not shared");
        };
        assert!(Arc::ptr_eq(a, b));
    }
    cache.close(one);
    cache.close(other);
}

#[test]
fn the_first_poll_encodes_one_segment_however_long_the_table() {
    let mut cache = ImageCache::new(0);
    let mut cursor = cache.open(plan(1, 200_000));
    assert_eq!(cache.stats().encoded, 0);
    let mut batch = Batch::new();
    assert_eq!(cache.poll(&mut cursor, &mut batch, 1), Progress::More);
    assert_eq!(message_lens(&bytes(&batch)).len(), 1);
    assert!((60_000..90_000).contains(&cache.stats().bytes), "{:?}", cache.stats());
    cache.close(cursor);
}

#[test]
fn a_plan_that_changes_nothing_is_done_at_once() {
    let mut plan = plan(1, 10);
    plan.told = Arc::clone(&plan.current);
    let mut cache = ImageCache::new(0);
    let mut cursor = cache.open(plan.clone());
    let mut batch = Batch::new();
    assert_eq!(cache.poll(&mut cursor, &mut batch, 1000), Progress::Done);
    assert!(batch.is_empty());
    cache.close(cursor);
    plan.resend = true;
    let mut cursor = cache.open(plan);
    assert_eq!(cache.poll(&mut cursor, &mut batch, 1000), Progress::Done);
    assert!(!batch.is_empty());
    cache.close(cursor);
}

#[test]
fn idle_images_stay_within_the_budget_and_the_longest_unused_goes_first() {
    let mut cache = ImageCache::new(14_000);
    let mut take = |serial, count| {
        let before = cache.stats().encoded;
        let mut cursor = cache.open(plan(serial, count));
        drain(&mut cache, &mut cursor, usize::MAX);
        cache.close(cursor);
        (cache.stats().images, cache.stats().encoded > before)
    };
    assert_eq!(take(1, 1000), (1, true));
    assert_eq!(take(2, 1000), (2, true));
    assert_eq!(take(1, 1000), (2, false));
    assert_eq!(take(3, 1000), (2, true));
    assert_eq!(take(1, 1000), (2, false));
    assert_eq!(take(2, 1000), (2, true));
    assert_eq!(take(4, 100_000), (0, true));
    assert_eq!(cache.stats().bytes, 0);
}

#[test]
fn an_image_in_use_stays_and_an_incomplete_one_goes_with_its_last_user() {
    let mut cache = ImageCache::new(0);
    let plan = plan(1, 100_000);
    let (mut fast, mut slow) = (cache.open(plan.clone()), cache.open(plan.clone()));
    let whole = drain(&mut cache, &mut fast, usize::MAX);
    cache.close(fast);
    assert_eq!(drain(&mut cache, &mut slow, 5000), whole);
    cache.close(slow);

    let mut cache = ImageCache::new(usize::MAX);
    let table = Arc::clone(&plan.current);
    let mut cursor = cache.open(plan.clone());
    let _ = cache.poll(&mut cursor, &mut Batch::new(), 1);
    cache.close(cursor);
    assert_eq!(cache.stats(), ImageStats { encoded: cache.stats().encoded, ..ImageStats::default() });
    let mut cursor = cache.open(plan);
    drain(&mut cache, &mut cursor, usize::MAX);
    cache.close(cursor);
    assert_eq!((cache.stats().images, Arc::strong_count(&table)), (1, 1));
}

#[test]
fn what_a_poll_gives_does_not_depend_on_what_is_encoded_already() {
    // One message, two segments, and routes that end with a segment.
    for count in [1, 20_000, 13_000] {
        let mut warm = ImageCache::new(usize::MAX);
        let mut cursor = warm.open(plan(1, count));
        let whole = drain(&mut warm, &mut cursor, usize::MAX);
        warm.close(cursor);
        let lens = message_lens(&whole);
        let ends = lens.iter().scan(0, |end, len| {
            *end += len;
            Some(*end)
        });
        for budget in ends.flat_map(|end| [end - 1, end, end + 1]) {
            let polls = |cache: &mut ImageCache| {
                let mut cursor = cache.open(plan(1, count));
                let mut polls = vec![];
                while polls.last().is_none_or(|(_, _, progress)| *progress == Progress::More) {
                    let mut batch = Batch::new();
                    let progress = cache.poll(&mut cursor, &mut batch, budget);
                    polls.push((batch.len(), cache.position(&cursor), progress));
                }
                cache.close(cursor);
                polls
            };
            let cold = polls(&mut ImageCache::new(0));
            assert_eq!(cold, polls(&mut warm), "{count} routes, budget {budget}");
            // Nor does taking it up again at any of those places.
            for (_, place, _) in cold {
                let mut cache = ImageCache::new(0);
                let mut cursor = cache.open_at(plan(1, count), place);
                assert_eq!(cache.position(&cursor), place);
                assert!(
                    drain(&mut cache, &mut cursor, budget) == whole[place..],
                    "{count} routes from {place}"
                );
            }
        }
    }
}
