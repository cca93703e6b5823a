//! The routes of the counter.

use super::App;
use crate::tiny::arrivals::{self, Arrival, Figures};
use crate::tiny::lists::AfterPlace;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use serde::Serialize;

pub(super) fn routes(app: App) -> Router {
    Router::new()
        .route("/api/v1/counter/counted", get(list_counted))
        .route("/api/v1/counter/audit", get(audit))
        .with_state(app)
}

async fn list_counted(
    State(app): State<App>,
    Query(query): Query<AfterPlace>,
) -> ApiResult<Reply<Vec<Arrival>>> {
    Ok(reply(arrivals::list(&app.db, query.after, app.list_limit).await?))
}

/// The figures from which one can tell whether anything was lost or doubled.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Audit {
    counted: Figures,
}

async fn audit(State(app): State<App>) -> ApiResult<Reply<Audit>> {
    Ok(reply(Audit { counted: arrivals::figures(&app.db).await? }))
}
