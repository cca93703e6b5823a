//! Leases: one owner at a time, a fence that only grows, nothing left to an owner whose time is over.

use super::on_all_engines;
use std::time::Duration;
use testkit::eventually;
use tokio::task::JoinSet;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(150);
/// Long enough to be renewed in time on a machine that is busy.
const BEFORE_LONG: Duration = Duration::from_millis(1_500);

on_all_engines! {
    async fn a_lease_has_one_owner_until_it_is_released(place: Place) {
        let (one, other) = (place.instance(), place.instance());
        let lease = one.acquire("nightly", LONG).await.unwrap().unwrap();
        assert!(other.acquire("nightly", LONG).await.unwrap().is_none());
        assert!(one.acquire("nightly", LONG).await.unwrap().is_none());
        assert!(other.acquire("weekly", LONG).await.unwrap().is_some());
        assert!(lease.renew(LONG).await.unwrap());
        let fence = lease.fence();
        assert!(lease.release().await.unwrap());
        let next = other.acquire("nightly", LONG).await.unwrap().unwrap();
        assert!(next.fence() > fence, "{} is not above {fence}", next.fence());
    }

    async fn of_many_who_want_a_lease_one_gets_it(place: Place) {
        let instances = [place.instance(), place.instance()];
        let mut tries = JoinSet::new();
        for n in 0..30 {
            let state = instances[n % 2].clone();
            tries.spawn(async move { state.acquire("nightly", LONG).await.unwrap() });
        }
        assert_eq!(tries.join_all().await.iter().flatten().count(), 1);
    }

    async fn an_owner_whose_time_is_over_can_neither_renew_nor_release_what_another_has_taken(place: Place) {
        let (one, other) = (place.instance(), place.instance());
        let old = one.acquire("nightly", SHORT).await.unwrap().unwrap();
        let new = eventually(|| async { other.acquire("nightly", LONG).await.unwrap() }).await;
        assert!(new.fence() > old.fence());
        assert!(!old.renew(LONG).await.unwrap());
        assert!(!old.release().await.unwrap());
        assert!(new.renew(LONG).await.unwrap());
        assert!(one.acquire("nightly", LONG).await.unwrap().is_none());
    }

    async fn a_lease_that_ran_out_is_not_renewed_although_nobody_else_took_it(place: Place) {
        let state = place.instance();
        let lease = state.acquire("nightly", SHORT).await.unwrap().unwrap();
        eventually(|| async { !lease.renew(Duration::from_millis(1)).await.unwrap() }).await;
        assert!(!lease.renew(LONG).await.unwrap());
        assert!(state.acquire("nightly", LONG).await.unwrap().is_some());
    }

    async fn a_lease_that_is_renewed_lasts(place: Place) {
        let (one, other) = (place.instance(), place.instance());
        let lease = one.acquire("nightly", BEFORE_LONG).await.unwrap().unwrap();
        assert!(lease.renew(LONG).await.unwrap());
        // Another lease that was acquired later and ran out says that the first one's time would be over.
        let later = one.acquire("later", BEFORE_LONG).await.unwrap().unwrap();
        eventually(|| async { other.acquire("later", LONG).await.unwrap() }).await;
        assert!(!later.renew(LONG).await.unwrap());
        assert!(other.acquire("nightly", LONG).await.unwrap().is_none());
    }

    async fn a_fence_only_grows_however_fast_leases_follow_each_other(place: Place) {
        let state = place.instance();
        let mut last = 0;
        for _ in 0..50 {
            let lease = state.acquire("nightly", LONG).await.unwrap().unwrap();
            assert!(lease.fence() > last, "{} is not above {last}", lease.fence());
            last = lease.fence();
            assert!(lease.release().await.unwrap());
        }
    }

    async fn a_lease_and_a_value_of_one_name_are_two_things(place: Place) {
        let state = place.instance();
        let lease = state.acquire("a", LONG).await.unwrap().unwrap();
        state.put("a", "1", LONG).await.unwrap();
        assert!(state.remove("a").await.unwrap());
        assert!(lease.renew(LONG).await.unwrap());
    }
}
