//! `GET /api/v1/ws` (RFC 6455).

use super::Channel;
use super::hub::{Full, Way};
use super::out::{End, Out};
use super::session::Session;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use chassis::error::{ApiError, ApiResult};
use chassis::http::Cx;
use chassis::identity::MaybePrincipal;
use contract::auth::Token;
use contract::live::{ClientFrame, ServerFrame};
use contract::{ErrorBody, ErrorCode};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use metrics::counter;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

/// Bytes of a frame of a client; a token is the longest thing that it says.
const LARGEST_FRAME: usize = 16 * 1024;
/// Bytes that are read at once. Each connection has so much room.
const READ_BUFFER: usize = 1024;
/// How long a client may take to take a frame.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take to take the last one.
const LAST_PATIENCE: Duration = Duration::from_secs(2);
/// Frames that a client may send at once, and how many a second in the long run.
const BURST: u32 = 40;
const A_SECOND: u32 = 20;

/// Codes of the end (RFC 6455, section 7.4), of which 4000 to 4999 are an application's own.
mod codes {
    pub(super) const AWAY: u16 = 1001;
    pub(super) const UNSUPPORTED: u16 = 1003;
    pub(super) const AGAIN: u16 = 1013;
    pub(super) const LOGIN: u16 = 4401;
    pub(super) const SLOW: u16 = 4408;
    pub(super) const TOO_MANY: u16 = 4429;
}

/// What happens, as a WebSocket: a frame for each thing, in JSON.
///
/// The token comes in `Authorization`, or, from a browser, in a first frame `{"type":"authenticate","token":".."}`. The protocol
/// is described in docs/live.md.
#[utoipa::path(
    get,
    path = "/api/v1/ws",
    tag = "live",
    security(("bearer" = []), ()),
    responses(
        (status = 101, description = "A WebSocket"),
        (status = 400, description = "Not the beginning of a WebSocket", body = ErrorBody),
        (status = 401, description = "The access token does not hold", body = ErrorBody),
        (status = 403, description = "The page may not do this", body = ErrorBody),
        (status = 429, description = "Too many connections of yours, or too many requests", body = ErrorBody),
        (status = 503, description = "As many are connected as may be; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn ws(
    State(channel): State<Channel>,
    cx: Cx,
    MaybePrincipal(who): MaybePrincipal,
    request: Request,
) -> ApiResult<Response> {
    if !channel.origins.may(&request, cx.secure) {
        return Err(ApiError::new(ErrorCode::Forbidden, "Pages of this origin may not connect."));
    }
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.map_err(|error| {
        let message = "This route is a WebSocket (RFC 6455, version 13, over HTTP/1.1).";
        ApiError::new(ErrorCode::Validation, message).cause(error)
    })?;
    let upgrade = upgrade
        .max_message_size(LARGEST_FRAME)
        .max_frame_size(LARGEST_FRAME)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0);
    if let Some(who) = who {
        let session = Session::begin(&channel, who, token(&parts.headers), Way::WebSocket)?;
        return Ok(upgrade.on_upgrade(move |socket| Talk::new(socket).go_on(session)));
    }
    let unknown = channel.unknown.clone().try_acquire_owned().map_err(|_| Full::House)?;
    Ok(upgrade.on_upgrade(move |socket| Talk::new(socket).begin(channel, unknown)))
}

/// The token of a request.
pub(super) fn token(headers: &HeaderMap) -> Token {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Token::new(header.split_once(' ').map_or("", |(_, token)| token.trim()))
}

impl From<Full> for ApiError {
    fn from(full: Full) -> Self {
        match full {
            Full::Person => {
                let message = "You have as many connections as one person may have. Close one.";
                ApiError::new(ErrorCode::RateLimited, message).retry_after(Duration::from_secs(10))
            }
            Full::House | Full::Stopping => ApiError::unavailable(
                anyhow::anyhow!("no place for a connection: {full:?}"),
                Duration::from_secs(5),
            ),
        }
    }
}

/// A WebSocket that is spoken over.
struct Talk {
    socket: WebSocket,
    /// When the client was heard last.
    heard: Instant,
    /// When it was first asked whether it is there, since then.
    asked: Option<Instant>,
    /// Frames that it may send, in parts of a second's share.
    allowance: f64,
}

/// It cannot be gone on with.
struct Over;

impl Talk {
    fn new(socket: WebSocket) -> Self {
        Self { socket, heard: Instant::now(), asked: None, allowance: f64::from(BURST) }
    }

    /// Waits for the client to say who it is.
    async fn begin(mut self, channel: Channel, unknown: OwnedSemaphorePermit) {
        let until = Instant::now() + channel.patience;
        let Ok(Ok(frame)) = timeout_at(until, self.first()).await else {
            return self.close(codes::LOGIN, "say who you are first", None).await;
        };
        let Some(ClientFrame::Authenticate { token }) = frame else {
            return self.close(codes::LOGIN, "say who you are first", None).await;
        };
        let who = match channel.verifier.verify(token.expose()) {
            Ok(who) => who,
            Err(error) => {
                let error = ApiError::from(error);
                let code = if error.code() == ErrorCode::Unavailable { codes::AGAIN } else { codes::LOGIN };
                return self.close(code, "the token does not hold", Some(error.code())).await;
            }
        };
        let begun = Session::begin(&channel, who, token, Way::WebSocket);
        drop(unknown);
        match begun {
            Ok(session) => self.go_on(session).await,
            Err(Full::Person) => {
                self.close(codes::TOO_MANY, "too many connections", Some(ErrorCode::RateLimited)).await
            }
            Err(Full::House | Full::Stopping) => {
                self.close(codes::AGAIN, "no place now", Some(ErrorCode::Unavailable)).await;
            }
        }
    }

    /// The first frame; `None` when it is none of ours.
    async fn first(&mut self) -> Result<Option<ClientFrame>, Over> {
        loop {
            match self.socket.recv().await {
                Some(Ok(Frame::Text(text))) => return Ok(serde_json::from_str(&text).ok()),
                Some(Ok(Frame::Ping(_) | Frame::Pong(_))) if self.may_say() => {}
                Some(Ok(Frame::Binary(_))) => return Ok(None),
                Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Close(_)) | Err(_)) | None => {
                    return Err(Over);
                }
            }
        }
    }

    /// Tells and listens, to the end.
    async fn go_on(mut self, mut session: Session) {
        loop {
            let done = tokio::select! {
                out = session.next() => self.tell(out, &mut session).await,
                said = self.socket.recv() => self.listen(said, &mut session).await,
            };
            if let Err(Over) = done {
                return;
            }
        }
    }

    async fn tell(&mut self, out: Option<Out>, session: &mut Session) -> Result<(), Over> {
        match out {
            Some(Out::Message(message) | Out::Missed(message)) => {
                let sent = self.send(Frame::Text(message.json.clone()), PATIENCE).await;
                sent.inspect(|()| counter!("live_sent_total", "way" => Way::WebSocket.as_str()).increment(1))
            }
            Some(Out::Frame(frame)) => {
                if matches!(frame, ServerFrame::Heartbeat { .. }) {
                    self.is_there(session.channel.heartbeat).await?;
                }
                self.say(&frame, PATIENCE).await
            }
            Some(Out::End(end)) => {
                drop(self.say(&end.frame(session.number()), LAST_PATIENCE).await);
                let (code, reason) = close_of(end);
                self.close(code, reason, None).await;
                Err(Over)
            }
            None => Err(Over),
        }
    }

    /// Asks whether the client is there, unless it owes an answer since the sign of life before: then it is not.
    async fn is_there(&mut self, heartbeat: Duration) -> Result<(), Over> {
        let asked = *self.asked.get_or_insert_with(Instant::now);
        if asked.elapsed() > heartbeat + PATIENCE {
            counter!("live_dropped_total", "reason" => "silent").increment(1);
            return Err(Over);
        }
        self.send(Frame::Ping(axum::body::Bytes::new()), PATIENCE).await
    }

    async fn listen(
        &mut self,
        said: Option<Result<Frame, axum::Error>>,
        session: &mut Session,
    ) -> Result<(), Over> {
        let Some(Ok(frame)) = said else { return Err(Over) };
        if !self.may_say() {
            counter!("live_dropped_total", "reason" => "flood").increment(1);
            self.close(codes::TOO_MANY, "too many frames", Some(ErrorCode::RateLimited)).await;
            return Err(Over);
        }
        match frame {
            Frame::Text(text) => match serde_json::from_str(&text) {
                Ok(frame) => session.heed(frame),
                // What serde says of it may repeat what the client said, and that may be a token.
                Err(_) => session.complain(ErrorCode::Validation, "This is no frame of the protocol.", None),
            },
            Frame::Ping(_) | Frame::Pong(_) => {}
            Frame::Binary(_) => {
                self.close(codes::UNSUPPORTED, "frames are text", None).await;
                return Err(Over);
            }
            Frame::Close(_) => return Err(Over),
        }
        Ok(())
    }

    /// Notes that the client said something, and whether it may.
    fn may_say(&mut self) -> bool {
        self.asked = None;
        let share = self.heard.elapsed().as_secs_f64() * f64::from(A_SECOND);
        self.heard = Instant::now();
        self.allowance = (self.allowance + share).min(f64::from(BURST)) - 1.0;
        self.allowance >= 0.0
    }

    async fn say(&mut self, frame: &ServerFrame, patience: Duration) -> Result<(), Over> {
        let text = serde_json::to_string(frame).map_err(|_| Over)?;
        self.send(Frame::Text(text.into()), patience).await
    }

    async fn send(&mut self, frame: Frame, patience: Duration) -> Result<(), Over> {
        match timeout(patience, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Over),
            Err(_) => {
                // It takes nothing, so there is no way to tell it.
                counter!("live_dropped_total", "reason" => "stuck").increment(1);
                Err(Over)
            }
        }
    }

    /// Says good-bye, with an error before it if there is one.
    async fn close(&mut self, code: u16, reason: &'static str, error: Option<ErrorCode>) {
        if let Some(error) = error {
            let (code, message) = (error.as_str().to_owned(), reason.to_owned());
            drop(self.say(&ServerFrame::Error { code, message, topic: None }, LAST_PATIENCE).await);
        }
        let close = Frame::Close(Some(CloseFrame { code, reason: reason.into() }));
        drop(self.send(close, LAST_PATIENCE).await);
        // The client answers a close before the connection is let go, so that it gets to read it.
        let rest = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        drop(timeout(LAST_PATIENCE, rest).await);
    }
}

const fn close_of(end: End) -> (u16, &'static str) {
    match end {
        End::Logout(reason) => (codes::LOGIN, reason.as_str()),
        End::Slow => (codes::SLOW, "too slow"),
        End::Bye => (codes::AWAY, "come back"),
    }
}
