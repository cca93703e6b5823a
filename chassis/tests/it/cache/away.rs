//! Redis goes away and comes back, on servers of the tests' own.

use super::{LONG, Place, SEC, Source};
use chassis::cache::{CacheConfig, Key};
use std::time::Instant;
use testkit::servers::Redis;
use testkit::{engines, eventually};
use tokio::net::TcpListener;

/// A server of the test's own, which keeps what it has over a kill.
fn server() -> Option<Redis> {
    engines::redis_url().map(|_| Redis::start_durable().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_the_process_goes_on_with_copies_that_are_good_for_a_moment() {
    let Some(mut redis) = server() else { return };
    let place = Place::at(&redis.url());
    let one = place.with(LONG, CacheConfig { alone_ms: 1_000, patience_ms: 200, ..CacheConfig::default() });
    eventually(|| std::future::ready(one.state.hears_others())).await;
    let source = Source::of("1");
    source.read(&one.cache, "a").await;
    place.pass(5 * SEC);
    source.read(&one.cache, "a").await;
    assert_eq!(source.asked(), 1);
    redis.kill().unwrap();
    eventually(|| std::future::ready(!one.state.hears_others())).await;
    let began = Instant::now();
    for times in 2..6 {
        // Five seconds are more than a moment.
        place.pass(5 * SEC);
        source.set(Some(&times.to_string()));
        for _ in 0..100 {
            assert_eq!(source.read(&one.cache, "a").await.unwrap(), times.to_string());
        }
        assert_eq!(source.asked(), times);
    }
    assert!(began.elapsed() < 5 * SEC, "400 reads took {:?}", began.elapsed());
    redis.restart().unwrap();
    eventually(|| std::future::ready(one.state.hears_others())).await;
    source.read(&one.cache, "b").await;
    let asked = source.asked();
    place.pass(5 * SEC);
    source.read(&one.cache, "b").await;
    assert_eq!(source.asked(), asked, "copies are good for their whole time again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_could_not_be_told_it_is_told_when_it_is_back_and_until_then_it_is_not_believed() {
    let Some(mut redis) = server() else { return };
    let mut place = Place::at(&redis.url());
    let one = place.instance(LONG).await;
    let source = Source::of("old");
    let keys = || [Key::new("a"), Key::new("b").tag("red")];
    for key in keys() {
        source.read(&one.cache, key).await;
    }
    let in_redis = |name: &'static str| {
        let state = one.state.clone();
        async move { state.get(name).await.ok().flatten().is_some_and(|copy| copy.starts_with(b"V")) }
    };
    eventually(|| in_redis("cache:things:a")).await;
    eventually(|| in_redis("cache:things:b")).await;
    redis.kill().unwrap();
    source.set(Some("new"));
    assert!(one.cache.invalidate("a").await.unwrap_err().is_unavailable());
    assert!(one.cache.invalidate_tag("red").await.unwrap_err().is_unavailable());
    for key in keys() {
        assert_eq!(source.read(&one.cache, key).await.unwrap(), "new");
    }
    redis.restart().unwrap();
    for key in keys() {
        assert_eq!(source.read(&one.cache, key).await.unwrap(), "new");
    }
    // Nobody has to do anything for that: what was in Redis goes by itself.
    eventually(|| async {
        let late = place.with(LONG, CacheConfig { patience_ms: 5_000, ..CacheConfig::default() });
        for key in keys() {
            if source.read(&late.cache, key).await.as_deref() != Some("new") {
                return false;
            }
        }
        true
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_never_answers_costs_a_moment_and_not_each_read() {
    // The kernel accepts; nobody ever reads.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = Place::at(&format!("redis://{}", silent.local_addr().unwrap()));
    let one = place.with(LONG, CacheConfig { patience_ms: 50, ..CacheConfig::default() });
    let source = Source::of("1");
    let began = Instant::now();
    for n in 0..200 {
        assert_eq!(source.read(&one.cache, n.to_string()).await.unwrap(), "1");
    }
    assert!(began.elapsed() < 5 * SEC, "200 loads took {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_have_missed_an_invalidation_forgets_everything() {
    let Some(mut redis) = server() else { return };
    let mut place = Place::at(&redis.url());
    let (one, deaf) = (place.instance(LONG).await, place.instance(LONG).await);
    let source = Source::of("1");
    source.read(&deaf.cache, "a").await;
    redis.kill().unwrap();
    eventually(|| std::future::ready(!deaf.state.hears_others())).await;
    redis.restart().unwrap();
    // Whichever of the two heard Redis first: the copy of before is good for nobody once both do.
    source.set(Some("2"));
    eventually(|| async { one.cache.invalidate("a").await }).await;
    eventually(|| async { source.read(&deaf.cache, "a").await.as_deref() == Some("2") }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_full_stops_nobody() {
    let Some(redis) = engines::redis_url().map(|_| Redis::start().unwrap()) else { return };
    let mut place = Place::at(&redis.url());
    let one = place.instance(LONG).await;
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    let source = Source::of("1");
    assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
    source.set(Some("2"));
    one.cache.invalidate("a").await.unwrap();
    assert_eq!(source.read(&one.cache, "a").await.unwrap(), "2");
    assert_eq!(source.asked(), 2);
}
