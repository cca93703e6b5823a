//! The service that is asked: routes that do as little as a route can.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::{Db, Migrations, q};
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Json, Reply, created, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use chassis::peer::Peer;
use chassis::service::{Context, Parts, Service, Spec};
use garde::Validate as Garde;
use serde::{Deserialize, Serialize};

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/probe/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/probe/postgres");

/// What every route answers.
#[derive(Debug, Clone, Serialize, Deserialize, Garde)]
pub(super) struct Word {
    /// About as long as a row of a list.
    #[garde(length(bytes, max = 200))]
    pub(super) text: String,
}

impl Word {
    pub(super) fn new() -> Self {
        Self { text: "sixty bytes or so of what a client wanted to know of something".to_owned() }
    }
}

settings! {
    /// The service that is asked.
    pub struct AskedConfig {}
}

impl Validate for AskedConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// The service that is asked.
#[derive(Debug)]
pub(super) struct Asked;

impl Service for Asked {
    const SPEC: Spec = Spec {
        name: "asked",
        about: "Is asked",
        owns: &["asked"],
        well_known: &[],
        door: false,
        needs: &["auth"],
        database: Some(Migrations { sqlite: &SQLITE, postgres: &POSTGRES }),
        events: &[],
        openapi: || chassis::openapi::document("Asked", "Is asked."),
    };

    type Config = AskedConfig;

    async fn build(_: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let router = Router::new()
            .route("/api/v1/asked/open", get(open))
            .route("/api/v1/asked/own", get(own))
            .route("/api/v1/asked/words", post(keep))
            .route("/api/v1/asked/never", get(never))
            .with_state(context.db()?);
        let silent = Router::new().route("/api/v1/asked/silent", get(ask_silent));
        Ok(Parts::new(router.merge(silent.with_state(context.peer(Silent::SPEC.name)))))
    }
}

/// A peer that somewhere else never answers.
#[derive(Debug)]
pub(super) struct Silent;

impl Service for Silent {
    const SPEC: Spec = Spec {
        name: "silent",
        about: "Never answers",
        owns: &["silent"],
        database: None,
        openapi: || chassis::openapi::document("Silent", "Never answers."),
        ..Asked::SPEC
    };

    type Config = AskedConfig;

    async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
        Ok(Parts::new(Router::new()))
    }
}

/// Anybody may ask.
pub(super) async fn open() -> Reply<Word> {
    reply(Word::new())
}

/// Only somebody with a token may ask.
async fn own(_: Principal) -> Reply<Word> {
    reply(Word::new())
}

/// One row in one transaction, with the answer when there is a key.
async fn keep(State(db): State<Db>, _: Principal, once: Once, Json(word): Json<Word>) -> ApiResult<Response> {
    let mut t = db.begin().await?;
    q!(t.tx, execute, "INSERT INTO effect (number, note) VALUES ($1, $2)", 1_i64, &word.text)?;
    once.commit(t, created("/api/v1/asked/words", word)).await
}

/// Never answers by itself.
async fn never() -> Reply<Word> {
    std::future::pending().await
}

/// Waits for the silent peer.
async fn ask_silent(State(silent): State<Option<Peer>>) -> ApiResult<Response> {
    let silent = silent.ok_or_else(|| ApiError::not_found("peer"))?;
    let request = http::Request::get("/api/v1/silent").body(Body::empty()).map_err(ApiError::internal)?;
    Ok(silent.forward(request).await?)
}
