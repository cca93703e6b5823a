//! Budgets: never exceeded, however many ask at once; nothing of them leaks, whoever dies.

use crate::bench::{Bench, CONVERSATIONS, Person, setup};
use crate::model_double::Manner;
use chassis::clock::Ts;
use contract::ErrorCode;
use contract::assistant::{Answered, BudgetScope, BudgetState, MessageStatus};
use contract::identity::OrganizationRole;
use contract::ids::{ConversationId, OrganizationId};
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;
use testkit::{Answer, Engine, eventually, on_both_engines};

const DAY: Duration = Duration::from_secs(86_400);

/// Tokens that a call for this question reserves: what one that waits has reserved.
async fn needs(bench: &Bench, text: &str) -> u64 {
    let probe = bench.person();
    let id = probe.converse().await;
    bench.first.will(Manner::Stalls(vec!["."]));
    let mut stream = bench.listen(&probe, id, &json!({"text": text})).await;
    stream.next().await.unwrap();
    let reserved = probe.budget().await.day.reserved.tokens;
    drop(stream);
    bench.settled().await;
    assert!(reserved > 100, "{reserved}");
    reserved
}

/// Conversations of these people in turn.
async fn conversations(
    people: &[Person],
    of: Option<OrganizationId>,
    count: usize,
) -> Vec<(Person, ConversationId)> {
    let mut all = Vec::new();
    for person in people.iter().cycle().take(count) {
        all.push((person.clone(), person.converse_for(of).await));
    }
    all
}

async fn ask_at_once(all: &[(Person, ConversationId)]) -> Vec<Answer> {
    join_all(all.iter().map(|(person, id)| person.ask(*id, "Me too?"))).await
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status.as_u16() == status).count()
}

async fn no_more_calls_are_under_way_than_the_budget_has_room_for(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let each = needs(&bench, "Me too?").await;
    let (ada, admin) = (bench.person(), bench.admin());
    // Room for five, and nearly a sixth.
    let limit = each * 6 - 1;
    admin.set_budget(&format!("users/{}", ada.id), json!({"dayTokens": limit})).await;
    let all = conversations(std::slice::from_ref(&ada), None, 40).await;
    for _ in 0..40 {
        bench.first.will(Manner::Waits(vec!["Yes."], (10, 1)));
    }
    let asked = bench.first.asked();
    let watch = async {
        eventually(|| async { bench.first.asked() == asked + 5 }).await;
        let day = ada.budget().await.day;
        assert_eq!((day.reserved.tokens, day.spent.tokens), (each * 5, 0));
        assert_eq!(day.limit.tokens, limit);
        eventually(|| async {
            let day = ada.budget().await.day;
            let waiting = bench.first.answers().0 - bench.first.answers().1 - bench.first.answers().2;
            if day.reserved.tokens == each * 5 && waiting == 5 { Ok(()) } else { Err((day, waiting)) }
        })
        .await;
    };
    let answers = async {
        let mut all = std::pin::pin!(ask_at_once(&all));
        tokio::select! {
            answers = &mut all => answers,
            () = async { watch.await; std::future::pending().await } => unreachable!(),
            () = async {
                // All but five are refused at once; then those five may go on.
                eventually(|| async { refused(&bench, &ada).await == 35 }).await;
                bench.first.open_gate();
                std::future::pending().await
            } => unreachable!(),
        }
    };
    let answers = answers.await;
    assert_eq!((count(&answers, 201), count(&answers, 429)), (5, 35));
    let refused = answers.into_iter().find(|answer| answer.status == 429).unwrap();
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() <= 86_400);
    refused.refused(ErrorCode::BudgetExceeded);
    let day = ada.budget().await.day;
    assert_eq!((day.reserved.tokens, day.spent.tokens), (0, 55));
    bench.audit().await;
}

/// Answers of somebody that came to nothing.
async fn refused(bench: &Bench, of: &Person) -> i64 {
    let db = bench.service.db("assistant");
    let sql = "SELECT COUNT(*) FROM message m JOIN conversation c ON c.id = m.conversation_id \
        WHERE c.owner_id = $1 AND m.status = 'FAILED'";
    chassis::db::q!(db.read, scalar, sql, of.id.uuid()).unwrap()
}

async fn what_is_spent_at_once_is_never_more_than_the_budget(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let each = needs(&bench, "Me too?").await;
    let of = OrganizationId::new();
    let admin = bench.admin();
    let people: Vec<Person> = (0..4).map(|_| bench.member(of, OrganizationRole::Member)).collect();
    // The organisation has room for seven, each of its members for three; a month has room for more.
    admin.set_budget(&format!("organizations/{of}"), json!({"dayTokens": each * 7})).await;
    for person in &people {
        admin.set_budget(&format!("users/{}", person.id), json!({"dayTokens": each * 3})).await;
    }
    for _ in 0..200 {
        // As much is used as is reserved.
        bench.first.will(Manner::Says(vec!["Yes."], (each - 100, 100)));
    }
    let mut done = 0;
    for _ in 0..2 {
        let all = conversations(&people, Some(of), 40).await;
        let answers = ask_at_once(&all).await;
        done += count(&answers, 201);
        assert_eq!(count(&answers, 201) + count(&answers, 429), 40);
    }
    assert_eq!(done, 7);
    let path = format!("/api/v1/assistant/budgets/organizations/{of}");
    let state: BudgetState = admin.client.get(&path).await.expect(200).data();
    assert_eq!((state.day.spent.tokens, state.day.reserved.tokens), (each * 7, 0));
    assert_eq!(state.month.spent.tokens, each * 7);
    let mut sum = 0;
    for person in &people {
        let day = person.budget().await.day;
        assert!(day.spent.tokens <= day.limit.tokens);
        sum += day.spent.tokens;
    }
    assert_eq!(sum, each * 7, "nobody paid for what the organisation had no room for");
    bench.audit().await;
}

async fn cost_is_bounded_as_tokens_are_and_dear_providers_are_not_asked(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let each = needs(&bench, "Me too?").await;
    let (ada, admin) = (bench.person(), bench.admin());
    // A token that is written costs two: what is reserved for one call of the first provider, and no more.
    admin.set_budget(&format!("users/{}", ada.id), json!({"dayCostMicros": each + 100})).await;
    let id = ada.converse().await;
    ada.ask(id, "Me too?").await.expect(201);
    let other = ada.converse().await;
    ada.ask(other, "Me too?").await.refused(ErrorCode::BudgetExceeded);
    admin.set_budget(&format!("users/{}", ada.id), json!({"dayCostMicros": each + 100 + 26})).await;
    ada.ask(other, "Me too?").await.expect(201);
    // The second one is twice as dear: its turn comes, and there is no room for it.
    admin.set_budget(&format!("users/{}", ada.id), json!({"dayCostMicros": each + 100 + 52})).await;
    bench.first.will(Manner::Refuses(500));
    let mut stream = bench.listen(&ada, ada.converse().await, &json!({"text": "Me too?"})).await;
    let (_, (event, data)) = stream.heard_out().await;
    assert_eq!((event.as_str(), &data["code"]), ("error", &json!("BUDGET_EXCEEDED")));
    assert_eq!(bench.second.asked(), 0);
    bench.audit().await;
}

async fn a_budget_begins_anew_with_its_day_and_its_month(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (mut ada, mut admin) = (bench.person(), bench.admin());
    admin.set_budget(&format!("users/{}", ada.id), json!({"dayTokens": 5000, "monthTokens": 9000})).await;
    let spend = async |ada: &Person, status: u16| {
        bench.first.will(Manner::Says(vec!["Yes."], (4_000, 500)));
        let answer = ada.ask(ada.converse().await, "Me too?").await;
        assert_eq!(answer.status, status);
        answer
    };
    // To the first of a month, so that the days that follow are in it.
    let first = ada.budget().await.month.ends_at;
    bench.pass(Ts::from_datetime(first).since(bench.service.clock().now())).await;
    (ada, admin) = (bench.again(&ada, &[]), bench.admin());
    spend(&ada, 201).await;
    let refused = spend(&ada, 429).await;
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(wait, 86_400, "until midnight");
    bench.pass(DAY).await;
    ada = bench.again(&ada, &[]);
    spend(&ada, 201).await;
    bench.pass(DAY).await;
    ada = bench.again(&ada, &[]);
    let refused = spend(&ada, 429).await;
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(wait > 86_400 * 20, "until the next month: {wait}");
    let state = ada.budget().await;
    assert_eq!((state.day.spent.tokens, state.month.spent.tokens), (0, 9_000));
    bench.pass(Ts::from_datetime(state.month.ends_at).since(bench.service.clock().now())).await;
    ada = bench.again(&ada, &[]);
    spend(&ada, 201).await;
    admin = bench.again(&admin, &[]);
    assert_ne!(admin.id, ada.id);
    bench.audit().await;
}

async fn what_a_dead_process_had_reserved_counts_as_spent_and_a_late_one_puts_it_right(engine: Engine) {
    let setup = setup().set("BOWLINE_ASSISTANT__DEADLINE_MS", "15000");
    let Some(bench) = Bench::start_with(setup, engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::Stalls(vec!["Once upon a time"]));
    let mut stream = bench.listen(&ada, id, &json!({"text": "Tell me a story."})).await;
    stream.next().await.unwrap();
    let reserved = ada.budget().await.day.reserved;
    assert!(reserved.tokens > 0);
    // By its clock the process should have been at its end long ago.
    bench.pass(Duration::from_secs(15 + 61)).await;
    bench.settled().await;
    let ada = bench.again(&ada, &[]);
    let day = eventually(|| async {
        let day = ada.budget().await.day;
        if day.reserved.tokens == 0 { Ok(day) } else { Err(day) }
    })
    .await;
    assert_eq!(day.spent, reserved, "nobody knows what was used of it");
    assert_eq!(bench.calls().await[0].0, "EXPIRED");
    eventually(|| async { ada.messages(id).await[0].status == MessageStatus::Failed }).await;
    bench.audit().await;
    let Answered { answer, .. } = ada.ask(id, "Are you there?").await.expect(201).data();
    assert_eq!(answer.text, "Hello.", "the conversation is free");

    // It was alive after all, and says what it has used.
    drop(stream);
    eventually(|| async { bench.calls().await[0].0 == "SETTLED" }).await;
    let day = ada.budget().await.day;
    assert!(day.spent.tokens < reserved.tokens, "{day:?}");
    assert_eq!(day.reserved.tokens, 0);
    assert_eq!(ada.messages(id).await.len(), 4);
    bench.audit().await;
}

async fn budgets_are_set_by_who_may_and_seen_by_whom_they_concern(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let of = OrganizationId::new();
    let (ada, admin) = (bench.member(of, OrganizationRole::Member), bench.admin());
    let (chief, stranger) = (bench.member(of, OrganizationRole::Admin), bench.person());
    let user = format!("/api/v1/assistant/budgets/users/{}", ada.id);
    let organization = format!("/api/v1/assistant/budgets/organizations/{of}");
    for person in [&ada, &chief, &stranger] {
        for path in [&user, &organization] {
            person.client.put(path, json!({"dayTokens": 1})).await.refused(ErrorCode::Forbidden);
        }
        person.client.get(&user).await.refused(ErrorCode::Forbidden);
        person.client.get("/api/v1/assistant/usage").await.refused(ErrorCode::Forbidden);
        person.client.get("/api/v1/assistant/costs").await.refused(ErrorCode::Forbidden);
    }
    for person in [&ada, &stranger] {
        person.client.get(&organization).await.refused(ErrorCode::NotFound);
    }
    let seen: BudgetState = chief.client.get(&organization).await.expect(200).data();
    assert_eq!((seen.scope, seen.subject, seen.set), (BudgetScope::Organization, of.uuid(), None));
    assert_eq!((seen.day.limit.tokens, seen.currency.as_str()), (2_000_000, "USD"), "as the settings say");

    admin.client.put(&user, json!({"dayTokens": -1})).await.refused(ErrorCode::Validation);
    admin.client.put(&user, json!({"tokens": 1})).await.refused(ErrorCode::Validation);
    let state = admin.set_budget(&format!("users/{}", ada.id), json!({"dayTokens": 0})).await;
    assert_eq!((state.day.limit.tokens, state.month.limit.tokens), (0, 2_000_000));
    let id = ada.converse().await;
    ada.ask(id, "Anybody?").await.refused(ErrorCode::BudgetExceeded);
    let stream = bench.ask_for_stream(&ada, id, &json!({"text": "Anybody?"})).await;
    assert_eq!(stream.status(), 429, "known before the stream begins");
    assert_eq!(bench.first.asked(), 0);
    admin.set_budget(&format!("users/{}", ada.id), json!({})).await;
    ada.ask(id, "Anybody?").await.expect(201);
    let messages = ada.client.get(&format!("{CONVERSATIONS}/{id}/messages")).await.expect(200);
    assert_eq!(messages.json()["data"].as_array().unwrap().len(), 6);
}

on_both_engines!(
    no_more_calls_are_under_way_than_the_budget_has_room_for,
    what_is_spent_at_once_is_never_more_than_the_budget,
    cost_is_bounded_as_tokens_are_and_dear_providers_are_not_asked,
    a_budget_begins_anew_with_its_day_and_its_month,
    what_a_dead_process_had_reserved_counts_as_spent_and_a_late_one_puts_it_right,
    budgets_are_set_by_who_may_and_seen_by_whom_they_concern,
);
