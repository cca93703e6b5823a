//! `PUT /api/v1/events/organizations/{id}/rules`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::events::{EventRules, SetEventRules};
use contract::ids::OrganizationId;
use contract::page::Success;

/// Sets what an organisation allows with its events.
#[utoipa::path(
    put,
    path = "/api/v1/events/organizations/{id}/rules",
    tag = "events",
    security(("bearer" = [])),
    request_body = SetEventRules,
    params(Once, ("id" = OrganizationId, Path, description = "The organisation")),
    responses(
        (status = 200, description = "Its rules from now on", body = Success<EventRules>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the role admin or owner in the organisation", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn set_rules(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<OrganizationId>,
    Json(asked): Json<SetEventRules>,
) -> ApiResult<Response> {
    let (tx, rules) = app.set_rules(&who, id, asked).await?;
    once.commit(tx, reply(rules)).await
}
