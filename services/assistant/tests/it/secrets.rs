//! Neither a key nor what people ask and are answered goes anywhere but where it belongs.

use crate::bench::Bench;
use crate::model_double::{KEY, Manner};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use testkit::Engine;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Every line and span of whatever is told to `tracing`, at every level.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

struct Written<'a>(&'a mut String);

impl Visit for Written<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Written(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Written(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        event.record(&mut Written(&mut text));
        text.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn neither_keys_nor_prompts_nor_answers_are_logged_or_told() {
    let lines = Everything::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let bench = Bench::start(Engine::Sqlite).await.unwrap();
    let ada = bench.person();
    let id = ada.converse().await;
    let mut told = String::new();
    for manner in [
        Manner::Refuses(401),
        Manner::Refuses(500),
        Manner::Nonsense,
        Manner::FailsLate(vec!["my-answer"]),
        Manner::BreaksOff(vec!["my-answer"]),
        Manner::Says(vec!["my-answer"], (1, 1)),
    ] {
        bench.first.will(manner.clone());
        bench.second.will(manner);
        let mut stream = bench.listen(&ada, id, &json!({"text": "my-question"})).await;
        write!(told, "{:?}", stream.rest().await).unwrap();
        bench.first.will(Manner::Refuses(401));
        bench.second.will(Manner::Refuses(401));
        told.push_str(&ada.ask(id, "my-question").await.text());
    }
    write!(told, "{:?} {:?}", bench.calls().await, ada.messages(id).await).unwrap();
    assert!(told.contains("my-answer") && told.contains("my-question"), "it was told to whom it belongs");
    assert!(!told.contains(KEY), "{told}");
    let lines = lines.0.lock().unwrap().clone();
    assert!(lines.contains("a provider of models gave no whole answer"), "the log was looked at");
    for secret in [KEY, &KEY[..12], "my-question", "my-answer", &ada.token] {
        let line = lines.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
