//! `GET /api/v1/assistant/conversations/{id}/proposals`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::Proposal;
use contract::ids::ConversationId;
use contract::page::Success;

/// What the assistant has proposed in a conversation, the latest first, a hundred at most.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/conversations/{id}/proposals",
    tag = "assistant",
    security(("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation")),
    responses(
        (status = 200, description = "Proposals", body = Success<Vec<Proposal>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such conversation of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_proposals(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<ConversationId>,
) -> ApiResult<Reply<Vec<Proposal>>> {
    Ok(reply(app.tools.proposals(who.user(), id).await?))
}
