//! Logins of browsers: to a provider and back (authorization code with PKCE, RFC 6749 and 7636; OpenID Connect Core, section 3.1).
//!
//! What must hold: who comes back is who was sent, with the same browser, once; what the provider says is for this client and
//! this login; and a browser is sent on only to a path of this host.

use super::person::words;
use super::provider::said;
use super::session::{Begun, LOGIN_WITHIN, Sessions};
use super::{Provider, Providers};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Cx, Path, Query};
use chassis::openapi::document;
use contract::{ErrorBody, ErrorCode};
use form_urlencoded::Serializer;
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Letters of a path to come back to, at most.
const LONGEST_PATH: usize = 1_024;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Providers> {
    OpenApiRouter::with_openapi(document("Bowline", "One API of all services."))
        .routes(routes!(login))
        .routes(routes!(callback))
        .routes(routes!(logout))
}

/// Where a login ends.
#[derive(Debug, Deserialize, garde::Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wish {
    /// The path of this host to come back to; `/` when there is none.
    #[garde(skip)]
    #[serde(default, alias = "return_to")]
    return_to: Option<String>,
}

/// What a provider sends a browser back with.
#[derive(Debug, Deserialize, garde::Validate, IntoParams)]
#[into_params(parameter_in = Query)]
struct Returned {
    /// The code, when the person was logged in.
    #[garde(skip)]
    code: Option<String>,
    /// What the login was begun with.
    #[garde(skip)]
    state: Option<String>,
    /// Why the person was not.
    #[garde(skip)]
    error: Option<String>,
    /// Who sends it back (RFC 9207).
    #[garde(skip)]
    iss: Option<String>,
}

/// Sends a browser to log in at an identity provider of the routes file.
#[utoipa::path(
    get,
    path = "/api/v1/gateway/login/{provider}",
    tag = "gateway",
    params(("provider" = String, Path, description = "Its name in the routes file"), Wish),
    responses(
        (status = 303, description = "To the provider"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 404, description = "No such provider, or none at which browsers log in", body = ErrorBody),
        (status = 503, description = "The provider does not answer; Retry-After says when to ask again", body = ErrorBody),
    )
)]
async fn login(
    State(providers): State<Providers>,
    Path(name): Path<String>,
    Query(wish): Query<Wish>,
) -> ApiResult<Response> {
    let (provider, sessions) = providers.with_login(&name)?;
    let return_to = wish.return_to.unwrap_or_else(|| "/".to_owned());
    if !is_here(&return_to) {
        return Err(ApiError::invalid_field("returnTo", "must be a path of this host, such as /orders"));
    }
    let known = provider.known().await.map_err(away)?;
    let secrets = [secret()?, secret()?, secret()?];
    let begun = Begun::new(&name, return_to, secrets, providers.clock.now());
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, begun.verifier.as_bytes()));
    let query = Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.spec.client_id)
        .append_pair("redirect_uri", &providers.callback(&name))
        .append_pair("scope", &provider.spec.scopes.join(" "))
        .append_pair("state", &begun.state)
        .append_pair("nonce", &begun.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let joint = if known.authorization.contains('?') { '&' } else { '?' };
    let cookie = sessions.login(&begun).map_err(ApiError::internal)?;
    to(&format!("{}{joint}{query}", known.authorization), [cookie])
}

/// Where a provider sends a browser back to. It gets a session and is sent on.
#[utoipa::path(
    get,
    path = "/api/v1/gateway/login/{provider}/callback",
    tag = "gateway",
    params(("provider" = String, Path, description = "Its name in the routes file"), Returned),
    responses(
        (status = 303, description = "Logged in, and back to where the login was asked for"),
        (status = 400, description = "The login has expired, came back before, or was not begun by this browser", body = ErrorBody),
        (status = 401, description = "The provider did not log the person in", body = ErrorBody),
        (status = 404, description = "No such provider, or none at which browsers log in", body = ErrorBody),
        (status = 503, description = "The provider does not answer; Retry-After says when to ask again", body = ErrorBody),
    )
)]
async fn callback(
    State(providers): State<Providers>,
    Path(name): Path<String>,
    Query(returned): Query<Returned>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (provider, sessions) = providers.with_login(&name)?;
    let begun = sessions.begun(&headers).filter(|begun| begun.provider == name).ok_or_else(not_begun)?;
    let state = returned.state.unwrap_or_default();
    verify_slices_are_equal(state.as_bytes(), begun.state.as_bytes()).map_err(|_| not_begun())?;
    if returned.iss.is_some_and(|issuer| issuer != provider.spec.issuer) {
        return Err(not_begun());
    }
    let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, state.as_bytes()));
    if !providers.state.put_if_absent(&format!("login:{hash}"), &b"1"[..], LOGIN_WITHIN).await? {
        return Err(not_begun());
    }
    let (Some(code), None) = (returned.code, returned.error) else {
        return Err(ApiError::new(ErrorCode::Unauthenticated, "The provider did not log you in."));
    };
    let answer = provider.exchange(&code, &begun.verifier, &providers.callback(&name)).await?;
    let token = answer.get("id_token").and_then(|token| token.as_str()).unwrap_or_default();
    let mut person = provider.verify_login(token, &begun.nonce).await.map_err(|fault| match fault {
        super::TokenFault::Away(cause) => away(cause),
        fault => refused(fault.into()),
    })?;
    // What was granted; where nothing is said, it is what was asked for (RFC 6749, section 5.1).
    person.scopes = match answer.get("scope") {
        Some(granted) => words(Some(granted)),
        None => provider.spec.scopes.clone(),
    };
    tracing::info!(provider = name, "somebody has logged in at an identity provider");
    let cookies = [sessions.begin(person, &provider), sessions.end_login()];
    let [session, login] = cookies.map(|cookie| cookie.map_err(ApiError::internal));
    to(&begun.return_to, [session?, login?])
}

/// Logs a browser out, here. At the provider the person stays logged in.
#[utoipa::path(
    post,
    path = "/api/v1/gateway/logout",
    tag = "gateway",
    responses(
        (status = 204, description = "Logged out, now or before"),
        (status = 403, description = "Another site's page asks", body = ErrorBody),
    )
)]
async fn logout(State(providers): State<Providers>, cx: Cx, request: Request<Body>) -> ApiResult<Response> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(sessions) = &providers.sessions {
        // A browser that keeps the session back from another site's page still takes the cookie that ends it.
        if crate::access::is_meant(&request, cx.secure, &providers.origins, &[]) {
            response.headers_mut().append(SET_COOKIE, sessions.end().map_err(ApiError::internal)?);
        } else if sessions.came(request.headers()) {
            return Err(ApiError::new(ErrorCode::Forbidden, "Only a page of this host may log out."));
        }
    }
    Ok(response)
}

impl Providers {
    /// A provider at which browsers log in.
    fn with_login(&self, name: &str) -> ApiResult<(Arc<Provider>, &Sessions)> {
        let provider = self.get(name).filter(|provider| provider.secret.is_some());
        provider
            .zip(self.sessions.as_ref())
            .ok_or_else(|| ApiError::not_found("provider at which you can log in"))
    }

    fn callback(&self, name: &str) -> String {
        format!("{}/api/v1/gateway/login/{name}/callback", self.public_url)
    }
}

impl Provider {
    /// Gives a code back for what it stands for.
    async fn exchange(
        self: &Arc<Self>,
        code: &str,
        verifier: &str,
        redirect: &str,
    ) -> ApiResult<serde_json::Value> {
        let known = self.known().await.map_err(away)?;
        let (client, secret) =
            (&self.spec.client_id, self.secret.as_ref().map_or("", |secret| secret.expose_secret()));
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
            ("client_id", client),
        ];
        let authorization = if known.basic {
            // Each is written as in a form first (RFC 6749, section 2.3.1).
            let written = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let both = STANDARD.encode(format!("{}:{}", written(client), written(secret)));
            let mut value = HeaderValue::try_from(format!("Basic {both}")).map_err(ApiError::internal)?;
            value.set_sensitive(true);
            Some(value)
        } else {
            fields.push(("client_secret", secret));
            None
        };
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let answer = self.post(&known.token, form, authorization).await.map_err(away)?;
        said(&answer).map_err(refused)
    }
}

/// Whether a browser that is sent there stays on this host (RFC 3986, section 4.2; browsers read `\` as `/`, and leave control
/// characters out).
fn is_here(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    path.starts_with('/') && !path.starts_with("//") && path.len() <= LONGEST_PATH && path.bytes().all(plain)
}

fn secret() -> ApiResult<String> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(ApiError::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn to<const N: usize>(place: &str, cookies: [HeaderValue; N]) -> ApiResult<Response> {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let place = HeaderValue::from_str(place).map_err(ApiError::internal)?;
    response.headers_mut().insert(LOCATION, place);
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

fn not_begun() -> ApiError {
    let message = "This login has expired, came back before, or was not begun by this browser. Begin again.";
    ApiError::new(ErrorCode::InvalidLink, message)
}

#[track_caller]
fn refused(cause: anyhow::Error) -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, "The provider's word does not hold. Begin again.").cause(cause)
}

#[track_caller]
fn away(cause: anyhow::Error) -> ApiError {
    ApiError::unavailable(cause, Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_sent_on_to_this_host_only() {
        for here in ["/", "/orders?x=1#top", "/a/b", "/%2f/evil.example", "/@evil.example"] {
            assert!(is_here(here), "{here}");
        }
        for away in [
            "",
            "orders",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
        ] {
            assert!(!is_here(away), "{away}");
        }
        assert!(!is_here(&format!("/{}", "a".repeat(LONGEST_PATH))));
        assert!(!is_here("/a\r\nset-cookie: x=y"));
    }
}
