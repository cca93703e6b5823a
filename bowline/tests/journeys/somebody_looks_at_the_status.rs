//! The public page while services come and go, alerts from the monitoring, and two instances that look at one database.

use crate::support::{Cast, Process, Sandbox, Shape};
use contract::status::{Incident, Overall, PublicIncident, ServiceState, StatusPage, WebhookTaken};
use http::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Answer, Client, Databases, Folder, eventually, eventually_within};

const SECRET: &str = "the-secret-of-the-monitoring";
const QUICK: [(&str, &str); 3] = [
    ("BOWLINE_STATUS__ALERTMANAGER_TOKEN", SECRET),
    ("BOWLINE_STATUS__EVERY_SECS", "1"),
    ("BOWLINE_STATUS__INCIDENT_AFTER_SECS", "1"),
];
/// Until everybody has started and knows the others' keys.
const PATIENCE: Duration = Duration::from_secs(60);

async fn page(client: &Client) -> StatusPage {
    client.get("/api/v1/status").await.expect(200).data()
}

async fn until(client: &Client, what: impl Fn(&StatusPage) -> bool) {
    eventually_within(PATIENCE, || async {
        let page = page(client).await;
        let states: Vec<_> = page.services.iter().map(|it| (it.name.clone(), it.state)).collect();
        if what(&page) { Ok(()) } else { Err((page.overall, states, page.incidents)) }
    })
    .await;
}

/// Whether one of these is about a service. On a busy machine others may have been slow too.
fn about(incidents: &[PublicIncident], service: &str) -> bool {
    incidents.iter().any(|incident| incident.services.iter().any(|name| name == service))
}

async fn notify(client: &Client, secret: &str, status: &str) -> Answer {
    let alert = json!({
        "status": status, "fingerprint": "f00d", "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T00:01:00Z",
        "labels": {"alertname": "Paging", "severity": "critical", "service": "orders", "instance": "10.0.0.7:9090"},
        "annotations": {"summary": "10.0.0.7 pages"},
    });
    let ask = client.request(Method::POST, "/api/v1/alerts/webhook");
    let ask = ask.header("authorization", &format!("Bearer {secret}"));
    ask.json(json!({"version": "4", "alerts": [alert]})).send().await
}

async fn what_happens_is_on_the_page(sandbox: Sandbox) {
    let client = sandbox.client();
    until(&client, |page| page.overall == Overall::Operational).await;
    let names: Vec<String> = page(&client).await.services.into_iter().map(|it| it.name).collect();
    for name in ["auth", "orders", "reviews"] {
        assert!(names.iter().any(|known| known == name), "{names:?}");
    }
    let html = client.get("/status").await.expect(200);
    let policy = html.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "the door leaves it alone: {policy}"
    );
    assert!(html.text().contains("Everything works"), "{}", html.text());
    assert!(html.header("etag").is_some() && html.header("cache-control").unwrap().starts_with("public"));

    notify(&client, "something-else", "firing").await.expect(401);
    let taken: WebhookTaken = notify(&client, SECRET, "firing").await.expect(200).data();
    assert_eq!((taken.processed, taken.changed), (1, 1));
    until(&client, |page| page.overall >= Overall::PartialOutage && about(&page.incidents.open, "orders"))
        .await;
    let shown = client.get("/api/v1/status").await.expect(200);
    assert!(!shown.text().contains("10.0.0.7") && !shown.text().contains("Paging"), "{}", shown.text());

    let admin = sandbox.administrator().await;
    let alerts: Vec<Value> = admin.client.get("/api/v1/alerts").await.expect(200).data();
    assert_eq!((alerts.len(), &alerts[0]["status"]), (1, &json!("FIRING")));
    let incidents: Vec<Incident> = admin.client.get("/api/v1/incidents?open=true").await.expect(200).data();
    let is_it = |incident: &&Incident| incident.services == ["orders"];
    let path = format!("/api/v1/incidents/{}", incidents.iter().find(is_it).unwrap().id);
    let said = json!({"status": "IDENTIFIED", "text": "It is a <b>disk</b>."});
    admin.client.patch(&path, said).await.expect(200);
    eventually(|| async { client.get("/status").await.text().contains("It is a &lt;b&gt;disk&lt;/b&gt;.") })
        .await;

    notify(&client, SECRET, "resolved").await.expect(200);
    let over = json!({"status": "RESOLVED"});
    admin.client.patch(&path, over).await.expect(200);
    until(&client, |page| page.overall == Overall::Operational && about(&page.incidents.recent, "orders"))
        .await;
    assert!(!sandbox.logs().contains(SECRET), "the secret is in a log");
}

mod what_happens_on_the_page {
    use super::{Cast, QUICK, Sandbox, Shape};

    #[tokio::test]
    async fn in_one_process() {
        super::what_happens_is_on_the_page(Sandbox::cast(Shape::All, Cast::Everyone, &QUICK)).await;
    }

    #[tokio::test]
    async fn as_separate_processes() {
        super::what_happens_is_on_the_page(Sandbox::cast(Shape::Split, Cast::Everyone, &QUICK)).await;
    }
}

#[tokio::test]
async fn a_service_that_is_killed_is_down_on_a_page_that_stays() {
    let mut sandbox = Sandbox::cast(Shape::Split, Cast::Everyone, &QUICK);
    let client = sandbox.client();
    until(&client, |page| page.overall == Overall::Operational).await;
    let down = |page: &StatusPage, name: &str| {
        page.services.iter().any(|it| it.name == name && it.state == ServiceState::Down)
    };
    sandbox.kill("reviews");
    until(&client, |page| down(page, "reviews") && about(&page.incidents.open, "reviews")).await;
    // The page needs nobody, also not those who know people.
    sandbox.kill("auth");
    until(&client, |page| down(page, "auth") && about(&page.incidents.open, "auth")).await;
    let html = client.get("/status").await.expect(200);
    assert!(html.text().contains("Reviews does not answer"), "{}", html.text());
    sandbox.restart("auth");
    sandbox.restart("reviews");
    until(&client, |page| {
        page.overall == Overall::Operational
            && page.incidents.open.is_empty()
            && about(&page.incidents.recent, "reviews")
            && about(&page.incidents.recent, "auth")
    })
    .await;
    let reviews = page(&client).await.services.into_iter().find(|it| it.name == "reviews").unwrap();
    assert!(reviews.uptime.day.percent.is_some_and(|percent| percent < 100.0), "{reviews:?}");
    assert!(reviews.uptime.day.known_percent < 100.0, "nobody knows how it was before: {reviews:?}");
}

/// Looks that a process has made at the auth service.
async fn looks(process: &Process) -> u64 {
    let metrics = Client::http(process.ops_url()).get_unchecked("/metrics").await;
    let text = metrics.text().into_owned();
    let of_auth = |line: &&str| line.starts_with("status_looks_total{") && line.contains("target=\"auth\"");
    text.lines().filter(of_auth).filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[tokio::test]
async fn of_two_instances_one_looks_at_a_time_and_the_other_goes_on() {
    let Some(databases) = Databases::on_postgres() else { return };
    let database = databases.url();
    let folder = Folder::new("status").unwrap();
    let data = folder.path().join("data");
    let own = [
        ("BOWLINE_TARGET", "status,auth"),
        ("DATA_DIR", data.to_str().unwrap()),
        ("DATABASE_URL", &*database),
        ("BOWLINE_JOBS__POLL_MS", "50"),
        ("BOWLINE_JOBS__LEASE_MS", "2000"),
    ];
    let settings = [&own[..], &QUICK].concat();
    let mut processes = [Process::start(&settings), Process::start(&settings)];
    let [one, other] = processes.each_ref().map(|process| Client::http(process.url()));
    until(&one, |page| page.overall == Overall::Operational).await;
    let (began, before) = (Instant::now(), looks(&processes[0]).await + looks(&processes[1]).await);
    eventually_within(PATIENCE, || async {
        looks(&processes[0]).await + looks(&processes[1]).await >= before + 5
    })
    .await;
    // Each for itself would have made twice as many.
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(3_500), "five looks of one a second took {took:?}");
    processes[0].kill();
    let seen = page(&other).await.checked_at;
    until(&other, |page| page.checked_at > seen && page.overall == Overall::Operational).await;
}
