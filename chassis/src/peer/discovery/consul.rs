//! What Consul knows to be healthy, asked by blocking queries: the agent answers when something has changed.

use super::{Base, Source};
use crate::peer::address::Catalogue;
use crate::peer::pool;
use ::http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use anyhow::{Context, bail};
use axum::body::Body;
use http_body_util::{BodyExt, Limited};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Between an answer and the next question: what changes without end is not asked for without end.
const PAUSE: Duration = Duration::from_millis(200);
/// What an agent may take beyond the time that it was told to wait.
const GRACE: Duration = Duration::from_secs(5);
/// The largest answer that is read.
const LIMIT: usize = 4 * 1024 * 1024;

const TOKEN: HeaderName = HeaderName::from_static("x-consul-token");
const INDEX: HeaderName = HeaderName::from_static("x-consul-index");

/// The state of following one service.
#[derive(Debug)]
pub struct ByConsul<'a> {
    catalogue: &'a Catalogue,
    token: Option<&'a SecretString>,
    wait: Duration,
    /// What was seen last; 0 asks for an answer at once.
    index: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    node: Node,
    service: Service,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    address: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Service {
    /// Empty when it is that of the node.
    #[serde(default)]
    address: String,
    port: u16,
}

impl<'a> ByConsul<'a> {
    /// `token` is what the agent's API wants to see; a question waits `wait` for news.
    #[must_use]
    pub fn new(catalogue: &'a Catalogue, token: Option<&'a SecretString>, wait: Duration) -> Self {
        Self { catalogue, token, wait, index: 0 }
    }

    async fn question(&self) -> anyhow::Result<(u64, Vec<Base>)> {
        // Agents add up to a sixteenth to the wait, so that not all answers fall into one moment.
        let deadline = Instant::now() + self.wait + self.wait / 16 + GRACE;
        let (head, body) = pool::send(self.request()?, deadline, pool::CONNECT_TIMEOUT).await?.into_parts();
        if !head.status.is_success() {
            bail!("Consul answers {}", head.status);
        }
        let body = timeout_at(deadline, Limited::new(body, LIMIT).collect()).await;
        let body = body.context("its answer does not end")?.map_err(|error| anyhow::anyhow!(error))?;
        let entries: Vec<Entry> =
            serde_json::from_slice(&body.to_bytes()).context("it is not Consul's API")?;
        let bases = entries.iter().map(|entry| self.base(entry)).collect::<anyhow::Result<_>>()?;
        Ok((index(&head.headers), bases))
    }

    fn request(&self) -> anyhow::Result<Request<Body>> {
        let Self { catalogue, token, wait, index } = self;
        let path = format!("{}&index={index}&wait={}s", catalogue.question, wait.as_secs());
        let uri = catalogue.agent.join(&path.parse::<Uri>()?)?;
        let mut request = Request::get(uri).body(Body::empty())?;
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.expose_secret())?;
            value.set_sensitive(true);
            request.headers_mut().insert(TOKEN, value);
        }
        Ok(request)
    }

    fn base(&self, entry: &Entry) -> anyhow::Result<Base> {
        let Entry { node, service } = entry;
        let host = if service.address.is_empty() { &node.address } else { &service.address };
        let scheme = self.catalogue.scheme;
        let url = match host.contains(':') {
            true => format!("{scheme}://[{host}]:{}", service.port),
            false => format!("{scheme}://{host}:{}", service.port),
        };
        Base::parse(&url)
    }
}

impl Source for ByConsul<'_> {
    type Found = Base;

    fn pause(&self) -> Duration {
        PAUSE
    }

    /// The instances, as soon as they are others than before.
    async fn ask(&mut self) -> anyhow::Result<Vec<Base>> {
        let asked = self.question().await;
        // An index that goes back belongs to another history, of a restored or new server.
        let known = |(index, _): &(u64, _)| if *index < self.index { 0 } else { *index };
        self.index = asked.as_ref().map_or(0, known);
        asked.map(|(_, bases)| bases)
    }
}

/// An index is above 0: with 0 the next question would not wait.
fn index(headers: &HeaderMap) -> u64 {
    let index = headers.get(INDEX).and_then(|value| value.to_str().ok()?.parse().ok());
    index.unwrap_or(0).max(1)
}
