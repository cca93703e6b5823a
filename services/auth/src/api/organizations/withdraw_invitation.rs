//! `DELETE /api/v1/organizations/{id}/invitations/{invitationId}`.

use super::InvitationPath;
use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, Path, no_content};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::{InvitationId, OrganizationId};
use http::StatusCode;

/// Takes an open invitation back: its link no longer works.
#[utoipa::path(
    delete,
    path = "/api/v1/organizations/{id}/invitations/{invitationId}",
    tag = "organizations",
    security(("bearer" = [])),
    params(("id" = OrganizationId, Path, description = "The organisation"), ("invitationId" = InvitationId, Path, description = "The invitation")),
    responses(
        (status = 204, description = "Withdrawn"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Your role in the organisation does not allow this", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to, or no such open invitation", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn withdraw_invitation(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    Path(at): Path<InvitationPath>,
) -> ApiResult<StatusCode> {
    app.withdraw_invitation(&who, at.id, at.invitation_id, &Client::of(&cx)).await?;
    Ok(no_content())
}
