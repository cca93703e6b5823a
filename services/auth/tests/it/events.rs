//! What the service publishes: an event for each change that was committed, and none for one that was not.

use crate::organizations::{ORGANIZATIONS, at, create, place};
use crate::race::{race, ready};
use crate::support::{PASSWORD, Person, mailed, register, setup, start_with};
use auth::Auth;
use chassis::db::q;
use chassis::service::Parts;
use contract::auth::{OrganizationCreated, OrganizationMemberJoined, OrganizationMemberLeft, UserRegistered};
use contract::event::Event;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Ears, Engine, Listen, Listener, TestService, eventually, on_both_engines};
use uuid::Uuid;

/// All that is published.
struct All;

impl Ears for All {
    type Publisher = Auth;

    fn open(parts: Parts) -> Parts {
        parts
            .on::<UserRegistered>("registered", Listen)
            .on::<OrganizationCreated>("created", Listen)
            .on::<OrganizationMemberJoined>("joined", Listen)
            .on::<OrganizationMemberLeft>("left", Listen)
    }
}

async fn start(engine: Engine) -> Option<TestService> {
    start_with(setup().and::<Listener<All>>(), engine).await
}

/// How often each event came, by type and key, once everything was sent and these were handled.
async fn heard(service: &TestService, awaited: &[(&str, Uuid)]) -> BTreeMap<(String, String), usize> {
    let (auth, listener) = (service.db("auth"), service.db("listener"));
    eventually(|| async {
        let waiting: i64 = q!(auth.read, scalar, "SELECT COUNT(*) FROM outbox").unwrap();
        let sql = "SELECT kind, event_key FROM inbox WHERE status = 'done'";
        let done: Vec<(String, String)> = q!(listener.read, fetch_all, sql).unwrap();
        let came = |(kind, key): &(&str, Uuid)| done.contains(&((*kind).to_owned(), key.to_string()));
        if waiting == 0 && awaited.iter().all(came) { Ok(()) } else { Err((waiting, done)) }
    })
    .await;
    let rows: Vec<(String, String)> =
        q!(listener.read, fetch_all, "SELECT kind, event_key FROM inbox").unwrap();
    rows.into_iter().fold(BTreeMap::new(), |mut heard, row| {
        *heard.entry(row).or_default() += 1;
        heard
    })
}

fn of(heard: &BTreeMap<(String, String), usize>, kind: &str) -> Vec<(String, usize)> {
    heard.iter().filter(|((own, _), _)| own == kind).map(|((_, key), times)| (key.clone(), *times)).collect()
}

async fn who_registers_is_told_of_once_and_who_is_refused_is_not(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ask = || {
        let body = json!({"email": "ada@example.org", "password": PASSWORD});
        ready(&service.client(), Method::POST, "/api/v1/auth/register", body)
    };
    let answers = race((0..4).map(|_| ask()).collect()).await;
    let made: Vec<Value> = answers.into_iter().filter(|a| a.status == 201).map(|a| a.data()).collect();
    let [ada] = &made[..] else { panic!("{made:?}") };
    let weak = json!({"email": "eve@example.org", "password": "password"});
    service.client().post("/api/v1/auth/register", weak).await.expect(400);
    let grace = register(&service, "grace@example.org").await;
    let id: Uuid = ada["user"]["id"].as_str().unwrap().parse().unwrap();
    let heard = heard(&service, &[(UserRegistered::TYPE, id), (UserRegistered::TYPE, grace.id())]).await;
    let mut expected = vec![(id.to_string(), 1), (grace.id().to_string(), 1)];
    expected.sort();
    assert_eq!(of(&heard, UserRegistered::TYPE), expected);
}

async fn an_organisation_and_who_joins_and_leaves_it_are_told_of(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let [ada, grace] =
        [register(&service, "ada@example.org").await, register(&service, "grace@example.org").await];
    let acme = create(&ada, "Acme").await;
    let id = acme.id.uuid();
    let slug = json!({"name": "Another", "slug": acme.slug});
    grace.client.post(ORGANIZATIONS, slug).await.expect(409);
    join(&service, &ada, &at(&acme, "/invitations"), &grace).await;
    // An organisation keeps an owner, so this is refused and nobody left.
    ada.client.delete(&place(&acme, &ada)).await.expect(409);
    grace.client.delete(&place(&acme, &grace)).await.expect(204);
    let kinds = [OrganizationCreated::TYPE, OrganizationMemberJoined::TYPE, OrganizationMemberLeft::TYPE];
    let awaited: Vec<_> =
        kinds.map(|kind| (kind, id)).into_iter().chain([(UserRegistered::TYPE, grace.id())]).collect();
    let heard = heard(&service, &awaited).await;
    for kind in kinds {
        assert_eq!(of(&heard, kind), [(id.to_string(), 1)], "{kind}");
    }
    let data = |kind: &str, key: Uuid| {
        let came = testkit::heard(key).into_iter();
        came.filter(|heard| heard.source == "/auth").find(|heard| heard.kind == kind).map(|heard| heard.data)
    };
    let (organization, guest) = (id.to_string(), grace.id().to_string());
    let created = json!({"organization": organization, "owner": ada.id().to_string()});
    assert_eq!(data(OrganizationCreated::TYPE, id), Some(created));
    let member = Some(json!({"organization": organization, "user": guest}));
    assert_eq!(data(OrganizationMemberJoined::TYPE, id), member);
    assert_eq!(data(OrganizationMemberLeft::TYPE, id), member);
    assert_eq!(data(UserRegistered::TYPE, grace.id()), Some(json!({"user": guest})));
}

async fn join(service: &TestService, sender: &Person, invitations: &str, guest: &Person) {
    let asked = json!({"email": guest.email, "role": "member"});
    sender.client.post(invitations, asked).await.expect(201);
    let token = mailed(service.db("auth"), &guest.email, "invitation").await.pop().unwrap();
    let accept = format!("{ORGANIZATIONS}/invitations/accept");
    for status in [200, 400] {
        guest.client.post(&accept, json!({"token": token})).await.expect(status);
    }
}

on_both_engines!(
    who_registers_is_told_of_once_and_who_is_refused_is_not,
    an_organisation_and_who_joins_and_leaves_it_are_told_of,
);
