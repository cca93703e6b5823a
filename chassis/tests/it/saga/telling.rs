//! A flow is told of what happens in the transaction that notes it; what becomes of a saga whose flow cannot be told.

use super::sample::{Agency, Script};
use crate::engines::on_both_engines;
use chassis::db::DbError;
use chassis::saga::Phase;

on_both_engines! {
    async fn a_flow_that_could_not_be_told_because_the_database_was_away_is_told_again(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[])).await;
        agency.ears.fail_at("did invoice", DbError::PoolTimedOut);
        agency.ears.fail_at("done", anyhow::Error::new(DbError::PoolClosed).context("what follows from it"));
        let id = agency.one().await;
        agency.reaches_in_time(id, Phase::Done).await;
        let told = ["did reserve", "did charge", "did invoice", "did ship", "did close", "done"];
        assert_eq!(agency.told().await, told, "each once");
        assert_eq!((agency.invoices().await, agency.bank.shipped()), (1, 1));
    }

    async fn a_flow_that_cannot_be_told_for_another_reason_waits_for_somebody(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[])).await;
        agency.ears.fail_at("did invoice", anyhow::anyhow!("its order is in another state"));
        let id = agency.one().await;
        let stuck = agency.reaches(id, Phase::Stuck).await;
        assert!(stuck.stuck_reason.unwrap().contains("its order is in another state"));
        // It is as if the step had not been done.
        assert_eq!((agency.told().await.as_slice(), agency.invoices().await), (&["did reserve", "did charge"].map(String::from)[..], 0));
    }
}
