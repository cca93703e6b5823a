//! Successful answers, all in the common envelope.

use super::Caching;
use super::etag;
use super::json::Json;
use axum::response::{IntoResponse, Response};
use contract::page::{Pagination, Success};
use http::header::{ETAG, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// A successful answer in the making.
#[derive(Debug)]
pub struct Reply<T> {
    status: StatusCode,
    body: Success<T>,
    etag: Option<HeaderValue>,
    location: Option<String>,
    caching: Option<Caching>,
}

/// The reply of something that was made.
pub type Created<T> = Reply<T>;

/// 200 with data.
pub fn reply<T: Serialize>(data: T) -> Reply<T> {
    let body = Success { success: true, data, message: None, pagination: None };
    Reply { status: StatusCode::OK, body, etag: None, location: None, caching: None }
}

/// 201 with data and where it can be found.
pub fn created<T: Serialize>(location: impl Into<String>, data: T) -> Created<T> {
    Reply { status: StatusCode::CREATED, location: Some(location.into()), ..reply(data) }
}

/// 202: it will be done.
pub fn accepted<T: Serialize>(data: T) -> Reply<T> {
    Reply { status: StatusCode::ACCEPTED, ..reply(data) }
}

/// 204: done, and nothing to say.
#[must_use]
pub fn no_content() -> StatusCode {
    StatusCode::NO_CONTENT
}

impl<T: Serialize> Reply<T> {
    /// Adds a sentence for a person.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.body.message = Some(message.into());
        self
    }

    /// Adds where this page stands in its list.
    #[must_use]
    pub fn page(mut self, pagination: Pagination) -> Self {
        self.body.pagination = Some(pagination);
        self
    }

    /// Adds the version of what is returned, for `If-None-Match` and `If-Match`.
    #[must_use]
    pub fn version(mut self, version: impl std::fmt::Display) -> Self {
        self.etag = Some(etag::of(version));
        self
    }

    /// Says who may keep the answer and for how long, and whether it is older than it should be; see
    /// [`Cached::caching`](crate::cache::Cached::caching). Without it nobody keeps anything.
    #[must_use]
    pub fn cached(mut self, caching: Caching) -> Self {
        self.caching = Some(caching);
        self
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(etag) = self.etag {
            response.headers_mut().insert(ETAG, etag);
        }
        if let Some(Ok(location)) = self.location.map(HeaderValue::try_from) {
            response.headers_mut().insert(LOCATION, location);
        }
        if let Some(caching) = self.caching {
            caching.apply(response.headers_mut());
        }
        response
    }
}
