//! `POST /api/v1/organizations/invitations/accept`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, reply};
use chassis::idempotency::Once;
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
    params(Once),
    responses(
        (status = 200, description = "The organisation", body = Success<Organization>),
        (status = 400, description = "The request is not valid, or the link was used, withdrawn or has expired", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "The invitation is for another address", body = ErrorBody),
        (status = 409, description = "You are a member already; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn accept_invitation(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    Json(request): Json<AcceptInvitation>,
) -> ApiResult<Response> {
    let (tx, joined) = app.accept_invitation(&who, &request, &Client::of(&cx)).await?;
    once.commit(tx, reply(joined)).await
}
