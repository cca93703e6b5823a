//! What a handler takes part with.

use super::answer::Answer;
use super::key::IDEMPOTENCY_KEY;
use super::request::{Asked, Hold, Keyed};
use super::store;
use crate::db::Tx;
use crate::error::{ApiError, ApiResult};
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

/// Makes the effect of a handler happen once for each `Idempotency-Key`; without the header, like any handler's.
///
/// As a parameter it stands behind the extractors that decide who asks and what they may, so that an answer is given again
/// only to who may still ask. The handler does all its writing in one transaction and ends with [`Once::commit`]:
///
/// ```ignore
/// async fn create(State(app): State<App>, who: Principal, once: Once, Json(request): Json<Create>) -> ApiResult<Response> {
///     let (tx, made) = app.create(&who, request).await?;
///     once.commit(tx, created(format!("/api/v1/things/{}", made.id), made)).await
/// }
/// ```
///
/// In the description of the route it is a parameter: `params(Once)`.
#[derive(Debug, Clone)]
pub struct Once(Option<Arc<Hold>>);

impl Once {
    /// Commits a transaction together with the answer to the request, and returns the answer.
    ///
    /// # Errors
    /// 409 when the request took longer than its lease and the key went to another: nothing took effect then. Whatever
    /// the commit fails with.
    pub async fn commit(self, mut tx: Tx, reply: impl IntoResponse + Send) -> ApiResult<Response> {
        let answer = self.keep(&mut tx, reply).await?;
        tx.commit().await?;
        Ok(answer.into_response())
    }

    /// Writes the answer into a transaction that somebody else commits, such as a job of [`Db::group`](crate::db::Db::group).
    /// The answer may be given only after the commit. It is the last thing that the transaction does.
    ///
    /// # Errors
    /// As [`Once::commit`]; the transaction must be undone then.
    pub async fn keep(&self, tx: &mut Tx, reply: impl IntoResponse + Send) -> ApiResult<Answer> {
        let answer = Answer::of(reply.into_response()).await?;
        let Some(hold) = self.0.clone() else { return Ok(answer) };
        if !store::keep(tx, hold.claim(), &answer, hold.keep_until()).await? {
            return Err(hold.overtaken());
        }
        tx.after_commit(move || hold.settle());
        Ok(answer)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        if parts.method.is_safe() || !parts.headers.contains_key(IDEMPOTENCY_KEY) {
            return Ok(Self(None));
        }
        let Some(keyed) = parts.extensions.get::<Keyed>().cloned() else {
            let cause = anyhow::anyhow!("a service without a database cannot keep the answer to a request");
            return Err(ApiError::internal(cause).into_response());
        };
        match keyed.ask().await {
            Ok(Asked::Reserved(hold)) => Ok(Self(Some(hold))),
            Ok(Asked::Answered(answer)) => Err(*answer),
            Err(error) => Err(error.into_response()),
        }
    }
}

impl IntoParams for Once {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "Names this request: sent again with the same key, it takes effect once and gets the same answer, \
                     marked by Idempotency-Replayed. 1 to 255 visible ASCII characters; a UUID will do.";
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
        let header = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(text));
        vec![header.build()]
    }
}
