//! A route whose answer is put together, through the door.

use crate::house::setup;
use contract::identity::Role;
use serde_json::json;
use testkit::{Folder, Issuer, eventually};

const ROUTES: &str = r#"
[[route]]
name = "page"
path = "/page/{id}"
aggregate = { parts = [
    { name = "me", service = "things", path = "/api/v1/things/me" },
    { name = "thing", service = "things", path = "/api/v1/things/by/{id}?seen={id}", required = true },
    { name = "slow", service = "things", path = "/api/v1/things/slow", timeout_ms = 50 },
    { name = "away", service = "absent", path = "/api/v1/absences" },
] }
"#;

#[tokio::test]
async fn a_route_puts_an_answer_together_for_who_asks() {
    let (issuer, folder) = (Issuer::new(), Folder::new("routes").unwrap());
    let file = folder.path().join("routes.toml");
    std::fs::write(&file, ROUTES).unwrap();
    let door = setup(&issuer).set("BOWLINE_GATEWAY__ROUTES_FILE", file.display().to_string());
    let door = door.targets("gateway,auth,things").build().await;
    eventually(async || door.assembled().shared().verifier().check()).await;
    let claims = issuer.claims(door.clock(), &[Role::User]);
    let person = door.client().bearer(&issuer.sign(&claims));
    let page = person.get("/page/7").await.expect(200);
    let missing = json!([{"part": "slow", "why": "TOO_SLOW"}, {"part": "away", "why": "NOT_INSTALLED"}]);
    assert_eq!(page.json()["data"], json!({"me": claims.sub, "thing": 7}));
    assert_eq!(page.json()["missing"], missing);
    let nobody = door.client().get("/page/7").await.expect(200).json();
    assert_eq!(nobody["missing"][0], json!({"part": "me", "why": "FAILED"}));
    person.get("/page/none").await.expect(400);
    door.client().post("/page/7", json!({})).await.expect(405);
}
