//! What the command line does to the data, beside a platform that runs.

use crate::support::{PASSWORD, audited, claims, header, login, register, start};
use auth::Auth;
use auth::commands::{create_admin, rotate_keys};
use chassis::config::Sources;
use chassis::run::Platform;
use chassis::service::Registration;
use contract::auth::Password;
use std::time::Duration;
use testkit::{Engine, TestService, eventually_within};

/// The settings of another process on the same data.
fn beside(service: &TestService) -> Platform {
    let settings = [
        ("DATA_DIR".to_owned(), service.folder().join("data").display().to_string()),
        ("BOWLINE_AUTH__HASH_MEMORY_KIB".to_owned(), "8".to_owned()),
        ("BOWLINE_AUTH__HASH_PASSES".to_owned(), "1".to_owned()),
    ];
    Platform::load(&[Registration::of::<Auth>()], Sources::from_parts(None, settings)).unwrap()
}

/// A command has a runtime of its own.
async fn command<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test]
async fn an_administrator_is_made_and_can_log_in() {
    let service = start(Engine::Sqlite).await.unwrap();
    let platform = beside(&service);
    let made =
        command(move || create_admin(platform, "Root@example.org", Some(Password::new(PASSWORD)))).await;
    let made = made.unwrap();
    assert!(!made.promoted);
    let root = login(&service, "root@example.org").await;
    assert_eq!(root.id(), made.id.uuid());
    assert!(root.grant.user.email_verified);
    let roles = &claims(root.grant.tokens.access_token.expose())["roles"];
    assert_eq!(*roles, serde_json::json!(["admin", "user"]));
    assert!(audited(service.db("auth"), root.id()).await.contains(&"admin.created".to_owned()));
}

#[tokio::test]
async fn an_account_that_exists_becomes_an_administrators_and_keeps_its_password() {
    let service = start(Engine::Sqlite).await.unwrap();
    let ada = register(&service, "ada@example.org").await;
    let platform = beside(&service);
    let made = command(move || create_admin(platform, "ada@example.org", None)).await.unwrap();
    assert_eq!((made.id.uuid(), made.promoted), (ada.id(), true));
    let again = login(&service, "ada@example.org").await;
    let roles = &claims(again.grant.tokens.access_token.expose())["roles"];
    assert_eq!(*roles, serde_json::json!(["admin", "user"]));
}

#[tokio::test]
async fn a_weak_password_makes_no_administrator() {
    let service = start(Engine::Sqlite).await.unwrap();
    for (email, password) in
        [("root@example.org", Some("password1")), ("root@example.org", None), ("root", Some(PASSWORD))]
    {
        let platform = beside(&service);
        let password = password.map(Password::new);
        assert!(command(move || create_admin(platform, email, password)).await.is_err());
    }
    assert_eq!(crate::support::count(service.db("auth"), "SELECT COUNT(*) FROM users").await, 0);
}

#[tokio::test]
async fn a_running_platform_signs_with_the_new_key() {
    let service = start(Engine::Sqlite).await.unwrap();
    let platform = beside(&service);
    let made = command(move || rotate_keys(platform, true)).await.unwrap();
    // The command's clock is the system's; the platform's stands still.
    service.clock().advance(Duration::from_secs(5));
    register(&service, "ada@example.org").await;
    eventually_within(Duration::from_secs(2), || async {
        let ada = login(&service, "ada@example.org").await;
        header(ada.grant.tokens.access_token.expose())["kid"] == made.kid.as_str()
    })
    .await;
}
