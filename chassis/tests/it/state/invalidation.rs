//! Invalidations: every instance of a service hears them, and whoever may have missed one is told so.

use super::{Hearing, on_all_engines};
use chassis::state::{Invalidation, Invalidations, Stale};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

pub(super) fn tag(tag: &str) -> Invalidation {
    Invalidation { keys: vec!["1".to_owned(), "2".to_owned()], tags: vec![tag.to_owned()] }
}

/// The next invalidation that is about something; fails when none comes.
pub(super) async fn next(news: &mut Invalidations) -> Arc<Invalidation> {
    let next = async {
        loop {
            if let Stale::These(these) = news.next().await {
                return these;
            }
        }
    };
    timeout(Duration::from_secs(10), next).await.unwrap()
}

on_all_engines! {
    async fn every_instance_of_a_service_hears_what_one_invalidates_and_no_other_service_does(place: Place) {
        let ((one, ears), (other, others_ears)) = (place.listening(), place.listening());
        let (mut news, mut others_news) = (one.invalidations(), other.invalidations());
        let mut strangers_news = other.of("another-service").invalidations();
        let _hearing = [Hearing::start(ears), Hearing::start(others_ears)];
        // Whoever begins to listen is told that it may have missed something.
        if place.redis.url.is_some() {
            for news in [&mut news, &mut others_news, &mut strangers_news] {
                let first = timeout(Duration::from_secs(10), news.next()).await.unwrap();
                assert_eq!(first, Stale::Everything);
            }
        }
        one.invalidate(tag("first")).await.unwrap();
        one.invalidate(tag("second")).await.unwrap();
        for expected in ["first", "second"] {
            assert_eq!(*next(&mut news).await, tag(expected));
            assert_eq!(*next(&mut others_news).await, tag(expected));
        }
        // Had the other service heard anything, it would have come before its own.
        other.of("another-service").invalidate(tag("its own")).await.unwrap();
        assert_eq!(*next(&mut strangers_news).await, tag("its own"));
        // One's own comes back from Redis and is not told twice.
        one.invalidate(tag("third")).await.unwrap();
        assert_eq!(*next(&mut news).await, tag("third"));
    }
}
