//! One request to a provider.

use super::offer::Offer;
use super::{Failure, Reading};
use bytes::Bytes;
use chassis::http::outgoing::Outgoing;
use chassis::resilience::{Breaker, BreakerConfig, Permit};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use std::time::Duration;

/// The longest refusal that is looked at.
const LONGEST_REFUSAL: usize = 64 * 1024;
/// The longest pause that a provider may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// A provider, its breaker, and the way to it.
pub struct Upstream {
    /// What the settings say of it.
    pub offer: Offer,
    client: Outgoing,
    breaker: Breaker,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("offer", &self.offer).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    code: Option<serde_json::Value>,
    #[serde(default, rename = "type")]
    kind: Option<serde_json::Value>,
}

impl Upstream {
    /// A provider that nobody has asked yet.
    #[must_use]
    pub fn new(offer: Offer, client: Outgoing, breaker: BreakerConfig) -> Self {
        let breaker = Breaker::new("model", offer.name.as_str(), breaker);
        Self { offer, client, breaker }
    }

    /// Whether it may be asked.
    ///
    /// # Errors
    /// [`Failure::Open`] while it is left alone.
    pub fn permit(&self) -> Result<Permit, Failure> {
        self.breaker.permit().map_err(|open| Failure::Open(open.retry_after))
    }

    /// Asks it, and gives its answer to be read as soon as it begins.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn ask(&self, body: Bytes) -> Result<Reading, Failure> {
        let mut request = Request::post(self.offer.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream");
        if let Some(bearer) = &self.offer.bearer {
            request = request.header(AUTHORIZATION, bearer.clone());
        }
        let request = request.body(Full::new(body)).map_err(|_| Failure::Nonsense("the request is none"))?;
        let (head, body) = self.client.send(request).await?.into_parts();
        if !head.status.is_success() {
            let read = Limited::new(body, LONGEST_REFUSAL).collect().await.map(|body| body.to_bytes());
            return Err(refusal(head.status.as_u16(), &head.headers, &read.unwrap_or_default()));
        }
        let content_type =
            head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !content_type.starts_with("text/event-stream") {
            return Err(Failure::Nonsense("it does not answer with a stream"));
        }
        Ok(Reading::new(body))
    }
}

fn refusal(status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
    let read: Option<Refusal> = serde_json::from_slice(body).ok();
    let word = |value: Option<serde_json::Value>| {
        let text = value?.as_str()?.to_owned();
        let plain = |c: char| c.is_ascii_lowercase() || c == '_';
        (!text.is_empty() && text.len() <= 40 && text.chars().all(plain)).then_some(text)
    };
    let code =
        read.and_then(|read| word(read.error.code).or_else(|| word(read.error.kind))).unwrap_or_default();
    if !matches!(status, 401 | 402 | 403 | 408 | 409 | 429) && status < 500 {
        return Failure::Refused { status, code };
    }
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE));
    Failure::Unwilling { status, code, retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_refusal_only_a_plain_code_is_told() {
        let told = |body: &str| format!("{:?}", refusal(401, &HeaderMap::new(), body.as_bytes()));
        let body =
            r#"{"error":{"message":"Incorrect API key provided: sk-secret","code":"invalid_api_key"}}"#;
        assert!(told(body).contains("invalid_api_key") && !told(body).contains("sk-"), "{}", told(body));
        assert!(!told(r#"{"error":{"code":"sk-secret 123"}}"#).contains("sk-"));
        assert!(!told("sk-secret").contains("sk-"));
    }

    #[test]
    fn whose_fault_a_refusal_is_stands_in_its_status() {
        let of = |status| refusal(status, &HeaderMap::new(), b"");
        for ours in [400, 404, 413, 422] {
            assert!(!of(ours).is_its_own() && !of(ours).may_have_used(), "{ours}");
        }
        for theirs in [401, 403, 408, 429, 500, 503] {
            assert!(of(theirs).is_its_own() && !of(theirs).may_have_used(), "{theirs}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        assert_eq!(refusal(429, &headers, b"").retry_after(), Some(Duration::from_secs(7)));
        headers.insert(RETRY_AFTER, "Wed, 21 Oct 2026 07:28:00 GMT".parse().unwrap());
        assert_eq!(refusal(429, &headers, b"").retry_after(), None);
    }
}
