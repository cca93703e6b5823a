//! Routes that keep their answers, as clients of the door see them.

use crate::house::{House, setup};
use contract::ErrorCode;
use contract::identity::Role;
use contract::purge::{PurgeRequest, Purged, Reach};
use http::Method;
use serde_json::json;
use std::time::Duration;
use testkit::{Answer, Client, Folder, Issuer, Listening, TestService, eventually};

const PURGE: &str = "/api/v1/gateway/cache/purge";

const ROUTES: &str = r#"
[[route]]
name = "kept"
path = "/kept/{id}"
rewrite = "/api/v1/things"
service = "things"
cache = { ttl_secs = 60, tags = ["kept:{id}"] }

[[route]]
name = "mine"
path = "/mine"
rewrite = "/api/v1/things"
service = "things"
cache = { ttl_secs = 60, per_user = true }

[[route]]
name = "passed-on"
path = "/passed-on"
rewrite = "/api/v1/things"
service = "things"
"#;

struct Kept {
    door: TestService,
    issuer: Issuer,
    _folder: Folder,
    _behind: Option<(Listening, TestService)>,
}

impl Kept {
    async fn house(over_http: bool) -> Self {
        let (issuer, folder) = (Issuer::new(), Folder::new("routes").unwrap());
        let file = folder.path().join("routes.toml");
        std::fs::write(&file, ROUTES).unwrap();
        let door = setup(&issuer).set("BOWLINE_GATEWAY__ROUTES_FILE", file.display().to_string());
        let (door, behind) = if over_http {
            let behind = setup(&issuer).targets("auth,things").build().await;
            let listening = behind.listen();
            let door = door.targets("gateway").peer("auth", listening.url()).peer("things", listening.url());
            (door.build().await, Some((listening, behind)))
        } else {
            (door.targets("gateway,auth,things").build().await, None)
        };
        eventually(async || door.assembled().shared().verifier().check()).await;
        Self { door, issuer, _folder: folder, _behind: behind }
    }

    fn client(&self, role: Role) -> Client {
        self.door.client().bearer(&self.issuer.token(self.door.clock(), &[role]))
    }
}

fn told(answer: &Answer) -> &str {
    answer.header("cache-status").unwrap()
}

/// Which request the service was asked in the course of.
fn asked(answer: &Answer) -> String {
    answer.json()["data"]["requestId"].as_str().unwrap().to_owned()
}

async fn kept_and_purged(over_http: bool) {
    let house = Kept::house(over_http).await;
    let (nobody, admin) = (house.door.client(), house.client(Role::Admin));
    let get = async |path: &str| nobody.get(path).await.expect(200);
    let first = get("/kept/7").await;
    assert_eq!(told(&first), "bowline; fwd=miss; fwd-status=200; stored");
    let again = get("/kept/7").await;
    assert_eq!((told(&again), asked(&again)), ("bowline; hit; ttl=60", asked(&first)));
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"), "an answer names its own request");
    assert_eq!(
        again.header("cache-control"),
        Some("no-store"),
        "the service said nothing that clients may keep"
    );
    let before = [get("/kept/7").await, get("/kept/8").await].map(|answer| asked(&answer));
    admin.post(PURGE, json!({"tags": ["kept:7"]})).await.expect(200);
    let after = [get("/kept/7").await, get("/kept/8").await].map(|answer| asked(&answer));
    assert!(before[0] != after[0] && before[1] == after[1], "{before:?} {after:?}");
    assert_eq!(asked(&get("/%6bept//8").await), after[1], "however its path is written");
    admin.post(PURGE, json!({"paths": ["/%6bept//7"]})).await.expect(200);
    assert_ne!(asked(&get("/kept/7").await), after[0], "here, too");
    nobody.request(Method::POST, "/kept/8").send().await.expect(200);
    assert_ne!(asked(&get("/kept/8").await), after[1], "a change forgets what was kept of its path");
    assert_eq!(get("/passed-on").await.header("cache-status"), None);
    assert_eq!(get("/passed-on").await.header("cache-control"), Some("no-store"));
    let last = asked(&get("/kept/7").await);
    house.door.clock().advance(Duration::from_secs(61));
    assert_ne!(asked(&get("/kept/7").await), last);
}

async fn told_apart(over_http: bool) {
    let house = Kept::house(over_http).await;
    let (ada, bob) = (house.client(Role::User), house.client(Role::User));
    let get = async |client: &Client, path: &str| client.get(path).await.expect(200);
    let firsts = [get(&ada, "/mine").await, get(&bob, "/mine").await];
    for (who, first) in [&ada, &bob].into_iter().zip(&firsts) {
        let again = get(who, "/mine").await;
        assert_eq!((told(&again), again.json()), ("bowline; hit; ttl=60", first.json()));
        assert_ne!(again.json()["data"]["user"], json!(null));
    }
    assert_ne!(firsts[0].json()["data"]["user"], firsts[1].json()["data"]["user"]);
    assert_eq!(told(&get(&ada, "/kept/1").await), "bowline; fwd=miss; fwd-status=200; detail=credentials");
    assert_eq!(
        told(&get(&house.door.client(), "/kept/1").await),
        "bowline; fwd=miss; fwd-status=200; stored"
    );
    assert!(!told(&get(&ada, "/kept/1").await).contains("hit"), "nobody's answer is not hers");
}

mod a_route_keeps_its_answers_until_they_are_old_or_purged {
    #[tokio::test]
    async fn in_one_process() {
        super::kept_and_purged(false).await;
    }

    #[tokio::test]
    async fn over_http() {
        super::kept_and_purged(true).await;
    }
}

mod nobody_is_given_what_another_one_was_told {
    #[tokio::test]
    async fn in_one_process() {
        super::told_apart(false).await;
    }

    #[tokio::test]
    async fn over_http() {
        super::told_apart(true).await;
    }
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_told_with_its_line() {
    let text = ROUTES
        .replace("kept:{id}", "kept:{name}")
        .replace("per_user = true", "override = true, max_body = 0");
    let request = http::Request::get("/kept/7").body(()).unwrap();
    let wrong = gateway::explain::explain(&text, &[], &request).unwrap_err();
    for line in ["line 7, route kept: cache.tags: ", "line 14, route mine: cache.max_body: "] {
        assert!(wrong.contains(line), "{wrong}");
    }
}

#[tokio::test]
async fn an_admin_purges_and_nobody_else() {
    let house = House::in_one_process().await;
    let asked = PurgeRequest { tags: vec!["products".to_owned()], ..PurgeRequest::default() };
    house.client().post(PURGE, &asked).await.expect(401).refused(ErrorCode::Unauthenticated);
    for role in [Role::User, Role::Vendor, Role::Moderator] {
        let token = house.issuer.token(house.door.clock(), &[role]);
        let refused = house.client().bearer(&token).post(PURGE, &asked).await.expect(403);
        refused.refused(ErrorCode::Forbidden);
    }
    let admin = house.client().bearer(&house.issuer.token(house.door.clock(), &[Role::Admin]));
    let purged: Purged = admin.post(PURGE, &asked).await.expect(200).data();
    assert_eq!(purged.reach, Reach::Here, "there is no Redis in this house");
    for wrong in [json!({}), json!({"tags": ["a b"]}), json!({"paths": ["a"]}), json!({"path": ["/a"]})] {
        admin.post(PURGE, &wrong).await.expect(400).refused(ErrorCode::Validation);
    }
}
