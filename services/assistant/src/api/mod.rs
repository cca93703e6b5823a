//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod create_conversation;
mod delete_conversation;
mod get_budget;
mod get_conversation;
mod get_costs;
mod get_organization_budget;
mod get_usage;
mod get_user_budget;
mod knowledge;
mod list_conversations;
mod list_messages;
mod proposals;
mod send_message;
mod set_organization_budget;
mod set_user_budget;
mod stream;
mod update_conversation;

use crate::app::App;
use chassis::error::{ApiError, ApiResult};
use chassis::http::Cursor;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document("Assistant", "Conversations, knowledge bases, budgets."))
        .routes(routes!(create_conversation::create_conversation, list_conversations::list_conversations))
        .routes(routes!(
            get_conversation::get_conversation,
            update_conversation::update_conversation,
            delete_conversation::delete_conversation
        ))
        .routes(routes!(send_message::send_message, list_messages::list_messages))
        .routes(routes!(get_budget::get_budget))
        .routes(routes!(get_user_budget::get_user_budget, set_user_budget::set_user_budget))
        .routes(routes!(
            get_organization_budget::get_organization_budget,
            set_organization_budget::set_organization_budget
        ))
        .routes(routes!(get_usage::get_usage))
        .routes(routes!(get_costs::get_costs))
        .merge(knowledge::routes())
        .merge(proposals::routes())
}

/// The place in a list that a query names.
fn place(cursor: Option<&str>) -> ApiResult<Option<Cursor>> {
    let place = cursor.map(Cursor::parse).transpose();
    place.map_err(|error| ApiError::invalid_field("cursor", error.to_string()))
}
