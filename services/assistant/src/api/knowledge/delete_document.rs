//! `DELETE /api/v1/assistant/knowledge/{id}/documents/{document}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::{DocumentId, KnowledgeBaseId};

/// Removes a document, with its passages and what is kept of them in the index.
#[utoipa::path(
    delete,
    path = "/api/v1/assistant/knowledge/{id}/documents/{document}",
    tag = "assistant",
    security(("bearer" = [])),
    params(Once, ("id" = KnowledgeBaseId, Path, description = "The knowledge base"), ("document" = DocumentId, Path, description = "The document")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such document of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn delete_document(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path((id, document)): Path<(KnowledgeBaseId, DocumentId)>,
) -> ApiResult<Response> {
    let tx = app.knowledge.remove_document(who.user(), id, document).await?;
    once.commit(tx, no_content()).await
}
