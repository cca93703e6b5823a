//! An answer, whole, so that it can be kept and given again.

use crate::error::{ApiError, ApiResult};
use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    LAST_MODIFIED, LINK, LOCATION,
};
use http::{StatusCode, response};

/// Says that an answer was given before, and that nothing was done this time.
pub(super) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What is kept of an answer's headers: what it says about itself. Everything else belongs to the one exchange.
const KEPT: [HeaderName; 8] =
    [CONTENT_TYPE, LOCATION, ETAG, LAST_MODIFIED, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_DISPOSITION, LINK];

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    head: response::Parts,
    body: Bytes,
}

/// An answer as it is kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) status: i64,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Renders a reply.
    ///
    /// # Errors
    /// 500 when it is an error: that is returned, not kept.
    pub(super) async fn of(response: Response) -> ApiResult<Self> {
        let (head, body) = response.into_parts();
        if head.status.is_client_error() || head.status.is_server_error() {
            let what = anyhow::anyhow!("an answer of {} cannot be committed", head.status);
            return Err(ApiError::internal(what));
        }
        let body = to_bytes(body, usize::MAX).await.map_err(ApiError::internal)?;
        Ok(Self { head, body })
    }

    /// Its body, whole.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Its status.
    pub(super) fn status(&self) -> i64 {
        i64::from(self.head.status.as_u16())
    }

    /// Those of its headers that are kept.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let kept = |(name, value): (&HeaderName, &HeaderValue)| {
            let value = value.to_str().ok().filter(|_| KEPT.contains(name))?;
            Some((name.as_str().to_owned(), value.to_owned()))
        };
        self.head.headers.iter().filter_map(kept).collect()
    }
}

impl Kept {
    /// The answer, given again.
    pub(super) fn again(self) -> ApiResult<Response> {
        let mut response = Response::new(Body::from(self.body));
        let status = u16::try_from(self.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        *response.status_mut() =
            status.ok_or_else(|| ApiError::internal(anyhow::anyhow!("a kept answer has no status")))?;
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name).map_err(ApiError::internal)?;
            headers.append(name, HeaderValue::try_from(value).map_err(ApiError::internal)?);
        }
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        Ok(response)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        Response::from_parts(self.head, Body::from(self.body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{created, no_content};
    use http::header::SET_COOKIE;

    #[tokio::test]
    async fn what_is_given_again_is_what_was_given() {
        let first = Answer::of(created("/things/1", "data").version(3).into_response()).await.unwrap();
        let kept = Kept { status: first.status(), headers: first.headers(), body: first.body().to_vec() };
        let again = kept.again().unwrap();
        assert_eq!(again.status(), StatusCode::CREATED);
        assert_eq!(again.headers()[IDEMPOTENCY_REPLAYED], "true");
        assert_eq!(
            (&again.headers()[LOCATION], &again.headers()[ETAG]),
            (&"/things/1".parse().unwrap(), &"\"3\"".parse().unwrap())
        );
        let body = to_bytes(again.into_body(), usize::MAX).await.unwrap();
        assert_eq!(body, to_bytes(first.into_response().into_body(), usize::MAX).await.unwrap());
    }

    #[tokio::test]
    async fn a_cookie_is_not_kept() {
        let mut response = no_content().into_response();
        response.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("session=secret"));
        let answer = Answer::of(response).await.unwrap();
        assert!(answer.headers().is_empty());
    }

    #[tokio::test]
    async fn an_error_is_not_an_answer_to_keep() {
        let error = ApiError::not_found("thing").into_response();
        assert_eq!(Answer::of(error).await.unwrap_err().status(), 500);
    }
}
