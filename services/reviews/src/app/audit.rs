//! What must hold over everything that the service keeps.

use super::App;
use crate::store::rating::{self, Difference};
use anyhow::bail;
use chassis::invariant::{Checked, Invariant};
use contract::audit::Violation;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the read model may take to catch up while somebody waits for the audit.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl App {
    /// The averages are those of the reviews.
    pub(crate) fn ratings_are_right(&self) -> Invariant {
        let app = self.clone();
        Invariant::new(
            "ratings-are-those-of-the-reviews",
            "What the read model counts of each product are the reviews of it that are shown.",
            move || {
                let app = app.clone();
                async move { app.compare_ratings().await }
            },
        )
    }

    async fn compare_ratings(&self) -> anyhow::Result<Checked> {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = rating::differences(&self.db).await?;
            // One statement says both, so a difference without anything to take in is one.
            if found.iter().all(|difference| difference.behind == 0) {
                let checked = rating::count_products(&self.db).await?;
                return Ok(Checked { checked, violations: found.iter().map(violation).collect() });
            }
            if Instant::now() > until {
                let behind = found.iter().map(|difference| difference.behind).max();
                bail!("the read model is {} events behind", behind.unwrap_or_default());
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}

fn violation(found: &Difference) -> Violation {
    let Difference { product_id, one, two, three, four, five, .. } = found;
    let more = format!("the rows have so many more of 1 to 5 stars: {one}, {two}, {three}, {four}, {five}");
    Violation::new(format!("product {product_id}"), more)
}
