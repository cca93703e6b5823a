//! A running identity service with cheap password hashes, and people who use it.

use auth::Auth;
use chassis::db::{Db, q};
use contract::auth::{Grant, Tokens};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, Client, Engine, Setup, TestService, eventually};
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "violet tram under snow";
pub(crate) const OTHER_PASSWORD: &str = "quiet harbour beyond noon";

/// Settings under which tests are quick, and a clock that jumps is no reason to distrust the feed.
pub(crate) fn setup() -> Setup {
    Setup::of::<Auth>()
        .set("BOWLINE_AUTH__HASH_MEMORY_KIB", "8")
        .set("BOWLINE_AUTH__HASH_PASSES", "1")
        .set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600")
}

pub(crate) async fn start(engine: Engine) -> Option<TestService> {
    start_with(setup(), engine).await
}

/// Ready to verify tokens.
pub(crate) async fn start_with(setup: Setup, engine: Engine) -> Option<TestService> {
    let service = setup.start(engine).await?;
    let verifier = service.assembled().shared().verifier().clone();
    eventually(|| std::future::ready(verifier.check())).await;
    Some(service)
}

/// Somebody who is logged in.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) grant: Grant,
    pub(crate) client: Client,
}

impl Person {
    pub(crate) fn of(service: &TestService, email: &str, grant: Grant) -> Self {
        let client = service.client().bearer(grant.tokens.access_token.expose());
        Self { email: email.to_owned(), grant, client }
    }

    pub(crate) fn refresh_token(&self) -> &str {
        self.grant.tokens.refresh_token.expose()
    }

    pub(crate) fn id(&self) -> Uuid {
        self.grant.user.id.uuid()
    }
}

pub(crate) async fn register(service: &TestService, email: &str) -> Person {
    let body = json!({"email": email, "password": PASSWORD});
    let answer = service.client().post("/api/v1/auth/register", body).await.expect(201);
    Person::of(service, email, answer.data())
}

pub(crate) async fn try_login(service: &TestService, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    service.client().post("/api/v1/auth/login", body).await
}

pub(crate) async fn login(service: &TestService, email: &str) -> Person {
    let answer = try_login(service, email, PASSWORD).await.expect(200);
    Person::of(service, email, answer.data())
}

pub(crate) async fn try_refresh(service: &TestService, token: &str) -> Answer {
    service.client().post("/api/v1/auth/refresh", json!({"refreshToken": token})).await
}

pub(crate) async fn refresh(service: &TestService, token: &str) -> Tokens {
    try_refresh(service, token).await.expect(200).data()
}

pub(crate) fn pass(service: &TestService, secs: u64) {
    service.clock().advance(Duration::from_secs(secs));
}

/// What the audit log says about a person, oldest first.
pub(crate) async fn audited(db: &Db, user: Uuid) -> Vec<String> {
    let sql = "SELECT action FROM audit_log WHERE user_id = $1 ORDER BY at, id";
    let rows: Vec<(String,)> = q!(db.read, fetch_all, sql, user).unwrap();
    rows.into_iter().map(|(action,)| action).collect()
}

pub(crate) async fn count(db: &Db, sql: &'static str) -> i64 {
    q!(db.read, scalar, sql).unwrap()
}

/// The tokens of the mails of a kind to an address, oldest first.
pub(crate) async fn mailed(db: &Db, email: &str, kind: &str) -> Vec<String> {
    let sql = "SELECT body_text FROM mail_outbox WHERE recipient = $1 AND kind = $2 ORDER BY created_at, id";
    let rows: Vec<(String,)> = q!(db.read, fetch_all, sql, email, kind).unwrap();
    let token = |text: &str| {
        let after = text.split_once("#token=").map_or("", |(_, after)| after);
        after.split_whitespace().next().unwrap_or_default().to_owned()
    };
    rows.iter().map(|(text,)| token(text)).collect()
}

/// The claims of an access token, unverified.
pub(crate) fn claims(access_token: &str) -> Value {
    part(access_token, 1)
}

/// The header of an access token, unverified.
pub(crate) fn header(access_token: &str) -> Value {
    part(access_token, 0)
}

fn part(token: &str, n: usize) -> Value {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(n).unwrap());
    serde_json::from_slice(&bytes.unwrap()).unwrap()
}
