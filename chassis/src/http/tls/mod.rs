//! TLS on the public listener. Certificates are read from files, or come by themselves (`acme`) and are read from there.
//!
//! What must hold:
//! - A file that is missing or wrong at the start ends the start, with an error that names the setting. Later it changes
//!   nothing: it is told once, and the certificates of before go on.
//! - Files are read again every `reload_secs`. New connections get what was read last; those that are open go on as they are.
//! - A handshake has as long as a client's first head (`http.header_timeout_ms`) and runs beside the accepting.
//! - A client's certificate is an identity only when rustls has verified it. Tickets carry that identity on: with other
//!   authorities, tickets of before are worth nothing.
//!
//! What it does not do: it asks nobody whether a certificate was revoked (OCSP, lists); short-lived certificates and a new
//! authority are the way. Tickets are this process's own: at another replica a client shakes hands in full.

mod acme;
mod client;
mod config;
mod load;
mod store;
mod x509;

pub(super) use acme::Acme;
pub use client::ClientCert;
pub use config::{ClientAuth, TlsConfig};

use crate::clock::{Clock, Ts};
use crate::config::Mode;
use crate::stop::Stop;
use arc_swap::ArcSwap;
use http::HeaderValue;
use load::{Certificates, Files, Mark};
use metrics::{counter, gauge};
use rustls::crypto::CryptoProvider;
use rustls::server::ProducesTickets;
use rustls::{ServerConfig, ServerConnection};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const DAY: i64 = 86_400;

/// Certificates and rules, which may change while connections are served.
#[derive(Debug)]
pub struct Tls {
    config: TlsConfig,
    provider: Arc<CryptoProvider>,
    acme: Option<Arc<Acme>>,
    hsts: Option<HeaderValue>,
    current: ArcSwap<Current>,
}

/// What was read last and can be used.
#[derive(Debug)]
struct Current {
    server: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
    mark: Mark,
}

impl Tls {
    /// Reads and checks everything; `None` when there is to be no TLS. What is issued by ACME is kept below `data`.
    ///
    /// # Errors
    /// When a file cannot be read or used; the message names the setting.
    pub fn open(config: &TlsConfig, mode: Mode, data: &Path) -> anyhow::Result<Option<Arc<Self>>> {
        if !config.is_on() {
            return Ok(None);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let wanted = !config.acme_domains.is_empty();
        let acme = wanted.then(|| Acme::open(config, data, &provider)).transpose()?.map(Arc::new);
        let files = Files::read(config, acme.as_ref().and_then(|acme| acme.source()))?;
        let current = build(config, &files, &provider, None)?;
        let hsts = match config.hsts(mode) {
            0 => None,
            secs => HeaderValue::try_from(format!("max-age={secs}")).ok(),
        };
        Ok(Some(Arc::new(Self {
            config: config.clone(),
            provider,
            acme,
            hsts,
            current: ArcSwap::from_pointee(current),
        })))
    }

    /// Its settings.
    pub(super) fn config(&self) -> &TlsConfig {
        &self.config
    }

    /// What answers the challenges of an ACME directory.
    pub(super) fn acme(&self) -> Option<&Arc<Acme>> {
        self.acme.as_ref()
    }

    /// What browsers are told on every answer.
    pub(super) fn hsts(&self) -> Option<&HeaderValue> {
        self.hsts.as_ref()
    }

    /// Shakes hands.
    pub(super) async fn accept<S>(&self, stream: S, patience: Duration) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(self.current.load().server.clone());
        let (outcome, shaken) = match timeout(patience, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => ("done", Ok(stream)),
            Ok(Err(error)) => ("failed", Err(error)),
            Err(_) => ("slow", Err(io::ErrorKind::TimedOut.into())),
        };
        counter!("tls_handshakes_total", "outcome" => outcome).increment(1);
        shaken
    }

    /// Who is at the other end, when they have shown a certificate.
    pub(super) fn client_of(connection: &ServerConnection) -> Option<Arc<ClientCert>> {
        ClientCert::read(connection.peer_certificates()?.first()?).map(Arc::new)
    }

    /// Reads the files again and renews what comes by itself, until the process stops, and tells when a certificate ends soon.
    ///
    /// # Errors
    /// Never: what goes wrong is told.
    pub async fn follow(self: Arc<Self>, every: Duration, clock: Clock, stop: Stop) -> anyhow::Result<()> {
        let renew = async {
            let Some(acme) = &self.acme else { return };
            let mut attempts = acme.attempts();
            loop {
                // What was issued is found by the other half, as what another replica got is.
                acme.look(&mut attempts, &clock).await;
                sleep(every).await;
            }
        };
        let renew = async {
            tokio::select! {
                () = renew => {}
                () = stop.stopping() => {}
            }
        };
        tokio::join!(renew, self.clone().look_after(every, &clock, &stop));
        Ok(())
    }

    async fn look_after(self: Arc<Self>, every: Duration, clock: &Clock, stop: &Stop) {
        let mut watch = Watch::default();
        loop {
            self.warn(clock, &mut watch);
            tokio::select! {
                () = sleep(every) => {}
                () = stop.stopping() => return,
            }
            let again = self.clone();
            // A disk, or a network behind it, may take its time.
            let reading = tokio::task::spawn_blocking(move || again.read_again());
            let read = tokio::select! {
                read = reading => read.unwrap_or_else(|error| Err(error.into())),
                () = stop.stopping() => return,
            };
            self.note(read, &mut watch);
        }
    }

    /// Takes over what stands in the files, if it is something else; says whether it was.
    fn read_again(&self) -> anyhow::Result<bool> {
        let files = Files::read(&self.config, self.acme.as_ref().and_then(|acme| acme.source()))?;
        let before = self.current.load_full();
        if files.mark() == before.mark {
            return Ok(false);
        }
        self.current.store(Arc::new(build(&self.config, &files, &self.provider, Some(&before))?));
        Ok(true)
    }

    /// Tells what came of reading again. A certificate and its key are two files, and one is written before the other: what is
    /// wrong is told when it is still so at the next look.
    fn note(&self, read: anyhow::Result<bool>, watch: &mut Watch) {
        match read {
            Ok(false) => watch.wrong = None,
            Ok(true) => {
                watch.wrong = None;
                watch.warned = None;
                counter!("tls_reloads_total", "outcome" => "done").increment(1);
                tracing::info!("certificates were changed: new connections get the new ones");
            }
            Err(error) => {
                let error = format!("{error:#}");
                let seen = watch.wrong.as_ref().is_some_and(|(last, _)| *last == error);
                let told = watch.wrong.as_ref().is_some_and(|(_, told)| *told);
                if seen && !told {
                    counter!("tls_reloads_total", "outcome" => "failed").increment(1);
                    tracing::warn!(
                        error,
                        "certificates were changed and cannot be used: those of before hold"
                    );
                }
                watch.wrong = Some((error, seen));
            }
        }
    }

    /// Sets the gauges, and warns once a day of what ends soon.
    fn warn(&self, clock: &Clock, watch: &mut Watch) {
        let now = clock.now();
        let today = now.secs().div_euclid(DAY);
        let warn = watch.warned != Some(today);
        for facts in &self.current.load().certificates.facts {
            let label = facts.label().to_owned();
            let gauge = gauge!("tls_certificate_ends_at_seconds", "certificate" => label.clone());
            gauge.set(facts.not_after.secs() as f64);
            if warn {
                self.warn_of(&label, facts.not_before, facts.not_after, now);
            }
        }
        watch.warned = Some(today);
    }

    fn warn_of(&self, certificate: &str, from: Ts, until: Ts, now: Ts) {
        let days = (until.secs() - now.secs()).div_euclid(DAY);
        if until <= now {
            tracing::error!(certificate, %until, "a certificate has ended: clients refuse it");
        } else if from > now {
            tracing::warn!(certificate, %from, "a certificate does not hold yet: clients refuse it");
        } else if days < i64::try_from(self.config.warn_days).unwrap_or(i64::MAX) {
            tracing::warn!(certificate, days, %until, "a certificate ends soon: put a new one in its place");
        }
    }
}

/// What was told already.
#[derive(Default)]
struct Watch {
    /// What is wrong, and whether that was told.
    wrong: Option<(String, bool)>,
    /// The day on which it was warned of ends.
    warned: Option<i64>,
}

fn build(
    config: &TlsConfig,
    files: &Files,
    provider: &Arc<CryptoProvider>,
    before: Option<&Current>,
) -> anyhow::Result<Current> {
    let mark = files.mark();
    let known = before.map(|before| &*before.certificates);
    let certificates = Arc::new(files.certificates(provider, known)?);
    let ticketer: Arc<dyn ProducesTickets> = match before {
        Some(before) if before.mark.authorities == mark.authorities => before.server.ticketer.clone(),
        _ => rustls::crypto::aws_lc_rs::Ticketer::new()?,
    };
    let verifier = files.verifier(config, provider)?;
    let server = load::server(certificates.clone(), verifier, provider.clone(), ticketer)?;
    Ok(Current { server: Arc::new(server), certificates, mark })
}
