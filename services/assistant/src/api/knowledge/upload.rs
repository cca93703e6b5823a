//! A document as it is sent: JSON, or the text itself.

use crate::config::LARGEST_DOCUMENT;
use crate::error::AssistantError;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use chassis::error::{ApiError, ApiResult};
use chassis::http::{BodyFault, Json, Query};
use contract::assistant::{AddDocument, DocumentFormat, DocumentTitle, is_text};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Limited};

/// A document that is to be added. Its lines end with `\n`, and no mark of the byte order stands before it.
#[derive(Debug)]
pub(super) struct Upload(pub(super) AddDocument);

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        let (mut parts, body) = request.into_parts();
        let Query(DocumentTitle { title }) = Query::from_request_parts(&mut parts, state).await?;
        let mut document = match media_type(&parts.headers).as_deref() {
            Some("application/json") => {
                if title.is_some() {
                    return Err(ApiError::invalid_field("title", "stands in the body when that is JSON"));
                }
                let request = Request::from_parts(parts, body);
                Json::<AddDocument>::from_request(request, state).await?.0
            }
            Some("text/plain") => plain(title, DocumentFormat::Text, body).await?,
            Some("text/markdown") => plain(title, DocumentFormat::Markdown, body).await?,
            _ => return Err(AssistantError::NotAText.into()),
        };
        document.text = tidy(&document.text);
        Ok(Self(document))
    }
}

async fn plain(title: Option<String>, format: DocumentFormat, body: Body) -> ApiResult<AddDocument> {
    let title = title.ok_or_else(|| ApiError::invalid_field("title", "is required"))?;
    let most = usize::try_from(LARGEST_DOCUMENT).unwrap_or(usize::MAX);
    let bytes = match Limited::new(body, most).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => return Err(BodyFault::of(&*error).unwrap_or(BodyFault::TooLarge(most)).into()),
    };
    let text =
        String::from_utf8(bytes.into()).map_err(|_| ApiError::invalid_field("text", "must be UTF-8"))?;
    is_text(&text).map_err(|why| ApiError::invalid_field("text", why))?;
    Ok(AddDocument { title, format, text })
}

/// The type of the body, when it is one that is written in UTF-8.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut parts =
        headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media_type = parts.next()?;
    let other = |part: &str| {
        part.strip_prefix("charset=")
            .is_some_and(|charset| !matches!(charset.trim_matches('"'), "utf-8" | "us-ascii"))
    };
    (!parts.any(|part| other(&part))).then_some(media_type)
}

/// Lines as they are everywhere else.
fn tidy(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_of(value: &str) -> Option<String> {
        media_type(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]))
    }

    #[test]
    fn a_text_is_utf_8() {
        assert_eq!(type_of("text/plain").as_deref(), Some("text/plain"));
        assert_eq!(type_of("Text/Markdown; Charset=\"UTF-8\"").as_deref(), Some("text/markdown"));
        assert_eq!(type_of("text/plain; charset=latin1"), None);
    }

    #[test]
    fn lines_end_as_they_do_everywhere_else() {
        assert_eq!(tidy("\u{feff}a\r\nb\rc\n"), "a\nb\nc\n");
    }
}
