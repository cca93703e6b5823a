//! `PATCH /api/v1/assistant/conversations/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::{Conversation, UpdateConversation};
use contract::ids::ConversationId;
use contract::page::Success;

/// Renames a conversation of who asks, or puts it away.
#[utoipa::path(
    patch,
    path = "/api/v1/assistant/conversations/{id}",
    tag = "assistant",
    security(("bearer" = [])),
    request_body = UpdateConversation,
    params(Once, ("id" = ConversationId, Path, description = "The conversation")),
    responses(
        (status = 200, description = "The conversation as it is now", body = Success<Conversation>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such conversation of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_conversation(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<ConversationId>,
    seen: IfMatch,
    Json(change): Json<UpdateConversation>,
) -> ApiResult<Response> {
    let (tx, now) = app.change(&who, id, change, &seen).await?;
    once.commit(tx, reply(now.whole()).version(now.version)).await
}
