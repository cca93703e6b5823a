//! `GET /api/v1/organizations/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::Organization;
use contract::ids::OrganizationId;
use contract::page::Success;

/// One organisation of who asks.
#[utoipa::path(
    get,
    path = "/api/v1/organizations/{id}",
    tag = "organizations",
    security(("bearer" = [])),
    params(("id" = OrganizationId, Path, description = "The organisation")),
    responses(
        (status = 200, description = "The organisation", body = Success<Organization>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_organization(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<OrganizationId>,
) -> ApiResult<Reply<Organization>> {
    let organization = app.organization_seen(&who, id).await?;
    let caching = organization.caching();
    Ok(reply(organization.into_inner()).cached(caching))
}
