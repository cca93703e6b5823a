//! `PATCH /api/v1/users/{id}`.

use crate::app::{App, Client, profile_version};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Cx, Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::ManageUsers;
use contract::ErrorBody;
use contract::auth::{UpdateUser, User};
use contract::ids::UserId;
use contract::page::Success;

/// Changes the roles or the status of an account.
///
/// Its access tokens are revoked; who is disabled is logged out too. An administrator cannot give up their own rights,
/// so one always remains.
#[utoipa::path(
    patch,
    path = "/api/v1/users/{id}",
    tag = "users",
    security(("bearer" = [])),
    request_body = UpdateUser,
    params(Once, ("id" = UserId, Path, description = "The account")),
    responses(
        (status = 200, description = "The account as it is now", body = Success<User>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission users:manage", body = ErrorBody),
        (status = 404, description = "No such account", body = ErrorBody),
        (status = 409, description = "It would take your own rights away; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_user(
    State(app): State<App>,
    cx: Cx,
    who: Can<ManageUsers>,
    once: Once,
    Path(id): Path<UserId>,
    seen: IfMatch,
    Json(request): Json<UpdateUser>,
) -> ApiResult<Response> {
    let (tx, account) = app.update_account(&who.0, id, &request, &seen, &Client::of(&cx)).await?;
    let version = profile_version(&account);
    once.commit(tx, reply(account).version(version)).await
}
