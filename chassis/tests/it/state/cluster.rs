//! What only a cluster can show: slots, and masters that die.

use super::invalidation::{next, tag};
use super::{Hearing, Place};
use chassis::state::{DecidedBy, Limit, Stale, State, StateError};
use redis::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use testkit::servers::RedisCluster;
use testkit::{engines, eventually_within};
use tokio::task::JoinSet;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);

/// Every operation whose script has several keys, with a name that could take the hash tag apart.
async fn use_everything(state: &State, name: &str) {
    state.put(name, "1", LONG).await.unwrap();
    assert!(state.replace_if(name, b"1", "2", LONG).await.unwrap(), "{name}");
    assert_eq!(state.get(name).await.unwrap().unwrap(), "2");
    let lease = state.acquire(name, LONG).await.unwrap().unwrap();
    assert!(lease.renew(LONG).await.unwrap() && lease.release().await.unwrap(), "{name}");
    let limits = ["a", "{b}", "}c{"].map(|limit| Limit::new(limit, 5, LONG).unwrap());
    let decision = state.limit(name, &limits).await.unwrap();
    // A script with keys in two slots would be refused, and this process would decide.
    assert_eq!((decision.by, decision.remaining), (DecidedBy::Redis, 4), "{name}");
    assert!(state.remove_if(name, b"2").await.unwrap(), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_operation_has_keys_in_two_slots_whatever_it_is_about() {
    let Some(place) = Place::cluster() else { return };
    let state = place.instance();
    for name in ["a", "user:1", "{", "}", "{}", "}{", "a{b}c", "{a}{b}", "100%7B", "ünïcode", " ", "a\r\nb"]
    {
        use_everything(&state, name).await;
    }
    for n in 0..50 {
        use_everything(&state, &format!("name {n}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cluster_of_the_tests_would_refuse_keys_in_two_slots() {
    let Some(url) = engines::redis_cluster_url() else { return };
    let nodes = url.trim_start_matches("redis+cluster://").split(',').map(|node| format!("redis://{node}"));
    let client = redis::cluster::ClusterClient::new(nodes).unwrap();
    let mut connection = client.get_async_connection().await.unwrap();
    let mut script = redis::cmd("EVAL");
    script.arg("return redis.call('GET', KEYS[1])").arg(2).arg("bowline:{a}:value").arg("bowline:{b}:value");
    let refused: redis::RedisResult<Value> = script.query_async(&mut connection).await;
    assert_eq!(refused.unwrap_err().code(), Some("CROSSSLOT"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_master_is_killed_under_writes_its_replica_takes_over_and_nothing_waits_for_ever() {
    if engines::redis_cluster_url().is_none() {
        return;
    }
    let mut cluster = RedisCluster::start().unwrap();
    let place = Place::at(&cluster.url());
    let state = place.instance();
    let (listening, ears) = place.listening();
    let mut news = listening.invalidations();
    let _hearing = Hearing::start(ears);
    assert_eq!(timeout(LONG, news.next()).await.unwrap(), Stale::Everything);

    let (done, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let (state, done, written) = (state.clone(), Arc::clone(&done), Arc::clone(&written));
        writers.spawn(async move {
            let mut slowest = Duration::ZERO;
            for n in 0_u32.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let began = Instant::now();
                match state.put(&format!("{writer} {n}"), "1", LONG).await {
                    Ok(()) => drop(written.fetch_add(1, Ordering::Relaxed)),
                    Err(error) => assert!(error.is_unavailable(), "{error}"),
                }
                slowest = slowest.max(began.elapsed());
            }
            slowest
        });
    }
    let more = || {
        let enough = written.load(Ordering::Relaxed) + 500;
        let written = Arc::clone(&written);
        eventually_within(LONG, move || {
            let now = written.load(Ordering::Relaxed);
            async move { now >= enough }
        })
    };
    more().await;
    cluster.kill_master_of("bowline:{a}:value").unwrap();
    let killed = Instant::now();
    // Every slot is written again: three hundred names are on all masters.
    let whole = || async {
        for n in 0..300 {
            state.put(&format!("name {n}"), "1", LONG).await?;
        }
        Ok::<_, StateError>(())
    };
    eventually_within(LONG, whole).await;
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(20), "the cluster was whole again after {took:?}");
    more().await;
    done.store(true, Ordering::Relaxed);
    for slowest in writers.join_all().await {
        assert!(slowest < Duration::from_secs(3), "a call took {slowest:?}");
    }

    // Whichever node it listened to: what is said now is heard.
    let heard = async {
        loop {
            state.invalidate(tag("after")).await.unwrap();
            if let Ok(heard) = timeout(Duration::from_secs(1), next(&mut news)).await {
                return heard;
            }
        }
    };
    assert_eq!(*timeout(LONG, heard).await.unwrap(), tag("after"));
}

/// Each decision has an address in one slot and a user in another; whichever master is away, there is an answer, in time,
/// and no limit is exceeded by more than what this process may count alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_several_subjects_go_on_while_a_master_is_gone() {
    if engines::redis_cluster_url().is_none() {
        return;
    }
    let mut cluster = RedisCluster::start().unwrap();
    let state = Place::at(&cluster.url()).instance();
    let (wide, narrow) = (limit_of("wide", 1_000_000), limit_of("narrow", 50));
    let decide = async |n: usize| {
        let (ip, user) = (format!("ip:{n}"), format!("user:{}", n % 20));
        let began = Instant::now();
        let decisions = state.limits(&[(ip.as_str(), &wide), (user.as_str(), &narrow)]).await.unwrap();
        let took = began.elapsed();
        assert!(took < Duration::from_secs(3), "a decision took {took:?}");
        decisions
    };
    let mut through = [0; 20];
    let mut count = |n: usize, decisions: &chassis::state::Decisions| {
        through[n % 20] += u32::from(decisions.allowed());
    };
    for n in 0..400 {
        let decisions = decide(n).await;
        assert_eq!(decisions.by(), DecidedBy::Redis);
        count(n, &decisions);
    }
    cluster.kill_master_of("bowline:{a}:value").unwrap();
    let (mut alone, mut n) = (0, 400);
    let killed = Instant::now();
    // Until two hundred in a row were decided by the cluster.
    let mut in_a_row = 0;
    while in_a_row < 200 {
        let decisions = decide(n).await;
        count(n, &decisions);
        let by_redis = decisions.by() == DecidedBy::Redis;
        (alone, in_a_row) = (alone + u32::from(!by_redis), if by_redis { in_a_row + 1 } else { 0 });
        assert!(killed.elapsed() < LONG, "the cluster does not decide again");
        n += 1;
    }
    for n in n..n + 2_000 {
        count(n, &decide(n).await);
    }
    assert!(alone > 0, "nobody noticed that a master was gone");
    // What is in the cluster, and once more what this process counted meanwhile. A replica may have missed the last writes.
    assert!(through.iter().all(|through| (50..=110).contains(through)), "{through:?}");
}

fn limit_of(name: &'static str, limit: u32) -> Limit {
    Limit::new(name, limit, Duration::from_secs(24 * 3_600)).unwrap()
}
