//! The first administrator comes from the command line; what they decide holds at once, everywhere.

use crate::support::{PASSWORD, Person, Sandbox, in_both_shapes};
use contract::ErrorCode;
use serde_json::{Value, json};
use testkit::eventually;

in_both_shapes!(a_disabled_account_is_out_within_a_second, an_organization_is_its_members_own);

async fn a_disabled_account_is_out_within_a_second(sandbox: Sandbox) {
    let client = sandbox.client();
    let person = Person::register(&client).await;
    person.client.get("/api/v1/users").await.refused(ErrorCode::Forbidden);

    sandbox.command(&["admin", "create", "--email", "root@example.org"], PASSWORD);
    let admin = Person::log_in(&client, "root@example.org", PASSWORD).await;
    let found: Vec<Value> =
        admin.client.get(&format!("/api/v1/users?q={}", person.email)).await.expect(200).data();
    assert_eq!(found.len(), 1);
    let path = format!("/api/v1/users/{}", person.id);
    admin.client.patch(&path, json!({"status": "disabled"})).await.expect(200);
    let began = std::time::Instant::now();
    eventually(|| async {
        let refused = person.client.get("/api/v1/users/me").await;
        (refused.status == 401).then_some(()).ok_or_else(|| refused.text().into_owned())
    })
    .await;
    assert!(began.elapsed().as_millis() < 1_000, "it took {:?}", began.elapsed());
    let body = json!({"email": person.email, "password": PASSWORD});
    client.post("/api/v1/auth/login", body).await.refused(ErrorCode::AccountDisabled);
    let audit: Vec<Value> =
        admin.client.get(&format!("/api/v1/audit?user={}", person.id)).await.expect(200).data();
    assert!(!audit.is_empty());
}

async fn an_organization_is_its_members_own(sandbox: Sandbox) {
    let client = sandbox.client();
    let (owner, guest) = (Person::register(&client).await, Person::register(&client).await);
    let made: Value =
        owner.client.post("/api/v1/organizations", json!({"name": "Harbour Works"})).await.expect(201).data();
    let path = format!("/api/v1/organizations/{}", made["id"].as_str().unwrap());
    guest.client.get(&path).await.refused(ErrorCode::NotFound);

    let invite = json!({"email": guest.email, "role": "member"});
    owner.client.post(&format!("{path}/invitations"), invite).await.expect(201);
    let token = crate::support::token_in(&sandbox.mail_to(&guest.email));
    guest.client.post("/api/v1/organizations/invitations/accept", json!({"token": token})).await.expect(200);
    // Rights travel in the token, so the guest takes a new one.
    let guest = Person::log_in(&client, &guest.email, PASSWORD).await;
    guest.client.get(&path).await.expect(200);
}
