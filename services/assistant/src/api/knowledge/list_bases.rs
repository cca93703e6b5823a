//! `GET /api/v1/assistant/knowledge`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, PageQuery, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::KnowledgeBase;
use contract::page::Success;

/// The knowledge bases of who asks, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/knowledge",
    tag = "assistant",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<KnowledgeBase>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_bases(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<PageQuery>,
) -> ApiResult<Reply<Vec<KnowledgeBase>>> {
    let page = Page::from(&query);
    let (bases, total) = app.knowledge.bases(who.user(), page).await?;
    Ok(reply(bases).page(page.of(total)))
}
