//! Answers of the operations listener: JSON, and failures in the shape that the whole platform has.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use contract::error::{ErrorBody, ErrorCode, ErrorDetail, FieldError};
use serde::Serialize;
use uuid::Uuid;

use crate::clock::Ts;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A JSON answer.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], Body::from(body))
                .into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer of the operations listener cannot be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Why a request is not served.
#[derive(Debug)]
pub(super) struct Refusal {
    code: ErrorCode,
    message: &'static str,
    details: Vec<FieldError>,
}

impl Refusal {
    pub(super) const fn new(code: ErrorCode, message: &'static str) -> Self {
        Self { code, message, details: Vec::new() }
    }

    pub(super) fn field(field: &str, message: impl Into<String>) -> Self {
        let details = vec![FieldError::new(field, message)];
        Self { code: ErrorCode::Validation, message: "The request is not valid.", details }
    }

    #[cfg(test)]
    pub(super) const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The answer, dated `now`.
    pub(super) fn into_response(self, now: Ts) -> Response {
        let request_id = Uuid::now_v7().to_string();
        let status = self.code.kind().status();
        let error = ErrorDetail {
            code: self.code,
            message: self.message.to_owned(),
            status,
            details: self.details,
            request_id: request_id.clone(),
            correlation_id: request_id.clone(),
            timestamp: now.to_string(),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(status, &ErrorBody { success: false, error });
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
