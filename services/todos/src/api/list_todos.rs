//! `GET /api/v1/todos`.

use crate::app::App;
use crate::domain::cursor::SortBy;
use crate::domain::todo;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Page, Query, Reply, SortKey as _, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::page::Success;
use contract::todos::{ListTodos, Todo};

/// The todos of who asks, in their order unless `sort` says otherwise.
///
/// With `page` the answer has the total, and the `cursor` of the page behind it; with `cursor` what is added or removed meanwhile
/// neither repeats a row nor leaves one out. A cursor belongs to the order in which it was given, not to the filters.
#[utoipa::path(
    get,
    path = "/api/v1/todos",
    tag = "todos",
    security(("bearer" = [])),
    params(ListTodos),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Todo>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn list_todos(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<ListTodos>,
) -> ApiResult<Reply<Vec<Todo>>> {
    let order = SortBy::parse(query.sort.as_deref().unwrap_or("position"))?;
    let (todos, place) = match (&query.cursor, query.page) {
        (Some(_), Some(_)) => return Err(ApiError::invalid_field("page", "either page or cursor, not both")),
        (Some(cursor), None) => app.page_behind(&who, &query, order, cursor).await?,
        (None, page) => app.page(&who, &query, order, Page::new(page.unwrap_or(1), query.limit)).await?,
    };
    Ok(reply(todos.into_iter().map(todo::Todo::shown).collect::<Vec<_>>()).page(place))
}
