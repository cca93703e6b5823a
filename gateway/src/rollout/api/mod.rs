//! The routes by which administrators see roll-outs and decide about them, a file each.

mod advance_rollout;
mod back_rollout;
mod hold_rollout;
mod list_rollouts;

use super::work::Rollouts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Rollouts> {
    OpenApiRouter::new()
        .routes(routes!(list_rollouts::list_rollouts))
        .routes(routes!(advance_rollout::advance_rollout))
        .routes(routes!(hold_rollout::hold_rollout))
        .routes(routes!(back_rollout::back_rollout))
}
