//! Write-through, and what a transaction does to copies.

use super::{LONG, Place, Source, on_all_engines};
use chassis::db::q;
use testkit::eventually;
use tokio::task::JoinSet;

on_all_engines! {
    async fn what_was_written_is_what_readers_get_without_a_load(mut place: Place) {
        let source = Source::of("old");
        let (one, other) = (place.instance(LONG).await, place.instance(LONG).await);
        source.read(&one.cache, "a").await;
        source.read(&other.cache, "a").await;
        let asked = source.asked();
        let write = one.cache.write("a").await;
        source.set(Some("new"));
        write.put("new".to_owned());
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "new");
        assert_eq!(source.asked(), asked);
        eventually(|| async { source.read(&other.cache, "a").await.as_deref() == Some("new") }).await;
        assert_eq!(source.asked(), asked, "the other instance found it in Redis");
    }

    async fn of_two_who_write_at_once_neither_is_kept(mut place: Place) {
        let source = Source::of("0");
        let one = place.instance(LONG).await;
        let (first, second) = (one.cache.write("a").await, one.cache.write("a").await);
        // The second was committed last, and is heard of first.
        source.set(Some("2"));
        second.put("2".to_owned());
        first.put("1".to_owned());
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "2");
        eventually(|| {
            let state = one.state.clone();
            async move { state.get("cache:things:a").await.unwrap().is_none_or(|copy| !copy.ends_with(b"\"1\"}")) }
        })
        .await;
    }

    async fn of_two_instances_that_write_at_once_neither_is_kept(mut place: Place) {
        let source = Source::of("0");
        let (one, other) = (place.instance(LONG).await, place.instance(LONG).await);
        let (first, second) = (one.cache.write("a").await, other.cache.write("a").await);
        source.set(Some("2"));
        second.put("2".to_owned());
        first.put("1".to_owned());
        for instance in [&one, &other] {
            eventually(|| async { source.read(&instance.cache, "a").await.as_deref() == Some("2") }).await;
        }
        let late = place.instance(LONG).await;
        eventually(|| async { source.read(&late.cache, "a").await.as_deref() == Some("2") }).await;
    }

    async fn what_is_invalidated_while_it_is_written_is_loaded(mut place: Place) {
        let source = Source::of("0");
        let one = place.instance(LONG).await;
        let write = one.cache.write("a").await;
        one.cache.invalidate("a").await.unwrap();
        source.set(Some("2"));
        write.put("1".to_owned());
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "2");
    }

    async fn what_a_load_brings_that_began_before_a_write_is_not_kept(mut place: Place) {
        let source = Source::of("old");
        let one = place.instance(LONG).await;
        let gate = source.hold();
        let mut readers = JoinSet::new();
        let (early, cache) = (source.clone(), one.cache.clone());
        readers.spawn(async move { early.read(&cache, "a").await });
        source.has_been_asked(1).await;
        source.let_go();
        let write = one.cache.write("a").await;
        source.set(Some("new"));
        write.put("new".to_owned());
        gate.add_permits(1);
        readers.join_all().await;
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "new");
        let late = place.instance(LONG).await;
        eventually(|| async { source.read(&late.cache, "a").await.as_deref() == Some("new") }).await;
    }

    /// A reader between the announcement and the commit finds what was there before, and keeps it.
    async fn a_write_that_came_to_nothing_leaves_no_copy_of_meanwhile(mut place: Place) {
        let source = Source::of("old");
        let one = place.instance(LONG).await;
        let write = one.cache.write("a").await;
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "old");
        source.set(Some("who knows"));
        drop(write);
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), "who knows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_are_forgotten_with_the_commit_and_when_nobody_knows_how_it_ended() {
    let mut place = Place::process();
    let one = place.instance(LONG).await;
    let folder = crate::engines::Place::sqlite();
    let db = folder.with("CREATE TABLE counted (n INTEGER NOT NULL) STRICT").await;
    let source = Source::of("1");
    for (n, commit) in [(2, true), (3, false)] {
        let before = source.read(&one.cache, "a").await;
        let mut tx = db.begin().await.unwrap();
        q!(tx.tx, execute, "INSERT INTO counted (n) VALUES ($1)", n).unwrap();
        one.cache.invalidate_after(&mut tx, "a");
        source.set(Some(&n.to_string()));
        assert_eq!(source.read(&one.cache, "a").await, before, "nothing is committed yet");
        if commit {
            tx.commit().await.unwrap();
        } else {
            drop(tx);
        }
        assert_eq!(source.read(&one.cache, "a").await.unwrap(), n.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_transaction_writes_is_read_after_its_commit_and_never_when_it_was_rolled_back() {
    let mut place = Place::process();
    let one = place.instance(LONG).await;
    let folder = crate::engines::Place::sqlite();
    let db = folder.with("CREATE TABLE counted (n INTEGER NOT NULL) STRICT").await;
    let source = Source::of("1");
    let write = one.cache.write("a").await;
    let mut tx = db.begin().await.unwrap();
    write.put_after(&mut tx, "2".to_owned());
    tx.rollback().await.unwrap();
    assert_eq!(source.read(&one.cache, "a").await.unwrap(), "1");
    let write = one.cache.write("a").await;
    let mut tx = db.begin().await.unwrap();
    write.put_after(&mut tx, "2".to_owned());
    tx.commit().await.unwrap();
    let asked = source.asked();
    assert_eq!(source.read(&one.cache, "a").await.unwrap(), "2");
    assert_eq!(source.asked(), asked);
}
