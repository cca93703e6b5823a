//! Rate limits through the edge: one suite in the process, on Redis and on a Redis Cluster, then what only one can show.

mod away;
mod clients;
mod policies;

use crate::house::NoConfig;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use chassis::error::ApiError;
use chassis::http::{no_content, reply};
use chassis::peer::Peer;
use chassis::service::{Context, Parts, Service, Spec};
use std::net::{IpAddr, Ipv4Addr};
use testkit::{Client, FakeAuth, Issuer, Setup, TestService, engines, eventually};
use uuid::Uuid;

pub(crate) const OPEN: &str = "/api/v1/guarded";
pub(crate) const ONE: &str = "/api/v1/guarded/one";
pub(crate) const OTHER: &str = "/api/v1/guarded/other";

/// Routes of which two share the policy `auth`.
pub(crate) struct Guarded;

impl Service for Guarded {
    const SPEC: Spec = crate::house::spec("guarded", &["guarded"], &[]);
    type Config = NoConfig;

    async fn build(_: NoConfig, context: Context) -> anyhow::Result<Parts> {
        let shared = Router::new()
            .route(ONE, post(|| async { no_content() }))
            .route(OTHER, post(|| async { no_content() }))
            .layer(context.limits().policy("auth")?);
        assert!(context.limits().policy("nobody-has-set").is_err());
        Ok(Parts::new(Router::new().route(OPEN, get(|| async { reply("open") })).merge(shared)))
    }
}

/// A service that passes every request on to `guarded`, in whose name it calls.
pub(crate) struct Passing;

impl Service for Passing {
    const SPEC: Spec = Spec { door: true, ..crate::house::spec("passing", &[], &["guarded"]) };
    type Config = NoConfig;

    async fn build(_: NoConfig, context: Context) -> anyhow::Result<Parts> {
        let peer = context.peer("guarded").unwrap();
        let pass = |State(peer): State<Peer>, request| async move {
            Ok::<Response, ApiError>(peer.forward(request).await?)
        };
        let router = Router::new().route(OPEN, get(pass)).route(ONE, post(pass)).route(OTHER, post(pass));
        Ok(Parts::new(router.with_state(peer)))
    }
}

/// An engine for one test. Servers are shared and their windows last; so each test has addresses of its own.
pub(crate) struct Place {
    redis: Option<String>,
}

impl Place {
    pub(crate) fn process() -> Self {
        Self { redis: None }
    }

    pub(crate) fn redis() -> Option<Self> {
        engines::redis_url().map(|url| Self { redis: Some(url) })
    }

    pub(crate) fn cluster() -> Option<Self> {
        engines::redis_cluster_url().map(|url| Self { redis: Some(url) })
    }

    pub(crate) fn at(url: String) -> Self {
        Self { redis: Some(url) }
    }

    /// `guarded` with these settings of the section `limits`.
    pub(crate) fn setup(&self, limits: &[(&str, &str)]) -> Setup {
        self.of(Setup::of::<Guarded>(), limits)
    }

    pub(crate) fn of(&self, setup: Setup, limits: &[(&str, &str)]) -> Setup {
        let redis = self.redis.iter().map(|url| ("REDIS_URL".to_owned(), url.clone()));
        let limits = limits
            .iter()
            .map(|(name, value)| (format!("BOWLINE_LIMITS__{}", name.to_uppercase()), (*value).to_owned()));
        redis.chain(limits).fold(setup, |setup, (name, value)| setup.set(&name, value))
    }

    pub(crate) async fn start(&self, limits: &[(&str, &str)]) -> TestService {
        self.setup(limits).build().await
    }

    /// With an issuer of tokens that hold.
    pub(crate) async fn start_with_people(&self, limits: &[(&str, &str)]) -> (TestService, Issuer) {
        let issuer = Issuer::new();
        let setup = Setup::of::<Guarded>().and::<FakeAuth>().issuer(&issuer);
        let service = self.of(setup, limits).build().await;
        eventually(async || service.assembled().shared().verifier().check()).await;
        (service, issuer)
    }
}

/// An address that no other test has.
pub(crate) fn anywhere() -> IpAddr {
    let [a, b, c, ..] = *Uuid::new_v4().as_bytes();
    Ipv4Addr::new(10, a, b, c).into()
}

/// A client from such an address.
pub(crate) fn somebody(service: &TestService) -> Client {
    service.client().from_address(anywhere())
}

/// What of so many requests was let through.
pub(crate) async fn let_through(client: &Client, path: &str, requests: usize) -> usize {
    let mut through = 0;
    for _ in 0..requests {
        let answer = if path == OPEN { client.get(path).await } else { client.post(path, ()).await };
        through += usize::from(answer.status.is_success());
    }
    through
}

/// Makes three tests of each function: in the process, on Redis, on a Redis Cluster.
macro_rules! on_all_engines {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::limits::Place;

            #[tokio::test]
            async fn in_the_process() {
                super::$name(Place::process()).await;
            }

            #[tokio::test]
            async fn on_redis() {
                if let Some(place) = Place::redis() {
                    super::$name(place).await;
                }
            }

            #[tokio::test]
            async fn on_a_redis_cluster() {
                if let Some(place) = Place::cluster() {
                    super::$name(place).await;
                }
            }
        }
    )+};
}

use on_all_engines;
