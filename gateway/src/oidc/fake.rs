//! A provider on loopback that does what a test says: signs, rotates, lies, goes away.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::clock::Clock;
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};
use tokio::task::JoinSet;

/// A key and what the set says of it.
pub(super) struct Signing {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    key: EncodingKey,
    pub(super) jwk: Value,
}

impl Signing {
    pub(super) fn ed(kid: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig"});
        let key = EncodingKey::from_ed_der(pkcs8.as_ref());
        Self { kid: kid.to_owned(), algorithm: Algorithm::EdDSA, key, jwk }
    }

    pub(super) fn ec(kid: &str) -> Self {
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref()).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256"});
        let key = EncodingKey::from_ec_der(pkcs8.as_ref());
        Self { kid: kid.to_owned(), algorithm: Algorithm::ES256, key, jwk }
    }

    pub(super) fn rsa(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = pair.public_key();
        let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
        let jwk = json!({"kty": "RSA", "n": n, "e": e, "kid": kid, "alg": "RS256", "use": "sig"});
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        // Behind the 26 bytes that say what it is stands the key itself.
        let key = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
        Self { kid: kid.to_owned(), algorithm: Algorithm::RS256, key, jwk }
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

pub(super) struct Fake {
    pub(super) issuer: String,
    inner: Arc<Inner>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Inner {
    issuer: Mutex<String>,
    keys: Mutex<Vec<Value>>,
    /// What a code is given back for, with the challenge of its login.
    codes: Mutex<HashMap<String, (String, Value)>>,
    asked: AtomicUsize,
    described: AtomicUsize,
    away: AtomicBool,
    /// Who has it has it not say what it offers.
    silence: Arc<RwLock<()>>,
}

impl Fake {
    pub(super) async fn start(keys: &[&Signing]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner::default());
        issuer.clone_into(&mut inner.issuer.lock().unwrap());
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .with_state(inner.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let fake = Self { issuer, inner, _serving: serving };
        fake.has(keys);
        fake
    }

    /// Its keys from now on.
    pub(super) fn has(&self, keys: &[&Signing]) {
        *self.inner.keys.lock().unwrap() = keys.iter().map(|key| key.jwk.clone()).collect();
    }

    /// How often its keys were asked for.
    pub(super) fn asked(&self) -> usize {
        self.inner.asked.load(Ordering::SeqCst)
    }

    /// How often it was asked what it offers, which is asked before the keys are.
    pub(super) fn described(&self) -> usize {
        self.inner.described.load(Ordering::SeqCst)
    }

    /// It does not say what it offers, until this is dropped.
    pub(super) async fn silence(&self) -> OwnedRwLockWriteGuard<()> {
        self.inner.silence.clone().write_owned().await
    }

    pub(super) fn is_away(&self, away: bool) {
        self.inner.away.store(away, Ordering::SeqCst);
    }

    /// A code for a login of this challenge, which is given back for `answer`.
    pub(super) fn code(&self, challenge: &str, answer: Value) -> String {
        let code = uuid::Uuid::now_v7().to_string();
        self.inner.codes.lock().unwrap().insert(code.clone(), (challenge.to_owned(), answer));
        code
    }

    /// Claims of an access token, or with a nonce of an identity token, that hold for an hour.
    pub(super) fn claims(&self, clock: &Clock) -> Value {
        let now = clock.now().secs();
        json!({"iss": self.issuer, "aud": "door", "sub": "somebody", "iat": now, "exp": now + 3_600,
               "scope": "things:read things:write", "groups": ["admins"]})
    }

    pub(super) fn toml(&self) -> String {
        format!(
            "issuer = '{}'\nclient_id = 'door'\nclient_secret = 'a secret: 100%'\nscopes = ['openid', 'things:read']\n\
             roles = {{ claim = 'groups', map = {{ admins = 'admin' }} }}\n",
            self.issuer
        )
    }
}

async fn discovery(State(inner): State<Arc<Inner>>) -> Response {
    inner.described.fetch_add(1, Ordering::SeqCst);
    drop(inner.silence.read().await);
    let issuer = inner.issuer.lock().unwrap().clone();
    let body = json!({"issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                      "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks")});
    inner.answer(body)
}

async fn jwks(State(inner): State<Arc<Inner>>) -> Response {
    inner.asked.fetch_add(1, Ordering::SeqCst);
    let keys = inner.keys.lock().unwrap().clone();
    inner.answer(json!({"keys": keys}))
}

/// Gives a code back once, to who has the secret and what was hashed for the challenge.
async fn token(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    let said: HashMap<_, _> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    // `door` and `a secret: 100%`, each as in a form.
    let expected = base64::engine::general_purpose::STANDARD.encode("door:a+secret%3A+100%25");
    let proved = headers.get("authorization").is_some_and(|sent| *sent == format!("Basic {expected}"));
    let found = inner.codes.lock().unwrap().remove(&said["code"]);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, said["code_verifier"].as_bytes());
    match found {
        Some((challenge, answer)) if proved && challenge == URL_SAFE_NO_PAD.encode(digest) => {
            inner.answer(answer)
        }
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

impl Inner {
    fn answer(&self, body: Value) -> Response {
        if self.away.load(Ordering::SeqCst) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        body.to_string().into_response()
    }
}
