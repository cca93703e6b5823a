//! `GET /internal/v1/auth/organizations/{id}/members`, for services only.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Query, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::auth::{ActiveMember, ListActiveMembers};
use contract::ids::OrganizationId;

/// Who in an organisation has at least a role, for services that tell them something.
pub(super) async fn list_active_members(
    State(app): State<App>,
    _: ServiceCaller,
    Path(id): Path<OrganizationId>,
    Query(query): Query<ListActiveMembers>,
) -> ApiResult<Reply<Vec<ActiveMember>>> {
    Ok(reply(app.active_members(id, &query).await?))
}
