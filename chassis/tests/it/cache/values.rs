//! What is kept, for how long, and how much of it.

use super::{LONG, Place, SEC, Source, on_all_engines};
use crate::house::Lines;
use chassis::cache::{CacheConfig, Policy};
use testkit::eventually;

on_all_engines! {
    async fn what_one_instance_has_loaded_no_other_has_to_load(mut place: Place) {
        let source = Source::of("1");
        let one = place.instance(LONG).await;
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
        assert_eq!(source.asked(), 1);
        // Nobody waits until it is in Redis; from then on a new instance finds it there.
        let mut instances = Vec::new();
        for _ in 0..20 {
            instances.push(place.instance(LONG).await);
        }
        let mut instances = instances.into_iter();
        eventually(|| {
            let (source, instance) = (source.clone(), instances.next().unwrap());
            async move {
                let before = source.asked();
                assert_eq!(source.read(&instance.cache, "a").await.unwrap(), "1");
                source.asked() == before
            }
        })
        .await;
    }

    async fn a_copy_is_loaded_again_when_its_time_is_over_and_not_before(mut place: Place) {
        let source = Source::of("1");
        let one = place.instance(Policy::of(10 * SEC).jitter(0.0).early(1.0)).await;
        source.read(&one.cache, "a").await;
        source.set(Some("2"));
        place.pass(10 * SEC - SEC / 1_000);
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
        place.pass(SEC / 1_000);
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "2");
        assert_eq!(source.asked(), 2);
    }

    /// One of the predecessors kept a product that was not there for 24 hours.
    async fn that_there_is_nothing_is_kept_for_a_short_time_of_its_own(mut place: Place) {
        let source = Source::default();
        let one = place.instance(Policy::of(100 * SEC).jitter(0.0).negative(2 * SEC)).await;
        assert_eq!(source.read(&one.cache, "a").await, None);
        assert_eq!(source.read(&one.cache, "a").await, None);
        assert_eq!(source.asked(), 1);
        source.set(Some("1"));
        place.pass(2 * SEC);
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
    }

    async fn keys_with_anything_in_them_and_values_of_any_size_are_kept(mut place: Place) {
        let one = place.instance(LONG).await;
        // The last two are too long for Redis, and one value is too large for it: they are kept in the process.
        let keys = ["", " ", "{a}", "a:b", "ünïcode", "100%", "a\r\nb", &"x".repeat(505), &"y".repeat(2_000)];
        for (n, key) in keys.into_iter().enumerate() {
            let source = Source::of(&n.to_string().repeat(if n == 3 { 2_000_000 } else { 1 }));
            let (first, second) = (source.read(&one.cache, key).await, source.read(&one.cache, key).await);
            assert!(first == second && first.is_some(), "{key:.20}");
            assert_eq!(source.asked(), 1, "{key:.20}");
            one.cache.invalidate(key).await.unwrap();
            source.read(&one.cache, key).await;
            assert_eq!(source.asked(), 2, "{key:.20}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_has_no_more_copies_than_it_may_and_counts_those_that_make_room() {
    let lines = Lines::capture("info");
    let place = Place::process();
    let one = place.with(LONG.max_entries(50), CacheConfig { alone_ms: 60_000, ..CacheConfig::default() });
    let source = Source::of("1");
    for n in 0..500 {
        source.read(&one.cache, n.to_string()).await;
    }
    assert!(one.cache.entries() <= 50, "{} copies", one.cache.entries());
    let labels = ["cache=\"things\""];
    assert!(lines.metric("cache_evictions_total", &labels).unwrap() >= 450.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hits_misses_and_loads_are_counted_by_cache() {
    let lines = Lines::capture("info");
    let mut place = Place::process();
    let one = place.instance(LONG).await;
    let source = Source::of("1");
    for _ in 0..5 {
        source.read(&one.cache, "a").await;
    }
    source.read(&one.other, "a").await;
    let counted = |name, labels: &[&str]| lines.metric(name, labels);
    let things = "cache=\"things\"";
    assert_eq!(counted("cache_hits_total", &[things, "level=\"process\""]), Some(4.0));
    assert_eq!(counted("cache_misses_total", &[things]), Some(1.0));
    let load = counted("cache_loads_total", &[things, "why=\"miss\"", "outcome=\"loaded\""]);
    assert_eq!(load, Some(1.0));
    assert_eq!(counted("cache_load_seconds_count", &[things]), Some(1.0));
    assert_eq!(counted("cache_misses_total", &["cache=\"others\""]), Some(1.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caches_that_are_switched_off_load_each_time() {
    let place = Place::process();
    let one = place.with(LONG, CacheConfig { enabled: false, ..CacheConfig::default() });
    let source = Source::of("1");
    for times in 1..=3 {
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
        assert_eq!(source.asked(), times);
    }
    one.cache.write("a").await.put("2".to_owned());
    assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_holds_in_another_shape_is_loaded_and_replaced() {
    let Some(mut place) = Place::redis() else { return };
    let one = place.instance(LONG).await;
    for wrong in ["", "V", "V{}", "V[1]", "X", "V{\"value\":7}"] {
        let source = Source::of("1");
        one.state.put("cache:things:a", wrong.as_bytes().to_vec(), SEC * 60).await.unwrap();
        let other = place.instance(LONG).await;
        assert_eq!(source.read(&other.cache, "a").await.unwrap(), "1", "{wrong}");
    }
}
