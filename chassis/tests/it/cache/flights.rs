//! One load a key at a time, which belongs to no reader.

use super::{LONG, Place, SEC, Source, away, on_all_engines};
use chassis::cache::{LoadFailed, Policy};
use futures_util::FutureExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use testkit::eventually;
use tokio::task::JoinSet;

on_all_engines! {
    /// None of the predecessors' caches had a guard against a stampede.
    async fn of_a_hundred_readers_at_once_one_loads(mut place: Place) {
        let one = place.instance(LONG).await;
        let source = Source::of("1");
        let gate = source.hold();
        let mut readers = JoinSet::new();
        for _ in 0..100 {
            let (source, cache) = (source.clone(), one.cache.clone());
            readers.spawn(async move { source.read(&cache, "a").await });
        }
        source.has_been_asked(1).await;
        gate.add_permits(100);
        assert!(readers.join_all().await.iter().all(|read| read.as_deref() == Some("1")));
        assert_eq!(source.asked(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_comes_just_as_a_load_ends_takes_what_it_brought() {
    let mut place = Place::process();
    let one = place.instance(LONG).await;
    for key in 0..5_000 {
        let source = Source::of("1");
        let mut readers = JoinSet::new();
        for _ in 0..4 {
            let (source, cache) = (source.clone(), one.cache.clone());
            readers.spawn(async move { source.read(&cache, key.to_string()).await });
        }
        readers.join_all().await;
        assert_eq!(source.asked(), 1, "key {key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_goes_away_leaves_the_load_to_the_others() {
    let mut place = Place::process();
    let one = place.instance(LONG).await;
    let source = Source::of("1");
    let gate = source.hold();
    let mut first = Box::pin(source.read(&one.cache, "a"));
    assert!((&mut first).now_or_never().is_none());
    source.has_been_asked(1).await;
    let mut second = Box::pin(source.read(&one.cache, "a"));
    assert!((&mut second).now_or_never().is_none());
    drop(first);
    gate.add_permits(1);
    assert_eq!(second.await.unwrap(), "1");
    assert_eq!(source.asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_nobody_waits_for_any_more_is_finished_and_kept() {
    let mut place = Place::process();
    let one = place.instance(LONG).await;
    let source = Source::of("1");
    let gate = source.hold();
    assert!(source.read(&one.cache, "a").now_or_never().is_none());
    source.has_been_asked(1).await;
    gate.add_permits(1);
    eventually(|| std::future::ready(one.cache.entries() == 1)).await;
    assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
    assert_eq!(source.asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_panics_fails_all_who_wait_and_frees_the_key() {
    let mut place = Place::process();
    let one = place.instance(LONG).await;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let mut readers = JoinSet::new();
    let begun = Arc::new(AtomicU32::new(0));
    for _ in 0..3 {
        let (cache, gate, begun) = (one.cache.clone(), Arc::clone(&gate), Arc::clone(&begun));
        readers.spawn(async move {
            let load = move || async move {
                begun.fetch_add(1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                panic!("a defect");
                #[expect(unreachable_code, reason = "says what it would return")]
                Ok::<Option<String>, LoadFailed>(None)
            };
            cache.get_or_load("a", load).await
        });
    }
    eventually(|| std::future::ready(begun.load(Ordering::SeqCst) == 1)).await;
    // The others have joined before it goes on, or load and panic by themselves: all are told.
    gate.add_permits(3);
    for read in readers.join_all().await {
        let failed = read.unwrap_err();
        assert!(!failed.is_unavailable(), "{failed:?}");
        assert!(format!("{failed:?}").contains("a defect"), "{failed:?}");
    }
    assert_eq!(Source::of("1").read(&one.cache, "a").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_takes_too_long_is_given_up_and_frees_the_key() {
    let mut place = Place::process();
    let one = place.instance(LONG.load_within(Duration::from_millis(50))).await;
    let source = Source::of("1");
    let _gate = source.hold();
    let began = Instant::now();
    let asked = source.clone();
    let failed = one.cache.get_or_load("a", move || asked.load()).await.unwrap_err();
    assert!(failed.is_unavailable() && began.elapsed() < 10 * SEC, "{failed:?} after {:?}", began.elapsed());
    source.let_go();
    assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_not_kept() {
    let mut place = Place::process();
    let one = place.instance(LONG).await;
    let source = Source::of("1");
    source.fail(Some(away()));
    let asked = source.clone();
    assert!(one.cache.get_or_load("a", move || asked.load()).await.unwrap_err().is_unavailable());
    source.fail(None);
    assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_near_its_end_is_loaded_again_once_in_the_background_and_nobody_waits() {
    let mut place = Place::process();
    let one = place.instance(Policy::of(10 * SEC).jitter(0.0).early(0.8).in_process()).await;
    let source = Source::of("1");
    source.read(&one.cache, "a").await;
    source.set(Some("2"));
    place.pass(8 * SEC - SEC / 1_000);
    source.read(&one.cache, "a").await;
    assert_eq!(source.asked(), 1);
    place.pass(SEC / 1_000);
    let gate = source.hold();
    for _ in 0..10 {
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
    }
    source.has_been_asked(2).await;
    gate.add_permits(10);
    eventually(|| async { source.read(&one.cache, "a").await.as_deref() == Some("2") }).await;
    assert_eq!(source.asked(), 2);
}
