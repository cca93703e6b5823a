//! A route of the file sends a part of the browsers elsewhere; each stays where it is until the file says otherwise.

use crate::support::{Sandbox, Shape};
use http::Method;
use testkit::{Client, Fault, FaultyPeer, Folder, eventually};

const STABLE: &str = "stable";
const CANARY: &str = "canary";

/// Which side answers a browser that sends these, and the cookie that it is given.
async fn ask(client: &Client, headers: &[(&str, &str)]) -> (String, Option<String>) {
    let ask = client.request(Method::GET, "/shop/x");
    let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
    let answer = ask.send().await.expect(200);
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    (answer.data(), cookie.map(str::to_owned))
}

async fn each_browser_stays_on_its_side(shape: Shape) {
    let (stable, canary) =
        (FaultyPeer::start(STABLE, Fault::None).await, FaultyPeer::start(CANARY, Fault::None).await);
    let folder = Folder::new("routes").unwrap();
    let (file, beside) = (folder.path().join("routes.toml"), folder.path().join("next.toml"));
    let share = |percent: u32| {
        let text = format!(
            r#"
            [upstream.stable]
            instances = ["{}"]
            [upstream.canary]
            instances = ["{}"]
            [[route]]
            name = "shop"
            path = "/shop/{{*rest}}"
            upstream = "stable"
            access = {{ who = "public" }}
            [route.rollout]
            to = "canary"
            percent = {percent}
            by = "cookie"
            cookie = "side"
            header = {{ name = "x-canary", value = "1" }}
            "#,
            stable.url(),
            canary.url()
        );
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, &file).unwrap();
    };
    share(50);
    // It is read when somebody says so, and not before.
    let settings = [
        ("BOWLINE_GATEWAY__ROUTES_FILE", file.to_str().unwrap()),
        ("BOWLINE_GATEWAY__ROUTES_RELOAD_SECS", "3600"),
    ];
    let mut sandbox = Sandbox::start_with(shape, &settings);
    let client = sandbox.client();
    let mut browsers = Vec::new();
    for _ in 0..40 {
        let (side, cookie) = ask(&client, &[]).await;
        browsers.push((cookie.unwrap(), side));
    }
    assert!(
        browsers.iter().any(|(_, side)| side == STABLE) && browsers.iter().any(|(_, side)| side == CANARY)
    );
    sandbox.kill("gateway");
    sandbox.restart("gateway");
    let client = sandbox.client();
    for (cookie, side) in &browsers {
        assert_eq!(ask(&client, &[("cookie", cookie)]).await, (side.clone(), None), "{cookie}");
    }
    assert_eq!(ask(&client, &[("x-canary", "1")]).await.0, CANARY);

    share(100);
    sandbox.door.signal("HUP");
    for (cookie, _) in &browsers {
        eventually(async || ask(&client, &[("cookie", cookie)]).await.0 == CANARY).await;
    }
    share(0);
    sandbox.door.signal("HUP");
    for (cookie, _) in &browsers {
        eventually(async || ask(&client, &[("cookie", cookie)]).await.0 == STABLE).await;
    }
    assert_eq!(ask(&client, &[("x-canary", "1")]).await.0, CANARY, "who asks for it is heard");
}

#[tokio::test]
async fn each_browser_stays_on_its_side_in_one_process() {
    each_browser_stays_on_its_side(Shape::All).await;
}

#[tokio::test]
async fn each_browser_stays_on_its_side_as_separate_processes() {
    each_browser_stays_on_its_side(Shape::Split).await;
}
