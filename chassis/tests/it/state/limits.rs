//! Limits: a sliding window, several at once, never exceeded, and the same decisions on every engine.

use super::{Place, on_all_engines};
use chassis::state::{DecidedBy, Limit, State, StateEngine, StateError};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::time::{Duration, Instant};
use testkit::{engines, eventually};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3_600);

fn limit(name: &'static str, limit: u32, window: Duration) -> Limit {
    Limit::new(name, limit, window).unwrap()
}

/// How many of cost 1 a limit would allow now.
async fn left(state: &State, subject: &str, limit: &Limit) -> u32 {
    state.limit(subject, &[limit.clone().cost(0).unwrap()]).await.unwrap().remaining
}

on_all_engines! {
    async fn as_many_as_the_limit_may_come_at_once_and_then_none(place: Place) {
        let state = place.instance();
        let expected = match state.engine() {
            StateEngine::Process => DecidedBy::Process,
            StateEngine::Redis | StateEngine::RedisCluster => DecidedBy::Redis,
        };
        let limits = [limit("login", 5, HOUR)];
        for left in (0..5).rev() {
            let decision = state.limit("ip:192.0.2.1", &limits).await.unwrap();
            assert!(decision.allowed && decision.retry_after.is_zero(), "{decision:?}");
            assert_eq!((decision.remaining, decision.limit, decision.by), (left, 5, expected));
        }
        let decision = state.limit("ip:192.0.2.1", &limits).await.unwrap();
        assert!(!decision.allowed, "{decision:?}");
        let (fifth, slack) = (HOUR / 5, Duration::from_secs(30));
        assert!(decision.retry_after <= fifth && decision.retry_after + slack > fifth, "{decision:?}");
        assert!(decision.reset <= HOUR && decision.reset + slack > HOUR, "{decision:?}");
        // Another subject has a window of its own, and so has another limit.
        assert!(state.limit("ip:192.0.2.2", &limits).await.unwrap().allowed);
        assert!(state.limit("ip:192.0.2.1", &[limit("other", 5, HOUR)]).await.unwrap().allowed);
    }

    /// A window that began anew at the turn of two seconds would let four in at once.
    async fn the_window_slides(place: Place) {
        let state = place.instance();
        let limits = [limit("slide", 4, Duration::from_secs(2))];
        let began = Instant::now();
        let mut allowed = 0_u32;
        let mut refused = 0_u32;
        while began.elapsed() < Duration::from_secs(3) {
            let decision = state.limit("somebody", &limits).await.unwrap();
            if decision.allowed {
                allowed += 1;
            } else {
                refused += 1;
                // One half second at most until there is room for one more.
                assert!(decision.retry_after <= Duration::from_millis(500), "{decision:?}");
                tokio::time::sleep(decision.retry_after.min(Duration::from_millis(20))).await;
            }
            // Four at once and one for each half second that has passed: at no moment more.
            let most = 4 + began.elapsed().as_millis() / 500;
            assert!(u128::from(allowed) <= most, "{allowed} after {:?}", began.elapsed());
        }
        assert!(refused > 0 && allowed >= 8, "{allowed} allowed, {refused} refused");
    }

    async fn of_several_limits_all_count_a_call_or_none(place: Place) {
        let state = place.instance();
        let (wide, narrow) = (limit("wide", 10, HOUR), limit("narrow", 2, HOUR));
        let both = [wide.clone(), narrow.clone()];
        for _ in 0..2 {
            assert!(state.limit("user:1", &both).await.unwrap().allowed);
        }
        for _ in 0..5 {
            let refused = state.limit("user:1", &both).await.unwrap();
            assert!(!refused.allowed);
            assert_eq!((refused.which, refused.limit), (1, 2));
        }
        assert_eq!(left(&state, "user:1", &wide).await, 8, "a call that was refused was counted");
        assert_eq!(left(&state, "user:1", &narrow).await, 0);
    }

    /// An address and a user, say: on a cluster they live in different slots.
    async fn of_several_subjects_all_count_a_call_or_none(place: Place) {
        let state = place.instance();
        let (wide, narrow) = (limit("wide", 10, HOUR), limit("narrow", 2, HOUR));
        for n in 0..20 {
            // Pairs that fall into one slot and into two.
            let (ip, user) = (format!("ip:{n}"), format!("user:{n}"));
            let asked = [(ip.as_str(), &wide), (user.as_str(), &narrow), (ip.as_str(), &narrow)];
            for _ in 0..2 {
                assert!(state.limits(&asked).await.unwrap().allowed());
            }
            let more = state.limits(&[(user.as_str(), &wide)]).await.unwrap();
            assert_eq!(more.tightest().remaining, 9);
            let refused = state.limits(&asked[..2]).await.unwrap();
            assert!(!refused.allowed());
            let each: Vec<_> = refused.each().iter().map(|one| (one.remaining, one.retry_after.is_zero())).collect();
            assert_eq!((refused.tightest().which, each), (1, vec![(8, true), (0, false)]));
            assert_eq!(left(&state, &ip, &wide).await, 8, "a call that was refused was counted");
        }
    }

    /// What was counted where another refused is given back to the microsecond, also where nothing had been used before.
    async fn a_window_that_was_given_back_is_as_it_was(place: Place) {
        let state = place.instance();
        let (first, second, full) = (limit("a", 3, HOUR), limit("b", 7, HOUR), limit("full", 1, 24 * HOUR));
        assert!(state.limits(&[("full", &full), ("used", &first)]).await.unwrap().allowed());
        let looked = |subject: &'static str, limit: &Limit| {
            let (state, limit) = (state.clone(), limit.clone().cost(0).unwrap());
            async move { state.limit(subject, &[limit]).await.unwrap() }
        };
        let (began, before) = (Instant::now(), looked("used", &first).await);
        for _ in 0..10 {
            let asked = [("used", &first), ("full", &full), ("unused", &second)];
            assert!(!state.limits(&asked).await.unwrap().allowed());
        }
        let (after, unused) = (looked("used", &first).await, looked("unused", &second).await);
        assert_eq!((after.remaining, unused.remaining, unused.reset), (before.remaining, 7, Duration::ZERO));
        let passed = before.reset.checked_sub(after.reset).unwrap();
        assert!(passed <= began.elapsed() + Duration::from_millis(5), "{before:?} {after:?}");
    }

    async fn parallel_callers_of_several_subjects_never_exceed_a_limit_and_lose_nothing(place: Place) {
        let instances = [place.instance(), place.instance(), place.instance()];
        let (all, each) = (limit("all", 20, HOUR), limit("each", 8, HOUR));
        let mut calls = JoinSet::new();
        for n in 0..120 {
            let (state, all, each) = (instances[n % 3].clone(), all.clone(), each.clone());
            calls.spawn(async move {
                let user = format!("user:{}", n % 4);
                let asked = [("everybody", &all), (user.as_str(), &each)];
                (n % 4, state.limits(&asked).await.unwrap().allowed())
            });
        }
        let allowed: Vec<_> = calls.join_all().await.into_iter().filter(|(_, allowed)| *allowed).collect();
        let of = |user| allowed.iter().filter(|(of, _)| *of == user).count();
        assert!(allowed.len() <= 20 && (0..4).all(|user| of(user) <= 8), "{allowed:?}");
        if instances[0].engine() != StateEngine::RedisCluster {
            assert_eq!(allowed.len(), 20);
        }
        assert_eq!(left(&instances[0], "everybody", &all).await as usize, 20 - allowed.len());
        for user in 0..4 {
            assert_eq!(left(&instances[1], &format!("user:{user}"), &each).await as usize, 8 - of(user));
        }
    }

    async fn a_call_may_cost_more_than_one_and_is_allowed_whole_or_not(place: Place) {
        let state = place.instance();
        let limit = limit("upload", 10, HOUR);
        let costing = |cost| [limit.clone().cost(cost).unwrap()];
        assert!(state.limit("user:1", &costing(7)).await.unwrap().allowed);
        assert!(!state.limit("user:1", &costing(4)).await.unwrap().allowed);
        assert!(state.limit("user:1", &costing(3)).await.unwrap().allowed);
        assert_eq!(left(&state, "user:1", &limit).await, 0);
    }

    async fn parallel_callers_of_several_instances_never_exceed_a_limit(place: Place) {
        let instances = [place.instance(), place.instance(), place.instance()];
        let mut calls = JoinSet::new();
        for n in 0..120 {
            let state = instances[n % 3].clone();
            let limits = [limit("a", 20, HOUR), limit("b", 25, HOUR)];
            calls.spawn(async move { state.limit("everybody", &limits).await.unwrap().allowed });
        }
        assert_eq!(calls.join_all().await.into_iter().filter(|allowed| *allowed).count(), 20);
    }

    async fn a_window_is_free_again_when_its_time_is_over(place: Place) {
        let state = place.instance();
        let limits = [limit("short", 2, Duration::from_millis(200))];
        let whole = limits[0].clone().cost(2).unwrap();
        assert!(state.limit("somebody", std::slice::from_ref(&whole)).await.unwrap().allowed);
        let again = || async { state.limit("somebody", std::slice::from_ref(&whole)).await.unwrap().allowed };
        eventually(again).await;
    }

    async fn no_name_can_be_made_up_that_means_the_window_of_a_limit(place: Place) {
        let state = place.instance();
        let limits = [limit("x}:value", 1, HOUR)];
        assert!(state.limit("a", &limits).await.unwrap().allowed);
        assert_eq!(state.get("a}:limit:x").await.unwrap(), None);
        state.remove("a}:limit:x").await.unwrap();
        assert!(!state.limit("a", &limits).await.unwrap().allowed);
    }

    async fn a_call_without_a_limit_or_with_one_twice_is_refused(place: Place) {
        let state = place.instance();
        assert!(matches!(state.limit("a", &[]).await, Err(StateError::Invalid(_))));
        let (one, other) = (limit("a", 1, HOUR), limit("a", 2, HOUR));
        assert!(state.limits(&[("a", &one), ("b", &other)]).await.is_ok());
        let twice = [one, other];
        assert!(matches!(state.limit("a", &twice).await, Err(StateError::Invalid(_))));
    }
}

/// What is given back is what is still there of a count, and nothing of what others have counted since.
#[tokio::test]
async fn no_more_is_given_back_than_a_call_has_left_there() {
    let Some(url) = engines::redis_url() else { return };
    let mut redis = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let window = format!("bowline:{{test-{}}}:limit:a", Uuid::new_v4().simple());
    let script = redis::Script::new(include_str!("../../../src/state/remote/scripts/give_back.lua"));
    let second = 1_000_000_i64;
    // How far ahead the window was used up, until when the call had used it up, what it cost, and what is left then; in
    // seconds from now.
    for (ahead, until, cost, left) in
        [(10, 60, 5, 5), (10, 2, 5, 8), (10, -1, 5, 10), (10, 10, 10, 0), (3, 60, 5, 0), (0, 5, 5, 0)]
    {
        let time: (i64, i64) = redis::cmd("TIME").query_async(&mut redis).await.unwrap();
        let now = time.0 * second + time.1;
        redis::cmd("SET").arg(&window).arg(now + ahead * second).exec_async(&mut redis).await.unwrap();
        let mut call = script.key(&window);
        call.arg(now + until * second).arg(cost * second).invoke_async::<i64>(&mut redis).await.unwrap();
        let used: Option<i64> = redis::cmd("GET").arg(&window).query_async(&mut redis).await.unwrap();
        let found = used.map_or(0, |used| used - now);
        // The script has a later now than this test.
        let close = (found - left * second).abs() < 200_000;
        assert!(close, "{ahead} {until} {cost}: {found} microseconds are left, not {left} seconds");
        assert_eq!(used.is_none(), left == 0);
    }
}

/// A call: of which subjects which limits with what cost.
fn calls() -> impl Strategy<Value = Vec<Vec<((usize, usize), u32)>>> {
    let call = prop::collection::btree_map((0..2_usize, 0..3_usize), 0..4_u32, 1..=4);
    prop::collection::vec(call.prop_map(|call| call.into_iter().collect()), 1..40)
}

/// Over windows so long that the seconds of the test change nothing, Redis and the process decide alike.
fn decides_as_the_process_does(place: &Place) {
    let runtime = Runtime::new().unwrap();
    let (here, there) = runtime.block_on(async { (Place::process().instance(), place.instance()) });
    let mut runner = TestRunner::new(ProptestConfig { cases: 24, ..ProptestConfig::default() });
    let same = runner.run(&(calls(), 3..20_u32, 3..20_u32, 3..20_u32), |(calls, a, b, c)| {
        let day = 24 * HOUR;
        let limits = [limit("a", a, day), limit("b", b, 7 * day), limit("c", c, 30 * day)];
        let subjects = ["ip", "user"].map(|kind| format!("{kind}:{}", Uuid::new_v4().simple()));
        for call in calls {
            let costs: Vec<(&str, Limit)> = call
                .into_iter()
                .map(|((who, which), cost)| {
                    (subjects[who].as_str(), limits[which].clone().cost(cost).unwrap())
                })
                .collect();
            let asked: Vec<(&str, &Limit)> = costs.iter().map(|(subject, limit)| (*subject, limit)).collect();
            let (one, other) = runtime.block_on(async {
                (here.limits(&asked).await.unwrap(), there.limits(&asked).await.unwrap())
            });
            let close = |a: Duration, b: Duration| a.abs_diff(b) < Duration::from_secs(60);
            // Which of two that are as tight is a matter of microseconds.
            prop_assert!(close(one.tightest().retry_after, other.tightest().retry_after));
            for (one, other) in one.each().iter().zip(other.each()) {
                prop_assert_eq!(
                    (one.allowed, one.remaining, one.limit),
                    (other.allowed, other.remaining, other.limit)
                );
                prop_assert!(close(one.reset, other.reset) && close(one.retry_after, other.retry_after));
            }
        }
        Ok(())
    });
    same.unwrap();
}

#[test]
fn redis_decides_as_the_process_does() {
    Runtime::new().unwrap().block_on(async { Place::redis() }).iter().for_each(decides_as_the_process_does);
}

#[test]
fn a_redis_cluster_decides_as_the_process_does() {
    Runtime::new().unwrap().block_on(async { Place::cluster() }).iter().for_each(decides_as_the_process_does);
}
