//! `DELETE /api/v1/organizations/{id}/members/{userId}`.

use super::MemberPath;
use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::{OrganizationId, UserId};

/// Removes a member; everybody may leave.
///
/// An administrator does not remove an owner, and the last owner stays. Their access tokens are revoked.
#[utoipa::path(
    delete,
    path = "/api/v1/organizations/{id}/members/{userId}",
    tag = "organizations",
    security(("bearer" = [])),
    params(Once, ("id" = OrganizationId, Path, description = "The organisation"), ("userId" = UserId, Path, description = "The member")),
    responses(
        (status = 204, description = "No member any more"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Your role in the organisation does not allow this", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to, or no such member", body = ErrorBody),
        (status = 409, description = "It is the last owner; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn remove_member(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    Path(at): Path<MemberPath>,
) -> ApiResult<Response> {
    let tx = app.remove_member(&who, at.id, at.user_id, &Client::of(&cx)).await?;
    once.commit(tx, no_content()).await
}
