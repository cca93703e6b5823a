//! How other services learn a person's address, and that nobody else does.

use crate::support::{register, start};
use contract::auth::AuthClient;
use contract::client::CallError;
use contract::ids::UserId;
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn a_service_learns_how_a_person_is_reached_and_nobody_else_does(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let peer = service.assembled().shared().peer("auth").unwrap();
    let client = AuthClient::new(peer.caller());
    let id = UserId(ada.id());
    let contact = client.contact(id).await.unwrap();
    assert_eq!((contact.email.as_str(), contact.verified, contact.active), ("ada@example.org", false, true));
    assert_eq!(contact.display_name, None);
    ada.client.patch("/api/v1/users/me", json!({"displayName": "Ada"})).await.expect(200);
    assert_eq!(client.contact(id).await.unwrap().display_name.as_deref(), Some("Ada"));
    let nobody = client.contact(UserId::new()).await.unwrap_err();
    assert!(matches!(&nobody, CallError::Refused(error) if error.status == 404), "{nobody}");
    let path = format!("/internal/v1/auth/contacts/{id}");
    ada.client.get(&path).await.expect(404);
    service.client().get(&path).await.expect(404);
}

on_both_engines!(a_service_learns_how_a_person_is_reached_and_nobody_else_does);
