//! Reports of what models were used for, and what that cost.

use crate::bench::Bench;
use crate::model_double::Manner;
use contract::assistant::{Costs, Usage};
use contract::identity::OrganizationRole;
use contract::ids::OrganizationId;
use std::time::Duration;
use testkit::{Engine, on_both_engines};

async fn what_was_used_adds_up_by_day_person_organisation_and_model(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let of = OrganizationId::new();
    let (ada, bob) = (bench.person(), bench.member(of, OrganizationRole::Member));
    bench.first.will(Manner::Says(vec!["Yes."], (100, 10)));
    ada.ask(ada.converse().await, "One?").await.expect(201);
    bench.first.will(Manner::Says(vec!["Yes."], (7, 1)));
    bob.ask(bob.converse_for(Some(of)).await, "Two?").await.expect(201);
    bench.pass(Duration::from_secs(86_400)).await;
    let ada = bench.again(&ada, &[]);
    bench.first.will(Manner::Refuses(500));
    bench.second.will(Manner::SaysOnly(vec!["Yes."]));
    ada.ask(ada.converse().await, "Three?").await.expect(201);
    let admin = bench.admin();

    let usage = async |query: &str| {
        let path = format!("/api/v1/assistant/usage?{query}");
        admin.client.get(&path).await.expect(200).data::<Vec<Usage>>()
    };
    let costs = async |query: &str| {
        let path = format!("/api/v1/assistant/costs?{query}");
        admin.client.get(&path).await.expect(200).data::<Vec<Costs>>()
    };
    let days = usage("").await;
    assert_eq!(days.len(), 2);
    assert!(days[0].of.day < days[1].of.day, "{days:?}");
    assert_eq!((days[0].calls, days[0].prompt_tokens, days[0].completion_tokens), (2, 107, 11));
    assert_eq!((days[1].calls, days[1].estimated), (2, 1), "one that was refused, one that did not tell");

    let people = costs("groupBy=USER").await;
    assert_eq!(people.len(), 2);
    assert_eq!(
        (people[0].of.user, people[1].of.user),
        (Some(ada.id), Some(bob.id)),
        "who cost most is first"
    );
    assert_eq!((people[1].cost_micros, people[1].currency.as_str()), (9, "USD"));
    let organizations = usage("groupBy=ORGANIZATION").await;
    let rows: Vec<_> = organizations.iter().map(|row| (row.of.organization, row.calls)).collect();
    assert_eq!(rows, [(None, 3), (Some(of), 1)]);
    let models = costs("groupBy=MODEL").await;
    let of_a = models.iter().find(|row| row.of.model.as_deref() == Some("model-a")).unwrap();
    assert_eq!((of_a.of.provider.as_deref(), of_a.cost_micros), (Some("first"), 120 + 9));

    assert_eq!(usage(&format!("user={}", bob.id)).await[0].prompt_tokens, 7);
    assert_eq!(usage(&format!("organization={of}")).await[0].calls, 1);
    assert_eq!(usage("model=model-b").await[0].calls, 1);
    let now = bench.service.clock().now();
    assert_eq!(usage(&format!("from={now}")).await[0].calls, 2, "today's alone");
    assert_eq!(usage(&format!("to={now}")).await[0].calls, 2, "yesterday's alone");
    let page = admin.client.get("/api/v1/assistant/usage?limit=1&page=2").await.expect(200);
    assert_eq!(page.json()["pagination"]["total"], 2);
    assert_eq!(page.data::<Vec<Usage>>(), [days[1].clone()]);
    bench.audit().await;
}

on_both_engines!(what_was_used_adds_up_by_day_person_organisation_and_model);
