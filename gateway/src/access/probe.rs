//! A service with one route, guarded by the rule that a test sets: the live path, from the edge to what an upstream is told.

use super::{Access, AccessSpec, Guards, Toward};
use crate::config::GatewayConfig;
use crate::headers;
use crate::keys::{self, Keys};
use crate::oidc::{self, ProviderSpec, Providers};
use crate::origin::Origins;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::error::ApiResult;
use chassis::http::{Cx, reply};
use chassis::service::{Context, Parts, Service, Spec};
use http::Request;
use http::header::HeaderMap;
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::{Engine, FakeAuth, Issuer, Setup, TestService, eventually};

pub(crate) const KEY: &str = "a-service-key-for-tests-that-is-long-enough";

settings! {
    /// The probe.
    pub(crate) struct ProbeConfig {
        /// The rule, as TOML.
        access: String = String::new();
        /// The identity provider that the rule may name, as TOML.
        provider: String = String::new();
        /// Whether the route's target is a service of the platform.
        to_bowline: bool = false;
    }
}

impl Validate for ProbeConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

pub(crate) struct Probe;

struct Route {
    access: Access,
    guards: Guards,
    toward: Toward,
}

impl Service for Probe {
    const SPEC: Spec = Spec {
        name: "probe",
        about: "Shows what a rule lets in",
        owns: &["probe", "gateway"],
        well_known: &[],
        door: false,
        needs: &[],
        database: Some(crate::MIGRATIONS),
        events: &[],
        openapi: || chassis::openapi::document("Probe", "Under test."),
    };

    type Config = ProbeConfig;

    async fn build(config: ProbeConfig, context: Context) -> anyhow::Result<Parts> {
        let spec: AccessSpec = toml::from_str(&config.access)?;
        anyhow::ensure!(spec.check().is_empty(), "{:?}", spec.check());
        let origins = Origins::new(&context.http().allowed_origins, context.public_url());
        let keys = Keys::open(&context, &GatewayConfig::default()).await?;
        let (managing, _) = keys::routes().with_state(keys.clone()).split_for_parts();
        let gateway = GatewayConfig::default();
        let providers = Providers::open(&context, &gateway, &origins)?;
        if !config.provider.is_empty() {
            let spec: ProviderSpec = toml::from_str(&config.provider)?;
            anyhow::ensure!(spec.check().is_empty(), "{:?}", spec.check());
            providers.take_over(providers.ready(&[("fake".to_owned(), spec)].into())?);
        }
        let (logins, _) = oidc::routes().with_state(providers.clone()).split_for_parts();
        let route = Route {
            access: Access::new(&spec, &[]),
            guards: Guards::new(keys.clone(), providers.clone(), origins),
            toward: if config.to_bowline { Toward::Bowline } else { Toward::Elsewhere },
        };
        let router = Router::new().route("/api/v1/probe", any(admit)).with_state(Arc::new(route));
        Ok(keys.declare(Parts::new(router.merge(managing).merge(logins))))
    }
}

/// Answers with the headers that the target would get.
async fn admit(State(route): State<Arc<Route>>, cx: Cx, mut request: Request<Body>) -> ApiResult<Response> {
    let (looked, let_in) = route.access.look(&route.guards, &cx, &mut request).await;
    let admitted = route.access.admit(&route.guards, &cx, &mut request).await;
    assert_eq!(looked.iter().all(|verdict| verdict.passes), admitted.is_ok(), "{looked:?}");
    assert_eq!(let_in.is_some(), admitted.is_ok(), "{looked:?}");
    let admitted = admitted?;
    headers::inbound(request.headers_mut(), None);
    admitted.hand_on(&route.access, request.headers_mut(), route.toward);
    Ok(reply(json!({"who": admitted.subject.to_string(), "headers": told(request.headers())}))
        .into_response())
}

fn told(headers: &HeaderMap) -> Value {
    let text = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    headers
        .keys()
        .map(|name| (name.to_string(), json!(text(name).join("|"))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The probe and who signs tokens for it.
pub(crate) struct Bench {
    pub(crate) service: TestService,
    pub(crate) issuer: Issuer,
}

impl Bench {
    pub(crate) async fn with(access: &str) -> Self {
        Self::start(Engine::Sqlite, access, |setup| setup).await.unwrap()
    }

    pub(crate) async fn start(
        engine: Engine,
        access: &str,
        more: impl FnOnce(Setup) -> Setup,
    ) -> Option<Self> {
        let issuer = Issuer::new();
        let setup = Setup::of::<Probe>().and::<FakeAuth>().issuer(&issuer);
        let setup = setup.set("BOWLINE_PROBE__ACCESS", access).set("BOWLINE_IDENTITY__SERVICE_KEY", KEY);
        let service = more(setup).start(engine).await?;
        eventually(async || service.assembled().shared().verifier().check()).await;
        Some(Self { service, issuer })
    }
}
