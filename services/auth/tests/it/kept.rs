//! What is read often is kept, and what changes it is seen at once; the clock stands still, so no copy ends by its time.

use crate::organizations::{at, create, place};
use crate::support::{OTHER_PASSWORD, PASSWORD, Person, login, mailed, register, start};
use crate::users::administrator;
use chassis::db::q;
use contract::ErrorCode;
use contract::auth::{Organization, User, UserStatus};
use contract::identity::{OrganizationRole, Role};
use http::Method;
use serde_json::json;
use std::time::Duration;
use testkit::{Answer, Engine, TestService, on_both_engines};

const ME: &str = "/api/v1/users/me";

async fn me(person: &Person) -> (User, String) {
    let answer = person.client.get(ME).await.expect(200);
    (answer.data(), answer.header("etag").unwrap().to_owned())
}

/// Changes the row past the service, which does not hear of it.
async fn rename_secretly(service: &TestService, person: &Person, name: &str) {
    let (db, sql) = (service.db("auth"), "UPDATE users SET display_name = $2 WHERE id = $1");
    q!(db.write, execute, sql, person.id(), name).unwrap();
}

async fn an_account_is_kept_for_a_moment_without_redis(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let before = me(&ada).await;
    rename_secretly(&service, &ada, "Countess").await;
    assert_eq!(me(&ada).await, before, "it was read from the copy");
    service.clock().advance(Duration::from_secs(1));
    assert_eq!(me(&ada).await.0.display_name.as_deref(), Some("Countess"));
}

async fn whatever_changes_an_account_is_seen_at_once(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, admin) =
        (register(&service, "ada@example.org").await, administrator(&service, "root@example.org").await);
    let path = format!("/api/v1/users/{}", ada.id());
    let seen = async |person: &Person| {
        let (mine, tag) = me(person).await;
        let answer = admin.client.get(&path).await.expect(200);
        assert_eq!((&answer.data::<User>(), answer.header("etag").unwrap()), (&mine, tag.as_str()));
        (mine, tag)
    };
    let (first, first_tag) = seen(&ada).await;
    assert_eq!((first.display_name.as_deref(), first.email_verified), (None, false));

    service.clock().advance(Duration::from_millis(1));
    let name = json!({"displayName": "Ada"});
    let answer =
        ada.client.request(Method::PATCH, ME).header("if-match", &first_tag).json(&name).send().await;
    answer.expect(200);
    let (renamed, tag) = seen(&ada).await;
    assert_eq!(renamed.display_name.as_deref(), Some("Ada"));
    assert_ne!(tag, first_tag);

    let token = mailed(service.db("auth"), "ada@example.org", "verify_email").await.remove(0);
    service.client().post("/api/v1/auth/email/verify", json!({"token": token})).await.expect(200);
    assert!(seen(&ada).await.0.email_verified);

    service.clock().advance(Duration::from_millis(1));
    let (_, before) = seen(&ada).await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD});
    ada.client.post("/api/v1/auth/password/change", body).await.expect(204);
    assert_ne!(seen(&ada).await.1, before);

    let roles = json!({"roles": ["user", "vendor"]});
    admin.client.patch(&path, roles).await.expect(200);
    let answer = admin.client.get(&path).await.expect(200);
    assert!(answer.data::<User>().roles.contains(&Role::Vendor));
    admin.client.patch(&path, json!({"status": "disabled"})).await.expect(200);
    assert_eq!(admin.client.get(&path).await.expect(200).data::<User>().status, UserStatus::Disabled);
}

async fn a_change_that_is_refused_shows_nothing_of_itself(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let before = me(&ada).await;
    let name = json!({"displayName": "Ada"});
    let refused = ada.client.request(Method::PATCH, ME).header("if-match", "\"1\"").json(&name).send().await;
    refused.refused(ErrorCode::PreconditionFailed);
    assert_eq!(me(&ada).await, before);
}

async fn a_membership_that_begins_changes_or_ends_is_seen_at_once(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (owner, guest) =
        (register(&service, "ada@example.org").await, register(&service, "bob@example.org").await);
    let acme = create(&owner, "Acme").await;
    let path = at(&acme, "");
    // That there is none is kept too.
    guest.client.get(&path).await.refused(ErrorCode::NotFound);
    guest.client.get(&path).await.refused(ErrorCode::NotFound);
    let invite = json!({"email": guest.email, "role": "member"});
    owner.client.post(&at(&acme, "/invitations"), invite).await.expect(201);
    let token = mailed(service.db("auth"), &guest.email, "invitation").await.remove(0);
    guest.client.post("/api/v1/organizations/invitations/accept", json!({"token": token})).await.expect(200);
    let role = async |person: &Person| {
        person.client.get(&path).await.expect(200).data::<Organization>().role.unwrap()
    };
    assert_eq!(role(&guest).await, OrganizationRole::Member);
    let put = owner.client.request(Method::PUT, &place(&acme, &guest)).json(json!({"role": "admin"}));
    put.send().await.expect(200);
    let guest = login(&service, &guest.email).await;
    assert_eq!(role(&guest).await, OrganizationRole::Admin);
    owner.client.request(Method::DELETE, &place(&acme, &guest)).send().await.expect(204);
    let guest = login(&service, &guest.email).await;
    guest.client.get(&path).await.refused(ErrorCode::NotFound);
    assert_eq!(role(&owner).await, OrganizationRole::Owner);
}

/// One of the predecessors planned to keep each person's own list at the proxy, for everybody.
async fn what_is_kept_for_one_person_is_nobody_elses(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (owner, stranger) =
        (register(&service, "ada@example.org").await, register(&service, "eve@example.org").await);
    let admin = administrator(&service, "root@example.org").await;
    let acme = create(&owner, "Acme").await;
    let path = at(&acme, "");
    for _ in 0..2 {
        let answer = owner.client.get(&path).await.expect(200);
        assert_eq!(answer.data::<Organization>().role, Some(OrganizationRole::Owner));
        assert_kept_by_nobody_else(&answer);
        assert_eq!(admin.client.get(&path).await.expect(200).data::<Organization>().role, None);
        stranger.client.get(&path).await.refused(ErrorCode::NotFound);
        for person in [&owner, &stranger] {
            let answer = person.client.get(ME).await.expect(200);
            assert_eq!(answer.data::<User>().email, person.email);
            assert_kept_by_nobody_else(&answer);
        }
    }
    service.client().get(ME).await.refused(ErrorCode::Unauthenticated);
}

fn assert_kept_by_nobody_else(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert!(answer.header("vary").unwrap().contains("authorization"));
}

async fn while_the_database_is_away_accounts_are_shown_and_marked_as_old(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let before = me(&ada).await;
    service.db("auth").close().await;
    service.clock().advance(Duration::from_secs(90));
    let answer = ada.client.get(ME).await.expect(200);
    assert_eq!(answer.data::<User>(), before.0);
    assert_eq!(answer.header("cache-status"), Some("users; hit; detail=stale-if-error"));
    assert_eq!(answer.header("age"), Some("90"));
    // Nothing is changed by an old copy, and after some minutes it is not shown either.
    assert_eq!(ada.client.patch(ME, json!({"displayName": "Ada"})).await.status, 503);
    assert_eq!(ada.client.get(ME).await.status, 503, "what was to be changed is not shown as it was");
}

on_both_engines!(
    an_account_is_kept_for_a_moment_without_redis,
    whatever_changes_an_account_is_seen_at_once,
    a_change_that_is_refused_shows_nothing_of_itself,
    a_membership_that_begins_changes_or_ends_is_seen_at_once,
    what_is_kept_for_one_person_is_nobody_elses,
    while_the_database_is_away_accounts_are_shown_and_marked_as_old,
);
