//! `POST /api/v1/counter/transfers/{id}/{what}`, what a step of the ledger's saga asks for.

use super::store::{self, Money};
use crate::tiny::counter::App;
use crate::tiny::movements;
use axum::extract::State;
use chassis::db::DbError;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Json, Path, Reply, reply};
use contract::ErrorCode;
use contract::page::Empty;
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tiny::counter) struct Asked {
    #[garde(length(min = 1, max = 64))]
    purse: String,
    #[garde(range(min = 1))]
    amount: i64,
    /// Whether the answer shall be no.
    #[garde(skip)]
    refuse: bool,
}

/// A step, or the undo of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::tiny::counter) enum What {
    Reserve,
    Cancel,
    Deposit,
    Withdraw,
}

/// What the counter knows of its money, and what went wrong with it.
#[derive(Debug, Serialize)]
pub(in crate::tiny::counter) struct Books {
    #[serde(flatten)]
    money: Money,
    doubled: i64,
}

impl Books {
    pub(in crate::tiny::counter) async fn of(app: &App) -> Result<Self, DbError> {
        Ok(Self { money: store::books(&app.db).await?, doubled: movements::doubled(&app.db).await? })
    }
}

pub(in crate::tiny::counter) async fn move_money(
    State(app): State<App>,
    Path((id, what)): Path<(Uuid, What)>,
    Json(asked): Json<Asked>,
) -> ApiResult<Reply<Empty>> {
    let refused = || ApiError::new(ErrorCode::Conflict, "The transfer was refused or cancelled.");
    if asked.refuse && matches!(what, What::Reserve | What::Deposit) {
        return Err(refused());
    }
    let mut t = app.db.begin().await?;
    let done = match what {
        What::Reserve => store::reserve(&mut t, id).await?,
        What::Cancel => store::cancel(&mut t, id).await?,
        What::Deposit => store::deposit(&mut t, id, &asked.purse, asked.amount).await?,
        What::Withdraw => store::withdraw(&mut t, id, &asked.purse, asked.amount).await?,
    };
    t.commit().await?;
    if done { Ok(reply(Empty {})) } else { Err(refused()) }
}
