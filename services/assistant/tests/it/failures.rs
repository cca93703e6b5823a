//! Providers that fail: the next one is asked as long as nothing was told, and whatever happens there is an end in time.

use crate::bench::{Bench, setup};
use crate::model_double::Manner;
use contract::ErrorCode;
use contract::assistant::{Answered, MessageStatus};
use serde_json::json;
use std::time::Duration;
use testkit::{Engine, on_both_engines};
use tokio::time::Instant;

async fn whoever_does_not_answer_is_followed_by_the_next(engine: Engine) {
    let setup = setup().set("BOWLINE_ASSISTANT__FIRST_TOKEN_MS", "600");
    let Some(bench) = Bench::start_with(setup, engine).await else { return };
    let ada = bench.person();
    let manners = [
        (Manner::Refuses(500), 0),
        (Manner::Refuses(401), 0),
        (Manner::Refuses(400), 0),
        (Manner::Busy(429, 30), 0),
        (Manner::Silent, 1),
        (Manner::Stalls(vec![]), 1),
        (Manner::BreaksOff(vec![]), 1),
        (Manner::Nonsense, 1),
    ];
    for (number, (manner, counted)) in (1..).zip(manners) {
        let id = ada.converse().await;
        bench.first.will(manner.clone());
        let before = bench.calls().await.len();
        let Answered { answer, .. } = ada.ask(id, "Who is there?").await.expect(201).data();
        assert_eq!(
            (answer.text.as_str(), answer.model.as_deref()),
            ("Hello.", Some("model-b")),
            "{manner:?}"
        );
        assert_eq!((bench.first.asked(), bench.second.asked()), (number, number), "{manner:?}");
        // What may have been used at the first counts, what cannot have been does not.
        let mut calls = bench.calls().await.split_off(before);
        assert_eq!(calls.pop().unwrap(), ("SETTLED".to_owned(), 20, 3, 52, false), "twice as dear");
        let (state, prompt, completion, cost, estimated) = calls.pop().unwrap();
        assert_eq!((state.as_str(), prompt > 0, completion), ("SETTLED", counted > 0, 0), "{manner:?}");
        assert_eq!((cost, estimated), (prompt, counted > 0), "{manner:?}");
        assert_eq!(answer.usage.unwrap().prompt_tokens, u64::try_from(prompt).unwrap() + 20);
    }
    bench.audit().await;
}

async fn one_that_stalls_in_the_middle_ends_with_an_error_in_time(engine: Engine) {
    let setup = setup().set("BOWLINE_ASSISTANT__DEADLINE_MS", "1200");
    let Some(bench) = Bench::start_with(setup, engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::Stalls(vec!["The move ", "is on "]));
    let began = Instant::now();
    let mut stream = bench.listen(&ada, id, &json!({"text": "When?"})).await;
    let (text, (event, data)) = stream.heard_out().await;
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!((text.as_str(), event.as_str()), ("The move is on ", "error"));
    assert_eq!(data["code"], "DEADLINE_EXCEEDED");
    assert!(data["requestId"].is_string() && data["message"].as_str().unwrap().contains("in time"), "{data}");
    assert_eq!(bench.second.asked(), 0, "something was told already");
    let answer = ada.messages(id).await.remove(0);
    assert_eq!((answer.status, answer.text.as_str()), (MessageStatus::Failed, "The move is on "));
    let usage = answer.usage.unwrap();
    assert!(usage.estimated && usage.prompt_tokens > 0 && usage.completion_tokens >= 4, "{usage:?}");
    testkit::eventually(|| async { bench.first.answers() == (1, 0, 1) }).await;
    assert_eq!(ada.budget().await.day.reserved.tokens, 0);
    ada.ask(id, "Again?").await.expect(201);
    bench.audit().await;
}

async fn one_that_breaks_off_in_the_middle_ends_with_an_error_and_nobody_else_is_asked(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    for manner in [Manner::BreaksOff(vec!["On Mon"]), Manner::FailsLate(vec!["On Mon"])] {
        bench.first.will(manner.clone());
        let mut stream = bench.listen(&ada, id, &json!({"text": "When?"})).await;
        let (text, (event, data)) = stream.heard_out().await;
        assert_eq!(
            (text.as_str(), event.as_str(), &data["code"]),
            ("On Mon", "error", &json!("BAD_GATEWAY"))
        );
        bench.first.will(manner);
        ada.ask(id, "When?").await.refused(ErrorCode::BadGateway);
    }
    assert_eq!(bench.second.asked(), 0);
    bench.audit().await;
}

async fn when_nobody_answers_there_is_a_time_to_come_again(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::Busy(429, 30));
    bench.second.will(Manner::Busy(503, 7));
    let refused = ada.ask(id, "Anybody?").await;
    assert_eq!(refused.header("retry-after"), Some("7"), "whoever is back first");
    refused.refused(ErrorCode::Unavailable);
    bench.first.will(Manner::Busy(429, 30));
    bench.second.will(Manner::Refuses(500));
    let mut stream = bench.listen(&ada, id, &json!({"text": "Anybody?"})).await;
    let (text, (event, data)) = stream.heard_out().await;
    assert_eq!((text.as_str(), event.as_str(), &data["code"]), ("", "error", &json!("SERVICE_UNAVAILABLE")));
    bench.audit().await;
}

async fn when_everybody_is_silent_the_deadline_ends_it(engine: Engine) {
    let setup = setup().set("BOWLINE_ASSISTANT__DEADLINE_MS", "1500");
    let Some(bench) = Bench::start_with(setup, engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::Silent);
    bench.second.will(Manner::Silent);
    ada.ask(id, "Anybody?").await.refused(ErrorCode::DeadlineExceeded);
    bench.audit().await;
}

async fn one_that_fails_again_and_again_is_left_alone(engine: Engine) {
    let setup = setup().set("BOWLINE_ASSISTANT__BREAKER_MINIMUM_CALLS", "3");
    let Some(bench) = Bench::start_with(setup, engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    for _ in 0..3 {
        bench.first.will(Manner::Refuses(503));
        ada.ask(id, "Anybody?").await.expect(201);
    }
    let asked = bench.first.asked();
    assert_eq!(asked, 3);
    for _ in 0..3 {
        ada.ask(id, "Anybody?").await.expect(201);
    }
    assert_eq!(bench.first.asked(), asked, "its breaker is open");
    assert_eq!(bench.second.asked(), 6);
}

async fn what_a_provider_does_not_tell_is_estimated(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::SaysOnly(vec!["Six bytes, then more."]));
    let Answered { answer, .. } = ada.ask(id, "How much?").await.expect(201).data();
    let usage = answer.usage.unwrap();
    assert!(usage.estimated && usage.completion_tokens == 7, "{usage:?}");
    assert_eq!(usage.cost_micros, usage.prompt_tokens + 2 * usage.completion_tokens);
    bench.audit().await;
}

on_both_engines!(
    whoever_does_not_answer_is_followed_by_the_next,
    one_that_stalls_in_the_middle_ends_with_an_error_in_time,
    one_that_breaks_off_in_the_middle_ends_with_an_error_and_nobody_else_is_asked,
    when_nobody_answers_there_is_a_time_to_come_again,
    when_everybody_is_silent_the_deadline_ends_it,
    one_that_fails_again_and_again_is_left_alone,
    what_a_provider_does_not_tell_is_estimated,
);
