//! What the assistant proposes to do, and the word of the person about it.

mod confirm_proposal;
mod decline_proposal;
mod list_proposals;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes, with their descriptions.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_proposals::list_proposals))
        .routes(routes!(confirm_proposal::confirm_proposal))
        .routes(routes!(decline_proposal::decline_proposal))
}
