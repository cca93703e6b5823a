//! The read model of averages: follows the events of all reviews.

use crate::domain::events::{ReviewDecided, ReviewRevised, ReviewWithdrawn, ReviewWritten};
use crate::domain::standing::Standing;
use crate::store::rating;
use chassis::db::Tx;
use chassis::event_store::{Generation, Projection, Recorded};
use contract::event::ReadError;
use contract::ids::ProductId;

/// How many reviews with how many stars each product has, of those that are shown.
#[derive(Debug)]
pub(crate) struct ReviewRatings;

/// A product, and how one of its reviews stood before and stands after an event.
type Change = (ProductId, Option<Standing>, Option<Standing>);

impl Projection for ReviewRatings {
    const NAME: &'static str = "review-ratings";
    const VERSION: u32 = 1;

    async fn apply(&self, t: &mut Tx, generation: Generation, event: &Recorded) -> anyhow::Result<()> {
        let Some((product, before, now)) = change(event)? else { return Ok(()) };
        let counted = |standing: Option<Standing>| standing.and_then(Standing::counted);
        rating::shift(t, generation, product, counted(before), counted(now)).await?;
        Ok(())
    }

    async fn reset(&self, t: &mut Tx, generation: Generation) -> anyhow::Result<()> {
        rating::delete_generation(t, generation).await?;
        Ok(())
    }
}

fn change(event: &Recorded) -> Result<Option<Change>, ReadError> {
    if let Some(written) = event.read::<ReviewWritten>()? {
        return Ok(Some((written.product, None, Some(written.now))));
    }
    if let Some(revised) = event.read::<ReviewRevised>()? {
        return Ok(Some((revised.product, Some(revised.before), Some(revised.now))));
    }
    if let Some(decided) = event.read::<ReviewDecided>()? {
        return Ok(Some((decided.product, Some(decided.before), Some(decided.now))));
    }
    let withdrawn = event.read::<ReviewWithdrawn>()?;
    Ok(withdrawn.map(|withdrawn| (withdrawn.product, Some(withdrawn.before), None)))
}
