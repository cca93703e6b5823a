//! Stand-ins for the services that tools ask. They keep their rows in memory, know people by their tokens as the real ones do, and
//! take effect once for each `Idempotency-Key`, with the chassis' own layer.

use assistant::Assistant;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::Db;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Json, Path, Query, Reply, created, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use chassis::service::{Context, Parts, Service, Spec};
use contract::ids::{TodoId, UserId};
use contract::orders::ListOrders;
use contract::todos::{CreateTodo, ListTodos, Todo, UpdateTodo};
use http::header::{AUTHORIZATION, HeaderMap};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::Duration;
use time::OffsetDateTime;

settings! {
    /// None.
    pub(crate) struct Nothing {}
}

impl Validate for Nothing {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// A todo with this title is made, and the one who asked is told that nobody knows; asked again, all is well.
pub(crate) const UNCLEAR: &str = "Unclear";
/// One with this title is refused for good.
pub(crate) const REFUSED: &str = "Refused";

/// What people have, of all tests of this process: a person is of one test.
#[derive(Default)]
struct Kept {
    todos: Vec<(UserId, Todo)>,
    /// Who asked what: method and path, with which credentials and key.
    asked: HashMap<UserId, Vec<(String, Option<String>)>>,
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap()
}

/// The titles of somebody's todos, with a mark behind those that are done.
pub(crate) fn todos_of(user: UserId) -> Vec<String> {
    let title = |todo: &Todo| if todo.completed { format!("{} ✓", todo.title) } else { todo.title.clone() };
    kept().todos.iter().filter(|(owner, _)| *owner == user).map(|(_, todo)| title(todo)).collect()
}

/// Gives somebody a todo.
pub(crate) fn give(user: UserId, title: &str) -> TodoId {
    let todo = todo(title.to_owned());
    let id = todo.id;
    kept().todos.push((user, todo));
    id
}

/// What was asked with somebody's token: what, and with which key.
pub(crate) fn asked_by(user: UserId) -> Vec<(String, Option<String>)> {
    kept().asked.get(&user).cloned().unwrap_or_default()
}

fn note(who: &Principal, what: &str, headers: &HeaderMap) {
    assert!(headers.contains_key(AUTHORIZATION), "a person's own token");
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
    kept().asked.entry(who.user()).or_default().push((what.to_owned(), key));
}

fn todo(title: String) -> Todo {
    let at = OffsetDateTime::UNIX_EPOCH;
    Todo {
        id: TodoId::new(),
        title,
        notes: None,
        list: None,
        due_at: None,
        tags: Vec::new(),
        completed: false,
        completed_at: None,
        version: 1,
        created_at: at,
        updated_at: at,
        deleted_at: None,
    }
}

/// Stands in for the todos.
pub(crate) struct Todos;

impl Service for Todos {
    const SPEC: Spec = Spec {
        name: "todos",
        about: "A stand-in for the todos",
        owns: &["todos"],
        well_known: &[],
        door: false,
        needs: &[],
        // For the keys of requests; it uses no other table.
        database: Assistant::SPEC.database,
        events: &[],
        openapi: || chassis::openapi::document("Todos", "A stand-in."),
    };

    type Config = Nothing;

    async fn build(_: Nothing, context: Context) -> anyhow::Result<Parts> {
        let router = Router::new()
            .route("/api/v1/todos", get(list_todos).post(create_todo))
            .route("/api/v1/todos/{id}", get(get_todo).patch(update_todo))
            .with_state(context.db()?);
        Ok(Parts::new(router))
    }
}

async fn list_todos(who: Principal, headers: HeaderMap, Query(query): Query<ListTodos>) -> Reply<Vec<Todo>> {
    note(&who, "GET todos", &headers);
    let limit = usize::try_from(query.limit).unwrap();
    let all = kept();
    reply(
        all.todos
            .iter()
            .filter(|(owner, _)| *owner == who.user())
            .map(|(_, todo)| todo.clone())
            .take(limit)
            .collect(),
    )
}

fn find(who: &Principal, id: TodoId) -> ApiResult<Todo> {
    let all = kept();
    let found = all.todos.iter().find(|(owner, todo)| *owner == who.user() && todo.id == id);
    found.map(|(_, todo)| todo.clone()).ok_or_else(|| ApiError::not_found("todo"))
}

async fn get_todo(who: Principal, headers: HeaderMap, Path(id): Path<TodoId>) -> ApiResult<Reply<Todo>> {
    note(&who, "GET todo", &headers);
    Ok(reply(find(&who, id)?))
}

async fn create_todo(
    State(db): State<Db>,
    who: Principal,
    headers: HeaderMap,
    once: Once,
    Json(request): Json<CreateTodo>,
) -> ApiResult<Response> {
    note(&who, "POST todo", &headers);
    if request.title == REFUSED {
        return Err(ApiError::new(contract::ErrorCode::LimitReached, "You have enough todos."));
    }
    let made = todo(request.title);
    kept().todos.push((who.user(), made.clone()));
    let unclear = made.title == UNCLEAR;
    let answer = once.commit(db.begin().await?, created(format!("/api/v1/todos/{}", made.id), made)).await?;
    if unclear {
        let lost = anyhow::anyhow!("the answer is lost on purpose");
        return Ok(ApiError::unavailable(lost, Duration::from_secs(1)).into_response());
    }
    Ok(answer)
}

async fn update_todo(
    State(db): State<Db>,
    who: Principal,
    headers: HeaderMap,
    once: Once,
    Path(id): Path<TodoId>,
    Json(change): Json<UpdateTodo>,
) -> ApiResult<Response> {
    note(&who, "PATCH todo", &headers);
    let mut todo = find(&who, id)?;
    todo.completed = change.completed.unwrap();
    for (_, other) in kept().todos.iter_mut().filter(|(_, other)| other.id == id) {
        *other = todo.clone();
    }
    once.commit(db.begin().await?, reply(todo)).await
}

/// Stands in for the orders: as the real ones, it lets somebody see another's only with the permission.
pub(crate) struct Orders;

impl Service for Orders {
    const SPEC: Spec = Spec {
        name: "orders",
        about: "A stand-in for the orders",
        owns: &["orders"],
        well_known: &[],
        door: false,
        needs: &[],
        database: None,
        events: &[],
        openapi: || chassis::openapi::document("Orders", "A stand-in."),
    };

    type Config = Nothing;

    async fn build(_: Nothing, _: Context) -> anyhow::Result<Parts> {
        Ok(Parts::new(Router::new().route("/api/v1/orders", get(list_orders))))
    }
}

async fn list_orders(who: Principal, headers: HeaderMap, Query(query): Query<ListOrders>) -> Reply<Vec<()>> {
    let whose = if query.user == Some(who.user()) { "own" } else { "other" };
    note(&who, &format!("GET {whose} orders"), &headers);
    reply(Vec::new())
}
