//! `POST /api/v1/users/{id}/logout`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, Path, no_content};
use chassis::identity::Can;
use chassis::identity::permits::ManageUsers;
use contract::ErrorBody;
use contract::ids::UserId;
use http::StatusCode;

/// Ends every session of an account and revokes its access tokens.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/logout",
    tag = "users",
    security(("bearer" = [])),
    params(("id" = UserId, Path, description = "The account")),
    responses(
        (status = 204, description = "Nobody is logged in to it any more"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission users:manage", body = ErrorBody),
        (status = 404, description = "No such account", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn log_user_out(
    State(app): State<App>,
    cx: Cx,
    who: Can<ManageUsers>,
    Path(id): Path<UserId>,
) -> ApiResult<StatusCode> {
    app.log_account_out(&who.0, id, &Client::of(&cx)).await?;
    Ok(no_content())
}
