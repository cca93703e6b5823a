//! What the parts do in a second, each on its own, on one core.

use super::asked::{Asked, Word};
use super::ground;
use crate::Issuer;
use chassis::cache::{LoadFailed, Policy};
use chassis::resilience::{Breaker, BreakerConfig};
use chassis::service::Registration;
use chassis::state::Limit;
use serde_json::{Map, Value};
use std::time::{Duration, Instant};

/// Operations between two looks at the clock.
const ROUND: u32 = 256;
/// So many subjects take their turns, as clients do.
const SUBJECTS: u32 = 1_024;

/// Measures them one after another; operations a second by name.
pub(super) async fn measure(long: Duration, settings: &[(String, String)]) -> anyhow::Result<Value> {
    let issuer = Issuer::new();
    let services = [ground::AUTH, Registration::of::<Asked>()];
    let ground = ground::lay(&services, "all", &issuer, settings).await?;
    let state = ground.assembled.shared().state();
    let mut figures = Map::new();

    let breaker = Breaker::new("peer", "measured", BreakerConfig::default());
    let measured = per_second(long, async |_| {
        breaker.permit()?.succeeded();
        Ok(())
    });
    figures.insert("breaker, a call let through and counted".to_owned(), measured.await?.into());

    let limit = [Limit::new("measured", 1_000_000, Duration::from_secs(1))?];
    let measured = per_second(long, async |turn| {
        state.limit(&format!("subject-{}", turn % SUBJECTS), &limit).await?;
        Ok(())
    });
    figures.insert("limiter, one decision".to_owned(), measured.await?.into());

    let words = ground.assembled.shared().cache::<Word>("words", Policy::of(Duration::from_secs(3_600)))?;
    let measured = per_second(long, async |turn| {
        let word = async || Ok::<_, LoadFailed>(Some(Word::new()));
        words.get_or_load((turn % SUBJECTS).to_string(), word).await?;
        Ok(())
    });
    figures.insert("cache, copy there".to_owned(), measured.await?.into());

    let measured = per_second(long, async |turn| {
        let word = async || Ok::<_, LoadFailed>(Some(Word::new()));
        words.get_or_load(format!("new-{turn}"), word).await?;
        Ok(())
    });
    figures.insert("cache, loaded and kept".to_owned(), measured.await?.into());
    Ok(figures.into())
}

async fn per_second(
    long: Duration,
    mut one: impl AsyncFnMut(u32) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < long {
        for _ in 0..ROUND {
            one(count).await?;
            count += 1;
        }
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}
