//! The routes of the counter.

use super::{App, transfers};
use crate::tiny::arrivals::{self, Account, Arrival, Figures, Waiting};
use crate::tiny::lists::AfterPlace;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Path, Query, Reply, reply};
use serde::Serialize;

pub(super) fn routes(app: App) -> Router {
    Router::new()
        .route("/api/v1/counter/counted", get(list_counted))
        .route("/api/v1/counter/accounts/{account}", get(get_account))
        .route("/api/v1/counter/transfers/{id}/{what}", post(transfers::move_money))
        .route("/api/v1/counter/audit", get(audit))
        .with_state(app)
}

async fn list_counted(
    State(app): State<App>,
    Query(query): Query<AfterPlace>,
) -> ApiResult<Reply<Vec<Arrival>>> {
    Ok(reply(arrivals::list(&app.db, query.after, app.list_limit).await?))
}

async fn get_account(State(app): State<App>, Path(name): Path<String>) -> ApiResult<Reply<Account>> {
    let account = arrivals::account(&app.db, &name).await?;
    account.map(reply).ok_or_else(|| ApiError::not_found("account"))
}

/// The figures from which one can tell whether anything was lost or doubled.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Audit {
    counted: Figures,
    waiting: Waiting,
    money: transfers::Books,
}

async fn audit(State(app): State<App>) -> ApiResult<Reply<Audit>> {
    let (counted, waiting) = (arrivals::figures(&app.db).await?, arrivals::waiting(&app.db).await?);
    Ok(reply(Audit { counted, waiting, money: transfers::Books::of(&app).await? }))
}
