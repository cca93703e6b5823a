//! The file of routes changes while clients are at work.

use crate::rollouts::{route, upstreams};
use crate::routes::Routed;
use http::Method;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use testkit::ws::{Dial, Heard};
use testkit::{Fault, FaultyPeer, eventually};

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

#[tokio::test]
async fn a_file_that_names_what_cannot_be_had_changes_nothing() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counts = metrics::set_default_local_recorder(&recorder);
    let (before, after) =
        (FaultyPeer::start("before", Fault::None).await, FaultyPeer::start("after", Fault::None).await);
    let other = FaultyPeer::start("other", Fault::None).await;
    let file = |stable: &FaultyPeer, percent: u8| {
        let rollout = format!("rollout = {{ to = \"other\", percent = {percent} }}");
        format!("{}{}", upstreams(&[("stable", stable), ("other", &other)]), route(&rollout))
    };
    let routed = Routed::with(&file(&before, 0)).await;
    assert_eq!(routed.said(&[]).await, "before");
    // An upstream is another one, or the share is, and a secret cannot be read.
    let failures = || {
        let page = recorder.handle().render();
        let count = page.lines().find_map(|line| line.strip_prefix("gateway_routes_reload_failures_total "));
        count.map_or(0, |count| count.parse::<u32>().unwrap())
    };
    for (stable, percent) in [(&after, 0), (&before, 100)] {
        let provider = "[provider.away]\nissuer = \"https://accounts.example\"\nclient_id = \"door\"\n\
                        client_secret_file = \"/nowhere/at/all\"\n";
        let noted = failures();
        routed.rewrite(&format!("{}{provider}", file(stable, percent)));
        // One reading of the file of before may be under way.
        eventually(async || if failures() > noted + 1 { Ok(()) } else { Err(failures()) }).await;
        assert_eq!(routed.said(&[]).await, "before", "{percent}");
    }
    // Without that provider both hold.
    routed.rewrite(&file(&after, 0));
    eventually(async || routed.said(&[]).await == "after").await;
    routed.rewrite(&file(&after, 100));
    eventually(async || routed.said(&[]).await == "other").await;
}
