//! What the database alone commits.

use super::TASKS;
use super::probe::{self, Means};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::time::Instant;
use tokio::task::JoinSet;

/// Rows of one transaction.
const BATCH: u32 = 256;

pub(super) async fn measure(means: &Means, rows: u32) -> anyhow::Result<Value> {
    let single = by_tasks(means, rows, |means, number| async move {
        let mut t = means.db.begin().await?;
        probe::insert(&mut t, number).await?;
        Ok(t.commit().await?)
    });
    let single = single.await?;
    let grouped = by_tasks(means, rows, |means, number| async move {
        means.db.group(move |t| Box::pin(probe::insert(t, number))).await.map_err(anyhow::Error::from)
    });
    let grouped = grouped.await?;
    let mut task = JoinSet::new();
    task.spawn(in_batches(means.clone(), rows));
    let batched = task.join_next().await.context("one task")???;
    Ok(json!({"single": single, "grouped": grouped, "batched": batched}))
}

/// How many rows a second one task writes, many in a transaction.
async fn in_batches(means: Means, rows: u32) -> anyhow::Result<f64> {
    let began = Instant::now();
    let batches = rows.div_ceil(BATCH);
    for _ in 0..batches {
        let mut t = means.db.begin().await?;
        for number in 0..BATCH {
            probe::insert(&mut t, number.into()).await?;
        }
        t.commit().await?;
    }
    Ok(f64::from(batches * BATCH) / began.elapsed().as_secs_f64())
}

/// How many rows a second some tasks write, each one after the other.
async fn by_tasks<F>(
    means: &Means,
    rows: u32,
    write: impl Fn(Means, i64) -> F + Clone + Send + 'static,
) -> anyhow::Result<f64>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (means, write) = (means.clone(), write.clone());
        tasks.spawn(async move {
            for number in 0..rows / TASKS {
                write(means.clone(), number.into()).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(f64::from(rows / TASKS * TASKS) / began.elapsed().as_secs_f64())
}
