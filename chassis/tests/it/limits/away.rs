//! Redis goes away and comes back, on servers of the tests' own.

use super::{ONE, OPEN, Place, let_through, somebody};
use crate::house::Lines;
use chassis::state::DecidedBy;
use contract::ErrorCode;
use std::time::{Duration, Instant};
use testkit::servers::Redis;
use testkit::{TestService, engines, eventually};

const LIMITS: [(&str, &str); 2] = [("public", "20 per 1h by ip"), ("auth", "3 per 1h by ip")];

fn server() -> Option<Redis> {
    engines::redis_url().map(|_| Redis::start().unwrap())
}

async fn start(redis: &Redis, when: &str) -> TestService {
    let limits = [&LIMITS[..], &[("when_redis_is_away", when)]].concat();
    Place::at(redis.url()).start(&limits).await
}

/// Waits until the service knows that Redis counts again.
async fn until_back(service: &TestService) {
    let state = service.assembled().shared().state();
    let limit = chassis::state::Limit::new("probe", 1_000_000, Duration::from_secs(60)).unwrap();
    let by =
        async || state.limit("probe", std::slice::from_ref(&limit)).await.unwrap().by == DecidedBy::Redis;
    eventually(by).await;
}

/// Of a predecessor, a failure of Redis let everything through.
#[tokio::test]
async fn locally_the_same_limits_hold_while_redis_is_away() {
    let Some(mut redis) = server() else { return };
    let lines = Lines::capture("info");
    let service = start(&redis, "local").await;
    let client = somebody(&service);
    assert_eq!(let_through(&client, ONE, 2).await, 2);
    redis.kill().unwrap();
    let began = Instant::now();
    // This process begins with a whole window; then it guards as Redis did.
    assert_eq!(let_through(&client, ONE, 10).await, 3);
    let refused = client.post(ONE, ()).await.expect(429);
    assert_eq!(refused.header("x-ratelimit-limit"), Some("3"));
    refused.refused(ErrorCode::RateLimited);
    assert_eq!(let_through(&client, OPEN, 30).await, 9);
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());
    let counted = lines.metric("rate_limits_away_total", &["service=\"guarded\"", "when=\"local\""]);
    assert!(counted.is_some_and(|counted| counted >= 41.0), "{counted:?}");
    redis.restart().unwrap();
    until_back(&service).await;
    assert_eq!(let_through(&client, ONE, 5).await, 3, "Redis has forgotten, and counts");
    assert_eq!(lines.text().matches("by this process alone").count(), 1, "{}", lines.text());
}

#[tokio::test]
async fn closed_refuses_what_it_cannot_count() {
    let Some(mut redis) = server() else { return };
    let lines = Lines::capture("info");
    let service = start(&redis, "closed").await;
    let client = somebody(&service);
    client.post(ONE, ()).await.expect(204);
    redis.kill().unwrap();
    for _ in 0..5 {
        let refused = client.get(OPEN).await.expect(503);
        assert_eq!(refused.header("retry-after"), Some("1"));
        refused.refused(ErrorCode::Unavailable);
    }
    assert_eq!(lines.metric("rate_limits_away_total", &["when=\"closed\""]), Some(5.0));
    redis.restart().unwrap();
    eventually(async || client.get(OPEN).await.status == 200).await;
    assert_eq!(lines.text().matches("are refused until Redis is back").count(), 1, "{}", lines.text());
    assert_eq!(lines.text().matches("rate limits hold again").count(), 1, "{}", lines.text());
}

#[tokio::test]
async fn open_lets_through_what_it_cannot_count_and_says_so() {
    let Some(mut redis) = server() else { return };
    let lines = Lines::capture("info");
    let service = start(&redis, "open").await;
    let client = somebody(&service);
    assert_eq!(let_through(&client, ONE, 5).await, 3);
    redis.kill().unwrap();
    assert_eq!(let_through(&client, ONE, 30).await, 30);
    let answer = client.get(OPEN).await.expect(200);
    assert_eq!(answer.header("ratelimit"), None, "nobody knows where the client stands");
    // A guarded request is decided twice: at the edge and at its route.
    assert_eq!(lines.metric("rate_limits_away_total", &["when=\"open\""]), Some(61.0));
    redis.restart().unwrap();
    eventually(async || client.get(OPEN).await.header("ratelimit").is_some()).await;
    assert_eq!(let_through(&client, ONE, 5).await, 3);
    assert_eq!(lines.text().matches("no rate limit holds").count(), 1, "{}", lines.text());
}

/// Of a predecessor, a Redis that took longer than a second turned limits off for ten.
#[tokio::test]
async fn a_slow_redis_turns_no_limit_off_and_holds_nobody_up_for_long() {
    let Some(redis) = server() else { return };
    let limits = [&LIMITS[..], &[("when_redis_is_away", "local")]].concat();
    let setup = Place::at(redis.url()).setup(&limits).set("BOWLINE_REDIS__TIMEOUT_MS", "300");
    let service = setup.build().await;
    let client = somebody(&service);
    assert_eq!(let_through(&client, ONE, 1).await, 1);
    redis.ask(&["CLIENT", "PAUSE", "2000", "ALL"]).unwrap();
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut through = 0;
    while began.elapsed() < Duration::from_millis(1_500) {
        let asked = Instant::now();
        through += let_through(&client, ONE, 1).await;
        slowest = slowest.max(asked.elapsed());
    }
    assert!(through <= 3, "{through} were let through");
    assert!(slowest < Duration::from_secs(1), "a request took {slowest:?}");
    until_back(&service).await;
    assert!(let_through(&client, ONE, 5).await <= 2, "Redis still knows of the first");
}
