//! `POST /api/v1/ledger/transfers`, `GET /api/v1/ledger/transfers/{id}`.

use super::flow::{Params, Transfer};
use super::store::{self, Money};
use crate::tiny::ledger::app::App;
use crate::tiny::movements;
use axum::extract::State;
use chassis::db::DbError;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Json, Path, Reply, accepted, reply};
use chassis::saga::StartError;
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a client asks for.
#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tiny::ledger) struct PostTransfer {
    /// Chosen by the client: the same again is the same transfer.
    #[garde(skip)]
    id: Uuid,
    #[garde(length(min = 1, max = 64))]
    source: String,
    #[garde(length(min = 1, max = 64))]
    target: String,
    #[garde(range(min = 1, max = 1_000_000_000))]
    amount: i64,
    /// The step at which the answer shall be no.
    #[garde(skip)]
    #[serde(default)]
    refuse: Option<String>,
}

/// A transfer.
#[derive(Debug, Serialize)]
pub(in crate::tiny::ledger) struct Seen {
    id: Uuid,
    state: String,
}

/// What the ledger knows of its money, and what went wrong with it.
#[derive(Debug, Serialize)]
pub(in crate::tiny::ledger) struct Books {
    #[serde(flatten)]
    money: Money,
    doubled: i64,
}

impl Books {
    pub(in crate::tiny::ledger) async fn of(app: &App) -> Result<Self, DbError> {
        Ok(Self { money: store::books(&app.db).await?, doubled: movements::doubled(&app.db).await? })
    }
}

pub(in crate::tiny::ledger) async fn post_transfer(
    State(app): State<App>,
    Json(asked): Json<PostTransfer>,
) -> ApiResult<Reply<Seen>> {
    let PostTransfer { id, source, target, amount, refuse } = asked;
    let params = Params { source, target, amount, refuse };
    let mut t = app.db.begin().await?;
    if store::insert(&mut t, params.row(id), app.clock.now()).await? {
        match app.sagas.start::<Transfer>(&mut t, id, &params).await {
            Ok(_) => t.commit().await?,
            Err(StartError::Db(error)) => return Err(error.into()),
            Err(error) => return Err(ApiError::internal(error)),
        }
    } else {
        t.rollback().await?;
    }
    Ok(accepted(Seen { id, state: "open".to_owned() }))
}

pub(in crate::tiny::ledger) async fn get_transfer(
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> ApiResult<Reply<Seen>> {
    let state = store::state(&app.db, id).await?.ok_or_else(|| ApiError::not_found("transfer"))?;
    Ok(reply(Seen { id, state }))
}
