//! A client of WebSockets (RFC 6455) on a library that stands for what others use.

use base64::Engine as _;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

/// What takes longer than this has failed, unless it was told otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

/// A handshake in the making.
#[derive(Debug, Clone)]
#[must_use]
pub struct Dial {
    address: SocketAddr,
    path: String,
    headers: HeaderMap,
}

/// An open WebSocket.
#[derive(Debug)]
pub struct WebSocket {
    stream: WebSocketStream<TcpStream>,
    /// The headers of the answer to the handshake.
    pub headers: HeaderMap,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message of text.
    Text(String),
    /// A message of bytes.
    Bytes(Bytes),
    /// A ping, which was answered, or a pong, with what they carry.
    Beat(Bytes),
    /// The other side said goodbye, with its code and its reason. Without a code it is 1005.
    Closed(u16, String),
    /// The connection broke off without a goodbye.
    Gone,
}

/// The answer to a handshake that is not an open WebSocket.
pub type Refused = Box<Answered>;

/// An ordinary answer to a handshake.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// As much of its body as came with the head.
    pub body: String,
}

impl Dial {
    /// A handshake with what listens at an address.
    pub fn new(address: SocketAddr, path: &str) -> Self {
        Self { address, path: path.to_owned(), headers: HeaderMap::new() }
    }

    /// Adds a header.
    ///
    /// # Panics
    /// When it is not one.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header name");
        self.headers.append(name, value.parse().expect("a header value"));
        self
    }

    /// Shows an access token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Opens it.
    ///
    /// # Errors
    /// The answer, when it is another one.
    ///
    /// # Panics
    /// When there is no answer, or it is not HTTP.
    pub async fn open(self) -> Result<WebSocket, Refused> {
        self.attempt().await.unwrap_or_else(|error| panic!("no answer to a handshake: {error}"))
    }

    /// Opens it at a server that may be gone.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn attempt(self) -> Result<Result<WebSocket, Refused>, String> {
        let Self { address, path, headers } = self;
        let dial = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut request = format!("ws://{address}{path}").into_client_request()?;
            request.headers_mut().extend(headers);
            tokio_tungstenite::client_async(request, stream).await
        };
        match timeout(PATIENCE, dial).await {
            Err(_) => Err("it does not come".to_owned()),
            Ok(Ok((stream, answer))) => Ok(Ok(WebSocket { stream, headers: answer.headers().clone() })),
            Ok(Err(Error::Http(answer))) => {
                let (head, body) = answer.into_parts();
                let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
                Ok(Err(Box::new(Answered { status: head.status, headers: head.headers, body })))
            }
            Ok(Err(error)) => Err(error.to_string()),
        }
    }
}

impl WebSocket {
    /// Sends text.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Sends JSON as text.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn say_json(&mut self, value: &impl Serialize) {
        self.say(&serde_json::to_string(value).expect("JSON")).await;
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn say_bytes(&mut self, bytes: impl Into<Bytes>) {
        self.send(Message::binary(bytes)).await;
    }

    /// Says goodbye; what the other side still says is heard afterwards.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn close(&mut self, code: u16, reason: &str) {
        self.send(Message::Close(Some(CloseFrame { code: CloseCode::from(code), reason: reason.into() })))
            .await;
    }

    async fn send(&mut self, message: Message) {
        let sent = timeout(PATIENCE, self.stream.send(message)).await;
        sent.expect("the other side reads").expect("an open connection");
    }

    /// What the other side says next.
    ///
    /// # Panics
    /// When it says nothing for 20 s.
    pub async fn hear(&mut self) -> Heard {
        self.hear_within(PATIENCE).await.expect("the other side says something")
    }

    /// What the other side says next, if it says anything in time.
    pub async fn hear_within(&mut self, patience: Duration) -> Option<Heard> {
        let next = timeout(patience, self.stream.next()).await.ok()?;
        Some(match next {
            Some(Ok(Message::Text(text))) => Heard::Text(text.as_str().to_owned()),
            Some(Ok(Message::Binary(bytes))) => Heard::Bytes(bytes),
            Some(Ok(Message::Ping(bytes) | Message::Pong(bytes))) => Heard::Beat(bytes),
            Some(Ok(Message::Close(frame))) => match frame {
                Some(frame) => Heard::Closed(frame.code.into(), frame.reason.as_str().to_owned()),
                None => Heard::Closed(1005, String::new()),
            },
            Some(Ok(Message::Frame(_)) | Err(_)) | None => Heard::Gone,
        })
    }

    /// The next message of JSON, heartbeats left out.
    ///
    /// # Panics
    /// When something else is heard, or nothing for 20 s.
    pub async fn hear_json(&mut self) -> Value {
        loop {
            match self.hear().await {
                Heard::Text(text) => {
                    return serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
                }
                Heard::Beat(_) => {}
                other => panic!("wanted a message of JSON, heard {other:?}"),
            }
        }
    }

    /// The end, whatever is said before it.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn hear_the_end(&mut self) -> Heard {
        loop {
            match self.hear().await {
                end @ (Heard::Closed(..) | Heard::Gone) => return end,
                Heard::Text(_) | Heard::Bytes(_) | Heard::Beat(_) => {}
            }
        }
    }

    /// The connection below, for what no client should do.
    #[must_use]
    pub fn wire(&mut self) -> &mut TcpStream {
        self.stream.get_mut()
    }
}

impl std::fmt::Display for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.status, self.body)
    }
}

/// What a server answers to this `Sec-WebSocket-Key`.
#[must_use]
pub fn accept_key(key: &str) -> String {
    derive_accept_key(key.as_bytes())
}

/// The head of a handshake with this path and these further lines, to be sent as it is.
#[must_use]
pub fn handshake(path: &str, lines: &[&str]) -> String {
    let key = base64::engine::general_purpose::STANDARD.encode(uuid::Uuid::new_v4().as_bytes());
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!(
        "GET {path} HTTP/1.1\r\nhost: door\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n{lines}\r\n"
    )
}

/// The answer that accepts a handshake, whose head is `head`.
///
/// # Panics
/// When it has no key.
#[must_use]
pub fn acceptance(head: &str) -> String {
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    });
    let accept = accept_key(key.unwrap_or_else(|| panic!("no key in {head}")));
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    )
}
