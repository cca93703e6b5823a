//! What one operation costs, over and over for a while.

use crate::tiny::bench::cpu;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Not measured: connections, prepared statements, caches of the allocator.
const WARM_UP: u32 = 500;
/// Operations between two looks at the clock.
const ROUND: u32 = 64;

/// Does it for about this long, and returns the microseconds of one: of CPU time of the whole process, and of the clock.
pub(super) async fn cost(
    long: Duration,
    mut one: impl AsyncFnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Value> {
    for _ in 0..WARM_UP {
        one().await?;
    }
    let (cpu, began, mut count) = (cpu::own(), Instant::now(), 0_u32);
    while began.elapsed() < long {
        for _ in 0..ROUND {
            one().await?;
        }
        count += ROUND;
    }
    let (cpu, clock) = (cpu::own().saturating_sub(cpu), began.elapsed());
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(count);
    Ok(json!({"cpu": micros(cpu), "clock": micros(clock), "count": count}))
}
