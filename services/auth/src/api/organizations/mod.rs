//! `/api/v1/organizations`.

mod accept_invitation;
mod create_organization;
mod get_active_member;
mod get_organization;
mod invite;
mod list_active_members;
mod list_invitations;
mod list_members;
mod list_organizations;
mod remove_member;
mod set_member_role;
mod withdraw_invitation;

use crate::app::App;
use axum::routing::get;
use contract::ids::{InvitationId, OrganizationId, UserId};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A member in a path.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemberPath {
    id: OrganizationId,
    user_id: UserId,
}

/// An invitation in a path.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvitationPath {
    id: OrganizationId,
    invitation_id: InvitationId,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_organization::create_organization, list_organizations::list_organizations))
        .routes(routes!(get_organization::get_organization))
        .routes(routes!(list_members::list_members))
        .routes(routes!(set_member_role::set_member_role, remove_member::remove_member))
        .routes(routes!(invite::invite, list_invitations::list_invitations))
        .routes(routes!(withdraw_invitation::withdraw_invitation))
        .routes(routes!(accept_invitation::accept_invitation))
        // Not in the document: from outside there are no such routes.
        .route("/internal/v1/auth/organizations/{id}/members", get(list_active_members::list_active_members))
        .route(
            "/internal/v1/auth/organizations/{id}/members/{user}",
            get(get_active_member::get_active_member),
        )
}
