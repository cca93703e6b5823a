//! Somebody says who they are, with a picture, and hides again.

use crate::support::{Shop, in_every_shop};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::ErrorCode;
use http::Method;
use serde_json::{Value, json};
use testkit::Wire;

in_every_shop!(a_profile_is_shown_as_far_as_its_owner_lets_it,);

const MINE: &str = "/api/v1/profiles/me";
const PICTURE: &str = "/api/v1/profiles/me/avatar";

/// A PNG of one pixel.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// As large as a photograph: what stands behind the end of a picture is not looked at.
fn photograph(bytes: usize) -> Vec<u8> {
    let mut picture = STANDARD.decode(PIXEL).unwrap();
    picture.resize(bytes, 0);
    picture
}

async fn a_profile_is_shown_as_far_as_its_owner_lets_it(shop: Shop) {
    let (ada, eve, nobody) = (shop.buyer().await, shop.buyer().await, shop.sandbox.client());
    let page = format!("/api/v1/profiles/{}", ada.id);
    // The name tells this one from those of other tests.
    let name = format!("Ada {}", &ada.id[24..]);
    let said = json!({
        "displayName": name, "bio": "Numbers.", "location": "London", "timeZone": "Europe/London", "locale": "en-GB",
    });
    ada.client.patch(MINE, said).await.expect(200);
    nobody.get(&page).await.expect(404).refused(ErrorCode::NotFound);

    // A picture of three megabytes goes through the door; one of six is refused before a byte of it has come.
    let put = |bytes: usize| ada.client.request(Method::PUT, PICTURE).body("image/png", photograph(bytes));
    let mine: Value = put(3_000_000).send().await.expect(200).data();
    let picture = mine["avatar"].as_str().unwrap().to_owned();
    let mut wire = Wire::connect(shop.sandbox.door.address()).await.unwrap();
    let announced = format!(
        "PUT {PICTURE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: image/png\r\n\
        content-length: 6000000\r\n\r\n",
        ada.access
    );
    wire.write(&announced).await.unwrap();
    let refused = wire.head().await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    let script = ada.client.request(Method::PUT, PICTURE).body("image/png", "<script>alert(1)</script>");
    script.send().await.expect(415).refused(ErrorCode::UnsupportedMediaType);
    nobody.get(&picture).await.expect(404).refused(ErrorCode::NotFound);

    ada.client.patch(MINE, json!({"isPublic": true})).await.expect(200);
    let shown: Value = nobody.get(&page).await.expect(200).data();
    assert_eq!(shown["displayName"], name);
    for hidden in ["email", "location", "locale", "timeZone"] {
        assert!(shown[hidden].is_null(), "{hidden}: {shown}");
    }
    let jpeg = nobody.get(&picture).await.expect(200);
    assert_eq!(jpeg.header("content-type"), Some("image/jpeg"));
    assert_eq!(jpeg.header("x-content-type-options"), Some("nosniff"));
    assert!(jpeg.body.starts_with(b"\xff\xd8\xff") && jpeg.body.len() < 20_000);
    let known = nobody.request(Method::GET, &picture).header("if-none-match", jpeg.header("etag").unwrap());
    known.send().await.expect(304);

    let find = async |q: &str| {
        let found: Vec<Value> = eve.client.get(&format!("/api/v1/profiles?q={q}")).await.expect(200).data();
        found.iter().any(|profile| profile["user"] == ada.id.as_str())
    };
    assert!(find(&name.replace(' ', "%20")).await);
    assert!(!find(&ada.email).await && !find("london").await);
    ada.client.patch(MINE, json!({"showEmail": true, "showLocation": true})).await.expect(200);
    assert!(find(&ada.email).await && find("london").await);
    // The account has the name too.
    let account: Value = ada.client.get("/api/v1/users/me").await.expect(200).data();
    assert_eq!(account["displayName"], name);

    ada.client.patch(MINE, json!({"isPublic": false})).await.expect(200);
    nobody.get(&page).await.expect(404);
    nobody.get(&picture).await.expect(404);
    assert!(!find(&ada.email).await);
    // Nobody becomes more by it.
    ada.client.patch(MINE, json!({"roles": ["admin"]})).await.expect(400).refused(ErrorCode::Validation);
}
