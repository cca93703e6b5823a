//! Events through outbox, bus, inbox and handler, as fast as they go.

use super::probe::{self, Means};
use super::{TASKS, WARM_UP};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

pub(super) async fn measure(means: &Means, events: u32) -> anyhow::Result<Value> {
    publish(means, 0, WARM_UP).await?;
    means.handled.reached(WARM_UP as usize).await?;
    let began = Instant::now();
    publish(means, WARM_UP, WARM_UP + events).await?;
    let published = began.elapsed();
    means.handled.reached((WARM_UP + events) as usize).await?;
    let took = began.elapsed();
    let rate = |span: Duration| f64::from(events) / span.as_secs_f64();
    Ok(json!({"published": rate(published), "handled": rate(took)}))
}

/// Publishes the events of these numbers, some at once.
async fn publish(means: &Means, first: u32, end: u32) -> anyhow::Result<()> {
    let next = Arc::new(AtomicI64::new(first.into()));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (means, next, end) = (means.clone(), next.clone(), i64::from(end));
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return anyhow::Ok(());
                }
                probe::publish(&means, number).await?;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}
