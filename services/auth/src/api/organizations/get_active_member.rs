//! `GET /internal/v1/auth/organizations/{id}/members/{user}`, for services only.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::auth::ActiveMember;
use contract::ids::{OrganizationId, UserId};

/// Whether somebody belongs to an organisation at this moment, for services that are asked without a token.
pub(super) async fn get_active_member(
    State(app): State<App>,
    _: ServiceCaller,
    Path((id, user)): Path<(OrganizationId, UserId)>,
) -> ApiResult<Reply<ActiveMember>> {
    Ok(reply(app.active_member(id, user).await?))
}
