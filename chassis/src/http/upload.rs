//! A body as it came, for a route that takes something else than JSON.

use super::read_body;
use crate::error::ApiError;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;

/// The whole body of a request, whatever it is, bounded by `http.image_limit` for `image/*` and by `http.body_limit` otherwise.
/// What it is called proves nothing: whoever uses it looks into it.
#[derive(Debug, Clone)]
pub struct Upload {
    /// What the client calls it: the `Content-Type` in small letters, without parameters; empty when there is none.
    pub kind: String,
    /// The body.
    pub bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let named = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Ok(Self { kind, bytes: read_body(&parts.headers, body).await? })
    }
}
