//! The one error that reaches a client, and the only way it does.
//!
//! An [`ApiError`] holds two texts apart: the public message, which goes into the body, and the private cause, which
//! goes to the log and has no way into the body. The code decides the status. It is logged once, here, when it becomes
//! a response, inside the request's span.
//!
//! There is no blanket conversion from other errors: each place decides what a failure means to a client.

use crate::http::RequestContext;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use contract::error::{ErrorBody, ErrorCode, ErrorDetail, FieldError};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;
use std::borrow::Cow;
use std::panic::Location;
use std::time::Duration;

/// What a handler returns.
pub type ApiResult<T> = Result<T, ApiError>;

/// A failure with its code, its public message and its private cause.
#[derive(Debug)]
pub struct ApiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: ErrorCode,
    message: Cow<'static, str>,
    details: Vec<FieldError>,
    cause: Option<anyhow::Error>,
    retry_after: Option<Duration>,
    headers: Vec<(HeaderName, HeaderValue)>,
    location: &'static Location<'static>,
}

impl ApiError {
    /// An error of this code with a sentence for the client.
    #[track_caller]
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            details: Vec::new(),
            cause: None,
            retry_after: None,
            headers: Vec::new(),
            location: Location::caller(),
        }))
    }

    /// A request in which these fields are wrong.
    #[track_caller]
    pub fn invalid(details: Vec<FieldError>) -> Self {
        Self::new(ErrorCode::Validation, "The request is not valid; see details.").details(details)
    }

    /// A request in which one field is wrong.
    #[track_caller]
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// No such thing, or none that this caller may know of.
    #[track_caller]
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("No such {what}."))
    }

    /// A defect on our side. The cause goes to the log only.
    #[track_caller]
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(
            ErrorCode::Internal,
            "Something went wrong on our side. The request id finds it in the log.",
        )
        .cause(cause)
    }

    /// A dependency or this process cannot serve now. The cause goes to the log only.
    #[track_caller]
    pub fn unavailable(cause: impl Into<anyhow::Error>, retry_after: Duration) -> Self {
        Self::new(ErrorCode::Unavailable, "The service cannot answer now. Try again shortly.")
            .cause(cause)
            .retry_after(retry_after)
    }

    /// Adds what is wrong, field by field.
    #[must_use]
    pub fn details(mut self, details: Vec<FieldError>) -> Self {
        self.0.details = details;
        self
    }

    /// Adds the private cause.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Says when to try again; rounded up to whole seconds on the wire.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The sentence for the client.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The code on the wire.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.kind().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn log(&self) {
        let Inner { code, message, cause, location, .. } = &*self.0;
        let cause = cause.as_ref().map(|cause| format!("{cause:#}"));
        let cause = cause.as_deref().unwrap_or_default();
        let code = code.as_str();
        // One that is refused for want of room is counted; a line for each would make the want worse.
        if self.status().is_server_error() && self.0.code != ErrorCode::Overloaded {
            tracing::error!(code, cause, %location, "{message}");
        } else {
            tracing::debug!(code, cause, %location, "{message}");
        }
    }

    fn body(&self, context: Option<&RequestContext>) -> (&'static str, Vec<u8>) {
        let Inner { code, message, details, .. } = &*self.0;
        let status = self.status().as_u16();
        let request_id = context.map(|cx| cx.request_id.to_string()).unwrap_or_default();
        let correlation_id = context.map(|cx| cx.correlation_id.to_string()).unwrap_or_default();
        let timestamp = context.map_or_else(|| crate::clock::Clock::system().now(), |cx| cx.edge.clock.now());
        if context.is_some_and(|cx| cx.wants_problem) {
            let title = code.about();
            let kind = format!("urn:bowline:error:{}", code.as_str());
            let mut problem = json!({
                "type": kind, "title": title, "status": status, "detail": message, "code": code,
                "requestId": request_id, "correlationId": correlation_id, "timestamp": timestamp,
            });
            if !details.is_empty() {
                problem["errors"] = json!(details);
            }
            return ("application/problem+json", problem.to_string().into_bytes());
        }
        let body = ErrorBody {
            success: false,
            error: ErrorDetail {
                code: *code,
                message: message.to_string(),
                status,
                details: details.clone(),
                request_id,
                correlation_id,
                timestamp: timestamp.to_string(),
            },
        };
        ("application/json", serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.message)
    }
}

impl std::error::Error for ApiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause.as_ref())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let context = RequestContext::current();
        let (content_type, body) = self.body(context.as_deref());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let retry_after = self.0.retry_after.or_else(|| {
            matches!(self.0.code, ErrorCode::Unavailable | ErrorCode::Overloaded)
                .then_some(Duration::from_secs(1))
        });
        if let Some(after) = retry_after {
            let secs = after.as_millis().div_ceil(1_000).max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(secs).unwrap_or(u64::MAX)));
        }
        let challenged = self.0.headers.iter().any(|(name, _)| name == header::WWW_AUTHENTICATE);
        if self.status() == StatusCode::UNAUTHORIZED && !challenged {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        headers.extend(self.0.headers);
        response.extensions_mut().insert(self.0.code);
        response
    }
}
