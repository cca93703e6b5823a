//! One request to Vault, from wherever settings are loaded: before there is a runtime, or on a thread of one.

use super::VaultConfig;
use bytes::Bytes;
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::time::timeout;

/// The longest answer that is read. Vault's own limit for a secret is 1 MiB.
const LONGEST: usize = 2 * 1024 * 1024;

/// The fields of a secret; `None` for one that is no text.
pub(super) type Fields = BTreeMap<String, Option<SecretString>>;

/// Why there are none.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) what: String,
    /// Whether there was no answer at all.
    pub(super) silent: bool,
}

impl Failure {
    pub(super) fn answered(what: impl Into<String>) -> Self {
        Self { what: what.into(), silent: false }
    }

    fn silent(what: impl Into<String>) -> Self {
        Self { what: what.into(), silent: true }
    }
}

/// Reads one secret. It blocks for the timeout of the settings at most.
pub(super) fn ask(config: &VaultConfig, address: &str, path: &str) -> Result<Fields, Failure> {
    let request = request(config, address, path)?;
    // A thread of its own, because whoever asks may stand inside a runtime already.
    let asking = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|_| Failure::silent("there is no runtime to ask with"))?;
        let limit = config.timeout();
        let outcome = runtime.block_on(async { timeout(limit, exchange(request)).await });
        // Resolving a name cannot be broken off, and is not waited for.
        runtime.shutdown_background();
        outcome.unwrap_or_else(|_| {
            Err(Failure::silent(format!("{address} did not answer within {} ms", limit.as_millis())))
        })
    };
    let asked = std::thread::scope(|scope| scope.spawn(asking).join());
    asked.unwrap_or_else(|_| Err(Failure::silent("asking for it failed")))
}

fn request(config: &VaultConfig, address: &str, path: &str) -> Result<Request<Empty<Bytes>>, Failure> {
    let wrong = |what| move |_| Failure::answered(what);
    let url: Uri =
        format!("{address}/v1/{path}").parse().map_err(|_| Failure::answered("vault.address is wrong"))?;
    // An agent may demand this one, so that no page in a browser can ask it.
    let mut request = Request::get(url).header("x-vault-request", "true");
    if let Some(token) = &config.token {
        let token = HeaderValue::from_str(token.expose_secret().trim());
        let mut token = token.map_err(wrong("vault.token has letters that no token has"))?;
        token.set_sensitive(true);
        request = request.header("x-vault-token", token);
    }
    if let Some(namespace) = &config.namespace {
        let namespace = HeaderValue::from_str(namespace);
        request =
            request.header("x-vault-namespace", namespace.map_err(wrong("vault.namespace cannot be sent"))?);
    }
    request.body(Empty::new()).map_err(|_| Failure::answered("vault.address is wrong"))
}

async fn exchange(request: Request<Empty<Bytes>>) -> Result<Fields, Failure> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    let tls = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(aws_lc_rs::default_provider())
        .map_err(|_| Failure::silent("there is no TLS to ask with"))?
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(tls);
    let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let response = client.request(request).await.map_err(|error| {
        // What is behind an error is about connections and framing; headers that were sent are in none.
        Failure::silent(match error.is_connect() {
            true => format!("{host} cannot be reached"),
            false => format!("{host} ended the connection or did not speak HTTP"),
        })
    })?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(Failure::answered(refusal(status)));
    }
    let body = Limited::new(response.into_body(), LONGEST).collect().await;
    let body = body.map_err(|_| Failure::answered("the answer broke off or is too long"))?;
    fields(&body.to_bytes()).ok_or_else(|| Failure::answered("the answer is not one of KV version 2"))
}

fn refusal(status: u16) -> String {
    let why = match status {
        400 => "it does not understand the request: is the mount one of KV version 2?",
        403 => "it refuses the token: it is missing, has ended, or may not read this path",
        404 => "there is nothing at this path, or its latest version was deleted",
        429 | 472 | 473 => "this server does not answer reads: ask the active one",
        503 => "it is sealed or under maintenance",
        300..=399 => "it points elsewhere, which is not followed: set the address of the server itself",
        _ => "it does not do what was asked",
    };
    format!("Vault answered {status}: {why}")
}

/// `data.data` of an answer.
fn fields(body: &[u8]) -> Option<Fields> {
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    let Value::Object(fields) = answer.pointer_mut("/data/data")?.take() else { return None };
    answer.pointer("/data/metadata")?.as_object()?;
    let secret = |value| match value {
        Value::String(text) => Some(SecretString::from(text)),
        _ => None,
    };
    Some(fields.into_iter().map(|(name, value)| (name, secret(value))).collect())
}
