//! Sends a request to an instance, and to another one when that may be done.
//!
//! What must hold:
//! - The deadline bounds all of it: waiting, connecting, pauses, every attempt.
//! - What may have taken effect is sent again only when a second time does no harm ([`Replay::is_harmless`]); what nobody saw
//!   may go anywhere. Once the head of an answer has come, that is the answer.
//! - There are at most `tries` attempts, and over all requests no more retries than the budget has. What nobody saw may be
//!   held besides, for as long as the settings say, until there is an instance that takes it.

use super::balance::Want;
use super::exchange::Exchanged;
use super::flight::{Ending, Flight};
use super::hold::Patience;
use super::inner::Inner;
use super::instance::Instance;
use super::{Ask, Sent, answer, exchange};
use axum::body::Body;
use chassis::peer::{Replay, Steady, UpstreamError};
use chassis::resilience::{Backoff, Full};
use http::header::HOST;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::{Instrument, Span};

/// Before a retry at the same instance at most, and before any: there is somebody waiting.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A client may leave a request a millisecond. That it was not answered in it is not the instance's fault.
const LATE: Duration = Duration::from_secs(1);
impl Ask {
    /// The instance that the cookie names.
    pub(super) fn token(&self) -> Option<u64> {
        u64::from_str_radix(self.sticky.as_deref()?, 16).ok()
    }
}

/// What one request has been through.
#[derive(Default)]
struct Past<'a> {
    tries: u32,
    tried: Vec<Arc<Instance>>,
    patience: Option<Patience<'a>>,
    pauses: Option<Backoff>,
}

impl Inner {
    pub(super) async fn send(&self, mut request: Request<Body>, ask: &Ask) -> Result<Sent, UpstreamError> {
        // What was noted of the request on this side of the door is nobody's business on the other.
        request.extensions_mut().clear();
        *request.version_mut() = Version::HTTP_11;
        self.note_sent();
        let replay = Replay::new(request);
        let mut past = Past::default();
        let token = ask.token();
        loop {
            let now = Instant::now();
            let picked = {
                let (table, tried) = (self.table.load(), &*past.tried);
                let picked = table.pick(&Want { now, key: ask.key, sticky: token, tried, only_looks: false });
                picked.map(|(instance, _)| instance.clone())
            };
            let Some(instance) = picked else {
                if self.wait(&mut past, ask).await {
                    continue;
                }
                return Err(self.nobody());
            };
            past.tries += 1;
            let flight = Flight::begin(instance.clone(), now);
            let made = self.attempt(flight, replay.again(), ask).await;
            let error = match made {
                Ok(response) => return Ok(self.sent(response, &instance, token)),
                Err(error) => error,
            };
            past.tried.push(instance);
            if !self.again(&error, &replay, &mut past, ask).await {
                return Err(error);
            }
        }
    }

    /// Whether to try again, once it is time to.
    async fn again<'a>(
        &'a self,
        error: &UpstreamError,
        replay: &Replay,
        past: &mut Past<'a>,
        ask: &Ask,
    ) -> bool {
        let may = match error {
            error if error.is_unseen() => true,
            UpstreamError::Broken(_) => replay.is_harmless(),
            _ => false,
        };
        if !may || !replay.is_whole() {
            return false;
        }
        let want =
            Want { now: Instant::now(), key: ask.key, sticky: None, tried: &past.tried, only_looks: true };
        if self.table.load().has_other(&want) && past.tries < ask.tries {
            return self.is_granted();
        }
        if error.is_unseen() && self.wait(past, ask).await {
            // Whatever is there now is new to it.
            past.tried.clear();
            return true;
        }
        if past.tries >= ask.tries || !self.is_granted() {
            return false;
        }
        let pause = past.pauses.get_or_insert_with(|| Backoff::new(FIRST_PAUSE, LONGEST_PAUSE)).next_pause();
        if Instant::now() + pause >= ask.deadline {
            return false;
        }
        sleep(pause).await;
        true
    }

    fn is_granted(&self) -> bool {
        let granted = self.is_retry_granted();
        if granted { &self.meter.retries } else { &self.meter.retries_refused }.increment(1);
        granted
    }

    /// Holds it until there may be an instance for it; whether there is still time.
    async fn wait<'a>(&'a self, past: &mut Past<'a>, ask: &Ask) -> bool {
        if past.patience.is_none() {
            let settings = self.settings.load();
            // While nobody has said yet where they are, that is waited for as a connection is.
            let first =
                if self.table.load().list.is_empty() { settings.connect_timeout() } else { Duration::ZERO };
            past.patience = self.held.begin(settings.hold().max(first), ask.deadline);
            if past.patience.is_some() {
                self.meter.held.increment(1);
            }
        }
        match &mut past.patience {
            Some(patience) => patience.wait().await,
            None => false,
        }
    }

    /// No instance can take it, and it was held for as long as may be.
    fn nobody(&self) -> UpstreamError {
        let now = Instant::now();
        let usable = self.table.load().list.iter().any(|place| place.instance.condition.is_usable(now));
        let error = match usable {
            true => UpstreamError::Full(Full::Queue),
            false => UpstreamError::Unreachable("none of its instances is well".to_owned()),
        };
        self.meter.failed(&error);
        error
    }

    fn sent(&self, response: Response<Body>, instance: &Instance, token: Option<u64>) -> Sent {
        let stick = match &self.settings.load().sticky {
            Some(sticky) if token != Some(instance.token) => {
                let age = sticky.ttl_secs.map(|secs| format!("; Max-Age={secs}")).unwrap_or_default();
                let cookie = &sticky.cookie;
                let text = format!("{cookie}={:016x}; Path=/{age}; HttpOnly; SameSite=Lax", instance.token);
                HeaderValue::from_str(&text).ok()
            }
            Some(_) | None => None,
        };
        Sent { response, instance: instance.name.clone(), stick }
    }

    async fn attempt(
        &self,
        mut flight: Flight,
        mut request: Request<Body>,
        ask: &Ask,
    ) -> Result<Response<Body>, UpstreamError> {
        let instance = flight.instance();
        match instance.target(request.uri()) {
            Ok(None) => {}
            Ok(Some(target)) => *request.uri_mut() = target,
            Err(error) => return Err(UpstreamError::Broken(error.to_string())),
        }
        let host = instance.host.clone();
        request.headers_mut().entry(HOST).or_insert(host);
        let span = exported(&self.name, &instance.name);
        let exchanging = exchange::of(self, &flight, request, ask.deadline);
        let exchanged = exchanging.instrument(span.clone()).await;
        let now = Instant::now();
        let took = flight.since_began(now);
        let ending = match &exchanged {
            Ok(exchanged) => outcome(exchanged),
            Err(error) => fault(error, took),
        };
        match &exchanged {
            Ok(exchanged) => span.record("http.response.status_code", exchanged.status().as_u16()),
            Err(error) => {
                span.record("otel.status_code", "ERROR").record("error", tracing::field::display(error))
            }
        };
        flight.answered(ending, now);
        self.meter.seconds.record(took.as_secs_f64());
        match exchanged {
            Ok(exchanged) => {
                self.meter.answered();
                let longest_pause = self.settings.load().pause();
                Ok(match exchanged {
                    Exchanged::One(response, line) => {
                        answer::of(response, line, flight, longest_pause, ask.deadline).await
                    }
                    Exchanged::Two(response) => {
                        response.map(|body| Body::new(Steady::new(body, longest_pause, flight)))
                    }
                })
            }
            Err(error) => {
                self.meter.failed(&error);
                Err(error)
            }
        }
    }
}

/// The span of an attempt, where the request that it is made for has one.
fn exported(upstream: &str, instance: &str) -> Span {
    if Span::current().is_none() {
        return Span::none();
    }
    tracing::info_span!(
        "attempt",
        upstream,
        instance,
        error = tracing::field::Empty,
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        http.response.status_code = tracing::field::Empty,
    )
}

/// What an answer says about the instance that gave it.
fn outcome(exchanged: &Exchanged) -> Ending {
    match exchanged.status() {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Ending::Failed
        }
        _ if exchanged.is_first() => Ending::WellAtFirst,
        _ => Ending::Well,
    }
}

/// What an error says about the instance.
fn fault(error: &UpstreamError, took: Duration) -> Ending {
    match error {
        UpstreamError::Unreachable(_) | UpstreamError::Broken(_) => Ending::Failed,
        UpstreamError::Deadline if took >= LATE => Ending::Failed,
        _ => Ending::Unknown,
    }
}
