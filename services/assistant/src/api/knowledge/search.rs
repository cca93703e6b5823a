//! `GET /api/v1/assistant/knowledge/{id}/search`.

use crate::app::App;
use crate::error::AssistantError;
use crate::knowledge::words::of_question;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::{Passage, SearchKnowledge};
use contract::ids::KnowledgeBaseId;
use contract::page::Success;

/// The passages of a knowledge base that fit some words or a question, the best first.
///
/// Capitals and accents do not matter. A passage is found by any of the words; words of four letters and more are found from
/// their beginning. These are the passages that an answer would rest on.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/knowledge/{id}/search",
    tag = "assistant",
    security(("bearer" = [])),
    params(("id" = KnowledgeBaseId, Path, description = "The knowledge base"), SearchKnowledge),
    responses(
        (status = 200, description = "Passages", body = Success<Vec<Passage>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such knowledge base of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn search(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<KnowledgeBaseId>,
    Query(query): Query<SearchKnowledge>,
) -> ApiResult<Reply<Vec<Passage>>> {
    if of_question(&query.q).is_empty() {
        return Err(AssistantError::Field("q", "must have a word in it".to_owned()).into());
    }
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    Ok(reply(app.knowledge.passages(who.user(), &[id], &query.q, limit).await?))
}
