//! A client of a running platform, for commands that use it as people do.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

type Http = hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>;

/// How long an answer is waited for: longer than the platform itself waits for anything.
const PATIENCE: Duration = Duration::from_secs(40);

/// Somebody who asks the platform. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    base: String,
    http: Http,
    token: Option<String>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The whole body; null when there is none.
    pub(crate) body: Value,
}

impl Answer {
    /// The `data` of an answer.
    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// The code of an error, else empty.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// How long the platform wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
        value.parse().ok().map(Duration::from_secs)
    }
}

impl Client {
    /// Nobody yet, at a platform like `http://127.0.0.1:8080`.
    pub(crate) fn new(base: impl Into<String>) -> Self {
        let base = base.into().trim_end_matches('/').to_owned();
        Self {
            base,
            http: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http(),
            token: None,
        }
    }

    /// Where the platform is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The same as who has this access token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Sends a request once. An error means that nobody knows whether it took effect.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header(http::header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let bytes = match body {
            Some(body) => {
                request = request.header(http::header::CONTENT_TYPE, "application/json");
                serde_json::to_vec(body)?
            }
            None => Vec::new(),
        };
        let request = request.body(Full::new(Bytes::from(bytes)))?;
        let answer = async {
            let (head, body) = self.http.request(request).await?.into_parts();
            let bytes = body.collect().await?.to_bytes();
            let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? };
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        timeout(PATIENCE, answer).await.context("no answer in time")?
    }

    /// `GET` of a page that is no JSON.
    pub(crate) async fn text(&self, path: &str) -> Result<String> {
        let request = Request::get(format!("{}{path}", self.base)).body(Full::default())?;
        let page =
            async { anyhow::Ok(self.http.request(request).await?.into_body().collect().await?.to_bytes()) };
        let page = timeout(PATIENCE, page).await.context("no answer in time")??;
        Ok(String::from_utf8_lossy(&page).into_owned())
    }

    /// `GET`, which must succeed: its `data`.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.must(Method::GET, path, None).await
    }

    /// `POST`, which must succeed: its `data`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.must(Method::POST, path, Some(body)).await
    }

    async fn must(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut answer = self.ask(method.clone(), path, body, None).await?;
        if !answer.status.is_success() {
            bail!("{method} {path}: {} {}", answer.status, answer.body["error"]);
        }
        Ok(answer.body["data"].take())
    }
}
