//! `POST /api/v1/organizations/{id}/invitations`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, Path, created};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::{Invitation, Invite};
use contract::ids::OrganizationId;
use contract::page::Success;

/// Invites somebody by mail.
///
/// The mail holds a link that works once, for the account of that address. An open invitation of the same address is
/// replaced.
#[utoipa::path(
    post,
    path = "/api/v1/organizations/{id}/invitations",
    tag = "organizations",
    security(("bearer" = [])),
    request_body = Invite,
    params(Once, ("id" = OrganizationId, Path, description = "The organisation")),
    responses(
        (status = 201, description = "The invitation; its token is in the mail only", body = Success<Invitation>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Your role in the organisation does not allow this", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to", body = ErrorBody),
        (status = 409, description = "The address is a member's; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 429, description = "The address was mailed just now; Retry-After says when it may be again", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn invite(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    Path(id): Path<OrganizationId>,
    Json(request): Json<Invite>,
) -> ApiResult<Response> {
    let (tx, sent) = app.invite(&who, id, &request, &Client::of(&cx)).await?;
    once.commit(tx, created(format!("/api/v1/organizations/{id}/invitations/{}", sent.id), sent)).await
}
