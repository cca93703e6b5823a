//! `POST /api/v1/organizations/invitations/accept`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::{AcceptInvitation, Organization};
use contract::page::Success;

/// Joins an organisation with the token of a mailed link.
///
/// Only the account of the invited address can. Refresh to get a token that carries the membership.
#[utoipa::path(
    post,
    path = "/api/v1/organizations/invitations/accept",
    tag = "organizations",
    security(("bearer" = [])),
    request_body = AcceptInvitation,
    responses(
        (status = 200, description = "The organisation", body = Success<Organization>),
        (status = 400, description = "The request is not valid, or the link was used, withdrawn or has expired", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "The invitation is for another address", body = ErrorBody),
        (status = 409, description = "You are a member already", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn accept_invitation(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    Json(request): Json<AcceptInvitation>,
) -> ApiResult<Reply<Organization>> {
    Ok(reply(app.accept_invitation(&who, &request, &Client::of(&cx)).await?))
}
