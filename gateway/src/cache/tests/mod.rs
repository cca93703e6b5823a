//! The cache in front of an origin that the test plays: what is kept, for whom, and for how long.

mod kept;
mod people;
mod purged;
mod renewed;
mod together;

use super::purge::Purge;
use super::{Asker, CacheRule, CacheSpec, ResponseCache};
use axum::body::Body;
use chassis::clock::{Clock, Ts};
use chassis::state::{RedisConfig, State, StateConfig};
use contract::ids::UserId;
use contract::purge::Reach;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::eventually;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;

/// What the origin says: status, headers, body.
#[derive(Clone)]
struct Says(u16, Vec<(&'static str, String)>, &'static str);

fn says(status: u16, headers: &[(&'static str, &str)], body: &'static str) -> Says {
    Says(status, headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(), body)
}

/// An origin that says one thing after the other, the last of them for ever.
#[derive(Clone)]
struct Origin {
    says: Arc<Mutex<VecDeque<Says>>>,
    heard: Arc<Mutex<Vec<(Method, HeaderMap)>>>,
    /// Whoever asks takes a permit.
    gate: Arc<Semaphore>,
}

impl Origin {
    fn new(says: impl IntoIterator<Item = Says>) -> Self {
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { says: Arc::new(Mutex::new(says.into_iter().collect())), heard: Arc::default(), gate }
    }

    fn asked(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    fn last(&self) -> HeaderMap {
        self.heard.lock().unwrap().last().unwrap().1.clone()
    }

    async fn answer(self, request: Request<Body>) -> Response<Body> {
        self.heard.lock().unwrap().push((request.method().clone(), request.headers().clone()));
        self.gate.acquire().await.unwrap().forget();
        let mut says = self.says.lock().unwrap();
        let Says(status, headers, body) =
            if says.len() > 1 { says.pop_front().unwrap() } else { says.front().unwrap().clone() };
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        response.body(Body::from(body)).unwrap()
    }
}

/// A cache and the rule of one route.
#[derive(Clone)]
struct House {
    cache: ResponseCache,
    rule: CacheRule,
    clock: Clock,
    asker: Asker,
}

/// What came of a request.
#[derive(Debug, PartialEq)]
struct Got {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Got {
    /// What the cache says that it did, without its name.
    fn told(&self) -> &str {
        let last = self.headers.get_all("cache-status").iter().next_back().unwrap();
        last.to_str().unwrap().strip_prefix("bowline; ").unwrap()
    }

    fn is_hit(&self) -> bool {
        self.told().starts_with("hit")
    }
}

fn state() -> State {
    State::open(&StateConfig::default(), &RedisConfig::default(), Clock::system()).unwrap().0
}

impl House {
    fn of(spec: &str) -> Self {
        Self::with(spec, 1 << 20, &state())
    }

    fn with(spec: &str, bytes: u64, state: &State) -> Self {
        let spec: CacheSpec = serde_json::from_str(spec).unwrap();
        assert_eq!(spec.check(), []);
        let clock = Clock::manual(Ts::from_secs(START));
        let cache = ResponseCache::new(bytes, clock.clone(), state);
        Self { cache, rule: CacheRule::new("shop", &spec), clock, asker: Asker::default() }
    }

    fn user(&self, user: UserId) -> Self {
        Self { asker: Asker { user: Some(user), is_known: true, side: None }, ..self.clone() }
    }

    async fn ask(&self, origin: &Origin, request: Request<Body>) -> Got {
        let next = {
            let origin = origin.clone();
            move |request| origin.answer(request)
        };
        let parameters = [("id", "7")];
        let answer = self.cache.through(&self.rule, self.asker, &parameters, request, next).await;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Got {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&self, origin: &Origin, headers: &[(&str, &str)]) -> Got {
        self.ask(origin, request(Method::GET, "/shop/7?a=1", headers)).await
    }

    fn wait(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }
}

fn request(method: Method, target: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::builder().method(method).uri(target).header("host", "shop.example");
    headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value))
        .body(Body::empty())
        .unwrap()
}

fn control(control: &str) -> Says {
    says(200, &[("cache-control", control)], "one")
}
