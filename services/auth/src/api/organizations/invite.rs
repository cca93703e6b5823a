//! `POST /api/v1/organizations/{id}/invitations`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, Path, Reply, created};
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
    params(("id" = OrganizationId, Path, description = "The organisation")),
    responses(
        (status = 201, description = "The invitation; its token is in the mail only", body = Success<Invitation>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Your role in the organisation does not allow this", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to", body = ErrorBody),
        (status = 409, description = "The address is a member's", body = ErrorBody),
        (status = 429, description = "The address was mailed just now; Retry-After says when it may be again", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn invite(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    Path(id): Path<OrganizationId>,
    Json(request): Json<Invite>,
) -> ApiResult<Reply<Invitation>> {
    let sent = app.invite(&who, id, &request, &Client::of(&cx)).await?;
    Ok(created(format!("/api/v1/organizations/{id}/invitations/{}", sent.id), sent))
}
