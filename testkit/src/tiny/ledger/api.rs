//! The routes of the ledger.

use super::app::{App, Deposit, Entry, PostEntry};
use super::errands;
use super::store::{self, Books};
use super::transfers;
use crate::tiny::arrivals::{self, Arrival, Figures, Waiting};
use crate::tiny::lists::{AfterId, AfterPlace};
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use chassis::error::ApiResult;
use chassis::http::{Json, Query, Reply, created, reply};
use chassis::idempotency::{Answer, Once};
use serde::Serialize;

pub(super) fn routes(app: App) -> Router {
    Router::new()
        .route("/api/v1/ledger/entries", post(post_entry).get(list_entries))
        .route("/api/v1/ledger/deposits", post(post_deposit))
        .route("/api/v1/ledger/errands", post(errands::post_errand).get(errands::get_errands))
        .route("/api/v1/ledger/returned", get(list_returned))
        .route("/api/v1/ledger/transfers", post(transfers::post_transfer))
        .route("/api/v1/ledger/transfers/{id}", get(transfers::get_transfer))
        .route("/api/v1/ledger/audit", get(audit))
        .with_state(app)
}

async fn post_entry(State(app): State<App>, Json(asked): Json<PostEntry>) -> ApiResult<Reply<Entry>> {
    let (entry, new) = app.post(asked).await?;
    if new {
        return Ok(created(format!("/api/v1/ledger/entries/{}", entry.id), entry));
    }
    Ok(reply(entry))
}

/// Takes an entry of which only the key of the request says whether it is the same again.
async fn post_deposit(State(app): State<App>, once: Once, Json(asked): Json<Deposit>) -> ApiResult<Answer> {
    let db = app.db.clone();
    let depositing = db.group(move |t| {
        let (app, once, asked) = (app.clone(), once.clone(), asked.clone());
        Box::pin(async move {
            let entry = app.deposit(t, asked).await?;
            once.keep(t, created(format!("/api/v1/ledger/entries/{}", entry.id), entry)).await
        })
    });
    depositing.await
}

async fn list_entries(State(app): State<App>, Query(query): Query<AfterId>) -> ApiResult<Reply<Vec<Entry>>> {
    Ok(reply(store::list(&app.db, query.after, app.list_limit).await?))
}

async fn list_returned(
    State(app): State<App>,
    Query(query): Query<AfterPlace>,
) -> ApiResult<Reply<Vec<Arrival>>> {
    Ok(reply(arrivals::list(&app.db, query.after, app.list_limit).await?))
}

/// The figures from which one can tell whether anything was lost or doubled.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Audit {
    #[serde(flatten)]
    books: Books,
    returned: Figures,
    waiting: Waiting,
    money: transfers::Books,
}

async fn audit(State(app): State<App>) -> ApiResult<Reply<Audit>> {
    let (books, returned) = (store::books(&app.db).await?, arrivals::figures(&app.db).await?);
    let (waiting, money) = (arrivals::waiting(&app.db).await?, transfers::Books::of(&app).await?);
    Ok(reply(Audit { books, returned, waiting, money }))
}
