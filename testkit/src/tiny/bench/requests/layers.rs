//! What each layer adds to a request.

use super::asked::{Asked, Word, open};
use super::gauge;
use super::ground::{self, CLIENT};
use crate::Issuer;
use anyhow::{Context as _, ensure};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use chassis::clock::Clock;
use chassis::http::{Caller, Front};
use chassis::service::Registration;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::time::Duration;
use tower::ServiceExt as _;
use uuid::Uuid;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Ask {
    /// The router alone, without the edge around it.
    Bare,
    /// A route for anybody.
    Open,
    /// A route for somebody with a token.
    Token,
    /// A row is written for somebody with a token.
    Write,
    /// The same with an Idempotency-Key, another one each time.
    WriteOnce,
    /// The same with one Idempotency-Key each time: the answer that is kept.
    Replay,
}

/// Measures one way of asking, in this process as its settings are.
pub(super) async fn measure(
    ask: Ask,
    long: Duration,
    settings: &[(String, String)],
) -> anyhow::Result<Value> {
    if ask == Ask::Bare {
        let router = Router::new().route("/api/v1/asked/open", get(open));
        return gauge::cost(long, async || {
            let response = router.clone().oneshot(request(ask, None)?).await?;
            whole(StatusCode::OK, response).await
        })
        .await;
    }
    let issuer = Issuer::new();
    let ground = ground::lay(&[Registration::of::<Asked>(), ground::AUTH], "all", &issuer, settings).await?;
    let front = ground.assembled.front().clone();
    let token = HeaderValue::try_from(format!("Bearer {}", issuer.token(&Clock::system(), &[])))?;
    ground::ready(&front, &token).await;
    let wanted =
        if request(ask, None)?.method() == Method::POST { StatusCode::CREATED } else { StatusCode::OK };
    gauge::cost(long, async || send(&front, request(ask, Some(&token))?, wanted).await).await
}

async fn send(front: &Front, request: Request<Body>, wanted: StatusCode) -> anyhow::Result<()> {
    whole(wanted, front.handle(request, Caller::Socket(CLIENT)).await).await
}

/// Reads the answer as a connection would.
async fn whole(wanted: StatusCode, response: http::Response<Body>) -> anyhow::Result<()> {
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    ensure!(status == wanted, "{status}: {}", String::from_utf8_lossy(&body));
    Ok(())
}

fn request(ask: Ask, token: Option<&HeaderValue>) -> anyhow::Result<Request<Body>> {
    let (method, path) = match ask {
        Ask::Bare | Ask::Open => (Method::GET, "/api/v1/asked/open"),
        Ask::Token => (Method::GET, "/api/v1/asked/own"),
        Ask::Write | Ask::WriteOnce | Ask::Replay => (Method::POST, "/api/v1/asked/words"),
    };
    let body = match method {
        Method::POST => Body::from(serde_json::to_vec(&Word::new())?),
        _ => Body::empty(),
    };
    let mut request = Request::builder().method(method).uri(path).body(body)?;
    let headers = request.headers_mut();
    if let Some(token) = token.filter(|_| ask != Ask::Open) {
        headers.insert(AUTHORIZATION, token.clone());
    }
    if matches!(ask, Ask::Write | Ask::WriteOnce | Ask::Replay) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    match ask {
        Ask::WriteOnce => drop(headers.insert(IDEMPOTENCY_KEY, key(Uuid::new_v4())?)),
        Ask::Replay => drop(headers.insert(IDEMPOTENCY_KEY, key(Uuid::nil())?)),
        _ => {}
    }
    Ok(request)
}

fn key(id: Uuid) -> anyhow::Result<HeaderValue> {
    HeaderValue::try_from(id.to_string()).context("an id is a header")
}
