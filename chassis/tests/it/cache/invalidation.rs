//! What was changed is not given out any more: by key, by tag, in every instance, whatever is under way.

use super::{LONG, Place, SEC, Source, on_all_engines};
use chassis::cache::Key;
use testkit::eventually;
use tokio::task::JoinSet;

on_all_engines! {
    async fn whoever_invalidates_a_key_reads_what_is_new_at_once_and_the_others_soon(mut place: Place) {
        let source = Source::of("1");
        let (one, other) = (place.instance(LONG).await, place.instance(LONG).await);
        source.read(&one.cache, "a").await;
        source.read(&other.cache, "a").await;
        source.set(Some("2"));
        one.cache.invalidate("a").await.unwrap();
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "2");
        eventually(|| async { source.read(&other.cache, "a").await.as_deref() == Some("2") }).await;
        // Nor does one that comes later find the old one anywhere.
        let late = place.instance(LONG).await;
        assert_eq!(source.read(&late.cache, "a").await.unwrap(), "2");
    }

    async fn an_invalidation_leaves_everything_else_alone(mut place: Place) {
        let (source, other) = (Source::of("1"), Source::of("1"));
        let one = place.instance(LONG).await;
        source.read(&one.cache, "a").await;
        other.read(&one.cache, "b").await;
        other.read(&one.other, "a").await;
        one.cache.invalidate("a").await.unwrap();
        source.read(&one.cache, "a").await;
        other.read(&one.cache, "b").await;
        other.read(&one.other, "a").await;
        assert_eq!((source.asked(), other.asked()), (2, 2));
    }

    async fn a_tag_is_for_all_copies_that_carry_it_in_all_caches(mut place: Place) {
        let source = Source::of("1");
        let (one, other) = (place.instance(LONG).await, place.instance(LONG).await);
        let keys = || [Key::new("a").tag("red"), Key::new("b").tag("blue").tag("red"), Key::new("c").tag("blue")];
        for instance in [&one, &other] {
            for key in keys() {
                source.read(&instance.cache, key).await;
            }
            source.read(&instance.other, Key::new("d").tag("red")).await;
        }
        source.set(Some("2"));
        one.other.invalidate_tag("red").await.unwrap();
        let late = place.instance(LONG).await;
        for instance in [&one, &late] {
            for key in keys().into_iter().take(2) {
                assert_eq!(source.read(&instance.cache, key).await.unwrap(), "2");
            }
            assert_eq!(source.read(&instance.other, Key::new("d").tag("red")).await.unwrap(), "2");
        }
        assert_eq!(source.read(&one.cache, Key::new("c").tag("blue")).await.unwrap(), "1");
        eventually(|| async { source.read(&other.cache, Key::new("b").tag("blue").tag("red")).await.as_deref() == Some("2") })
            .await;
    }

    async fn a_load_that_began_before_an_invalidation_keeps_nothing_here_and_nothing_in_redis(mut place: Place) {
        let source = Source::of("old");
        let one = place.instance(LONG).await;
        let gate = source.hold();
        let mut readers = JoinSet::new();
        let (early, cache) = (source.clone(), one.cache.clone());
        readers.spawn(async move { early.read(&cache, "a").await });
        source.has_been_asked(1).await;
        source.set(Some("new"));
        one.cache.invalidate("a").await.unwrap();
        gate.add_permits(1);
        // It was asked before, so it may be told what was true then.
        assert_eq!(readers.join_all().await, [Some("old".to_owned())]);
        source.let_go();
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "new");
        let late = place.instance(LONG).await;
        assert_eq!(source.read(&late.cache, "a").await.unwrap(), "new");
    }

    async fn a_load_in_one_instance_that_began_before_an_invalidation_in_another_keeps_nothing(mut place: Place) {
        let source = Source::of("old");
        let (one, other) = (place.instance(LONG).await, place.instance(LONG).await);
        let gate = source.hold();
        let mut readers = JoinSet::new();
        let (early, cache) = (source.clone(), one.cache.clone());
        readers.spawn(async move { early.read(&cache, "a").await });
        source.has_been_asked(1).await;
        source.set(Some("new"));
        other.cache.invalidate("a").await.unwrap();
        gate.add_permits(1);
        readers.join_all().await;
        source.let_go();
        let late = place.instance(LONG).await;
        assert_eq!(source.read(&late.cache, "a").await.unwrap(), "new");
        assert_eq!(source.read(&other.cache, "a").await.unwrap(), "new");
        eventually(|| async { source.read(&one.cache, "a").await.as_deref() == Some("new") }).await;
    }

    async fn a_reader_does_not_join_a_load_that_began_before_an_invalidation(mut place: Place) {
        let source = Source::of("old");
        let one = place.instance(LONG).await;
        let gate = source.hold();
        let mut readers = JoinSet::new();
        let (early, cache) = (source.clone(), one.cache.clone());
        readers.spawn(async move { early.read(&cache, "a").await });
        source.has_been_asked(1).await;
        source.set(Some("new"));
        source.let_go();
        one.cache.invalidate("a").await.unwrap();
        // The first one still waits.
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "new");
        gate.add_permits(1);
        readers.join_all().await;
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "new");
    }

    async fn that_there_is_nothing_is_forgotten_too(mut place: Place) {
        let source = Source::default();
        let one = place.instance(LONG).await;
        assert_eq!(source.read(&one.cache, "a").await, None);
        source.set(Some("1"));
        one.cache.invalidate("a").await.unwrap();
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
    }

    async fn many_readers_and_writers_never_read_what_was_before_their_own_change(mut place: Place) {
        let source = Source::of("0");
        let instances = [place.instance(LONG).await, place.instance(LONG).await];
        let mut work = JoinSet::new();
        for n in 0..4_usize {
            let (source, cache) = (source.clone(), instances[n % 2].cache.clone());
            work.spawn(async move {
                for _ in 0..300 {
                    source.read(&cache, "a").await;
                    tokio::task::yield_now().await;
                }
            });
        }
        let (writing, cache) = (source.clone(), instances[0].cache.clone());
        work.spawn(async move {
            for n in 1..=50 {
                writing.set(Some(&n.to_string()));
                cache.invalidate("a").await.unwrap();
                assert_eq!(writing.read(&cache, "a").await.unwrap(), n.to_string());
            }
        });
        work.join_all().await;
        let late = place.instance(LONG).await;
        assert_eq!(source.read(&late.cache, "a").await.unwrap(), "50");
        eventually(|| async { source.read(&instances[1].cache, "a").await.as_deref() == Some("50") }).await;
    }
}

/// One of the predecessors looked for keys with KEYS, which stops a Redis that holds many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_ever_looked_for_by_a_pattern() {
    if testkit::engines::redis_url().is_none() {
        return;
    }
    let redis = testkit::servers::Redis::start().unwrap();
    let mut place = Place::at(&redis.url());
    let source = Source::of("1");
    let (one, other) = (place.instance(LONG).await, place.instance(LONG).await);
    for instance in [&one, &other] {
        source.read(&instance.cache, Key::new("a").tag("red")).await;
    }
    one.cache.invalidate("a").await.unwrap();
    one.cache.invalidate_tag("red").await.unwrap();
    one.cache.write("a").await.put("2".to_owned());
    place.pass(SEC);
    let commands = redis.ask(&["EVAL", "return redis.call('INFO', 'commandstats')", "0"]).unwrap();
    assert!(commands.contains("cmdstat_get"), "{commands}");
    for command in ["cmdstat_keys", "cmdstat_scan", "cmdstat_flushdb", "cmdstat_flushall"] {
        assert!(!commands.contains(command), "{commands}");
    }
}
