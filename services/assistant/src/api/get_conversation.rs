//! `GET /api/v1/assistant/conversations/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::Conversation;
use contract::ids::ConversationId;
use contract::page::Success;

/// A conversation of who asks.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/conversations/{id}",
    tag = "assistant",
    security(("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation")),
    responses(
        (status = 200, description = "The conversation", body = Success<Conversation>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such conversation of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_conversation(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<ConversationId>,
) -> ApiResult<Reply<Conversation>> {
    let found = app.conversation(&who, id).await?;
    Ok(reply(found.whole()).version(found.version))
}
