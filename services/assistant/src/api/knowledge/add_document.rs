//! `POST /api/v1/assistant/knowledge/{id}/documents`.

use super::upload::Upload;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Path, created};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::{AddDocument, Document, DocumentTitle};
use contract::ids::KnowledgeBaseId;
use contract::page::Success;

/// Adds a document to a knowledge base.
///
/// Either as JSON, or the text itself as `text/plain` or `text/markdown` (UTF-8), with its title in the query. HTML is refused:
/// what people see of it and what a model would read of it are not the same.
#[utoipa::path(
    post,
    path = "/api/v1/assistant/knowledge/{id}/documents",
    tag = "assistant",
    security(("bearer" = [])),
    request_body(content(
        (AddDocument = "application/json"),
        (String = "text/plain"),
        (String = "text/markdown"),
    )),
    params(Once, ("id" = KnowledgeBaseId, Path, description = "The knowledge base"), DocumentTitle),
    responses(
        (status = 201, description = "The document", body = Success<Document>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such knowledge base of yours", body = ErrorBody),
        (status = 409, description = "The knowledge base is full, or you have as much as you may; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 413, description = "The document is too large", body = ErrorBody),
        (status = 415, description = "Neither text nor JSON", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn add_document(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<KnowledgeBaseId>,
    Upload(request): Upload,
) -> ApiResult<Response> {
    let (tx, made) = app.knowledge.add(who.user(), id, request).await?;
    once.commit(tx, created(format!("/api/v1/assistant/knowledge/{id}/documents/{}", made.id), made)).await
}
