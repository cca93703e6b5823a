//! `GET /api/v1/assistant/knowledge/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::KnowledgeBase;
use contract::ids::KnowledgeBaseId;
use contract::page::Success;

/// One of the knowledge bases of who asks.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/knowledge/{id}",
    tag = "assistant",
    security(("bearer" = [])),
    params(("id" = KnowledgeBaseId, Path, description = "The knowledge base")),
    responses(
        (status = 200, description = "The knowledge base", body = Success<KnowledgeBase>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such knowledge base of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_base(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<KnowledgeBaseId>,
) -> ApiResult<Reply<KnowledgeBase>> {
    Ok(reply(app.knowledge.base(who.user(), id).await?))
}
