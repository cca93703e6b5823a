//! Profiles: what their owners say, and what others see and find of it.

use crate::support::{Person, audited, pass, register, start};
use crate::users::administrator;
use contract::ErrorCode;
use contract::auth::{Profile, PublicProfile, User};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use testkit::{Client, Engine, on_both_engines};

pub(crate) const MINE: &str = "/api/v1/profiles/me";

impl Person {
    pub(crate) async fn says(&self, change: Value) -> Profile {
        self.client.patch(MINE, change).await.expect(200).data()
    }

    pub(crate) fn page(&self) -> String {
        format!("/api/v1/profiles/{}", self.id())
    }
}

async fn who_has_said_nothing_shows_nothing(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, eve) =
        (register(&service, "ada@example.org").await, register(&service, "eve@example.org").await);
    ada.client.patch("/api/v1/users/me", json!({"displayName": "Ada"})).await.expect(200);
    let mine: Profile = ada.client.get(MINE).await.expect(200).data();
    assert_eq!((mine.display_name.as_deref(), mine.email.as_str()), (Some("Ada"), "ada@example.org"));
    assert!(!mine.is_public && !mine.show_email && !mine.show_location && mine.avatar.is_none());
    for client in [&eve.client, &service.client()] {
        client.get(&ada.page()).await.expect(404).refused(ErrorCode::NotFound);
        client.get(&format!("{}/avatar", ada.page())).await.expect(404).refused(ErrorCode::NotFound);
    }
    assert!(found(&eve.client, "ada").await.is_empty());
    assert!(found(&eve.client, "ada@example.org").await.is_empty());
    // Its owner sees what others would.
    let shown: PublicProfile = ada.client.get(&ada.page()).await.expect(200).data();
    assert_eq!((shown.display_name.as_deref(), shown.email), (Some("Ada"), None));
    service.client().get(MINE).await.expect(401).refused(ErrorCode::Unauthenticated);
    service.client().get("/api/v1/profiles?q=ada").await.expect(401).refused(ErrorCode::Unauthenticated);
}

async fn a_profile_is_said_shown_and_hidden_again(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let said = json!({
        "displayName": " Ada Lovelace ", "bio": "Numbers.\nMore numbers.", "location": "London",
        "website": "https://example.org/~ada", "locale": "en-GB", "timeZone": "Europe/London", "isPublic": true,
    });
    let mine = ada.says(said).await;
    assert_eq!(mine.display_name.as_deref(), Some("Ada Lovelace"));
    assert_eq!((mine.locale.as_deref(), mine.time_zone.as_deref()), (Some("en-GB"), Some("Europe/London")));
    // The name is the account's too, at once.
    let account: User = ada.client.get("/api/v1/users/me").await.expect(200).data();
    assert_eq!(account.display_name.as_deref(), Some("Ada Lovelace"));
    let shown = service.client().get(&ada.page()).await.expect(200);
    let keys: Vec<String> = shown.json()["data"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["bio", "displayName", "user", "website"]);
    ada.says(json!({"showEmail": true, "showLocation": true})).await;
    let shown: PublicProfile = service.client().get(&ada.page()).await.expect(200).data();
    assert_eq!(
        (shown.email.as_deref(), shown.location.as_deref()),
        (Some("ada@example.org"), Some("London"))
    );
    let text = service.client().get(&ada.page()).await.expect(200).text().into_owned();
    assert!(!text.contains("en-GB") && !text.contains("Europe/London"), "{text}");
    let mine = ada.says(json!({"showEmail": false, "location": null, "bio": null})).await;
    assert_eq!((mine.bio, mine.location), (None, None));
    let shown: PublicProfile = service.client().get(&ada.page()).await.expect(200).data();
    assert_eq!((shown.email, shown.location, shown.bio), (None, None, None));
    ada.says(json!({"isPublic": false})).await;
    service.client().get(&ada.page()).await.expect(404).refused(ErrorCode::NotFound);
    let changes = audited(service.db("auth"), ada.id()).await;
    assert_eq!(changes.iter().filter(|action| *action == "profile.changed").count(), 4);
}

/// The names that a search finds.
async fn found(client: &Client, q: &str) -> Vec<String> {
    let found: Vec<PublicProfile> = client.get(&format!("/api/v1/profiles?q={q}")).await.expect(200).data();
    found.into_iter().map(|profile| profile.display_name.unwrap_or_default()).collect()
}

async fn a_search_finds_by_what_is_shown_and_by_nothing_else(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let eve = register(&service, "eve@example.org").await;
    let mut people = Vec::new();
    for (name, location, flags) in [
        ("Ada", "London", json!({"isPublic": true})),
        ("adam", "London", json!({"isPublic": true, "showLocation": true})),
        ("Adelaide", "Paris", json!({"isPublic": false, "showLocation": true, "showEmail": true})),
        ("Zoë", "Łódź", json!({"isPublic": true, "showEmail": true, "showLocation": true})),
        ("50% off", "a_b", json!({"isPublic": true, "showLocation": true})),
    ] {
        let person = register(&service, &format!("p{}@example.org", people.len())).await;
        let mut said = flags;
        said["displayName"] = json!(name);
        said["location"] = json!(location);
        said["bio"] = json!("Words of a bio are read and not searched.");
        said["locale"] = json!("en-GB");
        said["timeZone"] = json!("Europe/London");
        person.says(said).await;
        people.push(person);
    }
    let find = async |q: &str| found(&eve.client, q).await;
    assert_eq!(find("AD").await, ["Ada", "adam"]);
    assert_eq!(find("adel").await, [""; 0]);
    // One shows where they are, the other does not.
    assert_eq!(find("london").await, ["adam"]);
    assert_eq!(find("paris").await, [""; 0]);
    assert_eq!(find("%C5%81%C3%B3").await, ["Zoë"]);
    // An address is found whole, where it is shown.
    assert_eq!(find("P3@example.org").await, ["Zoë"]);
    for hidden in ["p0@example.org", "p2@example.org", "p3@", "p3", "example.org", "en-GB", "Europe", "words"]
    {
        assert_eq!(find(hidden).await, [""; 0], "{hidden}");
    }
    // What means something to LIKE means nothing here.
    assert_eq!(find("50%25").await, ["50% off"]);
    assert_eq!(find("%25%25").await, [""; 0]);
    assert_eq!(find("a_").await, ["50% off"]);
    assert_eq!(find("a'%20OR%201=1%20--").await, [""; 0]);
    for bad in [
        "q=a",
        "q=",
        "limit=10",
        "q=ada&limit=51",
        "q=ada&limit=0",
        "q=ada&email=x",
        "q=%20%20%20",
        "q=a%00b",
    ] {
        let answer = eve.client.get(&format!("/api/v1/profiles?{bad}")).await;
        answer.expect(400).refused(ErrorCode::Validation);
    }
    let one: Vec<PublicProfile> = eve.client.get("/api/v1/profiles?q=ad&limit=1").await.expect(200).data();
    assert_eq!(one.len(), 1);

    // Hidden once more it is not found any more, at once.
    people[1].says(json!({"showLocation": false})).await;
    assert_eq!(find("london").await, [""; 0]);
    people[3].says(json!({"showEmail": false})).await;
    assert_eq!(find("p3@example.org").await, [""; 0]);
    // A name that is changed in the account is found by the new one.
    people[0].client.patch("/api/v1/users/me", json!({"displayName": "Grace"})).await.expect(200);
    assert_eq!(find("grace").await, ["Grace"]);
    assert_eq!(find("ada").await, ["adam"]);
}

async fn an_account_that_is_shut_is_not_shown(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let root = administrator(&service, "root@example.org").await;
    let ada = register(&service, "ada@example.org").await;
    ada.says(json!({"displayName": "Ada", "isPublic": true})).await;
    assert_eq!(found(&root.client, "ada").await, ["Ada"]);
    let shut = json!({"status": "disabled"});
    root.client.patch(&format!("/api/v1/users/{}", ada.id()), shut).await.expect(200);
    root.client.get(&ada.page()).await.expect(404).refused(ErrorCode::NotFound);
    assert!(found(&root.client, "ada").await.is_empty());
}

/// A predecessor spread the raw body over the row.
async fn nothing_but_a_profile_is_changed_by_one(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (ada, eve) =
        (register(&service, "ada@example.org").await, register(&service, "eve@example.org").await);
    for (field, value) in [
        ("user", json!(ada.id())),
        ("userId", json!(ada.id())),
        ("email", json!("root@example.org")),
        ("roles", json!(["admin"])),
        ("status", json!("active")),
        ("avatar", json!("https://example.org/x.png")),
        ("avatarTag", json!("x")),
        ("version", json!(7)),
        ("updatedAt", json!("2020-01-01T00:00:00Z")),
        ("profileViews", json!(7)),
    ] {
        let refused = eve.client.patch(MINE, json!({"bio": "x", field: value})).await.expect(400);
        assert_eq!(refused.refused(ErrorCode::Validation).error.details[0].field, field);
    }
    for (body, field) in [
        (json!({"displayName": " "}), "displayName"),
        (json!({"bio": "x".repeat(501)}), "bio"),
        (json!({"bio": "bell \u{7}"}), "bio"),
        (json!({"location": "two\nlines"}), "location"),
        (json!({"website": "javascript:alert(1)"}), "website"),
        (json!({"website": "https://ada:pw@example.org"}), "website"),
        (json!({"locale": "english"}), "locale"),
        (json!({"timeZone": "Europe/Bern"}), "timeZone"),
        (json!({"isPublic": null, "showEmail": 1}), "showEmail"),
    ] {
        let refused = eve.client.patch(MINE, &body).await.expect(400);
        assert_eq!(refused.refused(ErrorCode::Validation).error.details[0].field, field, "{body}");
    }
    let mine: Profile = eve.client.get(MINE).await.expect(200).data();
    assert_eq!((mine.bio, mine.is_public), (None, false));
    // Nobody changes another's: there is no route for it.
    eve.client.patch(&ada.page(), json!({"bio": "x"})).await.expect(405);
}

async fn who_has_seen_an_older_version_changes_nothing(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let first = ada.client.get(MINE).await.expect(200).header("etag").unwrap().to_owned();
    let write = |n: usize| {
        let ask = ada.client.request(Method::PATCH, MINE).header("if-match", &first);
        ask.json(json!({"bio": format!("{n}")})).send()
    };
    let answers = join_all((0..6).map(write)).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 412));
    let now = ada.client.get(MINE).await.expect(200);
    assert_eq!((now.data::<Profile>(), now.header("etag")), (won[0].data(), won[0].header("etag")));
    let known = ada.client.request(Method::GET, MINE).header("if-none-match", now.header("etag").unwrap());
    known.send().await.expect(304);
    // The name in the account is a part of it.
    pass(&service, 1);
    ada.client.patch("/api/v1/users/me", json!({"displayName": "Ada"})).await.expect(200);
    let ask = ada.client.request(Method::PATCH, MINE).header("if-match", now.header("etag").unwrap());
    ask.json(json!({"bio": "late"})).send().await.expect(412).refused(ErrorCode::PreconditionFailed);
    // The same again is no change.
    let before = ada.client.get(MINE).await.expect(200);
    let same = ada.client.patch(MINE, json!({"displayName": "Ada"})).await.expect(200);
    assert_eq!(same.header("etag"), before.header("etag"));
}

on_both_engines!(
    who_has_said_nothing_shows_nothing,
    a_profile_is_said_shown_and_hidden_again,
    a_search_finds_by_what_is_shown_and_by_nothing_else,
    an_account_that_is_shut_is_not_shown,
    nothing_but_a_profile_is_changed_by_one,
    who_has_seen_an_older_version_changes_nothing,
);
