//! Path and query parameters whose rejections name the parameter.

use super::json::{fields_of, must_be, wrong_field};
use crate::error::{ApiError, ApiResult};
use anyhow::anyhow;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use garde::Validate;
use http::request::Parts;
use serde::de::DeserializeOwned;

/// Parameters of the path.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    #[expect(clippy::disallowed_types, reason = "the one place that wraps it")]
    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(failed)) => {
                let params = RawPathParams::from_request_parts(parts, state).await.ok();
                let names: Vec<&str> = params.iter().flatten().map(|(name, _)| name).collect();
                Err(refusal(failed.into_kind(), &names))
            }
            Err(other) => Err(ApiError::internal(anyhow!("path parameters: {other}"))),
        }
    }
}

/// Names the parameter that is wrong; `names` are those of the route, in order.
fn refusal(kind: ErrorKind, names: &[&str]) -> ApiError {
    let name = |index: usize| names.get(index).copied().unwrap_or_default();
    match kind {
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            ApiError::invalid_field(key, must_be(expected_type))
        }
        ErrorKind::ParseErrorAtIndex { index, expected_type, .. } => {
            ApiError::invalid_field(name(index), must_be(expected_type))
        }
        // Only a route with one parameter is read into something that has no names.
        ErrorKind::ParseError { expected_type, .. } => {
            ApiError::invalid_field(name(0), must_be(expected_type))
        }
        ErrorKind::InvalidUtf8InPathParam { key } => ApiError::invalid_field(key, "must be UTF-8"),
        ErrorKind::DeserializeError { key, message, .. } => {
            ApiError::invalid(vec![wrong_field(&key, &message)])
        }
        ErrorKind::Message(message) => ApiError::invalid(vec![wrong_field(name(0), &message)]),
        other => ApiError::internal(anyhow!("path parameters: {other}")),
    }
}

/// Parameters of the query, validated. A parameter that is not known is refused when `T` denies unknown fields.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_pairs(query));
        let value: T = serde_path_to_error::deserialize(pairs).map_err(|error| {
            let path = error.path().to_string();
            ApiError::invalid(vec![wrong_field(&path, &error.into_inner().to_string())])
        })?;
        value.validate().map_err(|report| ApiError::invalid(fields_of(&report)))?;
        Ok(Self(value))
    }
}

fn form_pairs(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Filter {
        #[garde(range(min = 1))]
        #[serde(default)]
        page_size: u32,
    }

    async fn refusal(query: &str) -> String {
        let request = http::Request::get(format!("/x?{query}")).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let result = Query::<Filter>::from_request_parts(&mut parts, &()).await;
        format!("{:?}", result.unwrap_err())
    }

    #[tokio::test]
    async fn a_bad_query_parameter_is_named() {
        assert!(refusal("pageSize=many").await.contains("field: \"pageSize\""));
        assert!(refusal("pageSize=0").await.contains("field: \"pageSize\""));
        assert!(refusal("pageSize=1&drop=tables").await.contains("field: \"drop\""));
    }
}
