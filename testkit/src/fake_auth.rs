//! A stand-in for the auth service: it signs tokens with a real Ed25519 key and serves the feed that verifiers follow,
//! and it does what a test says: rotates, revokes, falls silent, lies.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::clock::Clock;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Path, Query, Reply, reply};
use chassis::identity::ServiceCaller;
use chassis::service::{Context, Parts, Service, Spec};
use contract::auth::{
    ActiveMember, Contact, Feed, FeedQuery, Jwk, Jwks, ListActiveMembers, Revocation, Revoked,
};
use contract::identity::{Claims, OrganizationRole, Role};
use contract::ids::{OrganizationId, SessionId, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// The issuers of this process, by the name under which the service finds its own.
static ISSUERS: Mutex<Option<HashMap<String, Issuer>>> = Mutex::new(None);

settings! {
    /// The stand-in for the auth service.
    pub struct FakeAuthConfig {
        /// The name of the [`Issuer`] that it stands on.
        issuer: String = String::new();
    }
}

impl Validate for FakeAuthConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// Serves the feed of an [`Issuer`], and the contacts and members that it knows, and nothing else, under the name `auth`.
#[derive(Debug)]
pub struct FakeAuth;

impl Service for FakeAuth {
    const SPEC: Spec = Spec {
        name: "auth",
        about: "A stand-in for the auth service",
        owns: &["auth"],
        well_known: &["/.well-known/jwks.json"],
        door: false,
        needs: &[],
        database: None,
        events: &[],
        openapi: || chassis::openapi::document("A stand-in", "Signs what a test tells it to."),
    };

    type Config = FakeAuthConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let issuer = lock(&ISSUERS).get_or_insert_default().get(&config.issuer).cloned();
        let issuer = issuer.ok_or_else(|| anyhow::anyhow!("set the issuer with Setup::issuer"))?;
        let (stop, known) = (context.stop().clone(), issuer.clone());
        let contact =
            move |_: ServiceCaller, Path(user): Path<UserId>| std::future::ready(known.contact(user));
        let known = issuer.clone();
        let members = move |_: ServiceCaller, Path(id), Query(query): Query<ListActiveMembers>| {
            std::future::ready(known.members(id, &query))
        };
        let known = issuer.clone();
        let member = move |_: ServiceCaller, Path((id, user)): Path<(OrganizationId, UserId)>| {
            std::future::ready(known.member(id, user))
        };
        let feed = move |_: ServiceCaller, query: Query<Asked>| {
            let (issuer, stopping) = (issuer.clone(), stop.stopping());
            async move {
                tokio::select! {
                    feed = issuer.feed(query.0) => feed,
                    () = stopping => Err(ApiError::unavailable(anyhow::anyhow!("stopping"), Duration::from_secs(1))),
                }
            }
        };
        let router = Router::new()
            .route("/internal/v1/auth/feed", get(feed))
            .route("/internal/v1/auth/contacts/{user}", get(contact))
            .route("/internal/v1/auth/organizations/{id}/members", get(members))
            .route("/internal/v1/auth/organizations/{id}/members/{user}", get(member));
        Ok(Parts::new(router))
    }
}

/// [`FeedQuery`] as it is read from a query string.
#[derive(Debug, Deserialize, garde::Validate)]
#[serde(transparent)]
struct Asked(#[garde(skip)] FeedQuery);

/// Signs tokens and decides what the feed says. Clones are the same issuer.
#[derive(Debug, Clone)]
pub struct Issuer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    state: Mutex<State>,
    news: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    signing: usize,
    keys: Vec<Key>,
    revocations: Vec<Revocation>,
    contacts: HashMap<UserId, Contact>,
    members: BTreeMap<(OrganizationId, UserId), OrganizationRole>,
    version: u64,
    silent: bool,
    refusals: u64,
}

#[derive(Debug)]
struct Key {
    kid: String,
    pkcs8: Vec<u8>,
    public: Vec<u8>,
    published: bool,
}

impl Issuer {
    /// An issuer with one key.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is known to the whole process from then on")]
    pub fn new() -> Self {
        Self::named(&Uuid::now_v7().to_string())
    }

    /// An issuer with one key, which the service finds by this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let keys = vec![Key::new()];
        let (revocations, contacts, members) = (Vec::new(), HashMap::new(), BTreeMap::new());
        let (signing, version, silent, refusals) = (0, 1, false, 0);
        let state = State { signing, keys, revocations, contacts, members, version, silent, refusals };
        let (news, _) = watch::channel(0);
        let issuer = Self(Arc::new(Inner { name: name.to_owned(), state: Mutex::new(state), news }));
        lock(&ISSUERS).get_or_insert_default().insert(name.to_owned(), issuer.clone());
        issuer
    }

    /// The name that [`FakeAuthConfig`] wants.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The claims of a new person in a new session, good for 15 minutes from now.
    #[must_use]
    pub fn claims(&self, clock: &Clock, roles: &[Role]) -> Claims {
        let now = clock.now().secs();
        Claims {
            iss: "bowline".to_owned(),
            aud: "bowline".to_owned(),
            sub: UserId::new(),
            sid: SessionId::new(),
            jti: Uuid::now_v7(),
            iat: now,
            nbf: now,
            exp: now + 900,
            ver: 1,
            roles: roles.to_vec(),
            orgs: Vec::new(),
            verified: true,
        }
    }

    /// A token of these claims, signed with the current key.
    #[must_use]
    pub fn sign(&self, claims: &impl Serialize) -> String {
        let state = self.state();
        let key = &state.keys[state.signing];
        let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&key.pkcs8)).expect("a token")
    }

    /// A token of a new person with these roles.
    #[must_use]
    pub fn token(&self, clock: &Clock, roles: &[Role]) -> String {
        self.sign(&self.claims(clock, roles))
    }

    /// The current public key, 32 bytes, and its id.
    #[must_use]
    pub fn public_key(&self) -> (Vec<u8>, String) {
        let state = self.state();
        let key = &state.keys[state.signing];
        (key.public.clone(), key.kid.clone())
    }

    /// Signs with a new key from now on; the others still verify.
    pub fn rotate(&self) {
        self.change(|state| {
            state.keys.push(Key::new());
            state.signing = state.keys.len() - 1;
        });
    }

    /// Signs with a new key that is not published.
    pub fn rotate_secretly(&self) {
        let mut state = self.state();
        state.keys.push(Key { published: false, ..Key::new() });
        state.signing = state.keys.len() - 1;
    }

    /// Publishes the current key only.
    pub fn retire_old_keys(&self) {
        self.change(|state| {
            let signing = state.signing;
            state.keys.iter_mut().enumerate().for_each(|(at, key)| key.published = at == signing);
        });
    }

    /// Revokes something for as long as a token may live.
    pub fn revoke(&self, clock: &Clock, revoked: Revoked) {
        let until = clock.now().secs() + 900;
        self.change(|state| state.revocations.push(Revocation { revoked, until }));
    }

    /// Says from now on how a person is reached.
    pub fn introduce(&self, user: UserId, contact: Contact) {
        self.state().contacts.insert(user, contact);
    }

    /// Says from now on what somebody is in an organisation; `None` for who does not belong to it.
    pub fn enroll(&self, organization: OrganizationId, user: UserId, role: Option<OrganizationRole>) {
        let mut state = self.state();
        match role {
            Some(role) => state.members.insert((organization, user), role),
            None => state.members.remove(&(organization, user)),
        };
    }

    /// Whether it refuses to answer.
    pub fn silence(&self, silent: bool) {
        self.change(|state| state.silent = silent);
    }

    /// How many questions it has refused while it was silent.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.state().refusals
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        state.version += 1;
        self.0.news.send_replace(state.version);
    }

    fn contact(&self, user: UserId) -> ApiResult<Reply<Contact>> {
        let mut state = self.state();
        state.heard()?;
        state.contacts.get(&user).cloned().map(reply).ok_or_else(|| ApiError::not_found("account"))
    }

    fn members(
        &self,
        organization: OrganizationId,
        query: &ListActiveMembers,
    ) -> ApiResult<Reply<Vec<ActiveMember>>> {
        let mut state = self.state();
        state.heard()?;
        let of_it = state.members.iter().filter(|((id, user), role)| {
            *id == organization && **role >= query.role && query.after.is_none_or(|after| *user > after)
        });
        let page = of_it.map(|((_, user), role)| ActiveMember { user: *user, role: *role });
        Ok(reply(page.take(query.limit as usize).collect()))
    }

    fn member(&self, organization: OrganizationId, user: UserId) -> ApiResult<Reply<ActiveMember>> {
        let mut state = self.state();
        state.heard()?;
        let role = state.members.get(&(organization, user)).copied();
        role.map(|role| reply(ActiveMember { user, role })).ok_or_else(|| ApiError::not_found("member"))
    }

    async fn feed(&self, Asked(query): Asked) -> ApiResult<Reply<Feed>> {
        let mut news = self.0.news.subscribe();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(query.wait.min(30));
        loop {
            let feed = self.answer(&query)?;
            if feed.keys.is_some() || !feed.revocations.is_empty() {
                return Ok(reply(feed));
            }
            if tokio::time::timeout_at(deadline, news.changed()).await.is_err() {
                return Ok(reply(feed));
            }
        }
    }

    fn answer(&self, query: &FeedQuery) -> ApiResult<Feed> {
        let mut state = self.state();
        state.heard()?;
        let keys: Vec<_> = state.keys.iter().filter(|key| key.published).map(Key::jwk).collect();
        let keys_version = keys.iter().map(|jwk| jwk.kid.as_str()).collect::<Vec<_>>().join("-");
        let seen = usize::try_from(query.after).unwrap_or(0).min(state.revocations.len());
        Ok(Feed {
            cursor: i64::try_from(state.revocations.len()).unwrap_or(i64::MAX),
            revocations: state.revocations[seen..].to_vec(),
            keys: (keys_version != query.keys).then_some(Jwks { keys }),
            keys_version,
            more: false,
        })
    }
}

impl State {
    /// Refuses while it is to be silent.
    fn heard(&mut self) -> ApiResult<()> {
        if !self.silent {
            return Ok(());
        }
        self.refusals += 1;
        Err(ApiError::unavailable(anyhow::anyhow!("told to be silent"), Duration::from_secs(1)))
    }
}

impl Key {
    fn new() -> Self {
        let pair = Ed25519KeyPair::generate().expect("randomness");
        let pkcs8 = pair.to_pkcs8v1().expect("a key").as_ref().to_vec();
        let public = pair.public_key().as_ref().to_vec();
        let kid = Uuid::new_v4().simple().to_string();
        Self { kid, pkcs8, public, published: true }
    }

    fn jwk(&self) -> Jwk {
        Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            kid: self.kid.clone(),
            alg: "EdDSA".to_owned(),
            use_: "sig".to_owned(),
            x: URL_SAFE_NO_PAD.encode(&self.public),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
