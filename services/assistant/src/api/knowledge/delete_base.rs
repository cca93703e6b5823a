//! `DELETE /api/v1/assistant/knowledge/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::KnowledgeBaseId;

/// Removes a knowledge base with its documents.
///
/// What was in it is found no more. Answers that were given keep what they quoted.
#[utoipa::path(
    delete,
    path = "/api/v1/assistant/knowledge/{id}",
    tag = "assistant",
    security(("bearer" = [])),
    params(Once, ("id" = KnowledgeBaseId, Path, description = "The knowledge base")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such knowledge base of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn delete_base(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<KnowledgeBaseId>,
) -> ApiResult<Response> {
    let tx = app.knowledge.remove(who.user(), id).await?;
    once.commit(tx, no_content()).await
}
