//! API versions: `/api/v1/...` names one, `/api/...` means the one of the `Api-Version` header, else the default.

use super::API_VERSION;
use crate::error::{ApiError, ApiResult};
use contract::error::ErrorCode;
use http::Request;
use http::uri::{PathAndQuery, Uri};

/// The versions that exist.
pub const API_VERSIONS: &[u32] = &[1];
/// The version of a path that names none.
pub const DEFAULT_API_VERSION: u32 = 1;

/// The version that a request asks for; rewrites a path that names none, so that routers know one form only.
///
/// `None` for a path outside of `/api`.
pub(super) fn resolve<B>(request: &mut Request<B>) -> ApiResult<Option<u32>> {
    let uri = request.uri();
    let Some(rest) = uri.path().strip_prefix("/api/") else { return Ok(None) };
    let asked = request
        .headers()
        .get(API_VERSION)
        .map(|value| parse(value.to_str().unwrap_or_default()))
        .transpose()?;
    let first = rest.split('/').next().unwrap_or_default();
    if let Some(digits) = first.strip_prefix('v')
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        let named = parse(first)?;
        return match asked {
            Some(asked) if asked != named => Err(unsupported("path and Api-Version name different versions")),
            _ => Ok(Some(named)),
        };
    }
    let version = asked.unwrap_or(DEFAULT_API_VERSION);
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let rewritten = format!("/api/v{version}/{rest}{query}");
    let path = PathAndQuery::try_from(rewritten).map_err(|_| ApiError::not_found("route"))?;
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.path_and_query = Some(path);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| ApiError::not_found("route"))?;
    Ok(Some(version))
}

fn parse(text: &str) -> ApiResult<u32> {
    let text = text.trim();
    let number = text.strip_prefix('v').unwrap_or(text).parse::<u32>().ok();
    number
        .filter(|number| API_VERSIONS.contains(number))
        .ok_or_else(|| unsupported("there is no such API version"))
}

fn unsupported(why: &str) -> ApiError {
    let known = API_VERSIONS.iter().map(|version| format!("v{version}")).collect::<Vec<_>>().join(", ");
    ApiError::new(ErrorCode::UnsupportedVersion, format!("{why}; there is: {known}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(path: &str, header: Option<&str>) -> ApiResult<(Option<u32>, String)> {
        let mut request = Request::get(path).body(()).unwrap();
        if let Some(value) = header {
            request.headers_mut().insert(API_VERSION, value.parse().unwrap());
        }
        resolve(&mut request).map(|version| (version, request.uri().to_string()))
    }

    #[test]
    fn a_path_without_a_version_means_the_default() {
        assert_eq!(
            resolved("/api/todos?page=2", None).unwrap(),
            (Some(1), "/api/v1/todos?page=2".to_owned())
        );
    }

    #[test]
    fn the_header_chooses_too() {
        assert_eq!(resolved("/api/todos", Some("v1")).unwrap(), (Some(1), "/api/v1/todos".to_owned()));
        assert!(resolved("/api/todos", Some("7")).is_err());
    }

    #[test]
    fn path_and_header_must_agree() {
        assert!(resolved("/api/v1/todos", Some("1")).is_ok());
        assert!(resolved("/api/v9/todos", None).is_err());
        assert!(resolved("/api/v1/todos", Some("9")).is_err());
    }

    #[test]
    fn a_noun_that_begins_with_v_is_not_a_version() {
        assert_eq!(resolved("/api/vendors", None).unwrap().1, "/api/v1/vendors");
    }

    #[test]
    fn what_is_not_the_api_is_left_alone() {
        assert_eq!(resolved("/docs", Some("9")).unwrap(), (None, "/docs".to_owned()));
    }
}
