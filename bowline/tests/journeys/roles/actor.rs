//! Somebody who asks.

use crate::support::{PASSWORD, Person, Sandbox};
use bytes::Bytes;
use chassis::clock::Clock;
use chassis::identity::{IdentityConfig, ServiceKeys};
use contract::identity::Role;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::Client;
use uuid::Uuid;

const NO_ROUTE: &str = "There is no such route.";
const PATIENCE: Duration = Duration::from_secs(20);

/// A request for things that do not exist.
pub(super) struct Asked {
    method: Method,
    path: String,
    body: Option<String>,
}

impl Asked {
    /// The request of an operation: a new identifier in each place of the path, and `{}` as the body.
    pub(super) fn of(method: &str, template: &str, content_type: Option<&str>) -> Self {
        let place = |segment: &str| match segment.starts_with('{') {
            true => Uuid::now_v7().to_string(),
            false => segment.to_owned(),
        };
        let path = template.split('/').map(place).collect::<Vec<_>>().join("/");
        Self { method: method.parse().unwrap(), path, body: content_type.map(str::to_owned) }
    }

    /// Where it goes.
    pub(super) fn path(&self) -> String {
        self.path.clone()
    }
}

/// How somebody shows who they are.
enum Proof {
    Nothing,
    Token { email: String, token: String },
    Credential(HeaderValue),
}

/// Somebody who asks.
pub(super) struct Actor {
    pub(super) name: &'static str,
    base: String,
    http: HttpClient<HttpConnector, Full<Bytes>>,
    proof: Proof,
}

impl Actor {
    fn new(name: &'static str, base: &str, proof: Proof) -> Self {
        let http = HttpClient::builder(TokioExecutor::new()).build_http();
        Self { name, base: base.to_owned(), http, proof }
    }

    /// Who has not logged in.
    pub(super) fn nobody(base: &str) -> Self {
        Self::new("nobody", base, Proof::Nothing)
    }

    /// A service of the platform, which asks another one.
    pub(super) fn service(base: &str, whom: &'static str) -> Self {
        let keys = ServiceKeys::new(&super::SERVICE_KEY.to_owned().into(), &IdentityConfig::default());
        let credential = keys.credential("orders", whom, &Clock::system()).unwrap();
        Self::new("service", base, Proof::Credential(credential))
    }

    /// A new person with these roles, given by an administrator.
    pub(super) async fn person(
        sandbox: &Sandbox,
        admin: &Person,
        name: &'static str,
        roles: &[Role],
    ) -> Self {
        let client = sandbox.client();
        let Person { email, id, .. } = Person::register(&client).await;
        admin.client.patch(&format!("/api/v1/users/{id}"), json!({"roles": roles})).await.expect(200);
        let token = Person::log_in(&client, &email, PASSWORD).await.access;
        Self::new(name, &sandbox.door.url(), Proof::Token { email, token })
    }

    /// What the answer is to this role: 401, 403, or `yes`. Anything else that no role should ever see is a fault.
    pub(super) async fn ask(&mut self, asked: &Asked) -> Result<String, String> {
        let (status, body) = self.send(asked).await?;
        let message = body["error"]["message"].as_str().unwrap_or_default();
        if status.is_success() && asked.method != Method::GET {
            self.log_in_again().await;
        }
        match status.as_u16() {
            401 | 403 => Ok(status.as_str().to_owned()),
            404 if message == NO_ROUTE => Err("there is no such route behind the door".to_owned()),
            405 | 429 | 500.. => Err(format!("{status}: {body}")),
            _ => Ok("yes".to_owned()),
        }
    }

    /// The status, and the body of an error. That of a success may have no end.
    pub(super) async fn send(&self, asked: &Asked) -> Result<(StatusCode, Value), String> {
        let mut request = Request::new(Full::from(asked.body.as_ref().map_or("", |_| "{}")));
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = format!("{}{}", self.base, asked.path).parse().unwrap();
        let headers = request.headers_mut();
        if let Some(content_type) = &asked.body {
            headers.insert(CONTENT_TYPE, content_type.replace('*', "png").parse().unwrap());
        }
        match &self.proof {
            Proof::Nothing => {}
            Proof::Token { token, .. } => {
                headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
            }
            Proof::Credential(credential) => {
                headers.insert("x-service-authorization", credential.clone());
            }
        }
        let response = tokio::time::timeout(PATIENCE, self.http.request(request)).await;
        let response = response.map_err(|_| "no answer".to_owned())?.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            return Ok((head.status, Value::Null));
        }
        let body = Limited::new(body, 64 * 1024).collect().await.map_err(|error| error.to_string())?;
        Ok((head.status, serde_json::from_slice(&body.to_bytes()).unwrap_or_default()))
    }

    /// A new session in place of one that the request has ended.
    async fn log_in_again(&mut self) {
        let Proof::Token { email, token } = &mut self.proof else { return };
        let client = Client::http(self.base.clone());
        if client.bearer(token).get("/api/v1/auth/sessions").await.status != 200 {
            *token = Person::log_in(&client, email, PASSWORD).await.access;
        }
    }
}
