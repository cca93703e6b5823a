//! A running todos service, and people.

use chassis::db::{Db, q};
use contract::identity::Role;
use contract::todos::{Todo, TodoList};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};
use todos::Todos;

pub(crate) const TODOS: &str = "/api/v1/todos";
pub(crate) const LISTS: &str = "/api/v1/todos/lists";
pub(crate) const BULK: &str = "/api/v1/todos/bulk";

pub(crate) struct Bench {
    pub(crate) service: TestService,
    issuer: Issuer,
}

impl Bench {
    pub(crate) async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, &[]).await
    }

    pub(crate) async fn start_with(engine: Engine, settings: &[(&str, &str)]) -> Option<Self> {
        Self::of(Setup::of::<Todos>(), engine, settings).await
    }

    pub(crate) async fn of(setup: Setup, engine: Engine, settings: &[(&str, &str)]) -> Option<Self> {
        let issuer = Issuer::new();
        let setup = setup.and::<FakeAuth>().issuer(&issuer).set("BOWLINE_DELIVERY__POLL_MS", "10");
        let setup = settings.iter().fold(setup, |setup, (name, value)| setup.set(name, *value));
        let service = setup.start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        Some(Self { service, issuer })
    }

    /// Somebody else each time.
    pub(crate) fn person(&self) -> Person {
        let claims = self.issuer.claims(self.service.clock(), &[Role::User]);
        Person {
            client: self.service.client().bearer(&self.issuer.sign(&claims)),
            id: claims.sub.to_string(),
        }
    }

    pub(crate) fn db(&self) -> &Db {
        self.service.db("todos")
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let db = self.db();
        q!(db.read, scalar, sql).unwrap()
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.service.clock().advance(Duration::from_secs(secs));
    }
}

/// Somebody who is logged in.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) client: Client,
}

impl Person {
    pub(crate) async fn todo(&self, title: &str) -> Todo {
        self.make(json!({"title": title})).await
    }

    pub(crate) async fn make(&self, body: Value) -> Todo {
        self.client.post(TODOS, body).await.expect(201).data()
    }

    pub(crate) async fn list(&self, name: &str) -> TodoList {
        self.client.post(LISTS, json!({"name": name})).await.expect(201).data()
    }

    /// The titles that a query finds, in its order.
    pub(crate) async fn titles(&self, query: &str) -> Vec<String> {
        let found: Vec<Todo> = self.client.get(&format!("{TODOS}{query}")).await.expect(200).data();
        found.into_iter().map(|todo| todo.title).collect()
    }

    pub(crate) async fn read(&self, todo: &Todo) -> Todo {
        self.client.get(&at(todo)).await.expect(200).data()
    }
}

pub(crate) fn at(todo: &Todo) -> String {
    format!("{TODOS}/{}", todo.id)
}

pub(crate) fn ids(todos: &[&Todo]) -> Vec<String> {
    todos.iter().map(|todo| todo.id.to_string()).collect()
}
