//! `POST /api/v1/assistant/conversations/{id}/proposals/{proposal}/decline`.

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

/// Says no to a proposal: it is never done.
#[utoipa::path(
    post,
    path = "/api/v1/assistant/conversations/{id}/proposals/{proposal}/decline",
    tag = "assistant",
    security(("bearer" = [])),
    params(Once, ("id" = ConversationId, Path, description = "The conversation"), ("proposal" = ProposalId, Path, description = "The proposal")),
    responses(
        (status = 200, description = "The proposal", body = Success<Proposal>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such proposal of yours", body = ErrorBody),
        (status = 409, description = "It does not wait any more; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn decline_proposal(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path((id, proposal)): Path<(ConversationId, ProposalId)>,
) -> ApiResult<Response> {
    let (tx, declined) = app.tools.decline(who.user(), id, proposal).await?;
    once.commit(tx, reply(declined)).await
}
