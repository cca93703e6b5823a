//! `POST /api/v1/users/{id}/logout`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::ManageUsers;
use contract::ErrorBody;
use contract::ids::UserId;

/// Ends every session of an account and revokes its access tokens.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/logout",
    tag = "users",
    extensions(("x-priority" = json!("critical"))),
    security(("bearer" = [])),
    params(Once, ("id" = UserId, Path, description = "The account")),
    responses(
        (status = 204, description = "Nobody is logged in to it any more"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission users:manage", body = ErrorBody),
        (status = 404, description = "No such account", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn log_user_out(
    State(app): State<App>,
    cx: Cx,
    who: Can<ManageUsers>,
    once: Once,
    Path(id): Path<UserId>,
) -> ApiResult<Response> {
    let tx = app.log_account_out(&who.0, id, &Client::of(&cx)).await?;
    once.commit(tx, no_content()).await
}
