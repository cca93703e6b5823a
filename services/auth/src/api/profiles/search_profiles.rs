//! `GET /api/v1/profiles`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::{PublicProfile, SearchProfiles};
use contract::page::Success;

/// Public profiles, found by what of them is shown and by nothing else, in the order of their names.
#[utoipa::path(
    get,
    path = "/api/v1/profiles",
    tag = "profiles",
    security(("bearer" = [])),
    params(SearchProfiles),
    responses(
        (status = 200, description = "Those that were found, as others see them", body = Success<Vec<PublicProfile>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn search_profiles(
    State(app): State<App>,
    _: Principal,
    Query(query): Query<SearchProfiles>,
) -> ApiResult<Reply<Vec<PublicProfile>>> {
    Ok(reply(app.search_profiles(&query).await?))
}
