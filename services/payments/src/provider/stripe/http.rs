//! One request to Stripe, and what its answer means.

use super::objects::{Answer, Failure, StripeError};
use crate::provider::ProviderError;
use bytes::Bytes;
use chassis::http::outgoing::{NoAnswer, Outgoing, bearer};
use form_urlencoded::Serializer;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use secrecy::SecretString;

/// The longest answer that is read: a page of a hundred objects has some hundred kilobytes.
const LONGEST: usize = 8 * 1024 * 1024;

/// Parameters of a request, as a form.
#[derive(Default)]
pub(super) struct Form(Vec<(&'static str, String)>);

impl Form {
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.push((name, value.to_owned()));
        self
    }

    pub(super) fn with_some(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn encode(self) -> String {
        self.0
            .into_iter()
            .fold(Serializer::new(String::new()), |mut form, (name, value)| {
                form.append_pair(name, &value);
                form
            })
            .finish()
    }
}

/// The way to Stripe. Its `Debug` shows no key: the header is marked as sensitive.
#[derive(Debug)]
pub(super) struct Http {
    client: Outgoing,
    base: String,
    bearer: HeaderValue,
    version: HeaderValue,
}

impl Http {
    pub(super) fn new(base: &str, key: &SecretString, version: &'static str) -> anyhow::Result<Self> {
        let bearer = bearer(key)
            .ok_or_else(|| anyhow::anyhow!("payments.stripe_secret_key has letters that no key has"))?;
        Ok(Self {
            client: Outgoing::new()?,
            base: base.to_owned(),
            bearer,
            version: HeaderValue::from_static(version),
        })
    }

    pub(super) async fn get<T: Answer>(&self, path: &str, query: Form) -> Result<T, ProviderError> {
        let query = query.encode();
        let separator = if query.is_empty() { "" } else { "?" };
        self.send(Method::GET, &format!("{path}{separator}{query}"), String::new(), None).await
    }

    pub(super) async fn post<T: Answer>(
        &self,
        path: &str,
        form: Form,
        key: &str,
    ) -> Result<T, ProviderError> {
        self.send(Method::POST, path, form.encode(), Some(key)).await
    }

    async fn send<T: Answer>(
        &self,
        method: Method,
        path: &str,
        form: String,
        key: Option<&str>,
    ) -> Result<T, ProviderError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, self.bearer.clone())
            .header("stripe-version", self.version.clone());
        if let Some(key) = key {
            request = request
                .header("idempotency-key", key)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Full::new(Bytes::from(form)));
        let request = request.map_err(|_| ProviderError::Refused("a request that is none".to_owned()))?;
        let answer = self.client.exchange(request, LONGEST).await;
        let answer = answer.map_err(|error: NoAnswer| ProviderError::NoAnswer(format!("Stripe: {error}")))?;
        read(&answer)
    }
}

fn read<T: Answer>(response: &Response<Bytes>) -> Result<T, ProviderError> {
    let status = response.status();
    if status.is_success() {
        let unreadable = |error: serde_json::Error| {
            ProviderError::NoAnswer(format!("Stripe's answer cannot be read: {:?}", error.classify()))
        };
        return serde_json::from_slice(response.body()).map_err(unreadable);
    }
    let failure: Option<Failure> = serde_json::from_slice(response.body()).ok();
    refusal(status, failure.map(|failure| failure.error))
}

/// What an answer that is no success means. The object that it is about may stand in it.
fn refusal<T: Answer>(status: StatusCode, error: Option<StripeError>) -> Result<T, ProviderError> {
    let short = error.as_ref().map_or_else(|| "without a reason".to_owned(), StripeError::short);
    let what = format!("Stripe answered {}: {short}", status.as_u16());
    match (status.as_u16(), error) {
        // The key of the account is wrong or lacks rights, there are too many requests, or the same one is at work: none of
        // that is about the payment.
        (401 | 403 | 409 | 429, _) => Err(ProviderError::NoAnswer(what)),
        (424 | 500..=599, _) => Err(ProviderError::Broken(what)),
        (_, Some(StripeError { payment_intent: Some(mut intent), message, .. })) => {
            // The reason that is meant for the buyer stands in the error, also where the intent has none.
            if status == StatusCode::PAYMENT_REQUIRED && intent["last_payment_error"].is_null() {
                intent["last_payment_error"] = serde_json::json!({"message": message});
            }
            T::in_error(intent).ok_or(ProviderError::Refused(what))
        }
        _ => Err(ProviderError::Refused(what)),
    }
}
