//! People of identity providers that are not of the platform (OpenID Connect): their access tokens at routes of the file, and
//! logins of browsers.
//!
//! ```text
//! Authorization: Bearer -> person -> provider -> keys (kept, read again when they change)
//! /login/{name} -> the provider -> /login/{name}/callback -> session (a sealed cookie)
//! ```
//!
//! What must hold: a person of a provider is nobody of the platform's own: they open the routes that name their provider, and
//! no service takes them for a user.

mod cookie;
mod keys;
mod login;
mod person;
mod provider;
mod seal;
mod session;
mod spec;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub(crate) use cookie::remove_cookies;
pub(crate) use login::routes;
pub(crate) use person::{Person, TokenFault};
pub(crate) use provider::Provider;
pub(crate) use spec::ProviderSpec;

use crate::config::GatewayConfig;
use crate::origin::Origins;
use anyhow::Context as _;
use arc_swap::ArcSwap;
use chassis::clock::Clock;
use chassis::config::Mode;
use chassis::http::outgoing::Outgoing;
use chassis::service::Context;
use chassis::state::State;
use http::HeaderMap;
use session::Sessions;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The providers that the file names now, and the sessions of their people. Cheap to clone; clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Providers(Arc<Inner>);

/// The providers of a file, before it holds.
#[derive(Debug)]
pub(crate) struct Named(BTreeMap<String, Arc<Provider>>);

#[derive(Debug)]
pub(crate) struct Inner {
    named: ArcSwap<BTreeMap<String, Arc<Provider>>>,
    /// None in production without a secret: then no browser logs in.
    sessions: Option<Sessions>,
    http: Outgoing,
    /// Logins that came back once.
    state: State,
    origins: Origins,
    public_url: String,
    clock: Clock,
}

impl std::ops::Deref for Providers {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Providers {
    /// None yet.
    pub(crate) fn open(context: &Context, config: &GatewayConfig, origins: &Origins) -> anyhow::Result<Self> {
        let is_development = context.mode() == Mode::Development;
        let secret = match &config.session_key {
            None if !is_development => None,
            set => Some(context.secret("session_key", set.as_ref())?),
        };
        let secure = !(is_development && context.public_url().starts_with("http://"));
        let (lasts, clock) = (Duration::from_secs(config.session_secs), context.clock().clone());
        let sessions = secret.map(|secret| Sessions::new(&secret, secure, lasts, clock)).transpose()?;
        Ok(Self(Arc::new(Inner {
            named: ArcSwap::default(),
            sessions,
            http: Outgoing::new()?,
            state: context.state(),
            origins: origins.clone(),
            public_url: context.public_url().to_owned(),
            clock: context.clock().clone(),
        })))
    }

    /// Makes what the file names ready to be taken over. One that did not change stays, with its keys.
    ///
    /// # Errors
    /// When the file of a secret cannot be read.
    pub(crate) fn ready(&self, specs: &BTreeMap<String, ProviderSpec>) -> anyhow::Result<Named> {
        let before = self.named.load();
        let mut named = BTreeMap::new();
        for (name, spec) in specs {
            let secret = match (&spec.client_secret, &spec.client_secret_file) {
                (Some(secret), _) => Some(secret.0.clone()),
                (None, Some(file)) => {
                    let text = std::fs::read_to_string(file);
                    let text =
                        text.with_context(|| format!("provider {name}: {} cannot be read", file.display()))?;
                    Some(text.trim().to_owned().into())
                }
                (None, None) => None,
            };
            let provider = match before.get(name) {
                Some(known) if known.is(spec, secret.as_ref()) => known.clone(),
                _ => {
                    Arc::new(Provider::new(name, spec.clone(), secret, self.http.clone(), self.clock.clone()))
                }
            };
            named.insert(name.clone(), provider);
        }
        Ok(Named(named))
    }

    /// Takes over what was made ready.
    pub(crate) fn take_over(&self, named: Named) {
        self.named.store(Arc::new(named.0));
    }

    /// The provider of this name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Provider>> {
        self.named.load().get(name).cloned()
    }

    /// The person whose session came with a request.
    pub(crate) fn session(&self, headers: &HeaderMap, provider: &Provider) -> Option<Person> {
        self.sessions.as_ref()?.person(headers, provider)
    }
}
