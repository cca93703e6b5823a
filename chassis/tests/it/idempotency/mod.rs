//! Requests with an `Idempotency-Key`: one effect, one answer, and nobody gets another's.

mod ends;
mod parallel;
mod scope;
mod till;

use chassis::db::{Db, q};
use contract::identity::{Claims, Role};
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};
use till::{COINS, Till};

/// A till, and somebody who signs tokens.
struct House {
    service: TestService,
    issuer: Issuer,
}

impl House {
    async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, |setup| setup).await
    }

    async fn start_with(engine: Engine, set: impl FnOnce(Setup) -> Setup) -> Option<Self> {
        let issuer = Issuer::new();
        let setup = Setup::of::<Till>().and::<FakeAuth>().issuer(&issuer);
        // A clock that jumps is no reason to distrust the feed.
        let setup = set(setup.set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600"));
        let service = setup.start(engine).await?;
        eventually(async || service.assembled().shared().verifier().check()).await;
        Some(Self { service, issuer })
    }

    fn client(&self) -> Client {
        self.service.client()
    }

    fn db(&self) -> &Db {
        self.service.db("till")
    }

    fn claims(&self) -> Claims {
        self.issuer.claims(self.service.clock(), &[Role::User])
    }

    fn person(&self, claims: &Claims) -> Client {
        self.client().bearer(&self.issuer.sign(claims))
    }

    async fn coins(&self) -> i64 {
        coins(self.db()).await
    }

    /// Requests at work, as the records say.
    async fn running(&self) -> i64 {
        let db = self.db();
        q!(db.read, scalar, "SELECT count(*) FROM idempotency WHERE status IS NULL").unwrap()
    }

    async fn records(&self) -> i64 {
        let db = self.db();
        q!(db.read, scalar, "SELECT count(*) FROM idempotency").unwrap()
    }

    async fn until_running(&self, count: i64) {
        eventually(|| async {
            let running = self.running().await;
            if running == count { Ok(()) } else { Err(running) }
        })
        .await;
    }

    /// Lets those through that wait at the gate, until `through` says that they are.
    fn open_gate(&self) {
        self.service.assembled().shared().wake("gate").all();
    }
}

async fn coins(db: &Db) -> i64 {
    q!(db.read, scalar, "SELECT count(*) FROM coin").unwrap()
}

fn coin(amount: i64) -> Value {
    json!({ "amount": amount })
}

fn troubled(trouble: &str) -> Value {
    json!({ "amount": 1, "trouble": trouble })
}

async fn send(client: &Client, method: Method, path: &str, key: &str, body: &Value) -> Answer {
    client.request(method, path).header("idempotency-key", key).json(body).send().await
}

async fn post(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    send(client, Method::POST, path, key, body).await
}

async fn take(client: &Client, key: &str, body: &Value) -> Answer {
    post(client, COINS, key, body).await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}
