//! `GET /api/v1/gateway/rollouts`.

use crate::rollout::Rollouts;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageGateway;
use contract::ErrorBody;
use contract::gateway::Rollout;
use contract::page::Success;

/// The roll-outs of the file of routes, as all replicas have seen them.
#[utoipa::path(
    get,
    path = "/api/v1/gateway/rollouts",
    tag = "gateway",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "All of them, by route", body = Success<Vec<Rollout>>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_rollouts(
    State(rollouts): State<Rollouts>,
    _: Can<ManageGateway>,
) -> ApiResult<Reply<Vec<Rollout>>> {
    rollouts.look().await?;
    Ok(reply(rollouts.all().iter().map(|live| live.shown()).collect()))
}
