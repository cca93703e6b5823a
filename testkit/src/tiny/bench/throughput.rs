//! Events through outbox, bus, inbox and handler, as fast as they go.

use super::TASKS;
use super::probe::{self, Means};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;
use tokio::task::JoinSet;

pub(super) async fn measure(means: &Means, events: u32) -> anyhow::Result<Value> {
    let began = Instant::now();
    let next = Arc::new(AtomicI64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (means, next, end) = (means.clone(), next.clone(), i64::from(events));
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
    let published = began.elapsed();
    means.handled.reached(events as usize).await?;
    let took = began.elapsed();
    let rate = |span: std::time::Duration| f64::from(events) / span.as_secs_f64();
    Ok(json!({"published": rate(published), "handled": rate(took)}))
}
