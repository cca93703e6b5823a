//! A client that checks, on every answer, what must hold for all of them: the ids, the envelope, the error shape.

use axum::body::Body;
use bytes::Bytes;
use chassis::http::{Caller, Front, X_REQUEST_ID};
use contract::ErrorCode;
use contract::error::ErrorBody;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};

/// The address that in-process requests seem to come from.
const TESTER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

#[derive(Debug, Clone)]
enum Way {
    InProcess(Front),
    Http(Box<(String, HttpClient<HttpConnector, Body>)>),
}

/// Speaks to a service, in process or over a socket.
#[derive(Debug, Clone)]
pub struct Client {
    way: Way,
    bearer: Option<String>,
    address: IpAddr,
}

impl Client {
    /// Calls straight into what stands behind a listener.
    #[must_use]
    pub fn in_process(front: &Front) -> Self {
        Self { way: Way::InProcess(front.clone()), bearer: None, address: TESTER }
    }

    /// Calls over a socket; `base` is like `http://127.0.0.1:8080`.
    #[must_use]
    pub fn http(base: impl Into<String>) -> Self {
        let client = HttpClient::builder(TokioExecutor::new()).build_http();
        Self { way: Way::Http(Box::new((base.into(), client))), bearer: None, address: TESTER }
    }

    /// The same with an access token.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Self {
        Self { bearer: Some(token.to_owned()), ..self.clone() }
    }

    /// The same without an access token.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { bearer: None, ..self.clone() }
    }

    /// The same from another address; in process only.
    #[must_use]
    pub fn from_address(&self, address: IpAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// A request in the making.
    #[must_use]
    pub fn request(&self, method: Method, path: &str) -> Ask<'_> {
        let mut headers = HeaderMap::new();
        if let Some(bearer) = &self.bearer {
            headers.insert(
                AUTHORIZATION,
                HeaderValue::try_from(format!("Bearer {bearer}")).expect("a token is ASCII"),
            );
        }
        Ask { client: self, method, path: path.to_owned(), headers, body: Bytes::new() }
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    /// `GET path` of something that is not under an edge, such as the operations listener.
    pub async fn get_unchecked(&self, path: &str) -> Answer {
        self.request(Method::GET, path).exchange().await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: impl Serialize) -> Answer {
        self.request(Method::POST, path).json(body).send().await
    }

    /// `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: impl Serialize) -> Answer {
        self.request(Method::PUT, path).json(body).send().await
    }

    /// `PATCH path` with a JSON body.
    pub async fn patch(&self, path: &str, body: impl Serialize) -> Answer {
        self.request(Method::PATCH, path).json(body).send().await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).send().await
    }
}

/// A request in the making.
#[derive(Debug)]
pub struct Ask<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Ask<'_> {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header name");
        self.headers.append(name, value.parse().expect("a header value"));
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: impl Serialize) -> Self {
        let bytes = serde_json::to_vec(&body).expect("JSON");
        self.body("application/json", bytes)
    }

    /// Sets a body of any type.
    #[must_use]
    pub fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body.into();
        self
    }

    /// Sends it and checks what must hold for every answer.
    ///
    /// # Panics
    /// When there is no answer, or it breaks a rule.
    pub async fn send(self) -> Answer {
        let answer = self.exchange().await;
        answer.check();
        answer
    }

    async fn exchange(self) -> Answer {
        self.attempt().await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Sends it to a server that may be gone, and checks nothing.
    ///
    /// # Errors
    /// When there is no answer, or only a part of one.
    pub async fn attempt(self) -> Result<Answer, String> {
        let what = format!("{} {}", self.method, self.path);
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.method;
        *request.headers_mut() = self.headers;
        let response = match &self.client.way {
            Way::InProcess(front) => {
                *request.uri_mut() = self.path.parse().expect("a path");
                front.handle(request, Caller::Socket(self.client.address)).await
            }
            Way::Http(way) => {
                let (base, client) = &**way;
                *request.uri_mut() = format!("{base}{}", self.path).parse().expect("a path");
                let response = client.request(request).await;
                response.map_err(|error| format!("{what}: no answer: {error}"))?.map(Body::new)
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| format!("{what}: broken body: {error}"))?.to_bytes();
        Ok(Answer { what, status: head.status, headers: head.headers, body })
    }
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    what: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    fn check(&self) {
        let Self { what, status, headers, .. } = self;
        assert!(headers.contains_key(X_REQUEST_ID), "{what}: no X-Request-Id in {headers:?}");
        let content_type = self.header("content-type").unwrap_or_default();
        if status.is_client_error() || status.is_server_error() {
            if content_type == "application/problem+json" {
                return;
            }
            let error: ErrorBody = serde_json::from_slice(&self.body)
                .unwrap_or_else(|_| panic!("{what}: {status} is not of the error shape: {}", self.text()));
            assert!(!error.success, "{what}: {}", self.text());
            assert_eq!(error.error.status, status.as_u16(), "{what}: {}", self.text());
            assert_eq!(error.error.code.kind().status(), status.as_u16(), "{what}: {}", self.text());
            assert_eq!(Some(error.error.request_id.as_str()), self.header("x-request-id"), "{what}");
        }
    }

    /// A header's text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Demands a status.
    ///
    /// # Panics
    /// When it is another one; the message shows the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.what, self.text());
        self
    }

    /// Demands an error of this code.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn refused(self, code: ErrorCode) -> ErrorBody {
        let error: Option<ErrorBody> = serde_json::from_slice(&self.body).ok();
        match error {
            Some(error) if error.error.code == code => error,
            _ => panic!("{}: wanted {code:?}, got {}: {}", self.what, self.status, self.text()),
        }
    }

    /// The `data` of a successful answer.
    ///
    /// # Panics
    /// When it is not successful or not of that type.
    #[track_caller]
    pub fn data<T: DeserializeOwned>(&self) -> T {
        let json = self.json();
        assert_eq!(json["success"], Value::Bool(true), "{}: {}", self.what, self.text());
        serde_json::from_value(json["data"].clone())
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.what, self.text()))
    }

    /// The whole body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}: not JSON: {}", self.what, self.text()))
    }

    /// The path of what was made.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION).and_then(|value| value.to_str().ok())
    }
}
