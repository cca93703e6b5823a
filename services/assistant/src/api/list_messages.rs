//! `GET /api/v1/assistant/conversations/{id}/messages`.

use super::place;
use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::{ListMessages, Message};
use contract::ids::ConversationId;
use contract::page::{Pagination, Success};

/// What was said in a conversation of who asks, the latest first.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/conversations/{id}/messages",
    tag = "assistant",
    security(("bearer" = [])),
    params(("id" = ConversationId, Path, description = "The conversation"), ListMessages),
    responses(
        (status = 200, description = "A page of it", body = Success<Vec<Message>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such conversation of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_messages(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<ConversationId>,
    Query(query): Query<ListMessages>,
) -> ApiResult<Reply<Vec<Message>>> {
    let after = place(query.cursor.as_deref())?;
    let (found, next) = app.messages(&who, id, &query, after).await?;
    let place = Pagination::by_cursor(query.limit, after.is_some(), next.map(|next| next.text()));
    Ok(reply(found.iter().map(|one| one.whole()).collect()).page(place))
}
