//! What the service does, a file a verb. Handlers call it; it decides with [`crate::domain`] and keeps with
//! [`crate::store`].
//!
//! Everything that changes is one transaction with its line in the audit log, its mail, its events and its
//! revocations. What a route does once for each `Idempotency-Key` is given back uncommitted, as a [`chassis::db::Tx`]: the
//! handler commits it together with its answer.

mod accounts;
mod audit_log;
mod change_password;
mod contact;
mod feed;
mod invitations;
mod key_ring;
mod links;
mod lockout;
mod login;
mod members;
mod organizations;
mod profile;
mod profiles;
mod refresh;
mod register;
mod reset_password;
mod revoke;
mod sessions;
mod start_session;
mod verify_email;
mod views;

pub use key_ring::{KeyRing, NoKey, RotatedKey, Rotation};
pub use profile::version as profile_version;
pub(crate) use register::known_of;
pub use views::PublishedKeys;
pub(crate) use views::Views;

use crate::config::AuthConfig;
use crate::domain::access_token::Issue;
use crate::domain::audit::Origin;
use crate::domain::session::Limits;
use crate::hasher::Hasher;
use crate::studio::Studio;
use chassis::clock::Clock;
use chassis::db::Db;
use chassis::events::Outbox;
use chassis::flags::Switch;
use chassis::http::RequestContext;
use chassis::identity::Verifier;
use chassis::jobs::Jobs;
use chassis::mail::Mailer;
use chassis::wake::Wake;
use links::Links;
use std::sync::Arc;
use std::time::Duration;

/// The service, shared by its handlers and its jobs.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What the service is made of.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) mailer: Mailer,
    pub(crate) outbox: Outbox,
    pub(crate) jobs: Jobs,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) hasher: Hasher,
    pub(crate) studio: Studio,
    pub(crate) keys: KeyRing,
    pub(crate) issue: Issue,
    pub(crate) limits: Limits,
    pub(crate) links: Links,
    pub(crate) refresh_grace: Duration,
    pub(crate) verify_link: Duration,
    pub(crate) reset_link: Duration,
    pub(crate) invitation: Duration,
    /// What is read often.
    pub(crate) views: Views,
    /// Wakes whoever waits for the feed.
    pub(crate) news: Wake,
    /// Whether people may make accounts for themselves.
    pub(crate) registration: Switch,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("db", &self.db).finish_non_exhaustive()
    }
}

/// What the service is given.
pub(crate) struct Means {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) mailer: Mailer,
    pub(crate) outbox: Outbox,
    pub(crate) jobs: Jobs,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) keys: KeyRing,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) public_url: String,
    pub(crate) news: Wake,
    /// Whether people may make accounts for themselves.
    pub(crate) registration: Switch,
    pub(crate) views: Views,
}

impl App {
    pub(crate) fn new(config: &AuthConfig, means: Means) -> anyhow::Result<Self> {
        let Means { db, clock, mailer, outbox, jobs, verifier, keys, .. } = means;
        let Means { issuer, audience, public_url, news, registration, views, .. } = means;
        let lifetime = Duration::from_secs(config.access_token_secs);
        Ok(Self(Arc::new(Inner {
            db,
            clock,
            mailer,
            outbox,
            jobs,
            verifier,
            hasher: Hasher::start(config.hash_threads, config.hash_queue, config.cost())?,
            studio: Studio::default(),
            keys,
            issue: Issue { issuer, audience, lifetime },
            limits: config.limits(),
            links: Links::new(config.links_url.as_deref().unwrap_or(&public_url)),
            refresh_grace: Duration::from_secs(config.refresh_grace_secs),
            verify_link: Duration::from_secs(config.verify_link_secs),
            reset_link: Duration::from_secs(config.reset_link_secs),
            invitation: Duration::from_secs(config.invitation_secs),
            news,
            registration,
            views,
        })))
    }
}

/// Who sends a request, as far as it matters to sessions and to the audit log.
#[derive(Debug, Clone)]
pub struct Client {
    /// Where it comes from.
    pub origin: Origin,
    /// What the device calls itself.
    pub user_agent: Option<String>,
}

impl Client {
    /// The client of the request in hand.
    #[must_use]
    pub fn of(context: &RequestContext) -> Self {
        let origin =
            Origin { ip: Some(context.client_ip), correlation_id: Some(context.correlation_id.to_string()) };
        Self { origin, user_agent: context.user_agent.as_deref().map(str::to_owned) }
    }

    /// The name of the device in the list of sessions.
    fn device(&self, named: Option<String>) -> String {
        let named = named.map(|name| name.trim().to_owned());
        let own = || self.user_agent.as_deref().map(printable).filter(|agent| !agent.is_empty());
        named.or_else(own).unwrap_or_else(|| "unknown device".to_owned())
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}
