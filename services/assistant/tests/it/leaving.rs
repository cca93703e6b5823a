//! Who goes away: the provider's answer is cancelled, and what was used of it counts.

use crate::bench::{Bench, Person, setup};
use crate::model_double::Manner;
use contract::assistant::MessageStatus;
use contract::ids::ConversationId;
use serde_json::json;
use std::time::Duration;
use testkit::{Engine, eventually, on_both_engines};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Waits until the answer was cancelled everywhere, and what was used of it is counted.
async fn is_cancelled(bench: &Bench, ada: &Person, id: ConversationId, text: &str) {
    eventually(|| async { bench.first.answers().2 == 1 }).await;
    let answer = eventually(|| async {
        let answer = ada.messages(id).await.remove(0);
        if answer.status == MessageStatus::Pending { Err(answer) } else { Ok(answer) }
    })
    .await;
    assert_eq!((answer.status, answer.text.as_str()), (MessageStatus::Cancelled, text));
    let usage = answer.usage.unwrap();
    assert!(usage.estimated && usage.prompt_tokens > 0, "{usage:?}");
    assert_eq!(bench.calls().await[0].0, "SETTLED");
    let day = ada.budget().await.day;
    assert_eq!((day.reserved.tokens, day.reserved.cost_micros), (0, 0));
    assert_eq!(day.spent.cost_micros, usage.cost_micros);
    bench.audit().await;
    ada.ask(id, "And now?").await.expect(201);
}

async fn who_leaves_a_stream_cancels_the_answer(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::Stalls(vec!["Once upon a time"]));
    let mut stream = bench.listen(&ada, id, &json!({"text": "Tell me a story."})).await;
    assert_eq!(stream.next().await.unwrap().1["text"], "Once upon a time");
    drop(stream);
    is_cancelled(&bench, &ada, id, "Once upon a time").await;
    assert_eq!(bench.second.asked(), 0, "nobody else is asked for who has gone");
}

async fn who_leaves_before_the_first_word_cancels_it_too(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::Silent);
    let stream = bench.listen(&ada, id, &json!({"text": "Tell me a story."})).await;
    eventually(|| async { bench.first.answers().0 == 1 }).await;
    drop(stream);
    is_cancelled(&bench, &ada, id, "").await;
}

async fn who_hangs_up_while_waiting_for_a_whole_answer_cancels_it_too(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    let listening = bench.service.listen();
    bench.first.will(Manner::Silent);
    let address = listening.address();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let body = json!({"text": "Tell me a story."}).to_string();
    let head = format!(
        "POST {}/{id}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        crate::bench::CONVERSATIONS,
        ada.token,
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    eventually(|| async { bench.first.answers().0 == 1 }).await;
    drop(socket);
    is_cancelled(&bench, &ada, id, "").await;
}

async fn a_reader_who_does_not_read_on_slows_the_answer_and_its_deadline_ends_it(engine: Engine) {
    let setup = setup().set("BOWLINE_ASSISTANT__DEADLINE_MS", "700");
    let Some(bench) = Bench::start_with(setup, engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    bench.first.will(Manner::Stalls(vec!["word "; 300]));
    let stream = bench.listen(&ada, id, &json!({"text": "Talk."})).await;
    let answer = eventually(|| async {
        let answer = ada.messages(id).await.remove(0);
        if answer.status == MessageStatus::Pending { Err(answer.status) } else { Ok(answer) }
    })
    .await;
    assert_eq!(answer.status, MessageStatus::Failed);
    assert!(answer.text.len() < 300 * 5, "it was not read ahead without an end: {}", answer.text.len());
    drop(stream);
    bench.settled().await;
    bench.audit().await;
}

async fn a_stream_over_a_socket_brings_pieces_as_they_come(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let id = ada.converse().await;
    let listening = bench.service.listen();
    bench.first.will(Manner::Stalls(vec!["First piece"]));
    let mut socket = TcpStream::connect(listening.address()).await.unwrap();
    let body = json!({"text": "Talk."}).to_string();
    let head = format!(
        "POST {}/{id}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         accept: text/event-stream\r\naccept-encoding: gzip\r\ncontent-length: {}\r\n\r\n{body}",
        crate::bench::CONVERSATIONS,
        ada.token,
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut buffer) = (Vec::new(), [0; 4_096]);
    let all = async {
        while !String::from_utf8_lossy(&read).contains("First piece") {
            let count = socket.read(&mut buffer).await.unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&read));
            read.extend_from_slice(&buffer[..count]);
        }
    };
    tokio::time::timeout(Duration::from_secs(10), all).await.unwrap();
    let text = String::from_utf8_lossy(&read).to_lowercase();
    assert!(
        text.contains("content-type: text/event-stream") && text.contains("x-accel-buffering: no"),
        "{text}"
    );
    drop(socket);
    eventually(|| async { bench.first.answers().2 == 1 }).await;
}

on_both_engines!(
    who_leaves_a_stream_cancels_the_answer,
    who_leaves_before_the_first_word_cancels_it_too,
    who_hangs_up_while_waiting_for_a_whole_answer_cancels_it_too,
    a_reader_who_does_not_read_on_slows_the_answer_and_its_deadline_ends_it,
    a_stream_over_a_socket_brings_pieces_as_they_come,
);
