//! Upstreams that are not Bowline's own services: where their instances are, which of them a request goes to, and how it
//! gets there.
//!
//! A request is given to an instance that is well (`balance`, `condition`), sent over a connection that it drives itself
//! (`line`), sent to another instance when that does no harm (`send`), and held for a moment while there is no instance
//! that could take it (`hold`). What is known of an instance outlives a change of the file of routes as long as the
//! instance stays.

mod answer;
mod balance;
mod bell;
mod condition;
mod connect;
mod exchange;
mod flight;
mod found;
mod hash;
mod hold;
mod idle;
mod inner;
mod instance;
mod line;
mod look;
mod meter;
mod send;
mod session;
mod settings;
mod spec;
mod srv;
mod tls;
mod way;
mod wellness;

pub use hash::HashBy;
pub(crate) use hash::{cookie, is_cookie_name};
pub use inner::Ready;
pub use look::{Look, LookInstance};
pub use settings::{Ejection, Health, Statuses, Sticky};
pub use spec::{Balance, InstanceSpec, UpstreamSpec, Weighted};
pub use tls::TlsSpec;

use axum::body::Body;
use chassis::peer::UpstreamError;
use chassis::stop::Stop;
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use inner::Inner;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// An upstream with its background work, which ends when this is dropped.
pub struct Upstream {
    inner: Arc<Inner>,
    _tasks: Mutex<JoinSet<()>>,
}

/// How one request is sent.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Bounds all of it: waiting, connecting, pauses, every attempt.
    pub deadline: Instant,
    /// How often it may be sent at most, the first time included.
    pub tries: u32,
    /// What a consistent hash goes by.
    pub key: Option<u64>,
    /// The value of the sticky cookie.
    pub sticky: Option<String>,
}

/// Whose request is sent, as far as that decides where.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// What is asked for.
    pub uri: &'a Uri,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The client's address.
    pub ip: IpAddr,
    /// Who is logged in.
    pub user: Option<Uuid>,
}

/// An answer.
#[derive(Debug)]
pub struct Sent {
    /// The answer as it comes.
    pub response: Response<Body>,
    /// The URL of the instance that gave it.
    pub instance: Arc<str>,
    /// The `Set-Cookie` by which the client's next request comes to the same instance.
    pub stick: Option<HeaderValue>,
}

impl Upstream {
    /// Opens an upstream and begins its background work.
    ///
    /// # Errors
    /// What is wrong with the spec.
    pub fn open(name: &str, spec: UpstreamSpec, stop: &Stop) -> anyhow::Result<Arc<Self>> {
        let inner = Inner::new(name, spec)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(inner::rounds(inner.clone(), stop.clone()));
        tasks.spawn(inner::checks(inner.clone(), stop.clone()));
        tasks.spawn(inner::readings(inner.clone(), stop.clone()));
        tasks.spawn(found::follow(inner.clone(), stop.clone()));
        Ok(Arc::new(Self { inner, _tasks: Mutex::new(tasks) }))
    }

    /// Makes another spec ready to be taken over. Nothing has changed yet.
    ///
    /// # Errors
    /// What is wrong with the spec.
    pub fn ready(&self, spec: UpstreamSpec) -> anyhow::Result<Ready> {
        self.inner.ready(spec)
    }

    /// Whether it depends on who is logged in where a request goes.
    #[must_use]
    pub fn asks_for_user(&self) -> bool {
        self.inner.settings.load().hash_by == Some(HashBy::User)
    }

    /// How a request of this client is sent: its key for a consistent hash, and the instance that its cookie names.
    #[must_use]
    pub fn ask(&self, of: &Client<'_>, deadline: Instant, tries: u32) -> Ask {
        let settings = self.inner.settings.load();
        let key = settings.hash_by.as_ref();
        let key = key.and_then(|by| by.key(of.uri, of.headers, of.ip, of.user));
        let sticky = settings.sticky.as_ref();
        let sticky = sticky.and_then(|sticky| hash::cookie(of.headers, &sticky.cookie)).map(str::to_owned);
        Ask { deadline, tries, key, sticky }
    }

    /// Sends a request and gives the answer as it comes. `hyper::upgrade::on` of an answer with 101 gives the connection.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&self, request: Request<Body>, ask: &Ask) -> Result<Sent, UpstreamError> {
        self.inner.send(request, ask).await
    }

    /// How it is now, and where a request would go and why.
    #[must_use]
    pub fn look(&self, ask: &Ask) -> Look {
        self.inner.look(ask)
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("name", &self.inner.name).finish_non_exhaustive()
    }
}
