//! The audit log as an administrator reads it.

use crate::support::{PASSWORD, Person, login, pass, register, start, try_login};
use crate::users::administrator;
use chassis::db::q;
use contract::ErrorCode;
use contract::auth::{AuditAction, AuditEntry};
use http::Method;
use serde_json::Value;
use std::collections::HashSet;
use testkit::{Engine, on_both_engines};

const AUDIT: &str = "/api/v1/audit";

async fn page(root: &Person, query: &str) -> (Vec<AuditEntry>, Value) {
    let answer = root.client.get(&format!("{AUDIT}?{query}")).await.expect(200);
    (answer.data(), answer.json()["pagination"].clone())
}

async fn entries(root: &Person, query: &str) -> Vec<AuditEntry> {
    page(root, query).await.0
}

async fn a_line_tells_who_whom_and_from_where(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    let eve = register(&service, "eve@example.org").await;
    pass(&service, 1);
    let path = format!("/api/v1/users/{}/logout", eve.id());
    let ask = root.client.request(Method::POST, &path).header("x-correlation-id", "case-4711");
    ask.send().await.expect(204);
    let newest = entries(&root, "limit=1").await.remove(0);
    assert_eq!(newest.action, AuditAction::UserLoggedOut);
    assert_eq!(newest.actor.map(|id| id.uuid()), Some(root.id()));
    assert_eq!(newest.user.map(|id| id.uuid()), Some(eve.id()));
    assert_eq!(
        (newest.ip.as_deref(), newest.correlation_id.as_deref()),
        (Some("192.0.2.1"), Some("case-4711"))
    );
    assert_eq!(newest.at, service.clock().now().to_datetime());
    assert_eq!(newest.details["sessionsEnded"], 1);
}

async fn pages_cover_every_line_once_while_the_log_grows(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    register(&service, "eve@example.org").await;
    // Many lines of one time, and some of other times.
    for n in 0..9 {
        if n % 4 == 3 {
            pass(&service, 1);
        }
        login(&service, "eve@example.org").await;
    }
    let all = entries(&root, "limit=100").await;
    let sorted = all.is_sorted_by(|a, b| (a.at, a.id) > (b.at, b.id));
    assert!(all.len() > 9 && sorted, "{all:?}");
    let (mut seen, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let from = cursor.as_deref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let (lines, place) = page(&root, &format!("limit=4{from}")).await;
        assert_eq!(place["hasPrev"], Value::Bool(cursor.is_some()));
        assert!(lines.len() == 4 || place["hasNext"] == false, "{place}");
        seen.extend(lines);
        pages += 1;
        // What is written meanwhile comes before what is being read.
        login(&service, "eve@example.org").await;
        cursor = place["cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
        assert!(pages < 20);
    }
    let ids: Vec<_> = seen.iter().map(|line| line.id).collect();
    assert_eq!(ids, all.iter().map(|line| line.id).collect::<Vec<_>>());
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
}

async fn a_full_last_page_says_that_none_follows(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    let all = entries(&root, "limit=100").await.len();
    let (lines, place) = page(&root, &format!("limit={all}")).await;
    assert_eq!((lines.len(), &place["hasNext"], &place["cursor"]), (all, &Value::Bool(false), &Value::Null));
}

async fn lines_are_filtered(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    let eve = register(&service, "eve@example.org").await;
    pass(&service, 60);
    let middle = service.clock().now();
    try_login(&service, "eve@example.org", "wrong horse battery").await.expect(401);
    pass(&service, 60);
    login(&service, "eve@example.org").await;
    let told = async |query: &str| -> Vec<&'static str> {
        entries(&root, query).await.into_iter().map(|line| line.action.as_str()).collect()
    };
    let (eves, at) = (format!("user={}", eve.id()), middle.to_string());
    assert_eq!(told(&eves).await, ["login.succeeded", "login.failed", "user.registered"]);
    assert_eq!(told("action=login.failed").await, ["login.failed"]);
    assert_eq!(told(&format!("{eves}&from={at}")).await, ["login.succeeded", "login.failed"]);
    assert_eq!(told(&format!("{eves}&to={at}")).await, ["user.registered"]);
    let later = (middle + std::time::Duration::from_secs(1)).to_string();
    assert_eq!(told(&format!("{eves}&from={at}&to={later}&action=login.failed")).await, ["login.failed"]);
    assert!(told(&format!("{eves}&action=user.disabled")).await.is_empty());
}

async fn what_the_log_does_not_know_is_refused(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    // A well-formed cursor of a time that no database holds.
    let beyond = "_".repeat(32);
    let forged = format!("cursor={beyond}");
    for (query, field) in [
        ("sort=at", "sort"),
        ("page=2", "page"),
        ("limit=101", "limit"),
        ("action=user.exploded", "action"),
        ("user=nonsense", "user"),
        ("from=yesterday", "from"),
        ("cursor=nonsense", "cursor"),
        (forged.as_str(), "cursor"),
    ] {
        let refused = root.client.get(&format!("{AUDIT}?{query}")).await.expect(400);
        let error = refused.refused(ErrorCode::Validation);
        assert_eq!(error.error.details[0].field, field, "{query}: {error:?}");
    }
}

async fn no_secret_is_in_the_log(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    let eve = register(&service, "eve@example.org").await;
    try_login(&service, "typed-by-a-stranger@example.org", "typed by a stranger").await.expect(401);
    let log = root.client.get(&format!("{AUDIT}?limit=100")).await.expect(200);
    let text = log.text();
    let tokens = &eve.grant.tokens;
    for secret in [PASSWORD, tokens.access_token.expose(), tokens.refresh_token.expose(), "stranger"] {
        assert!(!text.contains(secret));
    }
    let db = service.db("auth");
    let hash: String =
        q!(db.read, scalar, "SELECT password_hash FROM users WHERE id = $1", eve.id()).unwrap();
    assert!(!text.contains(&hash));
}

on_both_engines!(
    a_line_tells_who_whom_and_from_where,
    pages_cover_every_line_once_while_the_log_grows,
    a_full_last_page_says_that_none_follows,
    lines_are_filtered,
    what_the_log_does_not_know_is_refused,
    no_secret_is_in_the_log,
);
