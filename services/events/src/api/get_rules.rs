//! `GET /api/v1/events/organizations/{id}/rules`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::events::EventRules;
use contract::ids::OrganizationId;
use contract::page::Success;

/// What an organisation allows with its events.
#[utoipa::path(
    get,
    path = "/api/v1/events/organizations/{id}/rules",
    tag = "events",
    security(("bearer" = [])),
    params(("id" = OrganizationId, Path, description = "The organisation")),
    responses(
        (status = 200, description = "Its rules", body = Success<EventRules>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_rules(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<OrganizationId>,
) -> ApiResult<Reply<EventRules>> {
    Ok(reply(app.rules(&who, id).await?))
}
