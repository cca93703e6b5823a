//! The routes of the errands.

use super::perform::Errand;
use super::store::{self, Figures};
use crate::tiny::ledger::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Json, Reply, reply};
use chassis::jobs::When;

/// Puts an errand off, once.
pub(crate) async fn post_errand(
    State(app): State<App>,
    Json(errand): Json<Errand>,
) -> ApiResult<Reply<Errand>> {
    let mut t = app.db.begin().await?;
    if store::ask(&mut t, errand.id, app.clock.now()).await? {
        app.jobs.enqueue(&mut t, &errand, When::Now).await?;
    }
    t.commit().await?;
    Ok(reply(errand))
}

/// What became of them.
pub(crate) async fn get_errands(State(app): State<App>) -> ApiResult<Reply<Figures>> {
    Ok(reply(store::figures(&app.db).await?))
}
