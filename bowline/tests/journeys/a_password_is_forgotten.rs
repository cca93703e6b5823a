//! A link by mail, a new password, and every old session ended.

use crate::support::{PASSWORD, Person, Sandbox, in_both_shapes, token_in};
use contract::ErrorCode;
use serde_json::{Value, json};

in_both_shapes!(a_reset_ends_every_session, an_address_is_proved_by_its_link);

async fn a_reset_ends_every_session(sandbox: Sandbox) {
    let client = sandbox.client();
    let person = Person::register(&client).await;
    client.post("/api/v1/auth/password/forgot", json!({"email": person.email})).await.expect(202);
    client.post("/api/v1/auth/password/forgot", json!({"email": "nobody@example.org"})).await.expect(202);

    let token = token_in(&sandbox.mail_to(&person.email));
    let new = "another-lantern-4-harbour";
    let body = json!({"token": token, "newPassword": new});
    client.post("/api/v1/auth/password/reset", &body).await.expect(204);
    client.post("/api/v1/auth/password/reset", &body).await.refused(ErrorCode::InvalidLink);
    client
        .post("/api/v1/auth/refresh", json!({"refreshToken": person.refresh}))
        .await
        .refused(ErrorCode::InvalidRefreshToken);
    let old = json!({"email": person.email, "password": PASSWORD});
    client.post("/api/v1/auth/login", old).await.refused(ErrorCode::InvalidCredentials);
    Person::log_in(&client, &person.email, new).await;
    assert!(!sandbox.logs().contains(&token));
}

async fn an_address_is_proved_by_its_link(sandbox: Sandbox) {
    let client = sandbox.client();
    let person = Person::register(&client).await;
    let me: Value = person.client.get("/api/v1/users/me").await.expect(200).data();
    assert_eq!(me["emailVerified"], false);
    let token = token_in(&sandbox.mail_to(&person.email));
    client.post("/api/v1/auth/email/verify", json!({"token": token})).await.expect(200);
    let me: Value = person.client.get("/api/v1/users/me").await.expect(200).data();
    assert_eq!(me["emailVerified"], true);
}
