//! `GET /api/v1/users`.

use crate::app::App;
use crate::store::user_list::SortBy;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, Query, Reply, SortKey as _, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageUsers;
use contract::ErrorBody;
use contract::auth::{ListUsers, User};
use contract::page::Success;

/// Accounts, the newest first unless `sort` says otherwise.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    tag = "users",
    extensions(("x-priority" = json!("low"))),
    security(("bearer" = [])),
    params(ListUsers),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<User>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission users:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_users(
    State(app): State<App>,
    _: Can<ManageUsers>,
    Query(query): Query<ListUsers>,
) -> ApiResult<Reply<Vec<User>>> {
    let order = SortBy::parse(query.sort.as_deref().unwrap_or("-createdAt"))?;
    let page = Page::new(query.page, query.limit);
    let (accounts, total) = app.accounts(&query, order, page).await?;
    Ok(reply(accounts).page(page.of(total)))
}
