//! `POST /api/v1/assistant/conversations`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, created};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::{Conversation, CreateConversation};
use contract::page::Success;

/// Begins a conversation. Nothing is said in it yet.
#[utoipa::path(
    post,
    path = "/api/v1/assistant/conversations",
    tag = "assistant",
    security(("bearer" = [])),
    request_body = CreateConversation,
    params(Once),
    responses(
        (status = 201, description = "The conversation", body = Success<Conversation>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such organisation of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn create_conversation(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Json(asked): Json<CreateConversation>,
) -> ApiResult<Response> {
    let (tx, made) = app.create(&who, asked).await?;
    let location = format!("/api/v1/assistant/conversations/{}", made.id);
    once.commit(tx, created(location, made.whole()).version(made.version)).await
}
