//! Values: time to live, unique and conditional writes.

use super::on_all_engines;
use chassis::state::StateError;
use std::time::{Duration, Instant};
use testkit::eventually;
use tokio::task::JoinSet;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(150);

on_all_engines! {
    async fn a_value_is_what_was_put_last_until_it_is_removed(place: Place) {
        let (one, other) = (place.instance(), place.instance());
        assert_eq!(one.get("a").await.unwrap(), None);
        one.put("a", "first", LONG).await.unwrap();
        other.put("a", &[0_u8, 255, 13, 10][..], LONG).await.unwrap();
        assert_eq!(one.get("a").await.unwrap().as_deref(), Some(&[0_u8, 255, 13, 10][..]));
        assert!(one.remove("a").await.unwrap());
        assert!(!other.remove("a").await.unwrap());
        assert_eq!(other.get("a").await.unwrap(), None);
        one.put("empty", "", LONG).await.unwrap();
        assert_eq!(other.get("empty").await.unwrap().as_deref(), Some(&[][..]));
    }

    async fn a_value_is_there_for_its_time_and_absent_for_every_operation_afterwards(place: Place) {
        let state = place.instance();
        let began = Instant::now();
        state.put("a", "1", SHORT).await.unwrap();
        state.put("b", "1", SHORT).await.unwrap();
        state.put("c", "1", SHORT).await.unwrap();
        state.put("long", "1", LONG).await.unwrap();
        let seen = state.get("a").await.unwrap();
        // A machine that stood still for longer than the value lives proves nothing here.
        assert!(seen.is_some() || began.elapsed() > SHORT);
        eventually(|| async { state.get("a").await.unwrap().is_none() }).await;
        assert!(began.elapsed() >= SHORT - Duration::from_millis(5), "it expired after {:?}", began.elapsed());
        eventually(|| async { state.get("b").await.unwrap().is_none() && state.get("c").await.unwrap().is_none() }).await;
        assert!(!state.replace_if("a", b"1", "2", LONG).await.unwrap());
        assert!(!state.remove_if("b", b"1").await.unwrap());
        assert!(!state.remove("c").await.unwrap());
        assert!(state.put_if_absent("a", "2", LONG).await.unwrap());
        assert_eq!(state.get("long").await.unwrap().as_deref(), Some(&b"1"[..]));
    }

    async fn a_new_value_has_its_own_time_to_live(place: Place) {
        let state = place.instance();
        state.put("a", "1", SHORT).await.unwrap();
        state.put("a", "2", LONG).await.unwrap();
        state.put("b", "1", LONG).await.unwrap();
        assert!(state.replace_if("b", b"1", "2", SHORT).await.unwrap());
        eventually(|| async { state.get("b").await.unwrap().is_none() }).await;
        assert_eq!(state.get("a").await.unwrap().as_deref(), Some(&b"2"[..]));
    }

    async fn of_many_who_put_what_is_absent_one_is_the_first(place: Place) {
        let instances = [place.instance(), place.instance()];
        let mut tries = JoinSet::new();
        for n in 0..40 {
            let state = instances[n % 2].clone();
            tries.spawn(async move { (n, state.put_if_absent("once", n.to_string(), LONG).await.unwrap()) });
        }
        let firsts: Vec<_> = tries.join_all().await.into_iter().filter_map(|(n, first)| first.then_some(n)).collect();
        assert_eq!(firsts.len(), 1, "{firsts:?}");
        let kept = instances[0].get("once").await.unwrap().unwrap();
        assert_eq!(kept, firsts[0].to_string());
    }

    async fn a_value_is_replaced_and_removed_only_when_it_is_the_expected_one(place: Place) {
        let state = place.instance();
        assert!(!state.replace_if("a", b"", "1", LONG).await.unwrap());
        assert!(!state.remove_if("a", b"").await.unwrap());
        state.put("a", "1", LONG).await.unwrap();
        assert!(!state.replace_if("a", b"2", "3", LONG).await.unwrap());
        assert!(!state.remove_if("a", b"2").await.unwrap());
        assert!(state.replace_if("a", b"1", "3", LONG).await.unwrap());
        assert_eq!(state.get("a").await.unwrap().as_deref(), Some(&b"3"[..]));
        assert!(state.remove_if("a", b"3").await.unwrap());
        assert_eq!(state.get("a").await.unwrap(), None);
    }

    async fn no_update_is_lost_among_those_who_replace_what_they_have_read(place: Place) {
        place.instance().put("count", "0", LONG).await.unwrap();
        let mut adding = JoinSet::new();
        for _ in 0..8 {
            let state = place.instance();
            adding.spawn(async move {
                for _ in 0..5 {
                    loop {
                        let seen = state.get("count").await.unwrap().unwrap();
                        let next = std::str::from_utf8(&seen).unwrap().parse::<u32>().unwrap() + 1;
                        if state.replace_if("count", &seen, next.to_string(), LONG).await.unwrap() {
                            break;
                        }
                    }
                }
            });
        }
        adding.join_all().await;
        assert_eq!(place.instance().get("count").await.unwrap().unwrap(), "40");
    }

    async fn what_can_never_be_meant_is_refused(place: Place) {
        let state = place.instance();
        let invalid = |outcome: Result<(), StateError>| matches!(outcome, Err(StateError::Invalid(_)));
        assert!(invalid(state.put("a", "1", Duration::ZERO).await));
        assert!(invalid(state.put("a", "1", Duration::MAX).await));
        assert!(invalid(state.put("", "1", LONG).await));
        assert!(invalid(state.put(&"a".repeat(513), "1", LONG).await));
        assert!(invalid(state.put("a", vec![0; 1_048_577], LONG).await));
        assert_eq!(state.get("a").await.unwrap(), None);
    }

    async fn services_do_not_see_each_others_names(place: Place) {
        let state = place.instance();
        let other = state.of("another-service");
        state.put("a", "1", LONG).await.unwrap();
        assert_eq!(other.get("a").await.unwrap(), None);
    }
}
