//! Who may do what, at every route and for every role, on the platform in one process and through its door.
//!
//! `docs/roles.md` has a row for each route of the merged description. A route without a row fails, a row without a route
//! fails, and an answer other than the row says fails. `BOWLINE_UPDATE_DOCS=1` adds rows for new routes with what they answer
//! now, for a person to judge, and removes those of routes that are gone; what a row says it never changes.
//!
//! The requests name things that do not exist, with a body of `{}`. So who may ask gets as far as the thing itself (`yes`: done,
//! or refused because of what was asked for), who may not gets 403, and who has not logged in gets 401.

mod actor;
mod internal;
mod table;

use crate::support::{Sandbox, Shape};
use actor::{Actor, Asked};
use contract::identity::Role;
use serde_json::Value;
use std::collections::BTreeMap;
use table::{Row, Table};

/// What Alertmanager would send; none of those who ask here does.
const MONITORING: &str = "the-secret-of-the-monitoring";
/// What the processes of the platform know each other by.
const SERVICE_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

/// An operation of the merged description.
struct Operation {
    method: String,
    path: String,
    content_type: Option<String>,
    wants_token: bool,
}

/// The operations of the merged description, by their name in the table.
fn operations(document: &Value) -> BTreeMap<String, Operation> {
    let mut all = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if !["get", "put", "post", "delete", "patch", "head", "options"].contains(&method.as_str()) {
                continue;
            }
            let method = method.to_uppercase();
            let content = operation["requestBody"]["content"].as_object();
            let content_type = content.and_then(|content| content.keys().next().cloned());
            let security = operation["security"].as_array();
            let is_token = |one: &Value| one.as_object().is_some_and(|schemes| !schemes.is_empty());
            let wants_token = security.is_some_and(|all| !all.is_empty() && all.iter().all(is_token));
            let name = format!("{method} {path}");
            all.insert(name, Operation { method, path: path.clone(), content_type, wants_token });
        }
    }
    all
}

fn platform() -> Sandbox {
    let settings =
        [("BOWLINE_STATUS__ALERTMANAGER_TOKEN", MONITORING), ("BOWLINE_IDENTITY__SERVICE_KEY", SERVICE_KEY)];
    Sandbox::start_with(Shape::All, &settings)
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says() {
    let sandbox = platform();
    let document = sandbox.client().get("/openapi.json").await.expect(200).json();
    let operations = operations(&document);
    assert!(operations.len() > 80, "the description is whole: {}", operations.len());
    let mut actors = actors(&sandbox).await;
    let mut found = BTreeMap::new();
    let mut faults = Vec::new();
    for (name, operation) in &operations {
        let mut answers = Vec::new();
        for actor in &mut actors {
            let asked = Asked::of(&operation.method, &operation.path, operation.content_type.as_deref());
            match actor.ask(&asked).await {
                Ok(answer) => answers.push(answer),
                Err(fault) => {
                    faults.push(format!("{name} as {}: {fault}", actor.name));
                    answers.push("?".to_owned());
                }
            }
        }
        if operation.wants_token && answers[0] != "401" {
            faults.push(format!("{name}: the description wants a token, and nobody gets {}", answers[0]));
        }
        found.insert(name.clone(), Row(answers));
    }
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
    let faults = Table::read().compare(&found);
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}

/// One of each role, and a service that asks on behalf of nobody.
async fn actors(sandbox: &Sandbox) -> Vec<Actor> {
    let url = sandbox.door.url();
    let admin = sandbox.administrator().await;
    let mut actors = vec![Actor::nobody(&url)];
    for (name, roles) in [
        ("user", &[Role::User][..]),
        ("vendor", &[Role::User, Role::Vendor]),
        ("moderator", &[Role::User, Role::Moderator]),
        ("admin", &[Role::User, Role::Admin]),
    ] {
        actors.push(Actor::person(sandbox, &admin, name, roles).await);
    }
    actors.push(Actor::service(&url, "gateway"));
    let names: Vec<_> = actors.iter().map(|actor| actor.name).collect();
    assert_eq!(names, table::ROLES, "the columns of the table");
    actors
}

#[test]
fn a_route_without_a_row_a_row_without_a_route_and_another_answer_are_found() {
    let row = |answers: [&str; 6]| Row(answers.map(str::to_owned).to_vec());
    let table = Table::parse(
        "# Roles\n\n| route | nobody | user | vendor | moderator | admin | service |\n| --- | --- | --- | --- | --- | --- | --- |\n\
         | `GET /a` | 401 | yes | yes | yes | yes | 401 |\n| `GET /gone` | yes | yes | yes | yes | yes | yes |\n",
    );
    let open = row(["yes"; 6]);
    let found = BTreeMap::from([("GET /a".to_owned(), open.clone()), ("GET /new".to_owned(), open)]);
    let faults = table.faults(&found);
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(faults[0].contains("GET /a as nobody") && faults[1].contains("GET /a as service"), "{faults:?}");
    assert!(faults[2].contains("GET /new has no row") && faults[3].contains("GET /gone"), "{faults:?}");
    let right = BTreeMap::from([
        ("GET /a".to_owned(), row(["401", "yes", "yes", "yes", "yes", "401"])),
        ("GET /gone".to_owned(), row(["yes"; 6])),
    ]);
    assert!(table.faults(&right).is_empty());
}
