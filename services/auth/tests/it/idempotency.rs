//! Requests that are sent again with their `Idempotency-Key`: which routes take one, and what comes of it.

use crate::avatars::png;
use crate::organizations::{ORGANIZATIONS, at, create, history, members, place};
use crate::support::{Person, audited, claims, count, login, mailed, register, start};
use crate::users::administrator;
use auth::Auth;
use chassis::service::Service as _;
use contract::ErrorCode;
use contract::auth::{Organization, User};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{Answer, Client, Engine, TestService, on_both_engines};

/// Routes that change something and take no key. The reasons stand in the same table of the page.
const WITHOUT: [(&str, &str); 7] = [
    ("post", "/api/v1/auth/login"),
    ("post", "/api/v1/auth/logout"),
    ("post", "/api/v1/auth/logout-all"),
    ("post", "/api/v1/auth/password/change"),
    ("post", "/api/v1/auth/password/reset"),
    ("post", "/api/v1/auth/refresh"),
    ("post", "/api/v1/auth/register"),
];

const PAGE: &str = include_str!("../../../../docs/idempotency.md");

/// The changing routes of the published document, and whether each takes a key.
fn documented() -> Vec<(String, String, bool, Value)> {
    let document = serde_json::to_value((Auth::SPEC.openapi)()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if matches!(method.as_str(), "post" | "put" | "patch" | "delete") {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let takes = parameters
                    .filter(|one| one["name"] == "Idempotency-Key" && one["in"] == "header")
                    .count();
                routes.push((method.clone(), path.clone(), takes == 1, operation.clone()));
            }
        }
    }
    routes
}

#[test]
fn every_route_that_changes_something_takes_a_key_or_has_a_reason() {
    let without: BTreeSet<(String, String)> =
        documented().into_iter().filter(|route| !route.2).map(|(method, path, ..)| (method, path)).collect();
    let listed = WITHOUT.map(|(method, path)| (method.to_owned(), path.to_owned()));
    assert_eq!(without, BTreeSet::from(listed));
    for (method, path) in WITHOUT {
        let line = format!("| `{} {path}` | ", method.to_uppercase());
        assert!(PAGE.contains(&line), "docs/idempotency.md gives no reason for {method} {path}");
    }
}

#[test]
fn a_route_that_takes_a_key_says_so_and_knows_neither_credentials_nor_passwords() {
    let document = serde_json::to_value((Auth::SPEC.openapi)()).unwrap();
    let schemas = &document["components"]["schemas"];
    let mut bodies = 0;
    for (method, path, takes, operation) in documented() {
        if !takes {
            continue;
        }
        for status in ["409", "422"] {
            assert!(operation["responses"][status].is_object(), "{method} {path} does not say {status}");
        }
        let answered = operation["responses"].to_string();
        assert!(
            !answered.contains("Grant") && !answered.contains("Tokens"),
            "{method} {path} keeps credentials"
        );
        let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = body.as_str().and_then(|link| link.rsplit('/').next()) else { continue };
        let fields: Vec<&String> = schemas[name]["properties"].as_object().unwrap().keys().collect();
        assert!(!fields.iter().any(|field| field.to_lowercase().contains("password")), "{name}: {fields:?}");
        bodies += 1;
    }
    assert!(bodies >= 8, "{bodies} bodies were looked at");
}

async fn send(client: &Client, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    let method: Method = method.to_uppercase().parse().unwrap();
    client.request(method, path).header("idempotency-key", key).json(body).send().await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

/// Tries routes, and remembers by their templates which.
struct Tour {
    tried: BTreeSet<(String, String)>,
}

impl Tour {
    /// Sends a request twice with a key of its own: the second must be the first one's answer, given again.
    async fn twice(
        &mut self,
        client: &Client,
        route: (&str, &str),
        path: &str,
        body: Value,
        status: u16,
    ) -> Answer {
        let (method, template) = route;
        let key = format!("{method} {template}");
        // A key is visible characters.
        let key = key.replace(' ', "_");
        let first = send(client, method, path, &key, &body).await.expect(status);
        let again = send(client, method, path, &key, &body).await.expect(status);
        self.compare(route, first, &again)
    }

    /// As [`Tour::twice`], with a picture.
    async fn picture_twice(&mut self, client: &Client, route: (&str, &str)) -> Answer {
        let put = || client.request(Method::PUT, route.1).header("idempotency-key", "picture");
        let first = put().body("image/png", png(300, 200)).send().await.expect(200);
        let again = put().body("image/png", png(300, 200)).send().await.expect(200);
        self.compare(route, first, &again)
    }

    fn compare(&mut self, (method, template): (&str, &str), first: Answer, again: &Answer) -> Answer {
        assert!(!is_replayed(&first) && is_replayed(again), "{method} {template}");
        assert_eq!(first.body, again.body, "{method} {template}");
        for header in ["etag", "location", "content-type"] {
            assert_eq!(first.header(header), again.header(header), "{method} {template}: {header}");
        }
        assert!(self.tried.insert((method.to_owned(), template.to_owned())), "{method} {template} twice");
        first
    }
}

/// What is left to count when everything was done twice.
struct People {
    ada: Person,
    grace: Person,
    root: Person,
}

impl People {
    async fn of(service: &TestService) -> Self {
        let ada = register(service, "ada@example.org").await;
        let grace = register(service, "grace@example.org").await;
        Self { ada, grace, root: administrator(service, "root@example.org").await }
    }
}

async fn every_route_that_takes_a_key_takes_effect_once(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (db, People { ada, grace, root }) = (service.db("auth"), People::of(&service).await);
    let (nobody, mut tour) = (service.client(), Tour { tried: BTreeSet::new() });

    let organizations = ("post", "/api/v1/organizations");
    let made = tour.twice(&ada.client, organizations, ORGANIZATIONS, json!({"name": "Acme"}), 201).await;
    let acme: Organization = made.data();
    assert_eq!(count(db, "SELECT count(*) FROM organizations").await, 1);
    let invitations = ("post", "/api/v1/organizations/{id}/invitations");
    let invite = json!({"email": grace.email, "role": "member"});
    tour.twice(&ada.client, invitations, &at(&acme, "/invitations"), invite, 201).await;
    assert_eq!(mailed(db, &grace.email, "invitation").await.len(), 1);
    let accept = ("post", "/api/v1/organizations/invitations/accept");
    let token = mailed(db, &grace.email, "invitation").await.remove(0);
    tour.twice(&grace.client, accept, accept.1, json!({"token": token}), 200).await;
    assert_eq!(members(&ada, &acme).await.len(), 2);
    let member = "/api/v1/organizations/{id}/members/{userId}";
    tour.twice(&ada.client, ("put", member), &place(&acme, &grace), json!({"role": "admin"}), 200).await;
    tour.twice(&ada.client, ("delete", member), &place(&acme, &grace), json!(null), 204).await;
    let open = ada
        .client
        .post(&at(&acme, "/invitations"), json!({"email": "eve@example.org", "role": "member"}))
        .await;
    let withdraw =
        format!("{}/{}", at(&acme, "/invitations"), open.expect(201).json()["data"]["id"].as_str().unwrap());
    let invitation = ("delete", "/api/v1/organizations/{id}/invitations/{invitationId}");
    tour.twice(&ada.client, invitation, &withdraw, json!(null), 204).await;
    let told = [
        "organization.created",
        "invitation.sent",
        "invitation.accepted",
        "member.role_changed",
        "member.removed",
        "invitation.sent",
        "invitation.revoked",
    ];
    assert_eq!(history(db, &acme).await, told);

    tour.twice(
        &ada.client,
        ("patch", "/api/v1/users/me"),
        "/api/v1/users/me",
        json!({"displayName": "Ada"}),
        200,
    )
    .await;
    let verify = ("post", "/api/v1/auth/email/verify");
    let token = mailed(db, &ada.email, "verify_email").await.remove(0);
    tour.twice(&nobody, verify, verify.1, json!({"token": token}), 200).await;
    let resend = ("post", "/api/v1/auth/email/resend");
    tour.twice(&ada.client, resend, resend.1, json!(null), 202).await;
    let forgot = ("post", "/api/v1/auth/password/forgot");
    tour.twice(&nobody, forgot, forgot.1, json!({"email": ada.email}), 202).await;
    let (second, third) = (login(&service, &ada.email).await, login(&service, &ada.email).await);
    let session = format!(
        "/api/v1/auth/sessions/{}",
        claims(second.grant.tokens.access_token.expose())["sid"].as_str().unwrap()
    );
    tour.twice(&third.client, ("delete", "/api/v1/auth/sessions/{id}"), &session, json!(null), 204).await;
    tour.twice(&third.client, ("delete", "/api/v1/auth/sessions"), "/api/v1/auth/sessions", json!(null), 204)
        .await;
    let told = audited(db, ada.id()).await;
    for once in ["profile.changed", "email.verified", "session.ended", "sessions.ended"] {
        assert_eq!(told.iter().filter(|action| *action == once).count(), 1, "{once} in {told:?}");
    }

    let path = format!("/api/v1/users/{}", grace.id());
    tour.twice(
        &root.client,
        ("patch", "/api/v1/users/{id}"),
        &path,
        json!({"roles": ["user", "vendor"]}),
        200,
    )
    .await;
    tour.twice(
        &root.client,
        ("post", "/api/v1/users/{id}/logout"),
        &format!("{path}/logout"),
        json!(null),
        204,
    )
    .await;
    let told = audited(db, grace.id()).await;
    for once in ["user.roles_changed", "user.logged_out"] {
        assert_eq!(told.iter().filter(|action| *action == once).count(), 1, "{once} in {told:?}");
    }

    let (profile, picture) = ("/api/v1/profiles/me", "/api/v1/profiles/me/avatar");
    tour.twice(&root.client, ("patch", profile), profile, json!({"bio": "Roots."}), 200).await;
    tour.picture_twice(&root.client, ("put", picture)).await;
    tour.twice(&root.client, ("delete", picture), picture, json!(null), 204).await;
    let told = audited(db, root.id()).await;
    assert_eq!(told.iter().filter(|action| *action == "profile.changed").count(), 3, "{told:?}");

    let takes = documented().into_iter().filter(|route| route.2).map(|(method, path, ..)| (method, path));
    assert_eq!(tour.tried, takes.collect(), "a route that takes a key was not tried");
}

async fn a_hundred_requests_with_one_key_make_one_organisation(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (db, ada) = (service.db("auth"), register(&service, "ada@example.org").await);
    let body = json!({"name": "Acme"});
    let asking = (0..100).map(|_| send(&ada.client, "post", ORGANIZATIONS, "key", &body));
    let answers = join_all(asking).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(done.iter().filter(|answer| !is_replayed(answer)).count(), 1);
    let first: Organization = done.first().unwrap().data();
    for answer in &done {
        assert_eq!(answer.data::<Organization>(), first);
    }
    for answer in refused {
        answer.refused(ErrorCode::RequestInProgress);
    }
    let again = send(&ada.client, "post", ORGANIZATIONS, "key", &body).await.expect(201);
    assert_eq!((is_replayed(&again), again.data::<Organization>()), (true, first));
    assert_eq!(count(db, "SELECT count(*) FROM organizations").await, 1);
    // With everything that belongs to it.
    for sql in [
        "SELECT count(*) FROM audit_log WHERE action = 'organization.created'",
        "SELECT count(*) FROM memberships",
        "SELECT count(*) FROM idempotency WHERE status = 201",
    ] {
        assert_eq!(count(db, sql).await, 1, "{sql}");
    }
}

async fn a_key_with_another_request_is_refused_and_an_error_frees_it(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, bob) =
        (register(&service, "ada@example.org").await, register(&service, "bob@example.org").await);
    create(&ada, "Acme").await;
    let taken = json!({"name": "Other", "slug": "acme"});
    let refused = send(&ada.client, "post", ORGANIZATIONS, "key", &taken).await;
    refused.refused(ErrorCode::AlreadyExists);
    let body = json!({"name": "Other"});
    let made: Organization = send(&ada.client, "post", ORGANIZATIONS, "key", &body).await.expect(201).data();
    send(&ada.client, "post", ORGANIZATIONS, "key", &taken).await.refused(ErrorCode::IdempotencyKeyReused);
    // Another person's key is another key, and their answer is their own.
    let theirs: Organization =
        send(&bob.client, "post", ORGANIZATIONS, "key", &body).await.expect(201).data();
    assert_ne!(theirs.id, made.id);
}

async fn a_condition_is_a_part_of_the_request(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let me = ada.client.get("/api/v1/users/me").await;
    let seen = me.header("etag").unwrap().to_owned();
    let change = async |condition: &str| {
        let ask = ada.client.request(Method::PATCH, "/api/v1/users/me").header("idempotency-key", "key");
        ask.header("if-match", condition).json(json!({"displayName": "Ada"})).send().await
    };
    change("\"1\"").await.expect(412);
    let changed = change(&seen).await.expect(200);
    // The account has another version by now; the answer is the one that was given.
    let again = change(&seen).await.expect(200);
    assert_eq!((is_replayed(&again), again.data::<User>()), (true, changed.data()));
    change("\"1\"").await.refused(ErrorCode::IdempotencyKeyReused);
}

on_both_engines!(
    every_route_that_takes_a_key_takes_effect_once,
    a_hundred_requests_with_one_key_make_one_organisation,
    a_key_with_another_request_is_refused_and_an_error_frees_it,
    a_condition_is_a_part_of_the_request,
);
