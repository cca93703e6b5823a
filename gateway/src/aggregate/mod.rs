//! An answer put together from what several services and upstreams say, as the file of routes says.
//!
//! What must hold: all parts are asked at once, under the identity of who asks, each with a deadline of its own; a part that does
//! not come is named with its reason and the answer comes without it, unless it is required: then there is no answer but what
//! became of that part, and nobody waits for the others. How much is read is bounded. What is put together is what the parts said:
//! it is looked through, not written anew.
//!
//! What it does not do: no part depends on another's answer, and nothing is changed: only `GET` is answered.

mod spec;
#[cfg(test)]
mod tests;

pub(crate) use spec::{AggregateSpec, PartSpec};

use crate::cache::body::{self, Read};
use crate::table::{Pattern, Template};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chassis::error::{ApiError, ApiResult};
use contract::ErrorCode;
use contract::bff::WhyMissing;
use contract::error::ErrorKind;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, UPGRADE,
};
use http::{Method, Request, StatusCode};
use metrics::counter;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::timeout;

/// When to ask again for an answer whose required part nobody can tell about.
const AGAIN: Duration = Duration::from_secs(1);

/// Headers of a client that say nothing about a part of its answer.
const OF_THE_WHOLE: [HeaderName; 9] = [
    ACCEPT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
];

/// A live rule to put answers together.
#[derive(Debug)]
pub(crate) struct Aggregate {
    route: Box<str>,
    parts: Box<[Part]>,
}

#[derive(Debug)]
struct Part {
    name: Box<str>,
    path: Template,
    query: Option<Template>,
    required: bool,
    patience: Duration,
    pick: Box<[Box<str>]>,
    max_body: usize,
}

/// What became of a part.
enum Outcome {
    Here(Box<RawValue>),
    /// Its service says that there is no such thing.
    Nothing,
    Missing(WhyMissing),
}

/// Why there is no answer at all.
enum Ended {
    /// What a required part said to the client.
    Said(Box<Response>),
    Missing(WhyMissing),
}

#[derive(Serialize)]
struct Missing<'a> {
    part: &'a str,
    why: WhyMissing,
}

impl Aggregate {
    /// The rule of a route whose specification was checked.
    ///
    /// # Errors
    /// What is wrong with a path.
    pub(crate) fn new(route: &str, spec: &AggregateSpec, pattern: &Pattern) -> anyhow::Result<Self> {
        let template =
            |text: &str| Template::parse(text, pattern).map_err(|what| anyhow::anyhow!("{text}: {what}"));
        let part = |part: &PartSpec| {
            let (path, query) =
                part.path.split_once('?').map_or((&*part.path, None), |(path, query)| (path, Some(query)));
            let usual = if part.service.is_some() { "data" } else { "" };
            let pick = part.pick.as_deref().unwrap_or(usual).split('.').filter(|name| !name.is_empty());
            Ok(Part {
                name: part.name.as_str().into(),
                path: template(path)?,
                query: query.map(template).transpose()?,
                required: part.required,
                patience: Duration::from_millis(part.timeout_ms),
                pick: pick.map(Into::into).collect(),
                max_body: part.max_body,
            })
        };
        Ok(Self { route: route.into(), parts: spec.parts.iter().map(part).collect::<anyhow::Result<_>>()? })
    }

    /// Puts an answer to a request together. `ask` sends a request to the part in this place; what it says of a service that is not
    /// installed is `None`.
    pub(crate) async fn answer<F, Fut>(
        &self,
        captures: &[(&str, &str)],
        method: &Method,
        headers: &HeaderMap,
        ask: F,
    ) -> Response
    where
        F: Fn(usize, Request<Body>) -> Fut,
        Fut: Future<Output = Option<ApiResult<Response>>>,
    {
        if method != Method::GET {
            let refusal = ApiError::new(ErrorCode::MethodNotAllowed, "The route does not know this method.");
            return refusal.header(ALLOW, HeaderValue::from_static("GET")).into_response();
        }
        let mut coming: FuturesUnordered<_> = self
            .parts
            .iter()
            .enumerate()
            .map(|(at, part)| {
                let asked = part.request(captures, headers).map(|request| ask(at, request));
                async move { (at, part.become_of(asked).await) }
            })
            .collect();
        let mut outcomes: Vec<Option<Outcome>> = self.parts.iter().map(|_| None).collect();
        while let Some((at, became)) = coming.next().await {
            let outcome = match became {
                Ok(outcome) => outcome,
                Err(ended) => return self.ended(at, ended),
            };
            if let Some(place) = outcomes.get_mut(at) {
                *place = Some(outcome);
            }
        }
        self.together(&outcomes)
    }

    fn count(&self, part: &Part, outcome: &'static str) {
        let (route, part) = (self.route.to_string(), part.name.to_string());
        counter!("gateway_aggregate_parts_total", "route" => route, "part" => part, "outcome" => outcome)
            .increment(1);
    }

    fn ended(&self, at: usize, ended: Ended) -> Response {
        let part = self.parts.get(at);
        part.iter().for_each(|part| self.count(part, "missing"));
        let name = part.map_or("", |part| &part.name);
        match ended {
            Ended::Said(response) => *response,
            Ended::Missing(WhyMissing::TooSlow) => {
                ApiError::new(ErrorCode::DeadlineExceeded, format!("The part `{name}` did not come in time."))
                    .into_response()
            }
            Ended::Missing(why) => {
                let cause = anyhow::anyhow!("the required part {name} is missing: {}", why.as_str());
                ApiError::unavailable(cause, AGAIN).into_response()
            }
        }
    }

    fn together(&self, outcomes: &[Option<Outcome>]) -> Response {
        let mut missing = Vec::new();
        for (part, outcome) in self.parts.iter().zip(outcomes) {
            let told = match outcome {
                Some(Outcome::Here(_)) => "fresh",
                Some(Outcome::Nothing) => "nothing",
                Some(Outcome::Missing(why)) => {
                    missing.push(Missing { part: &part.name, why: *why });
                    "missing"
                }
                None => "missing",
            };
            self.count(part, told);
        }
        let whole = Whole { success: true, data: Data(&self.parts, outcomes), missing: &missing };
        let Ok(json) = serde_json::to_vec(&whole) else {
            return ApiError::internal(anyhow::anyhow!("an answer cannot be written")).into_response();
        };
        let mut response = Response::new(Body::from(json));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if !missing.is_empty() {
            // The next one may have all of it.
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
        response
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    success: bool,
    data: Data<'a>,
    missing: &'a [Missing<'a>],
}

struct Data<'a>(&'a [Part], &'a [Option<Outcome>]);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (part, outcome) in self.0.iter().zip(self.1) {
            match outcome {
                Some(Outcome::Here(value)) => map.serialize_entry(&*part.name, value)?,
                Some(Outcome::Nothing) => map.serialize_entry(&*part.name, &())?,
                Some(Outcome::Missing(_)) | None => {}
            }
        }
        map.end()
    }
}

impl Part {
    /// What the part is asked, as who asks. `None` when its path cannot be one.
    fn request(&self, captures: &[(&str, &str)], headers: &HeaderMap) -> Option<Request<Body>> {
        let mut target = self.path.fill(captures);
        if let Some(query) = &self.query {
            // What a client put into the path is a value here, and nothing else.
            let values: Vec<_> = captures.iter().map(|(name, value)| (*name, as_value(value))).collect();
            let values: Vec<_> = values.iter().map(|(name, value)| (*name, &**value)).collect();
            target.push('?');
            target.push_str(&query.fill(&values));
        }
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = target.parse().ok()?;
        *request.headers_mut() = headers.clone();
        let headers = request.headers_mut();
        for name in OF_THE_WHOLE.iter().chain([&UPGRADE]) {
            headers.remove(name);
        }
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Some(request)
    }

    async fn become_of<Fut>(&self, asked: Option<Fut>) -> Result<Outcome, Ended>
    where
        Fut: Future<Output = Option<ApiResult<Response>>>,
    {
        let Some(asked) = asked else { return self.missing(WhyMissing::Failed) };
        let read = async {
            let response = match asked.await {
                Some(Ok(response)) => response,
                Some(Err(error)) => return self.missing(why(error.code().kind())),
                None => return self.missing(WhyMissing::NotInstalled),
            };
            match response.status() {
                StatusCode::OK => self.read(response.into_body()).await,
                status if status.is_client_error() && self.required => Err(Ended::Said(Box::new(response))),
                StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Outcome::Nothing),
                StatusCode::GATEWAY_TIMEOUT => self.missing(WhyMissing::TooSlow),
                status if status.is_server_error() && status != StatusCode::INTERNAL_SERVER_ERROR => {
                    self.missing(WhyMissing::Unavailable)
                }
                _ => self.missing(WhyMissing::Failed),
            }
        };
        timeout(self.patience, read).await.unwrap_or_else(|_| self.missing(WhyMissing::TooSlow))
    }

    async fn read(&self, body: Body) -> Result<Outcome, Ended> {
        let Read::Whole(bytes) = body::read(body, self.max_body).await else {
            return self.missing(WhyMissing::Failed);
        };
        let picked =
            serde_json::from_slice::<&RawValue>(&bytes).ok().and_then(|whole| pick(whole, &self.pick));
        match picked {
            Some(value) => Ok(Outcome::Here(value)),
            None => self.missing(WhyMissing::Failed),
        }
    }

    fn missing(&self, why: WhyMissing) -> Result<Outcome, Ended> {
        if self.required { Err(Ended::Missing(why)) } else { Ok(Outcome::Missing(why)) }
    }
}

/// A piece of a path as the value of a parameter of a query; what is escaped stays so.
fn as_value(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '=', '+', '#', ';', '?']) {
        return Cow::Borrowed(text);
    }
    let mut value = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => value.push_str("%26"),
            '=' => value.push_str("%3D"),
            '+' => value.push_str("%2B"),
            '#' => value.push_str("%23"),
            ';' => value.push_str("%3B"),
            '?' => value.push_str("%3F"),
            c => value.push(c),
        }
    }
    Cow::Owned(value)
}

/// The member of a member of ... an object.
fn pick(whole: &RawValue, names: &[Box<str>]) -> Option<Box<RawValue>> {
    let mut place = whole;
    for name in names {
        let members: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(place.get()).ok()?;
        place = members.get(&**name)?;
    }
    Some(place.to_owned())
}

fn why(kind: ErrorKind) -> WhyMissing {
    match kind {
        ErrorKind::Timeout => WhyMissing::TooSlow,
        ErrorKind::Unavailable | ErrorKind::BadUpstream => WhyMissing::Unavailable,
        _ => WhyMissing::Failed,
    }
}
