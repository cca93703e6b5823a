//! `POST /api/v1/gateway/cache/purge`.

use super::ResponseCache;
use super::purge::Purge;
use super::tags::{LONGEST, is_tag};
use crate::table::plain;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Json, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageGateway;
use contract::page::Success;
use contract::purge::{PurgeRequest, Purged};
use contract::{ErrorBody, ErrorCode};
use std::collections::BTreeSet;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of a path.
const LONGEST_PATH: usize = 2_048;

/// The route with its description.
pub(crate) fn routes() -> OpenApiRouter<ResponseCache> {
    OpenApiRouter::new().routes(routes!(purge_cache))
}

/// Forgets answers that the gateway keeps, in every process of it. What is under way meanwhile is not kept either.
#[utoipa::path(
    post,
    path = "/api/v1/gateway/cache/purge",
    tag = "gateway",
    security(("bearer" = [])),
    request_body = PurgeRequest,
    responses(
        (status = 200, description = "They are forgotten; `reach` says where", body = Success<Purged>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 429, description = "Too many requests; Retry-After says when the next one counts", body = ErrorBody),
    )
)]
async fn purge_cache(
    State(cache): State<ResponseCache>,
    who: Can<ManageGateway>,
    Json(asked): Json<PurgeRequest>,
) -> ApiResult<Reply<Purged>> {
    let purge = parse(asked)?;
    tracing::info!(
        user = %who.0.user(),
        all = purge.all,
        paths = purge.paths.len(),
        tags = purge.tags.len(),
        "answers that are kept are purged"
    );
    let reach = cache.purge(purge).await;
    Ok(reply(Purged { reach }))
}

fn parse(asked: PurgeRequest) -> ApiResult<Purge> {
    let wrong = |message: String| Err(ApiError::new(ErrorCode::Validation, message));
    let PurgeRequest { tags, paths, all } = asked;
    if !all && tags.is_empty() && paths.is_empty() {
        return wrong("Name `tags` or `paths`, or say `\"all\": true`.".to_owned());
    }
    if let Some(tag) = tags.iter().find(|tag| !is_tag(tag)) {
        return wrong(format!(
            "`{tag}` in `tags` is none: 1 to {LONGEST} visible characters without a comma."
        ));
    }
    let is_path =
        |path: &str| path.starts_with('/') && path.len() <= LONGEST_PATH && !path.contains(['?', '#', ' ']);
    let mut plainly = BTreeSet::new();
    for path in paths {
        // Answers are kept under the one form of their path.
        let Some(plain) = plain(&path).ok().filter(|_| is_path(&path)) else {
            return wrong(format!("`{path}` in `paths` is none: it begins with a slash and has no query."));
        };
        plainly.insert(plain.into_owned());
    }
    Ok(Purge { all, paths: plainly, tags: tags.into_iter().collect(), addresses: BTreeSet::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purge_of_nothing_or_of_what_is_none_is_refused() {
        let ask = |tags: &[&str], paths: &[&str], all| {
            let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
            parse(PurgeRequest { tags: own(tags), paths: own(paths), all })
        };
        assert!(ask(&[], &[], false).is_err());
        assert!(ask(&["a b"], &[], false).is_err());
        assert!(ask(&[], &["a"], false).is_err());
        assert!(ask(&[], &["/a?b"], false).is_err());
        assert!(ask(&[], &["/a%2fb"], false).is_err());
        assert!(ask(&["a"], &["/a"], false).is_ok());
        assert!(ask(&[], &[], true).is_ok());
    }
}
