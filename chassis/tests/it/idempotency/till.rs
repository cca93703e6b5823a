//! A till that takes coins: each accepted request is one row, without any constraint that would hide a second one.

use crate::house::NoConfig;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use chassis::db::{Db, DbError, Migrations, Tx, sqlx};
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Json, created, reply};
use chassis::idempotency::Once;
use chassis::identity::{Can, MaybePrincipal, permits};
use chassis::q;
use chassis::service::{Context, Parts, Service, Spec};
use chassis::wake::Wake;
use contract::error::ErrorCode;
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::pin::pin;
use uuid::Uuid;

static NONE: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS coin (amount BIGINT NOT NULL)";

pub(crate) const COINS: &str = "/api/v1/till/coins";
pub(crate) const NOTES: &str = "/api/v1/till/notes";
pub(crate) const GROUPED: &str = "/api/v1/till/grouped";
pub(crate) const GUARDED: &str = "/api/v1/till/guarded";
pub(crate) const DEAF: &str = "/api/v1/till/deaf";

/// What a client asks for, and what happens on the way.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Coin {
    #[garde(range(min = 1))]
    amount: i64,
    #[garde(skip)]
    #[serde(default)]
    trouble: Trouble,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Trouble {
    #[default]
    None,
    /// Waits for the wake `gate` before it does anything.
    Gate,
    /// Never ends.
    Hang,
    Panic,
    /// Says no after it has written.
    Fail,
    /// Answers without having committed with the key.
    Forget,
}

#[derive(Clone)]
struct App {
    db: Db,
    gate: Wake,
}

pub(crate) struct Till;

impl Service for Till {
    const SPEC: Spec = Spec {
        name: "till",
        about: "A service under test",
        owns: &["till"],
        well_known: &[],
        door: false,
        needs: &[],
        database: Some(Migrations { sqlite: &NONE, postgres: &NONE }),
        events: &[],
        openapi: || chassis::openapi::document("A service", "Under test."),
    };
    type Config = NoConfig;

    async fn build(_: NoConfig, context: Context) -> anyhow::Result<Parts> {
        let db = context.db()?;
        q!(db.write, execute, TABLE)?;
        let app = App { db, gate: context.wake("gate") };
        let router = Router::new()
            .route(COINS, post(take).put(take).get(take))
            .route(NOTES, post(take))
            .route("/api/v1/till/drawers/{drawer}", post(take))
            .route(GROUPED, post(take_grouped))
            .route(GUARDED, post(take_guarded))
            .route(DEAF, post(take_deaf))
            .with_state(app);
        Ok(Parts::new(router))
    }
}

async fn insert(tx: &mut Tx, amount: i64) -> Result<(), DbError> {
    q!(tx.tx, execute, "INSERT INTO coin (amount) VALUES ($1)", amount).map(|_| ())
}

/// A new id each time, so that an answer given again can be told from a second one.
fn taken(amount: i64) -> impl axum::response::IntoResponse + Send {
    let id = Uuid::now_v7();
    created(format!("{COINS}/{id}"), serde_json::json!({"id": id, "amount": amount})).version(amount)
}

async fn take(
    State(app): State<App>,
    _: MaybePrincipal,
    once: Once,
    Json(coin): Json<Coin>,
) -> ApiResult<Response> {
    match coin.trouble {
        Trouble::Gate => {
            let mut woken = pin!(app.gate.woken());
            woken.as_mut().enable();
            woken.await;
        }
        Trouble::Hang => std::future::pending().await,
        Trouble::Panic => panic!("on purpose"),
        Trouble::None | Trouble::Fail | Trouble::Forget => {}
    }
    let mut tx = app.db.begin().await?;
    insert(&mut tx, coin.amount).await?;
    match coin.trouble {
        Trouble::Fail => Err(ApiError::new(ErrorCode::Conflict, "The till is closed.")),
        Trouble::Forget => Ok(axum::response::IntoResponse::into_response(reply("nothing was committed"))),
        _ => once.commit(tx, taken(coin.amount)).await,
    }
}

/// The same in a transaction that is shared with others.
async fn take_grouped(
    State(app): State<App>,
    once: Once,
    Json(coin): Json<Coin>,
) -> ApiResult<chassis::idempotency::Answer> {
    let taking = app.db.group(move |tx| {
        let (once, amount) = (once.clone(), coin.amount);
        Box::pin(async move {
            insert(tx, amount).await?;
            once.keep(tx, taken(amount)).await
        })
    });
    taking.await
}

async fn take_guarded(
    State(app): State<App>,
    _: Can<permits::ManageUsers>,
    once: Once,
    Json(coin): Json<Coin>,
) -> ApiResult<Response> {
    let mut tx = app.db.begin().await?;
    insert(&mut tx, coin.amount).await?;
    once.commit(tx, taken(coin.amount)).await
}

/// Knows nothing of keys.
async fn take_deaf(State(app): State<App>, Json(coin): Json<Coin>) -> ApiResult<Response> {
    let mut tx = app.db.begin().await?;
    insert(&mut tx, coin.amount).await?;
    tx.commit().await?;
    Ok(axum::response::IntoResponse::into_response(taken(coin.amount)))
}
