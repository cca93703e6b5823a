//! JSON bodies: read in bounded time and size, parsed with the field named, validated with every failing field reported.

use super::RequestContext;
use super::body::BodyFault;
use crate::error::{ApiError, ApiResult};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use contract::error::{ErrorCode, FieldError};
use garde::Validate;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// A JSON body. As a parameter it is read and validated; as an answer it is written without the envelope (see
/// [`super::reply`] for the one with it).
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> ApiResult<Self> {
        if !is_json(request.headers().get(CONTENT_TYPE)) {
            return Err(ApiError::new(ErrorCode::UnsupportedMediaType, "Send the body as application/json."));
        }
        let (parts, body) = request.into_parts();
        let bytes = read_body(&parts.headers, body).await?;
        let value: T = parse(&bytes)?;
        value.validate().map_err(|report| ApiError::invalid(fields_of(&report)))?;
        Ok(Self(value))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => {
                let mut response = Response::new(Body::from(bytes));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Err(error) => ApiError::internal(error).into_response(),
        }
    }
}

/// The whole body within the configured size. Time is kept by the body itself, when it comes from outside.
///
/// # Errors
/// 413 when it is larger, 408 when it comes too slowly, 400 when it breaks off.
pub(crate) async fn read_body(headers: &HeaderMap, body: Body) -> ApiResult<Bytes> {
    let limit = RequestContext::with_current(|cx| cx.edge.config.limit_of(headers)).unwrap_or(1_048_576);
    let fault = match Limited::new(body, limit).collect().await {
        Ok(collected) => return Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => BodyFault::TooLarge(limit),
        Err(error) => BodyFault::of(&*error).unwrap_or(BodyFault::BrokenOff),
    };
    Err(fault.into())
}

fn is_json(content_type: Option<&HeaderValue>) -> bool {
    let Some(text) = content_type.and_then(|value| value.to_str().ok()) else { return false };
    let mime = text.split(';').next().unwrap_or_default().trim();
    let mime = mime.to_ascii_lowercase();
    mime == "application/json" || (mime.starts_with("application/") && mime.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> ApiResult<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            ApiError::invalid(vec![wrong_field(&path, &inner.to_string())])
        } else if serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
            // serde_json calls it a fault of the syntax when a number stands where one of a few texts is expected.
            ApiError::invalid_field(path, "is of another type than expected")
        } else {
            malformed(inner.line(), inner.column())
        }
    })?;
    deserializer.end().map_err(|error| malformed(error.line(), error.column()))?;
    Ok(value)
}

fn malformed(line: usize, column: usize) -> ApiError {
    ApiError::new(
        ErrorCode::MalformedJson,
        format!("The body is not well-formed JSON (line {line}, column {column})."),
    )
}

/// Turns serde's sentence into a field and a message that repeats nothing of what was sent.
pub(super) fn wrong_field(path: &str, sentence: &str) -> FieldError {
    let path = if path == "." { "" } else { path };
    let quoted = |prefix: &str| {
        let rest = sentence.strip_prefix(prefix)?;
        rest.split('`').next().map(str::to_owned)
    };
    // serde_path_to_error may end the path with the name already.
    let named = |name: String| {
        if path.is_empty() {
            name
        } else if path == name || path.ends_with(&format!(".{name}")) {
            path.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    for (prefix, message) in [
        ("unknown field `", "is not a known field"),
        ("missing field `", "is required"),
        ("duplicate field `", "must be given once only"),
    ] {
        if let Some(name) = quoted(prefix) {
            return FieldError::new(named(name), message);
        }
    }
    if sentence.contains("UUID parsing failed") {
        return FieldError::new(path, "must be a UUID");
    }
    let sentence = sentence.split(" at line ").next().unwrap_or(sentence);
    let message = match sentence.rsplit_once("expected ") {
        Some((_, expected)) => must_be(expected),
        None => "has a value that is not allowed".to_owned(),
    };
    FieldError::new(path, message)
}

/// What was expected, in a client's words and not in Rust's.
pub(super) fn must_be(expected: &str) -> String {
    let first = expected.split(' ').next().unwrap_or_default();
    let expected = match first {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "bool" => "true or false",
        "struct" | "map" => "an object",
        "sequence" | "tuple" => "a list",
        "unit" => "null",
        _ => match expected {
            "a boolean" => "true or false",
            "a map" => "an object",
            "a sequence" => "a list",
            other => other,
        },
    };
    format!("must be {expected}")
}

/// Every failing field of a validation, with the path as the client wrote it.
#[must_use]
pub(super) fn fields_of(report: &garde::Report) -> Vec<FieldError> {
    report
        .iter()
        .map(|(path, error)| FieldError::new(camel_case(&path.to_string()), error.to_string()))
        .collect()
}

fn camel_case(path: &str) -> String {
    let mut camel = String::with_capacity(path.len());
    let mut raise = false;
    for letter in path.chars() {
        match letter {
            '_' => raise = true,
            _ if raise => {
                camel.extend(letter.to_uppercase());
                raise = false;
            }
            _ => camel.push(letter),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Line {
        #[expect(dead_code, reason = "only parsed")]
        unit_price: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Order {
        #[expect(dead_code, reason = "only parsed")]
        lines: Vec<Line>,
    }

    fn refusal(json: &str) -> (ErrorCode, String) {
        let error = parse::<Order>(json.as_bytes()).unwrap_err();
        (error.code(), format!("{error:?}"))
    }

    #[test]
    fn a_wrong_type_names_its_field_and_not_its_value() {
        let (code, text) = refusal(r#"{"lines":[{"unitPrice":"hunter2"}]}"#);
        assert_eq!(code, ErrorCode::Validation);
        assert!(text.contains("lines[0].unitPrice"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_number_in_place_of_one_of_a_few_texts_names_its_field() {
        #[derive(Debug, Deserialize)]
        enum Colour {
            Red,
        }
        #[derive(Debug, Deserialize)]
        struct Paint {
            #[expect(dead_code, reason = "only parsed")]
            colour: Colour,
        }
        assert!(parse::<Paint>(br#"{"colour":"Red"}"#).is_ok());
        let error = parse::<Paint>(br#"{"colour":1}"#).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Validation);
        assert!(format!("{error:?}").contains("field: \"colour\""), "{error:?}");
        assert_eq!(parse::<Paint>(br#"{"colour":1"#).unwrap_err().code(), ErrorCode::MalformedJson);
    }

    #[test]
    fn an_unknown_field_is_named() {
        let (_, text) = refusal(r#"{"lines":[],"role":"admin"}"#);
        assert!(text.contains("field: \"role\"") && text.contains("not a known field"), "{text}");
        let (_, text) = refusal(r#"{"lines":[{"unitPrice":1,"x":2}]}"#);
        assert!(text.contains("field: \"lines[0].x\""), "{text}");
    }

    #[test]
    fn a_missing_field_is_named() {
        let (_, text) = refusal(r#"{"lines":[{}]}"#);
        assert!(text.contains("lines[0].unitPrice") && text.contains("required"), "{text}");
    }

    #[test]
    fn what_is_expected_is_said_in_a_clients_words() {
        let (_, text) = refusal(r#"{"lines":[{"unitPrice":-1}]}"#);
        assert!(text.contains("a whole number that is not negative"), "{text}");
        let (_, text) = refusal(r#"{"lines":[7]}"#);
        assert!(text.contains("must be an object") && !text.contains("Line"), "{text}");
        let (_, text) = refusal(r#"{"lines":[],"lines":[]}"#);
        assert!(text.contains("field: \"lines\"") && text.contains("once only"), "{text}");
    }

    #[test]
    fn broken_json_is_told_apart_from_wrong_data() {
        assert_eq!(refusal("{").0, ErrorCode::MalformedJson);
        assert_eq!(refusal(r#"{"lines":[]} trailing"#).0, ErrorCode::MalformedJson);
    }

    #[test]
    fn field_names_are_reported_as_the_client_wrote_them() {
        assert_eq!(camel_case("items[1].unit_price"), "items[1].unitPrice");
    }
}
