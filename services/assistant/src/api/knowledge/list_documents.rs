//! `GET /api/v1/assistant/knowledge/{id}/documents`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, PageQuery, Path, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::Document;
use contract::ids::KnowledgeBaseId;
use contract::page::Success;

/// The documents in a knowledge base, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/knowledge/{id}/documents",
    tag = "assistant",
    security(("bearer" = [])),
    params(("id" = KnowledgeBaseId, Path, description = "The knowledge base"), PageQuery),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Document>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such knowledge base of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_documents(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<KnowledgeBaseId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Reply<Vec<Document>>> {
    let page = Page::from(&query);
    let (documents, total) = app.knowledge.documents(who.user(), id, page).await?;
    Ok(reply(documents).page(page.of(total)))
}
