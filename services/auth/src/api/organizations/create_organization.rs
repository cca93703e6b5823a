//! `POST /api/v1/organizations`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, created};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::{CreateOrganization, Organization};
use contract::page::Success;

/// Makes an organisation; who asks is its owner.
///
/// Refresh to get a token that carries the membership.
#[utoipa::path(
    post,
    path = "/api/v1/organizations",
    tag = "organizations",
    security(("bearer" = [])),
    request_body = CreateOrganization,
    params(Once),
    responses(
        (status = 201, description = "The organisation", body = Success<Organization>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "The slug is in use; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn create_organization(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    Json(request): Json<CreateOrganization>,
) -> ApiResult<Response> {
    let (tx, made) = app.create_organization(&who, request, &Client::of(&cx)).await?;
    once.commit(tx, created(format!("/api/v1/organizations/{}", made.id), made)).await
}
