//! Questions and their answers, whole and as a stream.

use crate::bench::{Bench, CONVERSATIONS};
use crate::model_double::Manner;
use contract::ErrorCode;
use contract::assistant::{Answered, MessageRole, MessageStatus};
use contract::ids::{ConversationId, MessageId};
use serde_json::json;
use std::time::Duration;
use testkit::{Engine, eventually, on_both_engines};

async fn an_answer_comes_piece_by_piece_and_is_kept_with_what_it_has_used(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::Says(vec!["The ", "move is ", "on Monday."], (40, 6)));
    let mut stream = bench.listen(&ada, id, &json!({"text": " When do we move? "})).await;
    let events = stream.rest().await;
    let names: Vec<&str> = events.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(names.last(), Some(&"done"), "{events:?}");
    assert!(names[..names.len() - 1].iter().all(|name| *name == "delta"), "{names:?}");
    let text: String = events.iter().filter_map(|(_, data)| data["text"].as_str()).collect();
    assert_eq!(text, "The move is on Monday.");
    let Answered { question, answer } = serde_json::from_value(events.last().unwrap().1.clone()).unwrap();
    assert_eq!((question.text.as_str(), question.role), ("When do we move?", MessageRole::User));
    assert_eq!((answer.text.as_str(), answer.status), (text.as_str(), MessageStatus::Complete));
    assert_eq!(answer.model.as_deref(), Some("model-a"));
    let usage = answer.usage.unwrap();
    assert_eq!(
        (usage.prompt_tokens, usage.completion_tokens, usage.cost_micros, usage.estimated),
        (40, 6, 52, false)
    );

    assert_eq!(ada.messages(id).await, [answer, question]);
    let conversation = ada.conversation(id).await;
    assert_eq!((conversation.title.as_str(), conversation.messages), ("When do we move?", 2));
    let budget = ada.budget().await;
    for period in [budget.day, budget.month] {
        assert_eq!((period.spent.tokens, period.spent.cost_micros), (46, 52));
        assert_eq!((period.reserved.tokens, period.reserved.cost_micros), (0, 0), "it was given back");
    }
    let asked = &bench.first.requests()[0];
    assert_eq!((&asked["model"], &asked["max_tokens"]), (&json!("model-a"), &json!(100)));
    assert_eq!(asked["messages"][0]["role"], "system");
    assert_eq!(bench.first.answers(), (1, 1, 0));
    assert_eq!(bench.second.asked(), 0);
    bench.audit().await;
}

async fn a_whole_answer_is_waited_for_and_what_was_said_before_is_told(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::Says(vec!["On Mon", "day."], (10, 2)));
    let answered: Answered = ada.ask(id, "When?").await.expect(201).data();
    assert_eq!(answered.answer.text, "On Monday.");
    let answered: Answered = ada.ask(id, "Are you sure?").await.expect(201).data();
    assert_eq!(answered.answer.text, "Hello.");
    let messages = bench.first.requests()[1]["messages"].clone();
    let said: Vec<(&str, &str)> = messages.as_array().unwrap()[1..]
        .iter()
        .map(|message| (message["role"].as_str().unwrap(), message["content"].as_str().unwrap()))
        .collect();
    assert_eq!(said, [("user", "When?"), ("assistant", "On Monday."), ("user", "Are you sure?")]);
    let texts: Vec<String> = ada.messages(id).await.into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["Hello.", "Are you sure?", "On Monday.", "When?"], "the latest first");
}

async fn a_message_with_an_id_is_asked_once_and_its_answer_given_again(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, bob) = (bench.person(), bench.person());
    let id = ada.converse().await;
    let path = format!("{CONVERSATIONS}/{id}/messages");
    let body = json!({"id": MessageId::new(), "text": "When?"});
    let first: Answered = ada.client.post(&path, &body).await.expect(201).data();
    let again: Answered = ada.client.post(&path, &body).await.expect(200).data();
    assert_eq!(again, first);
    let mut stream = bench.listen(&ada, id, &body).await;
    let (text, (event, data)) = stream.heard_out().await;
    assert_eq!((text.as_str(), event.as_str()), ("Hello.", "done"));
    assert_eq!(serde_json::from_value::<Answered>(data).unwrap(), first);
    assert_eq!(bench.first.asked(), 1, "it was asked once");

    let other = json!({"id": body["id"], "text": "Where?"});
    ada.client.post(&path, &other).await.refused(ErrorCode::AlreadyExists);
    let elsewhere = format!("{CONVERSATIONS}/{}/messages", bob.converse().await);
    bob.client.post(&elsewhere, &body).await.refused(ErrorCode::AlreadyExists);
    let of_answer = json!({"id": first.answer.id, "text": "Hello."});
    ada.client.post(&path, &of_answer).await.refused(ErrorCode::AlreadyExists);
}

async fn a_question_that_came_to_nothing_is_asked_again_under_its_id(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    let path = format!("{CONVERSATIONS}/{id}/messages");
    let body = json!({"id": MessageId::new(), "text": "When?"});
    bench.first.will(Manner::BreaksOff(vec!["On Tu"]));
    ada.client.post(&path, &body).await.refused(ErrorCode::BadGateway);
    let failed = ada.messages(id).await;
    assert_eq!((failed[0].status, failed[0].text.as_str()), (MessageStatus::Failed, "On Tu"));
    let before = failed[0].usage.unwrap();
    assert!(before.estimated && before.cost_micros > 0);

    let answered: Answered = ada.client.post(&path, &body).await.expect(201).data();
    assert_eq!((answered.answer.id, answered.answer.text.as_str()), (failed[0].id, "Hello."));
    let kept = ada.messages(id).await;
    assert_eq!(kept.len(), 2, "no second question");
    let usage = kept[0].usage.unwrap();
    assert_eq!(usage.prompt_tokens, before.prompt_tokens + 20, "both tries are counted");
    bench.audit().await;
}

async fn who_was_given_up_does_not_end_the_answer_that_is_made_anew(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let mut ada = bench.person();
    let id = ada.converse().await;
    let body = json!({"id": MessageId::new(), "text": "When?"});
    bench.first.will(Manner::Waits(vec!["Late."], (1, 1)));
    let mut late = bench.listen(&ada, id, &body).await;
    // Behind the deadline of 20 s and the minute to write it down.
    bench.pass(Duration::from_secs(90)).await;
    ada = bench.again(&ada, &[]);
    bench.first.will(Manner::Refuses(500));
    bench.second.will(Manner::Waits(vec!["On time."], (1, 1)));
    let mut anew = bench.listen(&ada, id, &body).await;
    eventually(|| std::future::ready(if bench.second.asked() == 1 { Ok(()) } else { Err("not asked") }))
        .await;

    bench.first.open_gate();
    let (_, (event, data)) = late.heard_out().await;
    assert_eq!((event.as_str(), &data["code"]), ("error", &json!("NOT_FOUND")));
    assert_eq!(ada.messages(id).await[0].status, MessageStatus::Pending, "it is being made");
    ada.ask(id, "Another?").await.refused(ErrorCode::RequestInProgress);

    bench.second.open_gate();
    let (text, (event, _)) = anew.heard_out().await;
    assert_eq!((text.as_str(), event.as_str()), ("On time.", "done"));
    let kept = ada.messages(id).await.remove(0);
    assert_eq!((kept.status, kept.text.as_str()), (MessageStatus::Complete, "On time."));
    bench.audit().await;
}

async fn one_question_at_a_time_is_answered_in_a_conversation(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::Waits(vec!["Now."], (1, 1)));
    let mut stream = bench.listen(&ada, id, &json!({"text": "One"})).await;
    let busy = ada.ask(id, "Two").await;
    assert!(busy.header("retry-after").is_some());
    busy.refused(ErrorCode::RequestInProgress);
    let elsewhere = ada.converse().await;
    ada.ask(elsewhere, "Three").await.expect(201);
    bench.first.open_gate();
    assert_eq!(stream.heard_out().await.0, "Now.");
    ada.ask(id, "Four").await.expect(201);
}

async fn what_is_wrong_with_a_question_is_told_with_a_status(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    ada.ask(id, "  ").await.refused(ErrorCode::Validation);
    ada.ask(id, "escape \u{1b}[2J").await.refused(ErrorCode::Validation);
    ada.ask(ConversationId::new(), "Anybody?").await.refused(ErrorCode::NotFound);
    let stream = bench.ask_for_stream(&ada, ConversationId::new(), &json!({"text": "Anybody?"})).await;
    assert_eq!(stream.status(), 404, "before a stream begins there is a status");
    bench
        .service
        .client()
        .post(&format!("{CONVERSATIONS}/{id}/messages"), json!({"text": "?"}))
        .await
        .expect(401);
    assert_eq!(bench.first.asked(), 0);
    assert!(ada.messages(id).await.is_empty());
}

async fn without_a_model_the_answer_says_so_and_costs_nothing(engine: Engine) {
    let Some(bench) = Bench::without_model(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    let Answered { answer, .. } = ada.ask(id, "What do you know?").await.expect(201).data();
    assert!(answer.text.contains("No language model is configured"), "{}", answer.text);
    assert_eq!(answer.model.as_deref(), Some("extractive"));
    assert_eq!(answer.usage.unwrap().cost_micros, 0);
    let mut stream = bench.listen(&ada, id, &json!({"text": "And now?"})).await;
    let (text, (event, _)) = stream.heard_out().await;
    assert_eq!((text.contains("No language model"), event.as_str()), (true, "done"));
    assert!(bench.calls().await.is_empty());
}

async fn as_many_answers_as_may_are_made_at_once(engine: Engine) {
    let setup = crate::bench::setup().set("BOWLINE_ASSISTANT__MAX_ANSWERS", "1");
    let Some(bench) = Bench::start_with(setup, engine).await else { return };
    let (ada, bob) = (bench.person(), bench.person());
    let (one, other) = (ada.converse().await, bob.converse().await);
    bench.first.will(Manner::Waits(vec!["Now."], (1, 1)));
    let mut stream = bench.listen(&ada, one, &json!({"text": "One"})).await;
    bob.ask(other, "Two").await.refused(ErrorCode::Unavailable);
    assert!(bob.messages(other).await.is_empty(), "nothing was written down");
    bench.first.open_gate();
    stream.rest().await;
    eventually(|| async { bob.ask(other, "Two").await.status == 201 }).await;
}

on_both_engines!(
    an_answer_comes_piece_by_piece_and_is_kept_with_what_it_has_used,
    a_whole_answer_is_waited_for_and_what_was_said_before_is_told,
    a_message_with_an_id_is_asked_once_and_its_answer_given_again,
    a_question_that_came_to_nothing_is_asked_again_under_its_id,
    who_was_given_up_does_not_end_the_answer_that_is_made_anew,
    one_question_at_a_time_is_answered_in_a_conversation,
    what_is_wrong_with_a_question_is_told_with_a_status,
    without_a_model_the_answer_says_so_and_costs_nothing,
    as_many_answers_as_may_are_made_at_once,
);
