//! From the commit of an event to its handler, at a moderate rate.

use super::WARM_UP;
use super::probe::{self, Means};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

pub(super) async fn measure(means: &Means, rate: u32, events: u32) -> anyhow::Result<Value> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut committed = Vec::new();
    for number in 0..WARM_UP + events {
        ticks.tick().await;
        probe::publish(means, number.into()).await?;
        committed.push(Instant::now());
    }
    means.handled.reached(committed.len()).await?;
    let mut latencies = Vec::new();
    for (number, committed) in committed.into_iter().enumerate().skip(WARM_UP as usize) {
        let handled = means.handled.moment(i64::try_from(number)?).context("an event was not handled")?;
        // The handler may be faster than the answer of the commit.
        latencies.push(handled.saturating_duration_since(committed));
    }
    latencies.sort_unstable();
    let percentile = |share: f64| {
        let rank = (latencies.len() as f64 * share).ceil() as usize;
        latencies.get(rank.saturating_sub(1)).map(|latency| latency.as_secs_f64() * 1e3)
    };
    Ok(json!({"p50": percentile(0.5), "p99": percentile(0.99), "max": percentile(1.0)}))
}
