//! Internal routes are there for services, and for nobody else.

use super::actor::{Actor, Asked};
use super::platform;
use crate::support::bowline;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What every service has.
const OF_ALL: [&str; 2] = ["openapi", "ready"];
const BEGIN: &str = "/internal/v1/";

/// The internal routes that stand in the sources of the services.
fn written() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join("services")).unwrap() {
        collect(&entry.unwrap().path().join("src"), &mut files);
    }
    let mut routes = BTreeSet::new();
    for file in files {
        let source = std::fs::read_to_string(file).unwrap();
        for (place, _) in source.match_indices(&format!("\"{BEGIN}")) {
            let rest = &source[place + 1..];
            // A call of a typed client has a query or is put together; a route is a whole literal.
            routes.extend(rest.split('"').next().filter(|path| !path.contains('?')).map(str::to_owned));
        }
    }
    routes
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}

#[tokio::test]
async fn internal_routes_are_there_for_services_only() {
    let sandbox = platform();
    let url = sandbox.door.url();
    let admin = sandbox.administrator().await;
    let mut routes = written();
    assert!(routes.len() > 10, "{routes:?}");
    let targets = String::from_utf8(bowline(&["targets"], &[], "").stdout).unwrap();
    let names =
        targets.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "all");
    routes.extend(names.flat_map(|name| OF_ALL.map(|route| format!("{BEGIN}{name}/{route}"))));
    let mut faults = Vec::new();
    for route in &routes {
        let whose: &'static str = route[BEGIN.len()..].split('/').next().unwrap().to_owned().leak();
        let asked = Asked::of("GET", route, None);
        let there = |answer: Result<(http::StatusCode, serde_json::Value), String>| {
            let (status, body) = answer.unwrap();
            status != 404 || body["error"]["message"] != "There is no such route."
        };
        if !there(Actor::service(&url, whose).send(&asked).await) {
            faults.push(format!("{route}: a service does not find it"));
        }
        // The credential is for one service: whoever has it cannot use it at another one.
        let elsewhere = Actor::service(&url, if whose == "auth" { "orders" } else { "auth" });
        for (who, answer) in [
            ("nobody", Actor::nobody(&url).send(&asked).await),
            ("a service that means another one", elsewhere.send(&asked).await),
        ] {
            if there(answer) {
                faults.push(format!("{route}: {who} finds it"));
            }
        }
        if admin.client.get(&asked.path()).await.status != 404 {
            faults.push(format!("{route}: an administrator finds it"));
        }
    }
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}
