//! The header `Bowline-Explain`: an administrator who sends it with a request is told in the answer's header of that name why
//! it went where it went. From anybody else it is not heard, and nothing behind the door sees it.

use crate::door::Table;
use crate::explain::{Verdicts, by_plan};
use crate::route::Route;
use axum::body::Body;
use axum::response::Response;
use chassis::http::{Attending, Cors, RequestContext, Way};
use chassis::service::Spec;
use contract::gateway::Explanation;
use contract::identity::Permission;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use std::sync::Arc;
use std::time::Duration;

/// Asks for an explanation, and carries it.
const BOWLINE_EXPLAIN: HeaderName = HeaderName::from_static("bowline-explain");
/// What proxies in between take for a header at most, with room for others.
const LONGEST: usize = 4_000;

/// Whether a request asks to be explained.
pub(crate) fn wanted(headers: &HeaderMap) -> bool {
    headers.contains_key(&BOWLINE_EXPLAIN)
}

/// Takes that out of a request; whether it is heard.
pub(crate) fn is_heard(headers: &mut HeaderMap, cx: &RequestContext) -> bool {
    headers.remove(&BOWLINE_EXPLAIN).is_some()
        && cx.principal().is_some_and(|principal| principal.may(Permission::ManageGateway))
}

/// Puts an explanation on an answer: as many verdicts as a header holds.
pub(crate) fn tell(mut explanation: Explanation, response: &mut Response) {
    loop {
        let Ok(text) = serde_json::to_vec(&explanation) else { return };
        if text.len() <= LONGEST {
            if let Ok(value) = HeaderValue::from_bytes(&text) {
                response.headers_mut().insert(BOWLINE_EXPLAIN, value);
            }
            return;
        }
        if explanation.layers.pop().is_none() {
            return;
        }
    }
}

/// A route for one request that asks to be explained.
#[derive(Debug)]
pub(crate) struct Explained {
    table: Arc<Table>,
    route: Arc<Route>,
}

impl Explained {
    pub(crate) fn new(table: Arc<Table>, route: Arc<Route>) -> Self {
        Self { table, route }
    }
}

/// What would become of a request by the routes of this moment. The request is looked at as one of the request in hand.
pub(crate) async fn live(
    table: &Table,
    services: &[&Spec],
    cx: &RequestContext,
    request: &mut Request<Body>,
) -> Explanation {
    let (mut explanation, place) = by_plan(&table.plan, services, request);
    if let Some(place) = place
        && let Some(route) = table.routes.get(place)
    {
        let mut verdicts = Verdicts::new(&table.plan, place);
        route.explain(&mut verdicts, cx, request).await;
        explanation.layers.extend(verdicts.end());
    }
    explanation
}

impl Way for Explained {
    fn label(&self) -> &Arc<str> {
        self.route.label()
    }

    fn timeout(&self) -> Option<Duration> {
        self.route.timeout()
    }

    fn body_limit(&self) -> Option<usize> {
        self.route.body_limit()
    }

    fn cors(&self) -> Option<&Cors> {
        self.route.cors()
    }

    fn compresses(&self) -> bool {
        self.route.compresses()
    }

    fn attend(self: Arc<Self>, mut request: Request<Body>, cx: Arc<RequestContext>) -> Attending {
        Box::pin(async move {
            let heard = is_heard(request.headers_mut(), &cx);
            let explanation = match heard {
                true => Some(live(&self.table, &[], &cx, &mut request).await),
                false => None,
            };
            let mut response = self.route.clone().attend(request, cx).await;
            if let Some(explanation) = explanation {
                tell(explanation, &mut response);
            }
            response
        })
    }
}
