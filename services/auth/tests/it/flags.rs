//! What can be turned on and off while the service runs.

use crate::support::{PASSWORD, register, setup, start_with};
use contract::ErrorCode;
use serde_json::json;
use testkit::{Answer, Engine, TestService, eventually};

async fn try_register(service: &TestService, email: &str) -> Answer {
    service.client().post("/api/v1/auth/register", json!({"email": email, "password": PASSWORD})).await
}

#[tokio::test]
async fn registration_is_closed_and_opened_while_it_runs() {
    let setup = setup().set("BOWLINE_RELOAD_SECS", "1").file("[flags]\nregistration = true\n");
    let Some(service) = start_with(setup, Engine::Sqlite).await else { return };
    let ada = register(&service, "ada@example.org").await;
    service.rewrite("[flags]\nregistration = \"off\"\n");
    // An address that is taken makes no account while it is still open.
    eventually(|| async {
        let status = try_register(&service, "ada@example.org").await.status;
        if status == 403 { Ok(()) } else { Err(status) }
    })
    .await;
    try_register(&service, "eve@example.org").await.expect(403).refused(ErrorCode::RegistrationClosed);
    ada.client.get("/api/v1/users/me").await.expect(200);
    service.rewrite("[flags]\nregistration = true\n");
    eventually(|| async {
        let status = try_register(&service, "ada@example.org").await.status;
        if status == 409 { Ok(()) } else { Err(status) }
    })
    .await;
}
