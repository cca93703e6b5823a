//! Keys on both engines: through the routes that manage them and a route that wants one, and as other replicas know them.

use super::known::{Memory, Span};
use super::*;
use crate::access::probe::Bench;
use contract::gateway::{ApiKey, ApiKeyWithSecret};
use contract::identity::Role;
use http::Method;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use std::task::Poll;
use testkit::{Answer, Client, Engine, eventually, on_both_engines};

const KEYS: &str = "/api/v1/gateway/keys";
const PROBE: &str = "/api/v1/probe";
const FRESH: Duration = Duration::from_secs(5);

on_both_engines! {
    a_key_is_told_once_and_opens_what_it_was_made_for,
    a_key_that_is_not_exactly_one_of_ours_opens_nothing,
    two_secrets_are_good_for_a_while_when_a_key_is_rotated,
    a_key_that_is_taken_back_ends_here_at_once_and_elsewhere_soon,
    a_key_ends_when_its_time_is_over,
    a_use_is_noted_once_a_minute,
    a_use_that_waits_at_the_stop_is_noted,
    keys_that_are_known_go_on_without_the_database_for_a_while,
    keys_are_listed_page_by_page_to_administrators_only,
    what_is_read_while_a_key_changes_is_not_kept,
}

async fn bench(engine: Engine, access: &str) -> Option<Bench> {
    Bench::start(engine, access, |setup| setup.set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600")).await
}

impl Bench {
    fn admin(&self) -> Client {
        self.of(&[Role::User, Role::Admin])
    }

    fn of(&self, roles: &[Role]) -> Client {
        self.service.client().bearer(&self.issuer.sign(&self.issuer.claims(self.service.clock(), roles)))
    }

    async fn make(&self, asked: Value) -> ApiKeyWithSecret {
        self.admin().post(KEYS, asked).await.expect(201).data()
    }

    async fn with_key(&self, secret: &str) -> Answer {
        self.service.client().request(Method::GET, PROBE).header("x-api-key", secret).send().await
    }

    /// Another replica, which works through what it has to do when the test says so.
    async fn replica(&self) -> Keys {
        let wake = self.service.assembled().shared().wake("api-keys");
        let span = Span { fresh: FRESH, stale: Duration::from_secs(300) };
        let (db, clock) = (self.service.db("probe").clone(), self.service.clock().clone());
        Keys::over(db, clock, wake, Memory::new(span, 100)).await.unwrap()
    }
}

async fn a_key_is_told_once_and_opens_what_it_was_made_for(engine: Engine) {
    let Some(bench) = bench(engine, "who = 'key'\nscopes = ['orders:read']").await else { return };
    let made = bench.make(json!({"name": "The till", "scopes": ["orders:read", "orders:write"]})).await;
    let secret = made.secret.expose();
    assert!(secret.starts_with(&made.key.prefix));
    let answer = bench.with_key(secret).await.expect(200).json()["data"].clone();
    assert_eq!(answer["who"], format!("the API key {}", made.key.id));
    assert_eq!(answer["headers"]["x-auth-key-id"], made.key.id.to_string());
    assert_eq!(answer["headers"]["x-auth-scopes"], "orders:read orders:write");
    assert!(!answer.to_string().contains(secret), "it is not passed on: {answer}");
    let by_scheme = bench.service.client();
    let ask = by_scheme.request(Method::GET, PROBE).header("authorization", &format!("ApiKey {secret}"));
    let answer = ask.send().await.expect(200).text().into_owned();
    assert!(!answer.contains(secret), "nor by that name: {answer}");
    // Nobody is told the secret again, and it is not kept.
    let path = format!("{KEYS}/{}", made.key.id);
    let shown = bench.admin().get(&path).await.expect(200);
    assert_eq!(shown.data::<ApiKey>().name, "The till");
    let hidden = secret.rsplit('_').next().unwrap();
    let listed = bench.admin().get(KEYS).await.expect(200);
    assert!(!shown.text().contains(hidden) && !listed.text().contains(hidden));
    let kept = store::find(bench.service.db("probe"), made.key.id).await.unwrap().unwrap();
    assert!(!format!("{kept:?}").contains(hidden));
    // Another one without that scope.
    let other = bench.make(json!({"name": "A screen", "scopes": ["orders:write"]})).await;
    let refused = bench.with_key(other.secret.expose()).await.expect(403);
    let challenge = refused.header("www-authenticate").unwrap().to_owned();
    assert_eq!(challenge, "Bearer error=\"insufficient_scope\", scope=\"orders:read\"");
}

async fn a_key_that_is_not_exactly_one_of_ours_opens_nothing(engine: Engine) {
    let Some(bench) = bench(engine, "who = 'user_or_key'").await else { return };
    let made = bench.make(json!({"name": "A till"})).await;
    let good = made.secret.expose();
    bench.with_key(good).await.expect(200);
    let person = bench.of(&[Role::User]);
    person.get(PROBE).await.expect(200);
    let last = good.chars().last().unwrap();
    let guessed = format!("{}{}", &good[..good.len() - 1], if last == '0' { '1' } else { '0' });
    let elsewhere = good.replacen("bwl_", "sk_", 1);
    let other = format!("bwl_{}_{}", uuid::Uuid::now_v7().simple(), "0".repeat(64));
    for key in ["", "bwl_", &guessed, &elsewhere, &other, &good.to_uppercase()] {
        let refused = bench.with_key(key).await.expect(401);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer, ApiKey"), "{key}");
        // Nor is it made good by a token beside it.
        let both = person.request(Method::GET, PROBE).header("x-api-key", key).send().await;
        both.expect(401).refused(ErrorCode::Unauthenticated);
    }
    let twice = bench.service.client();
    let twice = twice.request(Method::GET, PROBE).header("x-api-key", good).header("x-api-key", good);
    twice.send().await.expect(401);
    let refused = bench.service.client().get(PROBE).await.expect(401);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer, ApiKey"));
}

async fn two_secrets_are_good_for_a_while_when_a_key_is_rotated(engine: Engine) {
    let Some(bench) = bench(engine, "who = 'key'").await else { return };
    let made = bench.make(json!({"name": "A till"})).await;
    let first = made.secret.expose();
    bench.with_key(first).await.expect(200);
    let rotate = format!("{KEYS}/{}/rotate", made.key.id);
    let admin = bench.admin();
    let second: ApiKeyWithSecret = admin.post(&rotate, json!({"graceSecs": 600})).await.expect(200).data();
    assert_eq!((second.key.id, second.key.previous_until.is_some()), (made.key.id, true));
    bench.with_key(first).await.expect(200);
    bench.with_key(second.secret.expose()).await.expect(200);
    bench.service.clock().advance(Duration::from_secs(600));
    bench.with_key(first).await.expect(401);
    bench.with_key(second.secret.expose()).await.expect(200);
    // Two at most: the one before the one before has ended. Without a grace so has the one before.
    let admin = bench.admin();
    let third: ApiKeyWithSecret = admin.post(&rotate, json!({})).await.expect(200).data();
    let fourth: ApiKeyWithSecret = admin.post(&rotate, json!({"graceSecs": 0})).await.expect(200).data();
    bench.with_key(second.secret.expose()).await.expect(401);
    bench.with_key(third.secret.expose()).await.expect(401);
    bench.with_key(fourth.secret.expose()).await.expect(200);
    admin.delete(&format!("{KEYS}/{}", made.key.id)).await.expect(204);
    admin.post(&rotate, json!({})).await.expect(409).refused(ErrorCode::InvalidTransition);
    let none = format!("{KEYS}/{}/rotate", uuid::Uuid::now_v7());
    admin.post(&none, json!({})).await.expect(404);
}

async fn a_key_that_is_taken_back_ends_here_at_once_and_elsewhere_soon(engine: Engine) {
    let Some(bench) = bench(engine, "who = 'key'").await else { return };
    let (heard, deaf) = (bench.replica().await, bench.replica().await);
    let made = bench.make(json!({"name": "A till"})).await;
    let secret = made.secret.expose().as_bytes();
    bench.with_key(made.secret.expose()).await.expect(200);
    heard.verify(secret).await.unwrap();
    deaf.verify(secret).await.unwrap();
    let path = format!("{KEYS}/{}", made.key.id);
    bench.admin().delete(&path).await.expect(204);
    let refused = bench.with_key(made.secret.expose()).await.expect(401).refused(ErrorCode::Unauthenticated);
    assert_eq!(refused.error.message, "The API key was taken back.");
    heard.verify(secret).await.expect("it has not looked yet");
    assert!(!heard.look().await.unwrap());
    assert!(matches!(heard.verify(secret).await, Err(KeyError::Revoked)));
    // Who hears nothing at all reads it again by itself.
    deaf.verify(secret).await.unwrap();
    bench.service.clock().advance(FRESH * 2 + Duration::from_millis(1));
    assert!(matches!(deaf.verify(secret).await, Err(KeyError::Revoked)));
    // The first time counts.
    let before: ApiKey = bench.admin().get(&path).await.expect(200).data();
    bench.admin().delete(&path).await.expect(204);
    let after: ApiKey = bench.admin().get(&path).await.expect(200).data();
    assert!(before.revoked_at.is_some() && before.revoked_by.is_some());
    assert_eq!((before.revoked_at, before.revoked_by), (after.revoked_at, after.revoked_by));
    bench.admin().delete(&format!("{KEYS}/{}", uuid::Uuid::now_v7())).await.expect(404);
}

async fn a_key_ends_when_its_time_is_over(engine: Engine) {
    let Some(bench) = bench(engine, "who = 'key'").await else { return };
    let until = bench.service.clock().now() + Duration::from_secs(3_600);
    let made = bench.make(json!({"name": "For an hour", "expiresAt": until.to_string()})).await;
    bench.with_key(made.secret.expose()).await.expect(200);
    bench.service.clock().advance(Duration::from_secs(3_599));
    bench.with_key(made.secret.expose()).await.expect(200);
    bench.service.clock().advance(Duration::from_secs(1));
    let refused = bench.with_key(made.secret.expose()).await.expect(401).refused(ErrorCode::Unauthenticated);
    assert_eq!(refused.error.message, "The API key has ended. Ask for another one.");
    let past = bench.service.clock().now().to_string();
    let refused = bench.admin().post(KEYS, json!({"name": "Too late", "expiresAt": past})).await.expect(400);
    assert_eq!(refused.refused(ErrorCode::Validation).error.details[0].field, "expiresAt");
    bench.admin().post(&format!("{KEYS}/{}/rotate", made.key.id), json!({})).await.expect(409);
}

async fn a_use_is_noted_once_a_minute(engine: Engine) {
    let Some(bench) = bench(engine, "who = 'key'").await else { return };
    let replica = bench.replica().await;
    let made = bench.make(json!({"name": "A till"})).await;
    let used = async || {
        replica.verify(made.secret.expose().as_bytes()).await.unwrap();
        replica.note_used().await;
        let row = store::find(bench.service.db("probe"), made.key.id).await.unwrap().unwrap();
        row.last_used_at.unwrap()
    };
    let first = bench.service.clock().now();
    assert_eq!(used().await, first);
    for _ in 0..5 {
        bench.service.clock().advance(Duration::from_millis(11_900));
        assert_eq!(used().await, first, "also after it was read again");
    }
    bench.service.clock().advance(Duration::from_secs(1));
    assert_eq!(used().await, bench.service.clock().now());
    let shown: ApiKey = bench.admin().get(&format!("{KEYS}/{}", made.key.id)).await.expect(200).data();
    assert!(shown.last_used_at.is_some());
}

async fn a_use_that_waits_at_the_stop_is_noted(engine: Engine) {
    let Some(bench) = bench(engine, "who = 'key'").await else { return };
    let replica = bench.replica().await;
    let made = bench.make(json!({"name": "A till"})).await;
    replica.verify(made.secret.expose().as_bytes()).await.unwrap();
    let (stopper, stop) = chassis::stop::channel();
    stopper.stop();
    used::note(replica, stop).await.unwrap();
    let row = store::find(bench.service.db("probe"), made.key.id).await.unwrap().unwrap();
    assert_eq!(row.last_used_at, Some(bench.service.clock().now()));
}

async fn keys_that_are_known_go_on_without_the_database_for_a_while(engine: Engine) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counts = metrics::set_default_local_recorder(&recorder);
    let Some(bench) = bench(engine, "who = 'key'").await else { return };
    let made = bench.make(json!({"name": "A till"})).await;
    let other = bench.make(json!({"name": "Never seen"})).await;
    // The news of both keys have what was read forgotten once; from then on there is nothing new.
    let is_read_again = || {
        let page = recorder.handle().render();
        page.contains("gateway_api_key_lookups_total{found=\"database\"} 2")
    };
    eventually(async || {
        bench.with_key(made.secret.expose()).await.expect(200);
        if is_read_again() { Ok(()) } else { Err("read once") }
    })
    .await;
    bench.service.db("probe").close().await;
    for _ in 0..3 {
        bench.service.clock().advance(Duration::from_secs(99));
        bench.with_key(made.secret.expose()).await.expect(200);
    }
    let refused = bench.with_key(other.secret.expose()).await.expect(503);
    assert!(refused.header("retry-after").is_some());
    // One whose time is over ends all the same, and a wrong secret stays wrong.
    let wrong = format!("{}_{}", made.key.prefix, "0".repeat(64));
    bench.with_key(&wrong).await.expect(401);
    bench.service.clock().advance(Duration::from_secs(4));
    bench.with_key(made.secret.expose()).await.expect(503);
}

async fn keys_are_listed_page_by_page_to_administrators_only(engine: Engine) {
    let Some(bench) = bench(engine, "who = 'key'").await else { return };
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(bench.make(json!({"name": format!("Till {number}")})).await.key.id);
        bench.service.clock().advance(Duration::from_millis(1));
    }
    made.reverse();
    let admin = bench.admin();
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let next = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = admin.get(&format!("{KEYS}?limit=2{next}")).await.expect(200);
        seen.extend(page.data::<Vec<ApiKey>>().into_iter().map(|key| key.id));
        cursor = page.json()["pagination"]["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, made);
    admin.delete(&format!("{KEYS}/{}", made[0])).await.expect(204);
    let of = async |query: &str| {
        admin.get(&format!("{KEYS}?{query}")).await.expect(200).data::<Vec<ApiKey>>().len()
    };
    assert_eq!((of("active=true").await, of("active=false").await), (4, 1));
    assert_eq!(of(&format!("owner={}", uuid::Uuid::now_v7())).await, 0);
    admin.get(&format!("{KEYS}?cursor=nonsense")).await.expect(400);
    for roles in [&[Role::User][..], &[Role::User, Role::Vendor, Role::Moderator]] {
        let client = bench.of(roles);
        client.get(KEYS).await.expect(403).refused(ErrorCode::Forbidden);
        client.post(KEYS, json!({"name": "Mine"})).await.expect(403);
        client.delete(&format!("{KEYS}/{}", made[1])).await.expect(403);
    }
    bench.service.client().get(KEYS).await.expect(401);
}

async fn what_is_read_while_a_key_changes_is_not_kept(engine: Engine) {
    let Some(bench) = bench(engine, "who = 'key'").await else { return };
    let replica = bench.replica().await;
    let made = bench.make(json!({"name": "A till"})).await;
    // What a read finds before it is forgotten must not come after.
    let mut reading = std::pin::pin!(replica.known(made.key.id));
    let early = std::future::poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await;
    replica.memory.forget(made.key.id);
    let found = match early {
        Poll::Ready(found) => found,
        Poll::Pending => reading.await,
    };
    assert!(found.unwrap().is_some());
    bench.admin().delete(&format!("{KEYS}/{}", made.key.id)).await.expect(204);
    let found = replica.verify(made.secret.expose().as_bytes()).await;
    assert!(matches!(found, Err(KeyError::Revoked)), "{found:?}");
}
