//! Copies over their time: given out where the policy says so, and marked.

use super::{Place, SEC, Source, away};
use crate::house::Lines;
use chassis::cache::{Because, Cache, CacheConfig, Cached, Freshness, LoadFailed, Policy};
use http::HeaderMap;
use std::time::Duration;
use testkit::eventually;

fn policy() -> Policy {
    Policy::of(10 * SEC).jitter(0.0).early(1.0).in_process()
}

async fn get(source: &Source, cache: &Cache<String>) -> Result<Option<Cached<String>>, LoadFailed> {
    let asked = source.clone();
    cache.get_or_load("a", move || asked.load()).await
}

async fn found(source: &Source, cache: &Cache<String>) -> (String, Freshness) {
    let cached = get(source, cache).await.unwrap().unwrap();
    (cached.to_string(), cached.freshness())
}

fn stale(secs: u64, because: Because) -> Freshness {
    Freshness::Stale { age: Duration::from_secs(secs), because }
}

fn header(cached: &Cached<String>, name: &str) -> Option<String> {
    let mut headers = HeaderMap::new();
    cached.caching().apply(&mut headers);
    headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_loaded_again_an_older_copy_is_given_at_once_and_says_so() {
    let lines = Lines::capture("info");
    let mut place = Place::process();
    let one = place.instance(policy().stale_for(5 * SEC)).await;
    let source = Source::of("1");
    assert_eq!(found(&source, &one.cache).await, ("1".to_owned(), Freshness::Fresh));
    source.set(Some("2"));
    place.pass(12 * SEC);
    let gate = source.hold();
    for _ in 0..3 {
        assert_eq!(found(&source, &one.cache).await, ("1".to_owned(), stale(12, Because::Revalidating)));
    }
    source.has_been_asked(2).await;
    gate.add_permits(10);
    eventually(|| async { found(&source, &one.cache).await == ("2".to_owned(), Freshness::Fresh) }).await;
    assert_eq!(source.asked(), 2);
    let counted = lines.metric("cache_stale_total", &["cache=\"things\"", "why=\"revalidating\""]);
    assert!(counted >= Some(3.0), "{counted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_too_old_is_not_given_although_it_would_be_quick() {
    let mut place = Place::process();
    let one = place.instance(policy().stale_for(5 * SEC)).await;
    let source = Source::of("1");
    found(&source, &one.cache).await;
    source.set(Some("2"));
    place.pass(15 * SEC);
    assert_eq!(found(&source, &one.cache).await, ("2".to_owned(), Freshness::Fresh));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_source_is_away_an_older_copy_bridges_it_and_the_source_is_left_in_peace() {
    let mut place = Place::process();
    let one = place.instance(policy().stale_if_error(60 * SEC)).await;
    let source = Source::of("1");
    found(&source, &one.cache).await;
    place.pass(20 * SEC);
    source.fail(Some(away()));
    for _ in 0..50 {
        let cached = get(&source, &one.cache).await.unwrap().unwrap();
        assert_eq!(cached.freshness(), stale(20, Because::Failed));
        assert_eq!(header(&cached, "cache-status").unwrap(), "things; hit; detail=stale-if-error");
        assert_eq!(header(&cached, "age").unwrap(), "20");
        assert_eq!(header(&cached, "cache-control").unwrap(), "private, no-cache");
    }
    assert_eq!(source.asked(), 2, "once, and not again within a second");
    place.pass(SEC);
    assert_eq!(found(&source, &one.cache).await.1, stale(21, Because::Failed));
    source.has_been_asked(3).await;
    // It comes back, and a second later nobody hears of it any more.
    source.fail(None);
    source.set(Some("2"));
    eventually(|| async {
        place.pass(SEC);
        found(&source, &one.cache).await == ("2".to_owned(), Freshness::Fresh)
    })
    .await;
}

/// One of the predecessors made up a product with the price 0 when it could not ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_copy_or_with_one_that_is_too_old_a_failure_is_a_failure() {
    let mut place = Place::process();
    let one = place.instance(policy().stale_if_error(60 * SEC)).await;
    let source = Source::of("1");
    source.fail(Some(away()));
    assert!(get(&source, &one.cache).await.unwrap_err().is_unavailable());
    source.fail(None);
    found(&source, &one.cache).await;
    source.fail(Some(away()));
    place.pass(70 * SEC);
    assert!(get(&source, &one.cache).await.unwrap_err().is_unavailable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_invalidated_bridges_nothing() {
    let mut place = Place::process();
    let one = place.instance(policy().stale_if_error(60 * SEC).stale_for(60 * SEC)).await;
    let source = Source::of("1");
    found(&source, &one.cache).await;
    source.fail(Some(away()));
    one.cache.invalidate("a").await.unwrap();
    assert!(get(&source, &one.cache).await.unwrap_err().is_unavailable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_hides_no_defect() {
    let mut place = Place::process();
    let one = place.instance(policy().stale_if_error(60 * SEC)).await;
    let source = Source::of("1");
    found(&source, &one.cache).await;
    place.pass(20 * SEC);
    source.fail(Some(LoadFailed::failed("a defect")));
    assert!(!get(&source, &one.cache).await.unwrap_err().is_unavailable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_a_copy_is_good_for_a_moment_only_unless_it_is_of_the_process_alone() {
    let place = Place::process();
    let config = CacheConfig { alone_ms: 1_000, ..CacheConfig::default() };
    let source = Source::of("1");
    let shared = place.with(Policy::of(600 * SEC).early(1.0).stale_for(600 * SEC), config.clone());
    let own = place.with(Policy::of(600 * SEC).early(1.0).in_process(), config);
    found(&source, &shared.cache).await;
    found(&source, &own.cache).await;
    source.set(Some("2"));
    place.pass(999 * SEC / 1_000);
    assert_eq!(found(&source, &shared.cache).await.0, "1");
    place.pass(SEC / 1_000);
    assert_eq!(found(&source, &shared.cache).await.0, "2");
    assert_eq!(found(&source, &own.cache).await.0, "1");
}
