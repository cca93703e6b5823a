//! Upstreams that are not Bowline's own, against servers on loopback that do what a test says.

mod discovery;
mod door;
mod lines;
mod places;
mod retries;
mod secured;
mod swaps;
mod wellness;

use axum::body::Body;
use chassis::peer::UpstreamError;
use chassis::stop::{self, Stopper};
use gateway::upstream::{Ask, Sent, Upstream, UpstreamSpec};
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An upstream and what would stop it.
pub(crate) struct House {
    pub(crate) upstream: Arc<Upstream>,
    _stopper: Stopper,
}

pub(crate) fn spec(settings: Value) -> UpstreamSpec {
    serde_json::from_value(settings).unwrap()
}

/// An upstream with these instances and settings.
pub(crate) fn house(urls: &[String], more: Value) -> House {
    let mut settings = json!({ "instances": urls });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    open(settings)
}

pub(crate) fn open(settings: Value) -> House {
    let (stopper, stop) = stop::channel();
    House { upstream: Upstream::open("things", spec(settings), &stop).unwrap(), _stopper: stopper }
}

pub(crate) fn ask() -> Ask {
    Ask { deadline: Instant::now() + Duration::from_secs(10), tries: 3, key: None, sticky: None }
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).body(body.into()).unwrap()
}

impl House {
    /// Has the upstream take over other settings.
    pub(crate) fn change(&self, settings: Value) {
        self.upstream.ready(spec(settings)).unwrap().take_over();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Sent, UpstreamError> {
        self.upstream.send(request, &ask()).await
    }

    /// Asks for this and reads the answer.
    pub(crate) async fn read(&self, request: Request<Body>) -> Result<String, String> {
        let sent = self.send(request).await.map_err(|error| error.to_string())?;
        whole(sent).await
    }

    /// How many of so many requests each instance answered, by what it said.
    pub(crate) async fn spread(&self, requests: usize) -> BTreeMap<String, usize> {
        let mut spread = BTreeMap::new();
        for _ in 0..requests {
            *spread.entry(self.read(get("/")).await.unwrap()).or_default() += 1;
        }
        spread
    }
}

/// The body of an answer.
pub(crate) async fn whole(sent: Sent) -> Result<String, String> {
    let body = sent.response.into_body().collect().await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

/// What an instance answers that says its name.
pub(crate) fn says(name: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len())
}
