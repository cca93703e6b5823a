//! `GET /`, the API's description, and its page.

use crate::house::{House, NOWHERE, both_ways, setup};
use contract::error::ErrorCode;
use std::io::Read as _;
use testkit::{Client, Issuer, eventually};

both_ways! {
    the_description_is_that_of_every_service_that_answers,
}

async fn the_description_is_that_of_every_service_that_answers(house: House) {
    let answer = house.get("/openapi.json", &[]).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{document}");
    assert!(document["paths"]["/api/v1/things"]["get"].is_object(), "{document}");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let about = document["info"]["description"].as_str().unwrap();
    assert!(about.contains("Not reachable now: absent."), "{about}");
    assert!(!document["paths"].as_object().unwrap().keys().any(|path| path.starts_with("/internal")));
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_named_and_the_others_are_described() {
    let door = setup(&Issuer::new()).targets("gateway").peer("auth", NOWHERE).peer("things", NOWHERE);
    let door = door.build().await;
    let document = door.client().get("/openapi.json").await.expect(200).json();
    let about = document["info"]["description"].as_str().unwrap();
    assert!(about.contains("auth, things, absent"), "{about}");
}

#[tokio::test]
async fn a_service_that_went_away_is_described_as_it_was_and_named() {
    let mut house = House::over_http().await;
    house.get("/openapi.json", &[]).await.expect(200);
    house.end_what_is_behind().await;
    let document = eventually(async || {
        // What is kept is given out while it is made anew.
        house.door.clock().advance(std::time::Duration::from_secs(11));
        let document = house.get("/openapi.json", &[]).await.expect(200).json();
        let about = document["info"]["description"].as_str().unwrap().to_owned();
        if about.contains("Not reachable now: auth, things, absent. Described as they were: auth, things.") {
            Ok(document)
        } else {
            Err(about)
        }
    })
    .await;
    assert!(document["paths"]["/api/v1/things"]["get"].is_object(), "{document}");
}

#[tokio::test]
async fn the_root_says_where_to_look_next() {
    let house = House::in_one_process().await;
    let index = house.get("/", &[]).await.expect(200).json()["data"].clone();
    assert_eq!(index["name"], "bowline");
    assert_eq!((&index["docs"], &index["openapi"]), (&"/docs".into(), &"/openapi.json".into()));
    let names: Vec<_> =
        index["services"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["auth", "things", "absent"]);
}

async fn page(client: &Client, path: &str) -> String {
    let answer = client.get(path).await.expect(200);
    assert!(answer.header("content-security-policy").unwrap().contains("script-src 'self'"), "{path}");
    if answer.header("content-encoding") != Some("gzip") {
        return answer.text().into_owned();
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*answer.body).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn the_page_has_everything_that_it_needs_from_this_host() {
    let house = House::in_one_process().await;
    let client = house.client();
    let moved = client.get("/docs").await;
    assert!(moved.status.is_redirection() && moved.location().is_some_and(|to| to.contains("docs/")));
    client.get("/docs/no-such-file").await.expect(404).refused(ErrorCode::NotFound);
    let html = page(&client, "/docs/").await;
    assert!(html.contains("swagger-ui"), "{html}");
    // The policy allows no script inside of the page and none from elsewhere.
    for script in html.split("<script").skip(1) {
        let (tag, rest) = script.split_once('>').unwrap();
        assert!(tag.contains("src=\"./") && rest.trim_start().starts_with("</script>"), "<script{script}");
    }
    for file in html.split("src=\"./").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        page(&client, &format!("/docs/{file}")).await;
    }
    let set_up = page(&client, "/docs/swagger-initializer.js").await;
    assert!(set_up.contains("/openapi.json") && set_up.contains("persistAuthorization"), "{set_up}");
}

#[tokio::test]
async fn the_description_can_be_switched_off() {
    let issuer = Issuer::new();
    let door =
        setup(&issuer).targets("gateway,auth,things").set("BOWLINE_GATEWAY__DOCS", "false").build().await;
    for path in ["/docs", "/docs/", "/openapi.json"] {
        door.client().get(path).await.expect(404).refused(ErrorCode::NotFound);
    }
    let index = door.client().get("/").await.expect(200).json()["data"].clone();
    assert!(index.get("docs").is_none() && index.get("openapi").is_none(), "{index}");
}
