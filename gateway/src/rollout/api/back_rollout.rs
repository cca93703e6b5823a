//! `POST /api/v1/gateway/rollouts/{route}/back`.

use crate::rollout::Rollouts;
use crate::rollout::act::Act;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageGateway;
use contract::ErrorBody;
use contract::gateway::Rollout;
use contract::page::Success;

/// Sends everybody to the stable side again, until the file says another target or generation.
#[utoipa::path(
    post,
    path = "/api/v1/gateway/rollouts/{route}/back",
    tag = "gateway",
    security(("bearer" = [])),
    params(("route" = String, Path, description = "The route's name in the file")),
    responses(
        (status = 200, description = "How it stands now", body = Success<Rollout>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 404, description = "No route with a roll-out has this name", body = ErrorBody),
        (status = 409, description = "It has no steps: its share is the file's to change", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn back_rollout(
    State(rollouts): State<Rollouts>,
    who: Can<ManageGateway>,
    Path(route): Path<String>,
) -> ApiResult<Reply<Rollout>> {
    Ok(reply(rollouts.act(&route, Act::Back, who.0.user()).await?))
}
