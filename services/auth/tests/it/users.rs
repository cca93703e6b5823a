//! Other people's accounts, for an administrator.

use crate::race::{race, ready};
use crate::support::{
    PASSWORD, Person, audited, claims, count, login, pass, refresh, register, start, try_login, try_refresh,
};
use chassis::db::q;
use contract::ErrorCode;
use contract::auth::{User, UserStatus};
use contract::identity::Role;
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Engine, TestService, on_both_engines};
use uuid::Uuid;

const USERS: &str = "/api/v1/users";

fn at(person: &Person) -> String {
    format!("{USERS}/{}", person.id())
}

async fn give(service: &TestService, person: &Person, role: Role) {
    let (db, sql) = (service.db("auth"), "INSERT INTO user_roles (user_id, role) VALUES ($1, $2)");
    q!(db.write, execute, sql, person.id(), role.as_str()).unwrap();
}

async fn listed(client: &Client, query: &str) -> Vec<String> {
    let users: Vec<User> = client.get(&format!("{USERS}{query}")).await.expect(200).data();
    users.into_iter().map(|user| user.email).collect()
}

async fn ask(client: &Client, (method, path, body): &(Method, String, Value)) -> Answer {
    client.request(method.clone(), path).json(body).send().await
}

/// Somebody who manages accounts.
pub(crate) async fn administrator(service: &TestService, email: &str) -> Person {
    only(service, email, Role::Admin).await
}

/// The only role of an account besides `user`.
async fn only(service: &TestService, email: &str, role: Role) -> Person {
    let person = register(service, email).await;
    if role != Role::User {
        give(service, &person, role).await;
    }
    login(service, email).await
}

async fn only_administrators_manage_accounts(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let eve = register(&service, "eve@example.org").await;
    let routes = [
        (Method::GET, USERS.to_owned(), json!(null)),
        (Method::GET, at(&eve), json!(null)),
        (Method::PATCH, at(&eve), json!({"roles": ["user", "admin"]})),
        (Method::POST, format!("{}/logout", at(&eve)), json!(null)),
        (Method::GET, "/api/v1/audit".to_owned(), json!(null)),
    ];
    for role in [Role::User, Role::Vendor, Role::Moderator] {
        let person = only(&service, &format!("{role}@example.org"), role).await;
        for route in &routes {
            ask(&person.client, route).await.expect(403).refused(ErrorCode::Forbidden);
        }
    }
    for route in &routes {
        // Not even about oneself.
        ask(&eve.client, route).await.expect(403).refused(ErrorCode::Forbidden);
        ask(&service.client(), route).await.expect(401).refused(ErrorCode::Unauthenticated);
    }
    assert_eq!(audited(service.db("auth"), eve.id()).await, ["user.registered"]);
    let root = administrator(&service, "root@example.org").await;
    for (route, status) in routes.iter().zip([200, 200, 200, 204, 200]) {
        ask(&root.client, route).await.expect(status);
    }
}

async fn a_role_comes_from_an_administrator_only(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let eve = register(&service, "eve@example.org").await;
    for body in [json!({"roles": ["admin"]}), json!({"displayName": "Eve", "status": "active"})] {
        eve.client.patch("/api/v1/users/me", body).await.expect(400).refused(ErrorCode::Validation);
    }
    let body = json!({"email": "mal@example.org", "password": PASSWORD, "roles": ["admin"]});
    service.client().post("/api/v1/auth/register", body).await.expect(400).refused(ErrorCode::Validation);
    assert_eq!(count(service.db("auth"), "SELECT COUNT(*) FROM user_roles WHERE role = 'admin'").await, 0);
}

async fn accounts_are_found_by_the_beginning_of_address_or_name(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    for (email, name) in [
        ("ada@example.org", "Zoë Lovelace"),
        ("adam@example.org", "Adam"),
        ("b_d@example.org", "50% off"),
        ("bad@example.org", "ÄRZTIN"),
    ] {
        let body = json!({"email": email, "password": PASSWORD, "displayName": name});
        service.client().post("/api/v1/auth/register", body).await.expect(201);
    }
    let found = async |q: &str| listed(&root.client, &format!("?sort=email&q={q}")).await;
    assert_eq!(found("ada").await, ["ada@example.org", "adam@example.org"]);
    assert_eq!(found("ADAM").await, ["adam@example.org"]);
    assert_eq!(found("zo%C3%AB").await, ["ada@example.org"]);
    assert_eq!(found("%C3%84r").await, ["bad@example.org"]);
    // What means something to LIKE means nothing here.
    assert_eq!(found("b_d").await, ["b_d@example.org"]);
    assert_eq!(found("50%25").await, ["b_d@example.org"]);
    assert!(found("%25").await.is_empty());
    assert!(found("example.org").await.is_empty());
    assert!(found("a'%20OR%201=1%20--").await.is_empty());
}

async fn accounts_are_filtered_sorted_and_paged(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    for email in ["c@example.org", "a@example.org", "b@example.org"] {
        pass(&service, 1);
        register(&service, email).await;
    }
    let vendor = only(&service, "v@example.org", Role::Vendor).await;
    root.client.patch(&at(&vendor), json!({"status": "disabled"})).await.expect(200);
    let list = async |query: &str| listed(&root.client, query).await.join(" ").replace("@example.org", "");
    assert_eq!(list("?sort=email").await, "a b c root v");
    assert_eq!(list("?sort=-email").await, "v root c b a");
    assert_eq!(list("?sort=createdAt&limit=3").await, "root c a");
    assert_eq!(list("?limit=2").await.len(), 3);
    assert_eq!(list("?role=vendor").await, "v");
    assert_eq!(list("?role=admin").await, "root");
    assert_eq!(list("?status=disabled").await, "v");
    assert_eq!(list("?status=active&role=user&sort=email&q=r").await, "root");
    assert_eq!(list("?sort=email&page=2&limit=2").await, "c root");
    let place = root.client.get("/api/v1/users?page=2&limit=2&role=user").await.expect(200).json();
    let place = &place["pagination"];
    assert_eq!((&place["total"], &place["pages"], &place["hasPrev"]), (&json!(5), &json!(3), &json!(true)));
}

async fn what_a_list_does_not_know_is_refused(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    for (query, field) in [
        ("sort=passwordHash", "sort"),
        ("sort=created_at", "sort"),
        ("sort=email;DROP%20TABLE%20users", "sort"),
        ("order=asc", "order"),
        ("role=god", "role"),
        ("status=gone", "status"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("q=", "q"),
    ] {
        let refused = root.client.get(&format!("{USERS}?{query}")).await.expect(400);
        let error = refused.refused(ErrorCode::Validation);
        assert_eq!(error.error.details[0].field, field, "{query}: {error:?}");
    }
}

async fn an_account_is_shown_without_its_secrets(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (root, eve) =
        (administrator(&service, "root@example.org").await, register(&service, "eve@example.org").await);
    let shown = root.client.get(&at(&eve)).await.expect(200);
    assert_eq!(shown.data::<User>(), eve.grant.user);
    assert!(!shown.text().to_lowercase().contains("hash") && !shown.text().contains("argon2"));
    let tag = shown.header("etag").unwrap().to_owned();
    let same = root.client.request(Method::GET, &at(&eve)).header("if-none-match", &tag).send().await;
    assert_eq!(same.status, 304);
    let nobody = format!("{USERS}/{}", Uuid::now_v7());
    for route in [
        (Method::GET, nobody.clone(), json!(null)),
        (Method::PATCH, nobody.clone(), json!({"status": "disabled"})),
        (Method::POST, format!("{nobody}/logout"), json!(null)),
    ] {
        ask(&root.client, &route).await.expect(404).refused(ErrorCode::NotFound);
    }
    root.client.get("/api/v1/users/nonsense").await.expect(400).refused(ErrorCode::Validation);
}

async fn other_roles_hold_at_once(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (root, eve) =
        (administrator(&service, "root@example.org").await, register(&service, "eve@example.org").await);
    pass(&service, 1);
    let body = json!({"roles": ["moderator", "vendor", "moderator"]});
    let changed: User = root.client.patch(&at(&eve), body).await.expect(200).data();
    // Everybody stays a user.
    assert_eq!(changed.roles.iter().collect::<Vec<_>>().len(), 3);
    for role in [Role::User, Role::Vendor, Role::Moderator] {
        assert!(changed.roles.contains(&role));
    }
    assert!(changed.updated_at > eve.grant.user.updated_at);
    eve.client.get("/api/v1/users/me").await.expect(401).refused(ErrorCode::TokenRevoked);
    let tokens = refresh(&service, eve.refresh_token()).await;
    let roles = claims(tokens.access_token.expose())["roles"].clone();
    assert_eq!(roles.as_array().map(Vec::len), Some(3));
    assert!(roles.as_array().unwrap().contains(&json!("moderator")));
    let db = service.db("auth");
    assert_eq!(audited(db, eve.id()).await.last().unwrap(), "user.roles_changed");
    let sql = "SELECT actor_id FROM audit_log WHERE action = 'user.roles_changed'";
    assert_eq!(q!(db.read, scalar, sql).ok(), Some(Some(root.id())));
}

async fn a_change_that_changes_nothing_revokes_nothing(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (root, eve) =
        (administrator(&service, "root@example.org").await, register(&service, "eve@example.org").await);
    for body in [json!({}), json!({"roles": ["user"]}), json!({"status": "active"})] {
        root.client.patch(&at(&eve), body).await.expect(200);
    }
    eve.client.get("/api/v1/users/me").await.expect(200);
    assert_eq!(audited(service.db("auth"), eve.id()).await, ["user.registered"]);
    for body in [
        json!({"roles": []}),
        json!({"roles": ["god"]}),
        json!({"email": "x@example.org"}),
        json!({"status": 1}),
    ] {
        root.client.patch(&at(&eve), body).await.expect(400).refused(ErrorCode::Validation);
    }
}

async fn who_saw_an_older_version_changes_nothing(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (root, eve) =
        (administrator(&service, "root@example.org").await, register(&service, "eve@example.org").await);
    let seen = root.client.get(&at(&eve)).await.expect(200).header("etag").unwrap().to_owned();
    pass(&service, 1);
    let change = |tag: &str, role: &str| {
        let body = json!({"roles": [role]});
        root.client.request(Method::PATCH, &at(&eve)).header("if-match", tag).json(body)
    };
    let changed = change(&seen, "vendor").send().await.expect(200);
    let stale = change(&seen, "moderator").send().await.expect(412);
    assert_eq!(stale.header("etag"), changed.header("etag"));
    stale.refused(ErrorCode::PreconditionFailed);
    let now: User = root.client.get(&at(&eve)).await.expect(200).data();
    assert!(now.roles.contains(&Role::Vendor) && !now.roles.contains(&Role::Moderator));
}

async fn who_is_disabled_is_out_until_enabled(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (root, eve) =
        (administrator(&service, "root@example.org").await, register(&service, "eve@example.org").await);
    let elsewhere = login(&service, "eve@example.org").await;
    let disabled: User = root.client.patch(&at(&eve), json!({"status": "disabled"})).await.expect(200).data();
    assert_eq!(disabled.status, UserStatus::Disabled);
    for person in [&eve, &elsewhere] {
        person.client.get("/api/v1/users/me").await.expect(401).refused(ErrorCode::TokenRevoked);
        let refused = try_refresh(&service, person.refresh_token()).await.expect(401);
        refused.refused(ErrorCode::InvalidRefreshToken);
    }
    let refused = try_login(&service, "eve@example.org", PASSWORD).await.expect(403);
    refused.refused(ErrorCode::AccountDisabled);
    root.client.patch(&at(&eve), json!({"status": "active"})).await.expect(200);
    // Enabling brings no session back.
    let refused = try_refresh(&service, eve.refresh_token()).await.expect(401);
    refused.refused(ErrorCode::InvalidRefreshToken);
    login(&service, "eve@example.org").await.client.get("/api/v1/users/me").await.expect(200);
    let told = audited(service.db("auth"), eve.id()).await;
    for action in ["user.disabled", "user.enabled"] {
        assert_eq!(told.iter().filter(|told| *told == action).count(), 1, "{told:?}");
    }
}

async fn an_administrator_keeps_their_own_rights(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    for body in [
        json!({"roles": ["user"]}),
        json!({"status": "disabled"}),
        json!({"roles": ["vendor"], "status": "active"}),
    ] {
        root.client.patch(&at(&root), body).await.expect(409).refused(ErrorCode::Conflict);
    }
    root.client.get(USERS).await.expect(200);
    let more: User =
        root.client.patch(&at(&root), json!({"roles": ["admin", "vendor"]})).await.expect(200).data();
    assert!(more.roles.contains(&Role::Admin) && more.roles.contains(&Role::Vendor));
}

async fn two_administrators_who_depose_each_other_at_once_leave_one(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let db = service.db("auth");
    for round in 0..6 {
        q!(db.write, execute, "DELETE FROM user_roles WHERE role = 'admin'").unwrap();
        let one = administrator(&service, &format!("one{round}@example.org")).await;
        let two = administrator(&service, &format!("two{round}@example.org")).await;
        let (first, second) = match round % 2 {
            0 => (json!({"roles": ["user"]}), json!({"roles": ["user"]})),
            _ => (json!({"status": "disabled"}), json!({"roles": ["vendor"]})),
        };
        let answers = race(vec![
            ready(&one.client, Method::PATCH, &at(&two), first),
            ready(&two.client, Method::PATCH, &at(&one), second),
        ]);
        let (done, lost): (Vec<_>, Vec<_>) =
            answers.await.into_iter().partition(|answer| answer.status == 200);
        let sql = "SELECT COUNT(*) FROM users u JOIN user_roles r ON r.user_id = u.id \
            WHERE r.role = 'admin' AND u.status = 'active'";
        assert_eq!((done.len(), count(db, sql).await), (1, 1), "{round}: {lost:?}");
        for lost in lost {
            // Who lost may not even have a token any more.
            assert!([401, 403].contains(&lost.status.as_u16()), "{round}: {}", lost.text());
        }
    }
}

async fn a_logout_by_an_administrator_ends_every_session(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (root, eve) =
        (administrator(&service, "root@example.org").await, register(&service, "eve@example.org").await);
    let elsewhere = login(&service, "eve@example.org").await;
    root.client.post(&format!("{}/logout", at(&eve)), json!({})).await.expect(204);
    for person in [&eve, &elsewhere] {
        person.client.get("/api/v1/users/me").await.expect(401).refused(ErrorCode::TokenRevoked);
        let refused = try_refresh(&service, person.refresh_token()).await.expect(401);
        refused.refused(ErrorCode::InvalidRefreshToken);
    }
    login(&service, "eve@example.org").await.client.get("/api/v1/users/me").await.expect(200);
    root.client.get("/api/v1/users/me").await.expect(200);
    assert!(audited(service.db("auth"), eve.id()).await.contains(&"user.logged_out".to_owned()));
}

on_both_engines!(
    only_administrators_manage_accounts,
    a_role_comes_from_an_administrator_only,
    accounts_are_found_by_the_beginning_of_address_or_name,
    accounts_are_filtered_sorted_and_paged,
    what_a_list_does_not_know_is_refused,
    an_account_is_shown_without_its_secrets,
    other_roles_hold_at_once,
    a_change_that_changes_nothing_revokes_nothing,
    who_saw_an_older_version_changes_nothing,
    who_is_disabled_is_out_until_enabled,
    an_administrator_keeps_their_own_rights,
    two_administrators_who_depose_each_other_at_once_leave_one,
    a_logout_by_an_administrator_ends_every_session,
);
