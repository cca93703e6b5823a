//! Through a router: what an answer says to caches, and a change that only its event tells of.

use crate::house::NoConfig;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use chassis::cache::{Cache, Policy};
use chassis::db::{Db, Migrations, q, sqlx};
use chassis::error::{ApiError, ApiResult};
use chassis::events::Outbox;
use chassis::http::{no_content, reply};
use chassis::service::{Context, Parts, Service, Spec};
use chassis::state::Invalidation;
use contract::event::{Event, EventSpec};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use testkit::{Answer, Engine, Setup, TestService, eventually, on_both_engines};
use utoipa::ToSchema;

static NONE: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

/// The sign says something else now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct SignChanged {
    sign: String,
}

impl Event for SignChanged {
    const TYPE: &'static str = "sign.changed";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "The sign says something else now.";

    fn key(&self) -> String {
        self.sign.clone()
    }
}

/// Shows a sign, to everybody and to one person.
struct Signs;

#[derive(Clone)]
struct App {
    db: Db,
    outbox: Outbox,
    public: Cache<String>,
    private: Cache<String>,
}

impl Service for Signs {
    const SPEC: Spec = Spec {
        name: "signs",
        about: "A service under test",
        owns: &["signs"],
        well_known: &[],
        door: false,
        needs: &[],
        database: Some(Migrations { sqlite: &NONE, postgres: &NONE }),
        events: &[EventSpec::of::<SignChanged>()],
        openapi: || chassis::openapi::document("Signs", "Under test."),
    };
    type Config = NoConfig;

    async fn build(_: NoConfig, context: Context) -> anyhow::Result<Parts> {
        let db = context.db()?;
        q!(db.write, execute, "CREATE TABLE IF NOT EXISTS sign (text TEXT NOT NULL)")?;
        let minute = Policy::of(Duration::from_secs(60)).jitter(0.0).early(1.0).in_process();
        let bridged = minute.stale_if_error(Duration::from_secs(600));
        let app = App {
            db,
            outbox: context.outbox()?,
            public: context.cache("public", bridged.public(Duration::from_secs(40)))?,
            private: context.cache("private", minute)?,
        };
        let router = Router::new()
            .route(
                "/api/v1/signs/public",
                get(|State(app): State<App>| async move { show(&app.db, &app.public).await }),
            )
            .route(
                "/api/v1/signs/private",
                get(|State(app): State<App>| async move { show(&app.db, &app.private).await }),
            )
            .route("/api/v1/signs", post(change))
            .with_state(app.clone());
        let tag = |_: &Cache<String>, _: &SignChanged| Invalidation {
            tags: vec!["sign".to_owned()],
            ..Invalidation::default()
        };
        Ok(Parts::new(router).invalidates("forget-sign", &app.public, tag))
    }
}

async fn show(db: &Db, cache: &Cache<String>) -> ApiResult<impl IntoResponse + use<>> {
    let db = db.clone();
    let load = move || async move {
        let rows: Vec<(String,)> = q!(db.read, fetch_all, "SELECT text FROM sign")?;
        Ok::<_, chassis::db::DbError>(rows.into_iter().next().map(|(text,)| text))
    };
    let sign = cache.get_or_load(chassis::cache::Key::new("the").tag("sign"), load).await?;
    let sign = sign.ok_or_else(|| ApiError::not_found("sign"))?;
    let caching = sign.caching();
    Ok(reply(sign.to_string()).version(sign.len()).cached(caching))
}

/// Changes the sign as somebody does who dies right after the commit: nobody is told but by the event.
async fn change(State(app): State<App>, text: String) -> ApiResult<impl IntoResponse> {
    let mut tx = app.db.begin().await?;
    q!(tx.tx, execute, "DELETE FROM sign")?;
    q!(tx.tx, execute, "INSERT INTO sign (text) VALUES ($1)", &text)?;
    app.outbox.publish(&mut tx, &SignChanged { sign: text }).await.map_err(ApiError::internal)?;
    tx.commit().await?;
    Ok(no_content())
}

async fn write(service: &TestService, text: &str) {
    let client = service.client();
    let request = client.request(http::Method::POST, "/api/v1/signs");
    request.body("text/plain", text.to_owned()).send().await.expect(204);
}

/// The sign as it has always been: no event is under way that would have copies of it forgotten.
async fn paint(service: &TestService, text: &str) {
    let db = service.db("signs");
    q!(db.write, execute, "INSERT INTO sign (text) VALUES ($1)", text).unwrap();
}

async fn read(service: &TestService, which: &str) -> Answer {
    service.client().get(&format!("/api/v1/signs/{which}")).await
}

async fn a_change_that_only_its_event_tells_of_is_read(engine: Engine) {
    let Some(service) = Setup::of::<Signs>().start(engine).await else { return };
    for text in ["open", "closed for lunch", "open again"] {
        write(&service, text).await;
        // The clock stands still: no copy ends by its time.
        eventually(|| async { read(&service, "public").await.data::<String>() == text }).await;
    }
}

async fn an_answer_says_who_may_keep_it_and_for_how_long(engine: Engine) {
    let Some(service) = Setup::of::<Signs>().start(engine).await else { return };
    paint(&service, "open").await;
    read(&service, "public").await.expect(200);
    let control = |answer: &Answer| answer.header("cache-control").unwrap().to_owned();
    assert_eq!(control(&read(&service, "public").await), "public, max-age=40, stale-if-error=600");
    service.clock().advance(Duration::from_secs(50));
    // What is left of its time, if that is less.
    assert_eq!(control(&read(&service, "public").await), "public, max-age=10, stale-if-error=600");
    let private = read(&service, "private").await.expect(200);
    assert_eq!(control(&private), "private, no-cache");
    assert!(private.header("vary").unwrap().contains("authorization"));
    let etag = private.header("etag").unwrap().to_owned();
    let client = service.client();
    let again = client.request(http::Method::GET, "/api/v1/signs/private").header("if-none-match", &etag);
    let again = again.send().await.expect(304);
    assert_eq!(control(&again), "private, no-cache");
    let refused = read(&service, "no-such").await;
    assert_eq!(control(&refused), "no-store");
}

async fn while_the_database_is_away_an_older_answer_is_given_and_says_so(engine: Engine) {
    let Some(service) = Setup::of::<Signs>().start(engine).await else { return };
    paint(&service, "open").await;
    read(&service, "public").await.expect(200);
    read(&service, "private").await.expect(200);
    service.db("signs").close().await;
    service.clock().advance(Duration::from_secs(90));
    let answer = read(&service, "public").await.expect(200);
    assert_eq!(answer.data::<String>(), "open");
    assert_eq!(answer.header("cache-control"), Some("public, no-cache"));
    assert_eq!(answer.header("cache-status"), Some("public; hit; detail=stale-if-error"));
    assert_eq!(answer.header("age"), Some("90"));
    // Where the policy does not bridge, it is a failure.
    assert_eq!(read(&service, "private").await.status, 503);
    service.clock().advance(Duration::from_secs(600));
    assert_eq!(read(&service, "public").await.status, 503);
}

on_both_engines!(
    a_change_that_only_its_event_tells_of_is_read,
    an_answer_says_who_may_keep_it_and_for_how_long,
    while_the_database_is_away_an_older_answer_is_given_and_says_so,
);
