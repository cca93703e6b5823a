//! `GET /api/v1/assistant/knowledge/{id}/documents/{document}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::Document;
use contract::ids::{DocumentId, KnowledgeBaseId};
use contract::page::Success;

/// A document in one of the knowledge bases of who asks.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/knowledge/{id}/documents/{document}",
    tag = "assistant",
    security(("bearer" = [])),
    params(("id" = KnowledgeBaseId, Path, description = "The knowledge base"), ("document" = DocumentId, Path, description = "The document")),
    responses(
        (status = 200, description = "The document", body = Success<Document>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such document of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_document(
    State(app): State<App>,
    who: Principal,
    Path((id, document)): Path<(KnowledgeBaseId, DocumentId)>,
) -> ApiResult<Reply<Document>> {
    Ok(reply(app.knowledge.document(who.user(), id, document).await?))
}
