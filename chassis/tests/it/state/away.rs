//! Redis goes away and comes back, on servers of the tests' own.

use super::invalidation::{next, tag};
use super::{Hearing, Place};
use crate::house::Lines;
use chassis::state::{DecidedBy, Limit, RedisConfig, Stale, StateError};
use std::time::{Duration, Instant};
use testkit::servers::Redis;
use testkit::{engines, eventually, eventually_within};
use tokio::net::TcpListener;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);

/// A server of the test's own, where there is one at all.
fn server(start: fn() -> anyhow::Result<Redis>) -> Option<Redis> {
    engines::redis_url().map(|_| start().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_calls_fail_in_time_and_say_so_and_later_they_work_again() {
    let Some(mut redis) = server(Redis::start) else { return };
    let state = Place::at(&redis.url()).instance();
    state.put("a", "1", LONG).await.unwrap();
    redis.kill().unwrap();
    let began = Instant::now();
    let failed = [
        state.get("a").await.map(drop),
        state.put("a", "1", LONG).await,
        state.put_if_absent("a", "1", LONG).await.map(drop),
        state.acquire("a", LONG).await.map(drop),
        state.invalidate(tag("a")).await,
        state.ping().await,
    ];
    for outcome in failed {
        assert!(outcome.as_ref().is_err_and(StateError::is_unavailable), "{outcome:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(6), "six calls took {:?}", began.elapsed());
    redis.restart().unwrap();
    eventually(|| async { state.put("a", "2", LONG).await }).await;
    assert_eq!(state.get("a").await.unwrap().unwrap(), "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_accepts_and_never_answers_is_given_up_in_time() {
    // The kernel accepts; nobody ever reads.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for scheme in ["redis", "redis+cluster"] {
        let url = format!("{scheme}://{}", silent.local_addr().unwrap());
        let redis = RedisConfig { url: Some(url.into()), timeout_ms: 200, ..RedisConfig::default() };
        let state = Place::of(redis).instance();
        let began = Instant::now();
        assert!(state.get("a").await.unwrap_err().is_unavailable());
        assert!(state.acquire("a", LONG).await.unwrap_err().is_unavailable());
        assert!(began.elapsed() < Duration::from_secs(2), "{scheme}: {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_slow_for_a_while_costs_the_calls_of_that_while_and_no_others() {
    let Some(redis) = server(Redis::start) else { return };
    let config = RedisConfig { url: Some(redis.url().into()), timeout_ms: 200, ..RedisConfig::default() };
    let state = Place::of(config).instance();
    state.put("a", "1", LONG).await.unwrap();
    redis.ask(&["CLIENT", "PAUSE", "1000", "ALL"]).unwrap();
    let began = Instant::now();
    assert!(state.get("a").await.unwrap_err().is_unavailable());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let value = eventually(|| async { state.get("a").await }).await;
    assert_eq!(value.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_this_process_counts_limits_alone_and_never_waits_long() {
    let Some(mut redis) = server(Redis::start) else { return };
    let state = Place::at(&redis.url()).instance();
    let limits = [Limit::new("login", 5, 10 * LONG).unwrap()];
    let lines = Lines::capture("info");
    assert_eq!(state.limit("a", &limits).await.unwrap().by, DecidedBy::Redis);
    redis.kill().unwrap();
    let began = Instant::now();
    let mut allowed = 0;
    for _ in 0..50 {
        let decision = state.limit("b", &limits).await.unwrap();
        assert_eq!(decision.by, DecidedBy::Fallback);
        allowed += u32::from(decision.allowed);
    }
    assert_eq!(allowed, 5, "without Redis there is still a limit, and it is the same");
    let counted = |decision| lines.metric("state_limits_total", &[decision, "by=\"fallback\""]);
    assert_eq!((counted("\"allowed\""), counted("\"refused\"")), (Some(5.0), Some(45.0)));
    assert!(began.elapsed() < Duration::from_secs(3), "fifty decisions took {:?}", began.elapsed());
    redis.restart().unwrap();
    let back = || async { state.limit("c", &limits).await.unwrap().by == DecidedBy::Redis };
    eventually(back).await;
    // Each turn is told once, however many calls there are.
    assert_eq!(lines.text().matches("by this process alone").count(), 1, "{}", lines.text());
    assert_eq!(lines.text().matches("by Redis again").count(), 1, "{}", lines.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_refuses_does_not_turn_limits_off() {
    let Some(redis) = server(Redis::start) else { return };
    let state = Place::at(&redis.url()).instance();
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    assert!(matches!(state.put("a", "1", LONG).await, Err(StateError::Refused(_))));
    let limits = [Limit::new("login", 1, 10 * LONG).unwrap()];
    let (first, second) =
        (state.limit("a", &limits).await.unwrap(), state.limit("a", &limits).await.unwrap());
    assert!(first.allowed && !second.allowed && first.by == DecidedBy::Fallback, "{first:?} {second:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_writes_everything_down_has_it_after_a_kill() {
    let Some(mut redis) = server(Redis::start_durable) else { return };
    let state = Place::at(&redis.url()).instance();
    state.put("a", "1", LONG).await.unwrap();
    let lease = state.acquire("nightly", LONG).await.unwrap().unwrap();
    let limits = [Limit::new("login", 1, 10 * LONG).unwrap()];
    assert!(state.limit("a", &limits).await.unwrap().allowed);
    redis.kill().unwrap();
    redis.restart().unwrap();
    eventually(|| async { state.ping().await }).await;
    assert_eq!(state.get("a").await.unwrap().unwrap(), "1");
    assert!(state.acquire("nightly", LONG).await.unwrap().is_none());
    assert!(lease.renew(LONG).await.unwrap());
    assert!(!state.limit("a", &limits).await.unwrap().allowed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgot_everything_still_gives_out_higher_fences() {
    let Some(mut redis) = server(Redis::start) else { return };
    let state = Place::at(&redis.url()).instance();
    let old = state.acquire("nightly", LONG).await.unwrap().unwrap();
    redis.restart().unwrap();
    let new = eventually(|| async { state.acquire("nightly", LONG).await }).await.unwrap();
    assert!(new.fence() > old.fence());
    assert!(!old.renew(LONG).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_have_missed_an_invalidation_is_told_so() {
    let Some(mut redis) = server(Redis::start) else { return };
    let place = Place::at(&redis.url());
    let ((one, _), (other, ears)) = (place.listening(), place.listening());
    let mut news = other.invalidations();
    let _hearing = Hearing::start(ears);
    assert_eq!(timeout(LONG, news.next()).await.unwrap(), Stale::Everything);
    one.invalidate(tag("before")).await.unwrap();
    assert_eq!(*next(&mut news).await, tag("before"));
    redis.kill().unwrap();
    assert!(one.invalidate(tag("missed")).await.is_err());
    redis.restart().unwrap();
    assert_eq!(timeout(LONG, news.next()).await.unwrap(), Stale::Everything);
    eventually_within(LONG, || async { one.invalidate(tag("after")).await }).await;
    assert_eq!(*next(&mut news).await, tag("after"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn state_that_was_closed_says_so() {
    let Some(url) = engines::redis_url() else { return };
    let state = Place::at(&url).instance();
    state.ping().await.unwrap();
    state.close();
    assert_eq!(state.get("a").await, Err(StateError::Closed));
    let limits = [Limit::new("login", 1, LONG).unwrap()];
    assert_eq!(state.limit("a", &limits).await, Err(StateError::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_for_long_it_is_not_even_asked_and_soon_again_when_it_is_back() {
    const PROBE_INTERVAL: Duration = Duration::from_secs(2);
    let Some(mut redis) = server(Redis::start) else { return };
    let state = Place::at(&redis.url()).instance();
    let lines = Lines::capture("info");
    let breaker = || lines.metric("breaker_state", &["kind=\"redis\""]);
    state.put("a", "1", LONG).await.unwrap();
    redis.kill().unwrap();
    for _ in 0..12 {
        assert!(state.get("a").await.unwrap_err().is_unavailable());
    }
    assert_eq!(breaker(), Some(1.0));
    let began = Instant::now();
    for _ in 0..1_000 {
        assert!(state.get("a").await.unwrap_err().is_unavailable());
    }
    assert!(began.elapsed() < Duration::from_secs(1), "a thousand refusals took {:?}", began.elapsed());
    redis.restart().unwrap();
    eventually_within(2 * PROBE_INTERVAL, || async { state.put("a", "2", LONG).await }).await;
    let closed = || async { state.get("a").await.is_ok() && breaker() == Some(0.0) };
    eventually_within(2 * PROBE_INTERVAL, closed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_redis_refuses_is_no_sign_that_it_is_away() {
    let Some(redis) = server(Redis::start) else { return };
    let state = Place::at(&redis.url()).instance();
    state.put("a", "1", LONG).await.unwrap();
    redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    for number in 0..30 {
        let refused = state.put(&format!("{number}"), "1", LONG).await.unwrap_err();
        assert!(matches!(refused, StateError::Refused(_)), "{refused}");
    }
    assert_eq!(state.get("a").await.unwrap().unwrap(), "1");
}
