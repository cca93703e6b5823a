//! State in the process, with a clock that the test moves.

use super::*;
use crate::state::{DecidedBy, Decision, Limit};
use proptest::prelude::*;

const LONG: Duration = Duration::from_secs(60);

fn local(max_entries: usize, max_bytes: usize) -> (Local, Clock) {
    let clock = Clock::manual(Ts::from_secs(1_000_000));
    (Local::new(&StateConfig { max_entries, max_bytes }, clock.clone()), clock)
}

fn ask(local: &Local, subject: &str, limits: &[Limit]) -> Decision {
    let asked: Vec<_> = limits.iter().map(|limit| (subject, limit)).collect();
    *local.windows.decide("test", &asked, DecidedBy::Process).tightest()
}

#[test]
fn a_value_is_there_until_its_time_is_over_and_not_a_moment_longer() {
    let (local, clock) = local(10, 10_000);
    local.put("a", "1".into(), LONG);
    clock.advance(LONG - Duration::from_micros(1));
    assert!(local.get("a").is_some() && !local.put_if_absent("a", "2".into(), LONG));
    clock.advance(Duration::from_micros(1));
    assert!(local.get("a").is_none() && !local.remove_if("a", b"1"));
    assert!(local.put_if_absent("a", "2".into(), LONG));
}

#[test]
fn when_there_is_no_room_the_value_that_expires_first_goes() {
    let (local, _) = local(3, 1_000_000);
    for (name, secs) in [("a", 30), ("b", 10), ("c", 20), ("d", 40)] {
        local.put(name, "1".into(), Duration::from_secs(secs));
    }
    let there: Vec<_> = ["a", "b", "c", "d"].into_iter().filter(|name| local.get(name).is_some()).collect();
    assert_eq!(there, ["a", "c", "d"]);
}

#[test]
fn values_take_no_more_bytes_than_they_may() {
    let (local, _) = local(1_000, 10_000);
    for n in 0..100 {
        local.put(&n.to_string(), vec![0; 1_000].into(), Duration::from_secs(100 + n));
    }
    let there = (0..100).filter(|n| local.get(&n.to_string()).is_some()).count();
    assert!((5..10).contains(&there), "{there} of a thousand bytes each in ten thousand");
}

#[test]
fn what_has_expired_makes_room_before_anything_else_does() {
    let (local, clock) = local(3, 1_000_000);
    for name in ["a", "b"] {
        local.put(name, "1".into(), Duration::from_secs(1));
    }
    local.put("c", "1".into(), LONG);
    clock.advance(Duration::from_secs(2));
    local.put("d", "1".into(), LONG);
    local.put("e", "1".into(), LONG);
    assert!(["c", "d", "e"].iter().all(|name| local.get(name).is_some()));
}

#[test]
fn when_there_is_no_room_a_lease_is_refused_and_those_that_are_held_stay() {
    let (local, clock) = local(2, 10_000);
    let owner = Uuid::new_v4();
    assert!(local.acquire("a", owner, LONG).unwrap().is_some());
    assert!(local.acquire("b", owner, 2 * LONG).unwrap().is_some());
    assert_eq!(local.acquire("c", owner, LONG), Err(StateError::Full("leases")));
    assert!(local.renew("a", owner, LONG));
    clock.advance(LONG);
    assert!(local.acquire("c", owner, LONG).unwrap().is_some());
}

#[test]
fn a_fence_grows_also_when_the_clock_stands_still_and_over_a_restart() {
    let (first, clock) = local(2, 10_000);
    let fence = |local: &Local| {
        let owner = Uuid::new_v4();
        let fence = local.acquire("a", owner, LONG).unwrap().unwrap();
        assert!(local.release("a", owner));
        fence
    };
    let (one, two) = (fence(&first), fence(&first));
    assert!(two > one);
    clock.advance(Duration::from_secs(1));
    let again = Local::new(&StateConfig::default(), clock);
    assert!(fence(&again) > two);
}

#[test]
fn when_there_is_no_room_for_windows_those_without_one_share_one() {
    let (local, _) = local(10, 10_000);
    let limits = [Limit::new("login", 3, LONG).unwrap()];
    let allowed: Vec<bool> = (0..100).map(|n| ask(&local, &n.to_string(), &limits).allowed).collect();
    // Ten have windows of their own; of all others three were allowed together.
    assert_eq!(allowed.iter().filter(|allowed| **allowed).count(), 13);
    // Whoever has a window keeps it.
    assert!(ask(&local, "0", &limits).allowed && ask(&local, "0", &limits).allowed);
    assert!(!ask(&local, "0", &limits).allowed);
}

#[test]
fn a_full_table_of_windows_empties_by_itself() {
    let (local, clock) = local(10, 10_000);
    let limits = [Limit::new("login", 3, LONG).unwrap()];
    for n in 0..100 {
        ask(&local, &n.to_string(), &limits);
    }
    clock.advance(LONG);
    assert!((0..10).all(|n| ask(&local, &format!("new {n}"), &limits).allowed));
}

#[test]
fn windows_that_are_over_do_not_gather_where_there_is_room() {
    let (local, clock) = local(100_000, 10_000);
    let limits = [Limit::new("login", 3, LONG).unwrap()];
    for n in 0..10_000 {
        ask(&local, &n.to_string(), &limits);
        clock.advance(LONG / 100);
    }
    assert!(
        local.windows.len() < 2_000,
        "{} windows, of which some thirty are not over",
        local.windows.len()
    );
}

/// The same rule told another way: a purse that holds a whole window at most and fills as time passes.
struct Purse {
    filled: i64,
    seen: Ts,
}

proptest! {
    #[test]
    fn decisions_are_those_of_a_purse_that_fills(
        limit in 1..50_u32,
        window_ms in 1..100_000_u64,
        calls in prop::collection::vec((0..5_000_000_u64, 0..4_u32), 1..80),
    ) {
        let limit = Limit::new("a", limit, Duration::from_millis(window_ms)).unwrap();
        let (local, clock) = local(10, 10_000);
        let mut purse = Purse { filled: limit.capacity(), seen: clock.now() };
        for (micros, cost) in calls {
            clock.advance(Duration::from_micros(micros));
            let Ok(call) = limit.clone().cost(cost) else { continue };
            let passed = clock.now().micros() - purse.seen.micros();
            purse.filled = (purse.filled + passed).min(limit.capacity());
            purse.seen = clock.now();
            let price = limit.interval() * i64::from(cost);
            let decision = ask(&local, "somebody", &[call]);
            prop_assert_eq!(decision.allowed, purse.filled >= price);
            if decision.allowed {
                purse.filled -= price;
            } else {
                let missing = price - purse.filled;
                prop_assert_eq!(decision.retry_after.as_micros(), u128::try_from(missing).unwrap());
            }
            prop_assert_eq!(i64::from(decision.remaining), purse.filled / limit.interval());
        }
    }

    /// Whatever comes when: in no span is more allowed than the limit and what the span makes free.
    #[test]
    fn no_span_holds_more_than_the_limit_and_what_it_makes_free(
        limit in 1..20_u32,
        pauses in prop::collection::vec(0..2_000_000_u64, 1..120),
    ) {
        let limit = Limit::new("a", limit, Duration::from_secs(10)).unwrap();
        let (local, clock) = local(10, 10_000);
        let mut allowed = Vec::new();
        for pause in pauses {
            clock.advance(Duration::from_micros(pause));
            if ask(&local, "somebody", std::slice::from_ref(&limit)).allowed {
                allowed.push(clock.now().micros());
            }
        }
        for (first, from) in allowed.iter().enumerate() {
            for (last, to) in allowed.iter().enumerate().skip(first) {
                let most = limit.capacity() / limit.interval() + (to - from) / limit.interval();
                prop_assert!(i64::try_from(last - first + 1).unwrap() <= most);
            }
        }
    }

    /// Of several limits the windows of all move, or none.
    #[test]
    fn several_limits_count_together_or_not_at_all(
        calls in prop::collection::vec((0..3_000_000_u64, 0..4_u32, 0..4_u32), 1..60),
    ) {
        let limits = [Limit::new("a", 5, LONG).unwrap(), Limit::new("b", 3, LONG / 10).unwrap()];
        let (local, clock) = local(10, 10_000);
        let look = |local: &Local| -> Vec<Duration> {
            let free = |limit: &Limit| [limit.clone().cost(0).unwrap()];
            limits.iter().map(|limit| ask(local, "somebody", &free(limit)).reset).collect()
        };
        for (micros, a, b) in calls {
            clock.advance(Duration::from_micros(micros));
            let (Ok(a), Ok(b)) = (limits[0].clone().cost(a), limits[1].clone().cost(b)) else { continue };
            let before = look(&local);
            let call = [a, b];
            let decision = ask(&local, "somebody", &call);
            let moved: Vec<Duration> = before
                .iter()
                .zip(&call)
                .map(|(before, limit)| *before + Duration::from_micros(u64::try_from(limit.advance()).unwrap()))
                .collect();
            prop_assert_eq!(look(&local), if decision.allowed { moved } else { before });
        }
    }
}
