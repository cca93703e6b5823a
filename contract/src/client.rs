//! How a typed client reaches its service: one call over a [`Transport`], in the same process or over HTTP.

use crate::error::{ErrorBody, ErrorDetail, ErrorKind};
use crate::page::Success;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A request of a typed client; the path stands in the URI, the body is JSON or empty.
pub type Request = http::Request<Bytes>;
/// The answer, whole.
pub type Response = http::Response<Bytes>;
/// What a transport returns.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response, CallError>> + Send + 'a>>;

/// The way to one service. Implementations add identity, deadline and trace headers; a client adds none of them.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request and reads the whole answer.
    fn send(&self, request: Request) -> Sending<'_>;
}

/// Says of a request that it is the same one as an earlier one with this key (draft-ietf-httpapi-idempotency-key-header).
pub const IDEMPOTENCY_KEY: http::HeaderName = http::HeaderName::from_static("idempotency-key");

/// How a call is to be made; an extension of a [`Request`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// A read that is sent to a second instance too when the first one takes long.
    pub hedged: bool,
    /// The answer takes long on purpose: it comes when there is news. It is not tried again, and says nothing about how fast
    /// the service is.
    pub waits: bool,
}

/// Why a call has no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service answered with an error of the common shape.
    #[error("the service answered {} {}", .0.status, .0.code.as_str())]
    Refused(Box<ErrorDetail>),
    /// No connection; the service did not see the request.
    #[error("the service cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke off; whether the request took effect is not known.
    #[error("the connection broke off: {0}")]
    Broken(String),
    /// The deadline passed; whether the request took effect is not known.
    #[error("no answer before the deadline")]
    Deadline,
    /// The answer is not of the documented shape.
    #[error("the answer has another shape than documented: {0}")]
    Undecodable(String),
}

impl CallError {
    /// Whether the service failed. Otherwise it answered, and the answer was no.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        match self {
            Self::Refused(error) => matches!(
                error.code.kind(),
                ErrorKind::Internal | ErrorKind::BadUpstream | ErrorKind::Unavailable | ErrorKind::Timeout
            ),
            Self::Unreachable(_) | Self::Broken(_) | Self::Deadline | Self::Undecodable(_) => true,
        }
    }
}

/// The base of every typed client.
#[derive(Clone)]
pub struct Caller {
    transport: Arc<dyn Transport>,
    manner: Manner,
    key: Option<http::HeaderValue>,
    bearer: Option<http::HeaderValue>,
}

impl Caller {
    /// A caller over this transport.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, manner: Manner::default(), key: None, bearer: None }
    }

    /// One whose reads go to a second instance too when the first one takes long. For reads that somebody waits for and that
    /// cost little.
    #[must_use]
    pub fn hedged(&self) -> Self {
        Self { manner: Manner { hedged: true, ..self.manner }, ..self.clone() }
    }

    /// One for calls whose answer takes long on purpose.
    #[must_use]
    pub fn waiting(&self) -> Self {
        Self { manner: Manner { waits: true, ..self.manner }, ..self.clone() }
    }

    /// One whose calls carry this `Idempotency-Key`, by which the service knows the second time of the same call: so it may
    /// be sent again when nobody knows whether it took effect. One key a change, whatever it is sent how often.
    ///
    /// # Errors
    /// When the key cannot stand in a header.
    pub fn keyed(&self, key: &str) -> Result<Self, CallError> {
        let key = http::HeaderValue::from_str(key).map_err(|e| CallError::Undecodable(e.to_string()))?;
        Ok(Self { key: Some(key), ..self.clone() })
    }

    /// One whose calls are made with these credentials (`Authorization`) and with no others: for work that goes on for a
    /// person after their request was answered, when there is no request left to take them from.
    #[must_use]
    pub fn bearing(&self, mut authorization: http::HeaderValue) -> Self {
        authorization.set_sensitive(true);
        Self { bearer: Some(authorization), ..self.clone() }
    }

    async fn send<B: Serialize>(
        &self,
        method: http::Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Response, CallError> {
        let mut request = request(method, path, body)?;
        request.extensions_mut().insert(self.manner);
        if let Some(key) = &self.key {
            request.headers_mut().insert(IDEMPOTENCY_KEY, key.clone());
        }
        if let Some(bearer) = &self.bearer {
            request.headers_mut().insert(http::header::AUTHORIZATION, bearer.clone());
        }
        self.transport.send(request).await
    }

    /// Sends `method path` with an optional JSON body and reads the `data` of the answer. An answer without a body
    /// (204) reads as `()`.
    ///
    /// # Errors
    /// [`CallError::Refused`] for an answer that is an error, otherwise what the transport says.
    pub async fn call<B: Serialize, T: DeserializeOwned>(
        &self,
        method: http::Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<T, CallError> {
        let response = self.send(method, path, body).await?;
        decode(&response)
    }

    /// [`Caller::call`] with `GET`.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.call(http::Method::GET, path, None::<&()>).await
    }

    /// `GET` of a document that has no envelope because another standard gives its shape (RFC 7517).
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn get_bare<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        let response = self.send(http::Method::GET, path, None::<&()>).await?;
        if response.status().is_success() {
            return read(response.body());
        }
        Err(refusal(&response))
    }
}

fn request<B: Serialize>(method: http::Method, path: &str, body: Option<&B>) -> Result<Request, CallError> {
    let builder = http::Request::builder().method(method).uri(path);
    let (builder, bytes) = match body {
        Some(body) => {
            let json = serde_json::to_vec(body).map_err(|e| CallError::Undecodable(e.to_string()))?;
            (builder.header(http::header::CONTENT_TYPE, "application/json"), Bytes::from(json))
        }
        None => (builder, Bytes::new()),
    };
    builder.body(bytes).map_err(|e| CallError::Undecodable(e.to_string()))
}

fn decode<T: DeserializeOwned>(response: &Response) -> Result<T, CallError> {
    if response.status() == http::StatusCode::NO_CONTENT {
        return read(b"null");
    }
    if response.status().is_success() {
        return read::<Success<T>>(response.body()).map(|success| success.data);
    }
    Err(refusal(response))
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(json).map_err(|e| CallError::Undecodable(e.to_string()))
}

fn refusal(response: &Response) -> CallError {
    match serde_json::from_slice::<ErrorBody>(response.body()) {
        Ok(body) => CallError::Refused(Box::new(body.error)),
        Err(_) => CallError::Undecodable(format!("status {} without an error body", response.status())),
    }
}

/// Writes the methods of a typed client, which has a field `caller`: a name, what is sent, what is answered, method and path.
macro_rules! endpoints {
    ($($(#[$meta:meta])+ $name:ident($($arg:ident: $type:ty),*) -> $answer:ty = $method:ident $path:expr $(, $body:ident)?;)+) => {$(
        $(#[$meta])+
        ///
        /// # Errors
        /// As [`Caller::call`].
        pub async fn $name(&self, $($arg: $type),*) -> Result<$answer, $crate::client::CallError> {
            endpoints!(@call self, $method, $path $(, $body)?)
        }
    )+};
    (@call $self:ident, $method:ident, $path:expr) => {
        $self.caller.call(http::Method::$method, &$path, None::<&()>).await
    };
    (@call $self:ident, $method:ident, $path:expr, $body:ident) => {
        $self.caller.call(http::Method::$method, &$path, Some($body)).await
    };
}

pub(crate) use endpoints;
