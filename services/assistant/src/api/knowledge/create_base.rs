//! `POST /api/v1/assistant/knowledge`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, created};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::{CreateKnowledgeBase, KnowledgeBase};
use contract::page::Success;

/// Makes a knowledge base. Only who makes it knows of it.
#[utoipa::path(
    post,
    path = "/api/v1/assistant/knowledge",
    tag = "assistant",
    security(("bearer" = [])),
    request_body = CreateKnowledgeBase,
    params(Once),
    responses(
        (status = 201, description = "The knowledge base", body = Success<KnowledgeBase>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "You have as many as you may; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn create_base(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Json(request): Json<CreateKnowledgeBase>,
) -> ApiResult<Response> {
    let (tx, made) = app.knowledge.create(who.user(), request).await?;
    once.commit(tx, created(format!("/api/v1/assistant/knowledge/{}", made.id), made)).await
}
