//! The file of routes changes while clients are at work.

use crate::routes::Routed;
use http::Method;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use testkit::eventually;
use testkit::ws::{Dial, Heard};

/// How often the file changes.
const CHANGES: usize = 4;
/// Clients that ask without a pause.
const CLIENTS: usize = 8;

/// Routes of which one says how often the file was changed.
fn routes(change: usize) -> String {
    format!(
        r#"
[[route]]
name = "kept"
path = "/kept"
service = "things"
rewrite = "/api/v1/things"

[[route]]
name = "kept-ws"
path = "/kept/ws"
service = "things"
rewrite = "/api/v1/things/ws"

[[route]]
name = "changed"
path = "/changed"
service = "things"
rewrite = "/api/v1/things"
response_headers = {{ set = {{ x-change = "{change}" }} }}
"#
    )
}

#[tokio::test]
async fn reloads_under_load_fail_no_request_and_drop_no_websocket() {
    let routed = Routed::with(&routes(0)).await;
    let listening = routed.door.listen();
    let mut socket = Dial::new(listening.address(), "/kept/ws").open().await.unwrap();
    assert_eq!(socket.hear().await, Heard::Text("nobody".to_owned()));
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let client = async |number: usize| {
        let client = listening.client();
        while !over.load(Relaxed) {
            let path = if number.is_multiple_of(2) { "/kept" } else { "/changed" };
            client.request(Method::GET, path).send().await.expect(200);
            answered.fetch_add(1, Relaxed);
        }
    };
    let changes = async {
        let observer = listening.client();
        for change in 1..=CHANGES {
            let before = answered.load(Relaxed);
            routed.rewrite(&routes(change));
            let wanted = change.to_string();
            eventually(async || {
                let answer = observer.request(Method::GET, "/changed").send().await.expect(200);
                match answer.header("x-change") {
                    Some(seen) if seen == wanted => Ok(()),
                    seen => Err(seen.map(str::to_owned)),
                }
            })
            .await;
            assert!(answered.load(Relaxed) > before, "nobody asked meanwhile");
            socket.say(&wanted).await;
            assert_eq!(
                socket.hear().await,
                Heard::Text(wanted),
                "the WebSocket of a route that did not change"
            );
        }
        over.store(true, Relaxed);
    };
    let clients = futures_util::future::join_all((0..CLIENTS).map(client));
    tokio::join!(clients, changes);
}
