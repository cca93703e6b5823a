//! Certificates that come by themselves (ACME, RFC 8555), by challenges over plain HTTP (HTTP-01).
//!
//! What must hold:
//! - An account and a certificate are kept in files of mode 0600 below the data folder; a restart asks for nothing.
//! - A certificate is renewed when a third of its life is left. While that fails the old one goes on, and each failure doubles the
//!   pause before the next attempt.
//! - Replicas that share the folder have one account and one certificate. One of them orders at a time; the others find what it
//!   got. A challenge is answered by any of them, because its answer is made of the account's key alone.
//! - What was issued is checked before it takes the place of what works.
//!
//! What it does not do: wildcards, which need DNS-01; and replicas with folders of their own, whose challenges would meet each
//! other's accounts.

use super::config::TlsConfig;
use super::load::{Source, pair};
use super::store::{Lock, Store};
use super::x509::Facts;
use crate::clock::{Clock, Ts};
use anyhow::{Context as _, bail, ensure};
use arc_swap::ArcSwapOption;
use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use http_body_util::Limited;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use instant_acme::{
    Account, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, Error, HttpClient, Identifier,
    NewAccount, NewOrder, OrderStatus, RetryPolicy,
};
use metrics::counter;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

const CHALLENGES: &str = "/.well-known/acme-challenge/";
/// How long one answer of the directory and one order may take, and how large an answer may be.
const ANSWER: Duration = Duration::from_secs(30);
const ORDER: Duration = Duration::from_secs(300);
const LARGEST: usize = 1024 * 1024;
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3_600);

/// Keeps a certificate.
pub(in crate::http) struct Acme {
    config: TlsConfig,
    store: Store,
    provider: Arc<CryptoProvider>,
    http: Http,
    /// Of the account's key, which answers every challenge.
    thumbprint: ArcSwapOption<String>,
}

/// When to try again, and what that became.
#[derive(Debug)]
pub(super) struct Attempts {
    not_before: Instant,
    pause: Duration,
}

impl Acme {
    /// For the domains in the settings; the folder is made when it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made, or `tls.acme_ca_file` cannot be used.
    pub(super) fn open(
        config: &TlsConfig,
        data: &Path,
        provider: &Arc<CryptoProvider>,
    ) -> anyhow::Result<Self> {
        let store = Store::open(&data.join("acme"), &config.acme_directory, &config.acme_domains)?;
        let http = Http::new(config.acme_ca_file.as_deref(), provider)?;
        Ok(Self {
            config: config.clone(),
            store,
            provider: provider.clone(),
            http,
            thumbprint: ArcSwapOption::empty(),
        })
    }

    /// Where the certificate is, with its key in the same file.
    pub(super) fn source(&self) -> Option<Source> {
        let path = self.store.certificate();
        path.exists().then(|| Source::acme(path))
    }

    /// The answer to a challenge, if this asks for one.
    pub(in crate::http) fn answer<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let token = request.uri().path().strip_prefix(CHALLENGES)?;
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if token.is_empty() || token.len() > 128 || !token.bytes().all(fine) {
            return None;
        }
        // A replica may have made the account a moment ago, and the directory may ask here first.
        let thumbprint = self.thumbprint.load_full().or_else(|| self.read_thumbprint())?;
        let mut response = Response::new(Body::from(format!("{token}.{thumbprint}")));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        Some(response)
    }

    pub(super) fn attempts(&self) -> Attempts {
        Attempts { not_before: Instant::now(), pause: self.first_pause() }
    }

    fn first_pause(&self) -> Duration {
        Duration::from_secs(self.config.acme_retry_secs)
    }

    /// Orders a certificate when it is time.
    pub(super) async fn look(&self, attempts: &mut Attempts, clock: &Clock) {
        self.read_thumbprint();
        if Instant::now() < attempts.not_before || !self.is_due(clock.now()) {
            return;
        }
        let Some(_lock) = self.lock() else { return };
        if !self.is_due(clock.now()) {
            return;
        }
        let ordered = timeout(ORDER, self.order()).await.unwrap_or_else(|late| Err(late.into()));
        let outcome = if ordered.is_ok() { "done" } else { "failed" };
        counter!("tls_acme_orders_total", "outcome" => outcome).increment(1);
        match ordered {
            Ok(()) => {
                tracing::info!(domains = self.config.acme_domains.join(","), "a certificate was issued");
            }
            Err(error) => {
                let again_secs = attempts.pause.as_secs();
                let error = format!("{error:#}");
                tracing::warn!(
                    error,
                    again_secs,
                    "no certificate was issued; that of before goes on, if there is one"
                );
            }
        }
        if !self.is_due(clock.now()) {
            attempts.pause = self.first_pause();
            return;
        }
        // Where this machine's clock is wrong, what was issued is to be renewed at once; directories count that.
        attempts.not_before = Instant::now() + attempts.pause;
        attempts.pause = (attempts.pause * 2).min(LONGEST_PAUSE);
    }

    /// What is kept of the account's key, by this process or another.
    fn read_thumbprint(&self) -> Option<Arc<String>> {
        let kept = self.store.thumbprint()?;
        if let Some(known) = self.thumbprint.load_full().filter(|known| **known == kept) {
            return Some(known);
        }
        let kept = Arc::new(kept);
        self.thumbprint.store(Some(kept.clone()));
        Some(kept)
    }

    fn lock(&self) -> Option<Lock> {
        self.store.lock().unwrap_or_else(|error| {
            tracing::warn!(%error, "the folder of certificates cannot be written");
            None
        })
    }

    /// Whether there is no certificate, or one with less than a third of its life left.
    fn is_due(&self, now: Ts) -> bool {
        let Ok(pem) = std::fs::read(self.store.certificate()) else { return true };
        let facts = CertificateDer::from_pem_slice(&pem).ok().and_then(|own| Facts::read(&own));
        facts.is_none_or(|facts| now + facts.not_after.since(facts.not_before) / 3 >= facts.not_after)
    }

    async fn order(&self) -> anyhow::Result<()> {
        let account = self.account().await.context("the account")?;
        self.store.keep_thumbprint(account.key_thumbprint())?;
        self.thumbprint.store(Some(Arc::new(account.key_thumbprint().to_owned())));
        let domains: Vec<Identifier> =
            self.config.acme_domains.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&domains)).await.context("a new order")?;
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.context("an authorization")?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                status => bail!("an authorization is {status:?}"),
            }
            let challenge = authorization.challenge(ChallengeType::Http01);
            challenge.context("the directory offers no HTTP-01")?.set_ready().await.context("a challenge")?;
        }
        let patience = RetryPolicy::new().timeout(ORDER / 2);
        let status = order.poll_ready(&patience).await.context("the order")?;
        ensure!(
            matches!(status, OrderStatus::Ready | OrderStatus::Valid),
            "the order is {status:?}: is http.port of this process what the directory reaches at port 80 of each domain?"
        );
        let key = order.finalize().await.context("the request for a certificate")?;
        let chain = order.poll_certificate(&patience).await.context("the certificate")?;
        let issued = pair(chain.as_bytes(), key.as_bytes(), &self.provider)
            .context("what was issued cannot be used")?;
        let missing = |domain: &&String| !issued.1.dns.contains(&domain.to_ascii_lowercase());
        if let Some(domain) = self.config.acme_domains.iter().find(missing) {
            bail!("what was issued is not for {domain}");
        }
        self.store.keep_certificate(&format!("{chain}\n{key}"))
    }

    /// The account of before, or a new one.
    async fn account(&self) -> anyhow::Result<Account> {
        let builder = Account::builder_with_http(Box::new(self.http.clone()));
        if let Some(known) = self.store.account() {
            return Ok(builder.from_credentials(serde_json::from_slice(&known)?).await?);
        }
        let contact = self.config.acme_contact.as_ref().map(|contact| format!("mailto:{contact}"));
        let contact: Vec<&str> = contact.as_deref().into_iter().collect();
        let wanted =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let (account, credentials) =
            builder.create(&wanted, self.config.acme_directory.clone(), None).await?;
        self.store.keep_account(&serde_json::to_string(&credentials)?)?;
        Ok(account)
    }
}

impl std::fmt::Debug for Acme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acme").field("domains", &self.config.acme_domains).finish_non_exhaustive()
    }
}

/// How the directory is asked.
#[derive(Clone)]
struct Http(Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>);

impl Http {
    /// `authorities` are believed besides those that everybody believes.
    fn new(authorities: Option<&Path>, provider: &Arc<CryptoProvider>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = authorities {
            let cannot = || format!("tls.acme_ca_file: cannot use {}", path.display());
            for authority in CertificateDer::pem_file_iter(path).with_context(cannot)? {
                roots.add(authority.with_context(cannot)?).with_context(cannot)?;
            }
        }
        let tls =
            ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector.enable_http1().build())))
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let answer = self.0.request(request);
        Box::pin(async move {
            match timeout(ANSWER, answer).await {
                Ok(Ok(answer)) => Ok(BytesResponse::from(answer.map(|body| Limited::new(body, LARGEST)))),
                Ok(Err(error)) => Err(Error::Other(error.into())),
                Err(late) => Err(Error::Other(late.into())),
            }
        })
    }
}
