//! Wakes between processes, on a real Redis.

use chassis::state::RedisConfig;
use chassis::stop;
use chassis::wake::{Carrier, Wakes};
use std::time::Duration;
use testkit::{engines, eventually};
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

fn replica(url: &str) -> (Wakes, Carrier) {
    let config = RedisConfig { url: Some(url.to_owned().into()), ..RedisConfig::default() };
    let (wakes, carrier) = Wakes::new(&config).unwrap();
    (wakes, carrier.unwrap())
}

#[tokio::test]
async fn a_wake_reaches_another_process_through_redis() {
    if let Some(url) = engines::redis_url() {
        a_wake_reaches_another_process(&url).await;
    }
}

/// Each listens to some node and publishes on another: a cluster passes on what is said anywhere.
#[tokio::test]
async fn a_wake_reaches_another_process_through_a_redis_cluster() {
    if let Some(url) = engines::redis_cluster_url() {
        a_wake_reaches_another_process(&url).await;
    }
}

async fn a_wake_reaches_another_process(url: &str) {
    let ((one, carrier), (other, others_carrier)) = (replica(url), replica(url));
    let (stopper, stop) = stop::channel();
    let mut carrying = JoinSet::new();
    carrying.spawn(carrier.carry(stop.clone()));
    carrying.spawn(others_carrier.carry(stop));
    // A service of the test's own: the server is shared.
    let service = Uuid::new_v4().simple().to_string();
    let (sent, heard) = (one.topic(&service, "news"), other.topic(&service, "news"));
    // The first wake may be that of the subscription itself; the second can only come from the other process.
    for _ in 0..2 {
        eventually(|| async {
            let mut woken = std::pin::pin!(heard.woken());
            woken.as_mut().enable();
            sent.all();
            timeout(Duration::from_millis(200), woken).await
        })
        .await;
    }
    stopper.stop();
    while let Some(ended) = carrying.join_next().await {
        ended.unwrap().unwrap();
    }
}
