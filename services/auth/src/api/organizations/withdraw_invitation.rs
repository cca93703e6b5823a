//! `DELETE /api/v1/organizations/{id}/invitations/{invitationId}`.

use super::InvitationPath;
use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::{InvitationId, OrganizationId};

/// Takes an open invitation back: its link no longer works.
#[utoipa::path(
    delete,
    path = "/api/v1/organizations/{id}/invitations/{invitationId}",
    tag = "organizations",
    security(("bearer" = [])),
    params(Once, ("id" = OrganizationId, Path, description = "The organisation"), ("invitationId" = InvitationId, Path, description = "The invitation")),
    responses(
        (status = 204, description = "Withdrawn"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Your role in the organisation does not allow this", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to, or no such open invitation", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn withdraw_invitation(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    Path(at): Path<InvitationPath>,
) -> ApiResult<Response> {
    let tx = app.withdraw_invitation(&who, at.id, at.invitation_id, &Client::of(&cx)).await?;
    once.commit(tx, no_content()).await
}
