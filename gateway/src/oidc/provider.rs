//! One provider: what it offers and its keys, read when they are needed and kept.
//!
//! What must hold: whatever is sent here, the provider is asked at most once in [`AGAIN`], by a task of its own: who goes away
//! while it answers takes the answer from nobody. While it is away, the keys that are known go on; and what it says is believed
//! only about itself (its issuer is compared, its URLs are safe ones).

use super::keys::{self, Key};
use super::person::Person;
use super::spec::{ProviderSpec, is_safe};
use anyhow::{Context as _, bail, ensure};
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use chassis::clock::{Clock, Ts};
use chassis::http::InHand;
use chassis::http::outgoing::Outgoing;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use jsonwebtoken::Algorithm;
use metrics::counter;
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// Between two times that a provider is asked for its keys, however many tokens name unknown ones.
const AGAIN: Duration = Duration::from_secs(30);
/// The same while nothing is known of it at all.
const AGAIN_UNKNOWN: Duration = Duration::from_secs(2);
/// After this time its keys are read again by themselves.
const FRESH: Duration = Duration::from_secs(3_600);
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer at most.
const LONGEST: usize = 512 * 1_024;
/// Tokens that verified and are remembered until they end.
const REMEMBERED: u64 = 10_000;

/// A provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(super) name: Arc<str>,
    pub(super) spec: ProviderSpec,
    pub(super) terms: String,
    pub(super) secret: Option<SecretString>,
    pub(super) clock: Clock,
    http: Outgoing,
    known: ArcSwapOption<Known>,
    /// When it was asked last, in microseconds.
    asked: AtomicI64,
    asking: Arc<Mutex<()>>,
    tasks: TaskTracker,
}

/// What is known of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) authorization: String,
    pub(super) token: String,
    /// Whether the client proves itself in a header, and not in the form.
    pub(super) basic: bool,
    pub(super) keys: Vec<Key>,
    /// Whose tokens verified with these keys, by the hash of each.
    pub(super) verified: Cache<[u8; 32], Arc<Person>>,
    read: Ts,
}

#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Provider {
    pub(super) fn new(
        name: &str,
        spec: ProviderSpec,
        secret: Option<SecretString>,
        http: Outgoing,
        clock: Clock,
    ) -> Self {
        Self {
            name: name.into(),
            terms: spec.terms(),
            spec,
            secret,
            clock,
            http,
            known: ArcSwapOption::empty(),
            asked: AtomicI64::new(i64::MIN),
            asking: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Whether a spec that was read anew is this one.
    pub(super) fn is(&self, spec: &ProviderSpec, secret: Option<&SecretString>) -> bool {
        let text = |secret: Option<&SecretString>| secret.map(|secret| secret.expose_secret().to_owned());
        self.spec == *spec && text(self.secret.as_ref()) == text(secret)
    }

    /// What is known of it, asked for when nothing is.
    ///
    /// # Errors
    /// When nothing is known and it does not answer.
    pub(super) async fn known(self: &Arc<Self>) -> anyhow::Result<Arc<Known>> {
        match self.held() {
            Some(known) => Ok(known),
            None => self.ask(AGAIN_UNKNOWN).await,
        }
    }

    /// What is known of it, if anything. When that is old it is asked again, and nobody waits for that.
    pub(super) fn held(self: &Arc<Self>) -> Option<Arc<Known>> {
        let known = self.known.load_full()?;
        if self.clock.now().since(known.read) >= FRESH
            && let Ok(turn) = self.asking.clone().try_lock_owned()
        {
            drop(self.begin(turn, AGAIN));
        }
        Some(known)
    }

    /// Whether it has such a key, after another look when it is not known.
    pub(super) async fn with_key(
        self: &Arc<Self>,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> anyhow::Result<Option<Arc<Known>>> {
        let has = |known: &Arc<Known>| keys::find(&known.keys, kid, algorithm).is_some();
        let known = self.known().await?;
        if has(&known) {
            return Ok(Some(known));
        }
        // Keys are rotated: a new one may have come since. Who names any key makes nobody ask more often.
        Ok(self.ask(AGAIN).await.ok().filter(has))
    }

    /// Asks it, unless it was asked a moment ago; then what is known since is given.
    async fn ask(self: &Arc<Self>, again: Duration) -> anyhow::Result<Arc<Known>> {
        let turn = self.asking.clone().lock_owned().await;
        match self.begin(turn, again) {
            Some(answer) => answer.await?,
            None => self.known.load_full().context("the provider did not answer a moment ago"),
        }
    }

    /// Has it asked by whose turn it is, unless it was asked a moment ago.
    fn begin(
        self: &Arc<Self>,
        turn: OwnedMutexGuard<()>,
        again: Duration,
    ) -> Option<JoinHandle<anyhow::Result<Arc<Known>>>> {
        let (now, asked) = (self.clock.now(), self.asked.load(Ordering::Relaxed));
        if asked != i64::MIN && now.since(Ts::from_micros(asked)) < again {
            return None;
        }
        self.asked.store(now.micros(), Ordering::Relaxed);
        let provider = Arc::clone(self);
        let work = async move {
            let _turn = turn;
            provider.renew(now).await
        };
        Some(self.tasks.spawn(InHand::behind().go_on(work)))
    }

    /// Asks it, and goes by what it says.
    async fn renew(&self, now: Ts) -> anyhow::Result<Arc<Known>> {
        let answer = timeout(PATIENCE, self.fetch(now)).await.unwrap_or_else(|_| bail!("no answer in time"));
        // Those who waited for this one do not wait each for another that is as slow.
        self.asked.store(self.clock.now().micros(), Ordering::Relaxed);
        let outcome = if answer.is_ok() { "answered" } else { "failed" };
        counter!("gateway_provider_requests_total", "outcome" => outcome).increment(1);
        let mut known = match answer {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(
                    provider = &*self.name,
                    error = format!("{error:#}"),
                    "an identity provider does not say its keys"
                );
                return Err(error);
            }
        };
        let is_there = |key: &Key| known.keys.iter().any(|one| one.is(key));
        // What a key that is gone has signed must not be remembered as good, nor be so by who verifies it just now.
        if let Some(before) = self.known.load_full().filter(|before| before.keys.iter().all(is_there)) {
            known.verified = before.verified.clone();
        }
        let known = Arc::new(known);
        self.known.store(Some(Arc::clone(&known)));
        Ok(known)
    }

    async fn fetch(&self, now: Ts) -> anyhow::Result<Known> {
        let issuer = &self.spec.issuer;
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let offered: Discovery =
            serde_json::from_value(self.get(&place).await?).context("its description")?;
        ensure!(offered.issuer == *issuer, "it says that it is another issuer");
        for url in [&offered.authorization_endpoint, &offered.token_endpoint, &offered.jwks_uri] {
            ensure!(is_safe(url), "it names a URL that is not https");
        }
        let keys = keys::read(&self.get(&offered.jwks_uri).await?);
        ensure!(!keys.is_empty(), "it has no key for RS256, ES256 or EdDSA");
        // Where nothing is said it is the header (OpenID Connect Discovery, section 3).
        let methods = offered.token_endpoint_auth_methods_supported;
        let basic = methods.is_none_or(|methods| methods.iter().any(|one| one == "client_secret_basic"));
        let (authorization, token) = (offered.authorization_endpoint, offered.token_endpoint);
        Ok(Known { authorization, token, basic, keys, verified: Cache::new(REMEMBERED), read: now })
    }

    async fn get(&self, url: &str) -> anyhow::Result<Value> {
        let request = Request::get(url).header(ACCEPT, "application/json").body(Full::default())?;
        said(&self.http.exchange(request, LONGEST).await?)
    }

    /// Sends a form, and gives the answer.
    ///
    /// # Errors
    /// When there is none: not in time, not whole, or that it cannot answer now.
    pub(super) async fn post(
        &self,
        url: &str,
        form: String,
        authorization: Option<HeaderValue>,
    ) -> anyhow::Result<Response<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::from(form)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.parse()?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        let answer =
            timeout(PATIENCE, self.http.exchange(request, LONGEST)).await.context("no answer in time")??;
        ensure!(!answer.status().is_server_error(), "status {}", answer.status());
        Ok(answer)
    }
}

/// What stands in the answer of a success.
pub(super) fn said(answer: &Response<Bytes>) -> anyhow::Result<Value> {
    ensure!(answer.status() == StatusCode::OK, "status {}", answer.status());
    serde_json::from_slice(answer.body()).context("not JSON")
}
