//! `POST /api/v1/assistant/conversations/{id}/proposals/{proposal}/confirm`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::Proposal;
use contract::ids::{ConversationId, ProposalId};
use contract::page::Success;

/// Says yes to a proposal: it is done now, with the rights of who confirms it, and once.
///
/// What is done is what `arguments` of the proposal say. `status` of the answer tells whether it was `DONE` or `FAILED`. After a 503
/// nobody knows yet; confirm it again, and it still takes effect once.
#[utoipa::path(
    post,
    path = "/api/v1/assistant/conversations/{id}/proposals/{proposal}/confirm",
    tag = "assistant",
    security(("bearer" = [])),
    params(Once, ("id" = ConversationId, Path, description = "The conversation"), ("proposal" = ProposalId, Path, description = "The proposal")),
    responses(
        (status = 200, description = "The proposal", body = Success<Proposal>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such proposal of yours", body = ErrorBody),
        (status = 409, description = "It does not wait any more, or is being carried out; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn confirm_proposal(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path((id, proposal)): Path<(ConversationId, ProposalId)>,
) -> ApiResult<Response> {
    let (tx, ended) = app.tools.confirm(who.user(), id, proposal).await?;
    once.commit(tx, reply(ended)).await
}
