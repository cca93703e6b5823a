//! `PUT /api/v1/organizations/{id}/members/{userId}`.

use super::MemberPath;
use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::{Member, SetMemberRole};
use contract::ids::{OrganizationId, UserId};
use contract::page::Success;

/// Sets the role of a member.
///
/// An administrator neither makes nor changes an owner, and the last owner stays. The member's access tokens are
/// revoked; a refresh brings the new role.
#[utoipa::path(
    put,
    path = "/api/v1/organizations/{id}/members/{userId}",
    tag = "organizations",
    security(("bearer" = [])),
    request_body = SetMemberRole,
    params(Once, ("id" = OrganizationId, Path, description = "The organisation"), ("userId" = UserId, Path, description = "The member")),
    responses(
        (status = 200, description = "The member as they are now", body = Success<Member>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Your role in the organisation does not allow this", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to, or no such member", body = ErrorBody),
        (status = 409, description = "It is the last owner; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn set_member_role(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    Path(at): Path<MemberPath>,
    Json(request): Json<SetMemberRole>,
) -> ApiResult<Response> {
    let client = Client::of(&cx);
    let (tx, member) = app.set_member_role(&who, at.id, at.user_id, request.role, &client).await?;
    once.commit(tx, reply(member)).await
}
