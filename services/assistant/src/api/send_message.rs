//! `POST /api/v1/assistant/conversations/{id}/messages`.

use super::stream::{self, Wants};
use crate::app::{App, Asker, Sent};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, Path, created, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::{Answered, SendMessage};
use contract::ids::ConversationId;
use contract::page::Success;

/// Asks the assistant something, and answers with what it says: whole, or piece by piece with `Accept: text/event-stream`.
///
/// The events of a stream are `delta` (`{"text"}`, to be put one behind the other), `citation` and `tool` as they come, and in the
/// end `done` (question and answer, as in the whole answer) or `error` (`{"code","message","requestId"}`). What is known before the
/// stream begins is an ordinary answer with its status. Who goes away cancels the answer; what was used until then counts.
///
/// It takes no Idempotency-Key, because the answer may be a stream. A message has an `id` of the client's own instead: sent again
/// with the same one it is asked once; its answer is given again when it is whole (with 200), and made again when it came to nothing.
#[utoipa::path(
    post,
    path = "/api/v1/assistant/conversations/{id}/messages",
    tag = "assistant",
    security(("bearer" = [])),
    request_body = SendMessage,
    params(("id" = ConversationId, Path, description = "The conversation")),
    responses(
        (status = 200, description = "A stream of events; or the answer that was given before", content(
            (String = "text/event-stream"),
            (Success<Answered> = "application/json"),
        )),
        (status = 201, description = "Question and answer", body = Success<Answered>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "You do not belong to the conversation's organisation any more", body = ErrorBody),
        (status = 404, description = "No such conversation or knowledge base of yours", body = ErrorBody),
        (status = 409, description = "The last question is still being answered: see Retry-After; or there is another message with this id", body = ErrorBody),
        (status = 429, description = "The budget is used up, yours or the organisation's; Retry-After says when the next one begins", body = ErrorBody),
        (status = 502, description = "The model broke off in the middle of its answer", body = ErrorBody),
        (status = 503, description = "No model can answer now; Retry-After says when to ask again", body = ErrorBody),
        (status = 504, description = "The answer was not whole in time", body = ErrorBody),
    )
)]
pub(super) async fn send_message(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    Path(id): Path<ConversationId>,
    wants: Wants,
    Json(asked): Json<SendMessage>,
) -> ApiResult<Response> {
    let deadline = wants.deadline(app.config.deadline(), &cx);
    let asker = Asker { who: &who, context: cx.0.clone(), deadline };
    match (app.send(asker, id, asked).await?, wants.stream) {
        (Sent::Answered(pair), false) => Ok(reply(stream::answered(&pair)).into_response()),
        (Sent::Answered(pair), true) => Ok(stream::again(&pair)),
        (Sent::Listen(told), true) => stream::begin(told, &cx).await,
        (Sent::Listen(told), false) => {
            let location = format!("/api/v1/assistant/conversations/{id}/messages");
            Ok(created(location, stream::whole(told).await?).into_response())
        }
    }
}
