//! A double of a provider of models, written from what OpenAI documents of `POST /v1/chat/completions` with `stream`: chunks
//! with the role first, then pieces of the text or of tool calls, the reason of the end, what was used when that was asked for,
//! and `[DONE]`; errors with their object; a request that the real one would not take is not taken. It listens on a port of
//! its own, and does what a test says.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The key that it takes.
pub const KEY: &str = "sk-double-0123456789abcdef";

/// How the next request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// With these pieces, and so many tokens used.
    Says(Vec<&'static str>, (u64, u64)),
    /// The same, and it does not tell what was used.
    SaysOnly(Vec<&'static str>),
    /// It asks for a tool with these arguments.
    Asks(&'static str, Value),
    /// These pieces once the gate is open.
    Waits(Vec<&'static str>, (u64, u64)),
    /// These pieces, and then nothing, and the connection stays.
    Stalls(Vec<&'static str>),
    /// It takes the request and does not even begin to answer.
    Silent,
    /// These pieces, and then the connection breaks.
    BreaksOff(Vec<&'static str>),
    /// These pieces, and then an error in the stream.
    FailsLate(Vec<&'static str>),
    /// This status, with an error that repeats the key.
    Refuses(u16),
    /// This status, and when to come again.
    Busy(u16, u64),
    /// A page of something else.
    Nonsense,
}

#[derive(Debug, Default)]
struct State {
    manners: VecDeque<Manner>,
    requests: Vec<Value>,
    /// Answers that were begun, whose last byte was sent, and that somebody broke off.
    begun: usize,
    ended: usize,
    dropped: usize,
}

/// A running double. It ends when it is dropped.
#[derive(Debug)]
pub struct ModelDouble {
    /// Where it is, until before `/chat/completions`.
    pub url: String,
    state: Arc<Mutex<State>>,
    gate: watch::Sender<bool>,
    _server: JoinSet<()>,
}

#[derive(Clone)]
struct Desk {
    state: Arc<Mutex<State>>,
    gate: watch::Receiver<bool>,
}

impl ModelDouble {
    /// Starts one on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a double that cannot go on fails here");
        let url =
            format!("http://{}/v1", listener.local_addr().expect("a double that cannot go on fails here"));
        let (gate, open) = watch::channel(false);
        let state = Arc::new(Mutex::new(State::default()));
        let router = Router::new().fallback(answer).with_state(Desk { state: state.clone(), gate: open });
        let mut server = JoinSet::new();
        server.spawn(async move {
            axum::serve(listener, router).await.expect("a double that cannot go on fails here")
        });
        Self { url, state, gate, _server: server }
    }

    /// The next request that nothing was said about yet is answered so. Without a word it answers "Hello."
    pub fn will(&self, manner: Manner) -> &Self {
        lock(&self.state).manners.push_back(manner);
        self
    }

    /// Lets those go on who wait.
    pub fn open_gate(&self) {
        self.gate.send_replace(true);
    }

    /// The bodies of what it was asked, in order.
    pub fn requests(&self) -> Vec<Value> {
        lock(&self.state).requests.clone()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        lock(&self.state).requests.len()
    }

    /// Answers that were begun, that came to their end, and that somebody broke off.
    pub fn answers(&self) -> (usize, usize, usize) {
        let state = lock(&self.state);
        (state.begun, state.ended, state.dropped)
    }
}

/// Notes how an answer ended.
struct Watched {
    state: Arc<Mutex<State>>,
    ended: bool,
}

impl Watched {
    fn end(&mut self) {
        self.ended = true;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if self.ended {
            state.ended += 1;
        } else {
            state.dropped += 1;
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn json_response(status: u16, body: &Value) -> Response {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(body.to_string())).expect("a double that cannot go on fails here")
}

fn error(status: u16, kind: &str, code: &str, message: &str) -> Response {
    let error = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    json_response(status, &error)
}

/// What is wrong with a request, as the real one would say.
fn wrong(body: &Value) -> Option<&'static str> {
    let messages = body["messages"].as_array()?;
    if messages.is_empty() {
        return Some("messages is empty");
    }
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let Some(place) = open.iter().position(|known| *known == id) else {
                return Some("a tool message answers no tool call");
            };
            open.remove(place);
        } else if !open.is_empty() {
            return Some("a tool call has no answer");
        }
        if !matches!(role, "system" | "user" | "assistant" | "tool") {
            return Some("there is no such role");
        }
        if !message["content"].is_string() {
            return Some("content is no text");
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            if call["type"] != "function" || !call["function"]["arguments"].is_string() {
                return Some("a tool call is none");
            }
            open.push(call["id"].as_str().unwrap_or_default());
        }
    }
    let is_whole = body["model"].is_string() && body["max_tokens"].is_u64() && body["stream"] == true;
    (!is_whole).then_some("model, max_tokens or stream is missing")
}

async fn answer(Shared(desk): Shared<Desk>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    if head.method != "POST" || head.uri.path() != "/v1/chat/completions" {
        return error(404, "invalid_request_error", "unknown_url", "Unknown request URL");
    }
    let given = head
        .headers
        .get("authorization")
        .map(|value| value.to_str().expect("a double that cannot go on fails here").to_owned());
    if given.as_deref() != Some(&format!("Bearer {KEY}")) {
        let message = format!("Incorrect API key provided: {given:?}");
        return error(401, "invalid_request_error", "invalid_api_key", &message);
    }
    let body: Value = serde_json::from_slice(
        &to_bytes(body, usize::MAX).await.expect("a double that cannot go on fails here"),
    )
    .expect("a double that cannot go on fails here");
    let manner = {
        let mut state = lock(&desk.state);
        state.requests.push(body.clone());
        state.manners.pop_front().unwrap_or_else(|| Manner::Says(vec!["Hel", "lo."], (20, 3)))
    };
    if let Some(wrong) = wrong(&body) {
        return error(400, "invalid_request_error", "invalid_value", wrong);
    }
    match manner {
        Manner::Refuses(status) => error(status, "server_error", "some_code", &format!("Your key is {KEY}")),
        Manner::Busy(status, secs) => {
            let mut response = error(status, "requests", "rate_limit_exceeded", "Rate limit reached");
            response.headers_mut().insert("retry-after", secs.into());
            response
        }
        Manner::Nonsense => {
            let page = Response::builder().status(StatusCode::OK).header("content-type", "text/html");
            page.body(Body::from(format!("<html>{KEY}</html>")))
                .expect("a double that cannot go on fails here")
        }
        Manner::Silent => {
            let _watched = begin(&desk);
            std::future::pending().await
        }
        manner => stream(&desk, manner, &body),
    }
}

fn begin(desk: &Desk) -> Watched {
    lock(&desk.state).begun += 1;
    Watched { state: desk.state.clone(), ended: false }
}

fn chunk(model: &Value, delta: &Value, finish: Option<&str>) -> String {
    let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]});
    format!("data: {chunk}\n\n")
}

enum Next {
    Bytes(String),
    Gate,
    Forever,
    Break,
}

fn stream(desk: &Desk, manner: Manner, body: &Value) -> Response {
    let model = &body["model"];
    let waits = matches!(manner, Manner::Waits(..));
    let text = |piece: &&str| Next::Bytes(chunk(model, &json!({"content": piece}), None));
    let mut all = vec![Next::Bytes(chunk(model, &json!({"role": "assistant", "content": ""}), None))];
    let stop = || Next::Bytes(chunk(model, &json!({}), Some("stop")));
    let used = |(prompt, completion): (u64, u64)| {
        let total = prompt + completion;
        let usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total});
        let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
            "choices": [], "usage": usage});
        Next::Bytes(format!("data: {chunk}\n\n"))
    };
    let wants_usage = body["stream_options"]["include_usage"] == true;
    let done = || Next::Bytes("data: [DONE]\n\n".to_owned());
    match manner {
        Manner::Says(pieces, usage) | Manner::Waits(pieces, usage) if wants_usage => {
            all.extend(pieces.iter().map(text));
            all.extend([stop(), used(usage), done()]);
        }
        Manner::Says(pieces, _) | Manner::Waits(pieces, _) | Manner::SaysOnly(pieces) => {
            all.extend(pieces.iter().map(text));
            all.extend([stop(), done()]);
        }
        Manner::Asks(name, arguments) => {
            let arguments = arguments.to_string();
            let (head, tail) = arguments.split_at(1);
            let call = |part: Value| Next::Bytes(chunk(model, &json!({"tool_calls": [part]}), None));
            all.push(call(json!({"index": 0, "id": "call_1", "type": "function",
                "function": {"name": name, "arguments": head}})));
            all.push(call(json!({"index": 0, "function": {"arguments": tail}})));
            all.push(Next::Bytes(chunk(model, &json!({}), Some("tool_calls"))));
            all.extend([used((30, 5)), done()]);
        }
        Manner::Stalls(pieces) => {
            all.extend(pieces.iter().map(text));
            all.push(Next::Forever);
        }
        Manner::BreaksOff(pieces) => {
            all.extend(pieces.iter().map(text));
            all.push(Next::Break);
        }
        Manner::FailsLate(pieces) => {
            all.extend(pieces.iter().map(text));
            all.push(Next::Bytes(format!("data: {{\"error\":{{\"message\":\"{KEY} is overloaded\"}}}}\n\n")));
            all.push(Next::Forever);
        }
        _ => unreachable!("it is no stream"),
    }
    if waits {
        all.insert(1, Next::Gate);
    }
    let (watched, gate) = (begin(desk), desk.gate.clone());
    let parts =
        stream::unfold((all.into_iter(), watched, gate), |(mut all, mut watched, mut gate)| async move {
            loop {
                match all.next() {
                    None => {
                        watched.end();
                        return None;
                    }
                    Some(Next::Gate) => drop(gate.wait_for(|open| *open).await),
                    Some(Next::Forever) => std::future::pending().await,
                    Some(Next::Break) => {
                        // What was said before is on its way by then: hyper sends what it holds whenever a body has nothing
                        // for it, and this one has nothing once.
                        tokio::task::yield_now().await;
                        watched.end();
                        let broken = std::io::Error::other("broken on purpose");
                        return Some((Err(broken), (all, watched, gate)));
                    }
                    Some(Next::Bytes(text)) => return Some((Ok(Bytes::from(text)), (all, watched, gate))),
                }
            }
        });
    let response = Response::builder().status(200).header("content-type", "text/event-stream; charset=utf-8");
    response.body(Body::from_stream(parts.boxed())).expect("a double that cannot go on fails here")
}
