//! The signing key is replaced by a command while people work.

use crate::support::{Person, Process, Sandbox, bowline, in_both_shapes};
use serde_json::{Value, json};
use testkit::{Client, Folder, eventually};

in_both_shapes!(a_rotation_refuses_nobody);

async fn a_rotation_refuses_nobody(sandbox: Sandbox) {
    let client = sandbox.client();
    let person = Person::register(&client).await;
    let before = key_of(&person.access);
    sandbox.command(&["keys", "rotate"], "");
    let refresh = tokio::sync::Mutex::new(person.refresh.clone());
    let new = eventually(|| async {
        person.client.get("/api/v1/users/me").await.expect(200);
        let body = json!({"refreshToken": refresh.lock().await.clone()});
        let fresh: Value = client.post("/api/v1/auth/refresh", body).await.expect(200).data();
        let text = |field: &str| fresh[field].as_str().unwrap().to_owned();
        *refresh.lock().await = text("refreshToken");
        client.bearer(&text("accessToken")).get("/api/v1/users/me").await.expect(200);
        let key = key_of(&text("accessToken"));
        if key == before { Err("still the old key") } else { Ok(key) }
    })
    .await;
    person.client.get("/api/v1/users/me").await.expect(200);
    let published = client.get("/.well-known/jwks.json").await.expect(200).json();
    let published: Vec<&str> =
        published["keys"].as_array().unwrap().iter().filter_map(|key| key["kid"].as_str()).collect();
    assert!(published.contains(&before.as_str()) && published.contains(&new.as_str()), "{published:?}");
}

#[tokio::test]
async fn a_key_that_is_made_before_the_first_start_signs_at_once() {
    let folder = Folder::new("keys").unwrap();
    let data = folder.path().join("data");
    let settings = [("DATA_DIR", data.to_str().unwrap())];
    let rotated = bowline(&["keys", "rotate"], &settings, "");
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    let process = Process::start(&settings);
    let person = Person::register(&Client::http(process.url())).await;
    assert!(String::from_utf8_lossy(&rotated.stdout).contains(&key_of(&person.access)));
}

/// The key id in a token's header.
fn key_of(token: &str) -> String {
    use base64::Engine;
    let header = token.split('.').next().unwrap();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}
