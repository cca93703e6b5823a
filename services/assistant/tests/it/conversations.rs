//! Conversations: whose they are, and how they are listed, changed and removed.

use crate::bench::{Bench, CONVERSATIONS};
use contract::ErrorCode;
use contract::assistant::Conversation;
use contract::identity::{Membership, OrganizationRole};
use contract::ids::{ConversationId, OrganizationId};
use http::Method;
use serde_json::json;
use std::time::Duration;
use testkit::{Engine, on_both_engines};

async fn anothers_conversation_is_not_there(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, bob, admin) = (bench.person(), bench.person(), bench.admin());
    let id = ada.converse().await;
    ada.ask(id, "A secret?").await.expect(201);
    let path = format!("{CONVERSATIONS}/{id}");
    let messages = format!("{path}/messages");
    for stranger in [&bob, &admin] {
        stranger.client.get(&path).await.refused(ErrorCode::NotFound);
        stranger.client.get(&messages).await.refused(ErrorCode::NotFound);
        stranger.client.patch(&path, json!({"title": "Mine"})).await.refused(ErrorCode::NotFound);
        stranger.client.delete(&path).await.refused(ErrorCode::NotFound);
        stranger.ask(id, "What was it?").await.refused(ErrorCode::NotFound);
        let all: Vec<Conversation> = stranger.client.get(CONVERSATIONS).await.expect(200).data();
        assert!(all.is_empty());
    }
    assert_eq!(ada.messages(id).await.len(), 2);
    assert_eq!(bench.first.asked(), 1);
}

async fn a_conversation_for_an_organisation_is_for_its_members(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let of = OrganizationId::new();
    let (ada, bob) = (bench.member(of, OrganizationRole::Member), bench.person());
    bob.client.post(CONVERSATIONS, json!({"organizationId": of})).await.refused(ErrorCode::NotFound);
    let id = ada.converse_for(Some(of)).await;
    assert_eq!(ada.conversation(id).await.organization_id, Some(of));
    ada.ask(id, "Hello?").await.expect(201);

    let left = bench.again(&ada, &[]);
    assert_eq!(left.messages(id).await.len(), 2, "what was said stays one's own");
    left.ask(id, "And now?").await.refused(ErrorCode::Forbidden);
    let elsewhere =
        bench.again(&ada, &[Membership { id: OrganizationId::new(), role: OrganizationRole::Owner }]);
    elsewhere.ask(id, "And now?").await.refused(ErrorCode::Forbidden);
    assert_eq!(bench.first.asked(), 1);
}

async fn lists_go_on_from_a_cursor_with_nothing_left_out(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let mut made = Vec::new();
    for number in 0..5 {
        let body = json!({"title": format!("Number {number}")});
        made.push(ada.client.post(CONVERSATIONS, body).await.expect(201).data::<Conversation>().id);
        bench.pass(Duration::from_secs(1)).await;
    }
    made.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.client.get(&format!("{CONVERSATIONS}?limit=2{cursor}")).await.expect(200);
        seen.extend(page.data::<Vec<Conversation>>().into_iter().map(|one| one.id));
        match page.json()["pagination"]["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, made, "the latest first");
    ada.client.get(&format!("{CONVERSATIONS}?cursor=x")).await.refused(ErrorCode::Validation);

    let id = made[4];
    for number in 0..3 {
        ada.ask(id, &format!("Question {number}")).await.expect(201);
    }
    let first: Vec<Conversation> =
        ada.client.get(&format!("{CONVERSATIONS}?limit=1")).await.expect(200).data();
    assert_eq!(first[0].id, id, "what is spoken in comes to the front");
    let path = format!("{CONVERSATIONS}/{id}/messages");
    let (mut texts, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.client.get(&format!("{path}?limit=4{cursor}")).await.expect(200);
        texts.extend(page.data::<Vec<contract::assistant::Message>>().into_iter().map(|one| one.text));
        match page.json()["pagination"]["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(texts, ["Hello.", "Question 2", "Hello.", "Question 1", "Hello.", "Question 0"]);
}

async fn a_conversation_is_renamed_put_away_and_removed(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    let path = format!("{CONVERSATIONS}/{id}");
    let tag = ada.client.get(&path).await.header("etag").unwrap().to_owned();
    ada.ask(id, "Hello?").await.expect(201);
    let old = ada.client.request(Method::PATCH, &path).header("if-match", &tag).json(json!({"title": "Old"}));
    old.send().await.refused(ErrorCode::PreconditionFailed);

    let tag = ada.client.get(&path).await.header("etag").unwrap().to_owned();
    let change = json!({"title": " Moving ", "archived": true});
    let changed = ada.client.request(Method::PATCH, &path).header("if-match", &tag).json(change).send().await;
    let changed: Conversation = changed.expect(200).data();
    assert_eq!((changed.title.as_str(), changed.archived), ("Moving", true));
    let shown = |query: &'static str| {
        let client = ada.client.clone();
        async move {
            let all: Vec<Conversation> =
                client.get(&format!("{CONVERSATIONS}{query}")).await.expect(200).data();
            all.into_iter().map(|one| one.id).collect::<Vec<ConversationId>>()
        }
    };
    assert_eq!((shown("").await, shown("?archived=true").await), (vec![], vec![id]));
    ada.client.patch(&path, json!({"archived": false})).await.expect(200);
    assert_eq!(shown("").await, [id]);

    let spent = ada.budget().await.day.spent;
    ada.client.delete(&path).await.expect(204);
    ada.client.delete(&path).await.refused(ErrorCode::NotFound);
    ada.client.get(&format!("{path}/messages")).await.refused(ErrorCode::NotFound);
    assert_eq!(ada.budget().await.day.spent, spent, "what was used stays counted");
    bench.audit().await;
}

on_both_engines!(
    anothers_conversation_is_not_there,
    a_conversation_for_an_organisation_is_for_its_members,
    lists_go_on_from_a_cursor_with_nothing_left_out,
    a_conversation_is_renamed_put_away_and_removed,
);
