//! What stands behind the public listener: the door when it runs here, else the services themselves.
//!
//! Internal routes always go straight to their service, which asks for the credential of a calling service.

use super::edge::{Caller, Edge};
use crate::error::ApiError;
use axum::body::Body;
use axum::response::IntoResponse;
use http::{Request, Response};
use std::sync::Arc;

/// An edge, and which paths belong to it.
#[derive(Debug, Clone)]
pub struct Behind {
    /// The service's edge.
    pub edge: Edge,
    /// Whether it gets every request that is not internal.
    pub door: bool,
    /// The first path segments under `/api/v1` that belong to it.
    pub owns: &'static [&'static str],
    /// Paths outside of `/api` that belong to it.
    pub well_known: &'static [&'static str],
}

/// The edges of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Front(Arc<[Behind]>);

impl Front {
    /// Where there is no edge, there is no route.
    #[must_use]
    pub fn new(edges: Vec<Behind>) -> Self {
        Self(edges.into())
    }

    /// Answers one request.
    pub async fn handle(&self, request: Request<Body>, caller: Caller) -> Response<Body> {
        match self.pick(request.uri().path()) {
            Some(edge) => edge.handle(request, caller).await,
            None => ApiError::not_found("route").into_response(),
        }
    }

    fn pick(&self, path: &str) -> Option<&Edge> {
        let first = &self.0.first()?.edge;
        if let [only] = &*self.0 {
            return Some(&only.edge);
        }
        let find = |wanted: &dyn Fn(&Behind) -> bool| {
            self.0.iter().find(|place| wanted(place)).map(|place| &place.edge)
        };
        if let Some(rest) = path.strip_prefix("/internal/") {
            let name = rest.split('/').nth(1).unwrap_or_default();
            return find(&|place| place.edge.service() == name).or(Some(first));
        }
        let owner = |place: &Behind| match path.strip_prefix("/api/") {
            Some(rest) => place.owns.contains(&noun(rest)),
            None => place.well_known.contains(&path),
        };
        find(&|place| place.door).or_else(|| find(&owner)).or(Some(first))
    }
}

/// The first segment behind an optional version.
fn noun(rest: &str) -> &str {
    let mut segments = rest.split('/');
    let first = segments.next().unwrap_or_default();
    let is_version = first
        .strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if is_version { segments.next().unwrap_or_default() } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_is_found_with_and_without_a_version() {
        assert_eq!(noun("v1/auth/login"), "auth");
        assert_eq!(noun("auth/login"), "auth");
        assert_eq!(noun("vendors"), "vendors");
    }
}
