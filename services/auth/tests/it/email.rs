//! Proving an address.

use crate::support::{audited, claims, mailed, pass, refresh, register, start};
use contract::ErrorCode;
use contract::auth::User;
use serde_json::json;
use testkit::{Engine, TestService, on_both_engines};

async fn verify(service: &TestService, token: &str) -> testkit::Answer {
    service.client().post("/api/v1/auth/email/verify", json!({"token": token})).await
}

async fn the_mailed_link_proves_the_address_once(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let db = service.db("auth");
    let token = mailed(db, "ada@example.org", "verify_email").await.pop().unwrap();
    let user: User = verify(&service, &token).await.expect(200).data();
    assert!(user.email_verified && user.id.uuid() == ada.id());
    verify(&service, &token).await.expect(400).refused(ErrorCode::InvalidLink);
    assert_eq!(claims(ada.grant.tokens.access_token.expose())["verified"], false);
    let next = refresh(&service, ada.refresh_token()).await;
    assert_eq!(claims(next.access_token.expose())["verified"], true);
    assert_eq!(audited(db, ada.id()).await, ["user.registered", "email.verified"]);
}

async fn a_link_is_mailed_again_but_not_too_often(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let db = service.db("auth");
    let resend = || ada.client.post("/api/v1/auth/email/resend", json!({}));
    resend().await.expect(202);
    assert_eq!(mailed(db, "ada@example.org", "verify_email").await.len(), 1);
    pass(&service, 60);
    futures_util::future::join_all((0..5).map(|_| resend()))
        .await
        .into_iter()
        .for_each(|answer| drop(answer.expect(202)));
    let mails = mailed(db, "ada@example.org", "verify_email").await;
    assert_eq!(mails.len(), 2);
    // The older link goes on working, so that somebody else's asking does not take it away.
    verify(&service, &mails[0]).await.expect(200);
    verify(&service, &mails[1]).await.expect(400);
    pass(&service, 60);
    resend().await.expect(202);
    assert_eq!(mailed(db, "ada@example.org", "verify_email").await.len(), 2);
}

async fn the_link_ends_after_two_days(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    register(&service, "ada@example.org").await;
    let token = mailed(service.db("auth"), "ada@example.org", "verify_email").await.pop().unwrap();
    pass(&service, 2 * 86_400);
    verify(&service, &token).await.expect(400).refused(ErrorCode::InvalidLink);
}

on_both_engines!(
    the_mailed_link_proves_the_address_once,
    a_link_is_mailed_again_but_not_too_often,
    the_link_ends_after_two_days,
);
